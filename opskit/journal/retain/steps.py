"""The step that writes a drop-in for journald.conf and has journald read it."""

from __future__ import annotations

from typing import ClassVar, Optional, Union

from opskit.core.command import Command
from opskit.core.plan import Change, Record
from opskit.core.record import dataclass
from opskit.core.runner import Runner
from opskit.core.textfile import Replacement, ReplaceText
from opskit.journal.files.model import files_by_path
from opskit.journal.files.see.directories import read_directory
from opskit.journal.vacuum.rules import compare


@dataclass(frozen=True)
class RetainJournal(ReplaceText):
    """Write a drop-in, restart journald.

    before: its text when this was decided, None for absent. unit: what is restarted, "" for nothing. journals: the
    directory that journald vacuums then; deletes: what it deletes there by the rules.
    """

    kind: ClassVar[str] = "journal.retain"
    path: str
    text: str
    before: Optional[str]
    unit: str
    journals: str = ""
    deletes: tuple[str, ...] = ()

    @property
    def replacement(self) -> Replacement:
        return Replacement(self.path, self.text, self.before)

    @property
    def settle(self) -> tuple[Command, ...]:
        return (Command(("systemctl", "restart", self.unit), mutates=True),) if self.unit else ()

    @property
    def change(self) -> Change:
        after = f"{_brief(self.text)}{self._restart}"
        return Change("retain-journal", self.path, _brief(self.before), after, self.lines(), True)

    @property
    def _restart(self) -> str:
        """What the restart does, beside: it is a change of its own."""
        if not self.unit:
            return ""
        deletes = f", and deletes {len(self.deletes)} of its files" if self.deletes else ""
        return f"; {self.unit} is restarted{deletes}"

    def apply(self, runner: Runner, record: Record) -> Record:
        """Write it, restart, and see what went. Raises Failed when the drop-in is not as it was."""
        before = [read_directory(self.journals)] if self.journals and self.unit else []
        super().apply(runner, record)
        after = [read_directory(directory.path) for directory in before]
        return compare(files_by_path(before), files_by_path(after), self.deletes) if self.unit else {}

    def verify(self, runner: Runner, record: Record) -> None:
        """The drop-in is there, and journald runs."""
        super().verify(runner, record)
        if self.unit:
            runner.run(Command(("systemctl", "is-active", "--quiet", self.unit), mutates=False))

    def undo_change(self, record: Record) -> Union[Change, str]:
        after = _brief(self.before) + (f"; {self.unit} is restarted" if self.unit else "")
        return Change("take-back-retention", self.path, _brief(self.text), after, self.undo_lines(), False)


def _brief(text: Optional[str]) -> str:
    """The assignments of a drop-in on one line."""
    if text is None:
        return "absent"
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith(("#", ";"))]
    return " ".join(lines) or "no settings"
