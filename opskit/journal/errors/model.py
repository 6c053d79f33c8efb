"""What is read of the journal and of systemd for `opskit journal errors`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opskit.core.systemd import FailedUnit
from opskit.journal.errors.groups import Group, Tally
from opskit.journal.files.model import Directory


@dataclass(frozen=True)
class Unjudged:
    """Entries without PRIORITY in the files; audit: those of them that are the audit's."""

    entries: int = 0
    audit: int = 0


@dataclass(frozen=True)
class Seen:
    """All that was found. failed: the units that are failed now. said: what journalctl said on stderr."""

    tally: Tally
    failed: Sequence[FailedUnit] = ()
    unjudged: Unjudged = field(default_factory=Unjudged)
    directories: Sequence[Directory] = ()
    said: str = ""
    trouble: str = ""  # why systemctl could not be asked

    @property
    def groups(self) -> list[Group]:
        """The groups, the most frequent first."""
        return self.tally.groups()
