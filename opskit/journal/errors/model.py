"""What is read of the journal and of systemd for `opskit journal errors`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from opskit.core.record import dataclass
from opskit.core.systemd import FailedUnit
from opskit.journal.errors.groups import MessageGroup, Tally
from opskit.journal.files.model import JournalDirectory, Loss, Scope


@dataclass(frozen=True)
class WithoutPriority:
    """Entries without PRIORITY in the files; audit: those of them that are the audit's."""

    entries: int = 0
    audit: int = 0


@dataclass(frozen=True)
class FileIndex:
    """What the index of a journal file tells.

    expected: how many entries of the chosen time journalctl is asked for
    damage: what of the index is damaged, "" for nothing
    """

    expected: int = 0
    without_priority: WithoutPriority = field(default_factory=WithoutPriority)
    damage: str = ""


@dataclass(frozen=True)
class UnitFailure:
    """What is known of a unit that failed.

    result: as systemd names it (exit-code, timeout …)
    process: which one ended: main, control, mount or swap; "" where that is not said
    ended: how: exited, killed or dumped; "" for not known
    status: its exit status, or the number of its signal
    gave_up: systemd starts it no more, since it failed too often
    lines: its last lines, of every priority
    left_out: these were not looked for, since so many units failed
    """

    unit: str
    result: str = ""
    process: str = ""
    ended: str = ""
    status: int = 0
    gave_up: bool = False
    lines: tuple[str, ...] = ()
    left_out: bool = False


@dataclass(frozen=True)
class ErrorFacts:
    """All that was read.

    failed_units: those that are failed now.
    failures: what is known of these, and of the units that failed before.
    oom_units: the unit of the last process of a name that the OOM killer chose.
    scope: what was read.
    namespaces: those that have a journal of their own.
    without_priority: the entries that no -p but debug finds.
    directories: the files that were read.
    losses: what of them cannot be read.
    journalctl_stderr: what journalctl wrote beside the entries.
    systemctl_error: why systemctl could not be asked, "" else.
    """

    tally: Tally
    failed_units: Sequence[FailedUnit] = ()
    without_priority: WithoutPriority = field(default_factory=WithoutPriority)
    directories: Sequence[JournalDirectory] = ()
    losses: Sequence[Loss] = ()
    journalctl_stderr: str = ""
    systemctl_error: str = ""
    failures: Sequence[UnitFailure] = ()
    oom_units: Mapping[str, str] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    namespaces: Sequence[str] = ()

    @property
    def groups(self) -> list[MessageGroup]:
        """The groups, the most important first."""
        return self.tally.groups()
