"""What is read of the journal and of systemd for `opskit journal errors`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opskit.core.systemd import FailedUnit
from opskit.journal.errors.groups import MessageGroup, Tally
from opskit.journal.files.model import JournalDirectory, Loss


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
class ErrorFacts:
    """All that was read.

    failed_units: those that are failed now.
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

    @property
    def groups(self) -> list[MessageGroup]:
        """The groups, the most important first."""
        return self.tally.groups()
