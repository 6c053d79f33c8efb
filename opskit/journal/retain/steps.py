"""The step that writes a drop-in for journald.conf and has journald read it."""

from __future__ import annotations

import contextlib
import os
import shlex
from dataclasses import dataclass
from typing import ClassVar, Optional, Union

from opskit.core.command import Command
from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import sync_directory, write_atomic
from opskit.core.plan import Change, Record, Step
from opskit.core.runner import Runner
from opskit.journal.files.model import files_by_path
from opskit.journal.files.see.directory import read_directory
from opskit.journal.retain.see import read_text
from opskit.journal.vacuum.rules import compare


@dataclass(frozen=True)
class RetainJournal(Step):
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
    def change(self) -> Change:
        return Change(
            "retain-journal", self.path, _brief(self.before), _brief(self.text), self._commands(self.text), True
        )

    def _commands(self, text: str) -> tuple[str, ...]:
        new = shlex.quote(self.path + ".new")
        lines = " ".join(map(shlex.quote, text.splitlines()))
        return (
            f"mkdir -p -- {shlex.quote(os.path.dirname(self.path))}",
            f"printf '%s\\n' {lines} > {new}",
            f"mv -f -- {new} {shlex.quote(self.path)}",
            *((self._restart().as_shell(),) if self.unit else ()),
        )

    def _restart(self) -> Command:
        return Command(("systemctl", "restart", self.unit), mutates=True)

    def remember(self, runner: Runner) -> Record:
        """Whether the directory of drop-ins is made."""
        return {"made": not os.path.isdir(os.path.dirname(self.path))}

    def apply(self, runner: Runner, record: Record) -> Record:
        """Write it, restart, and see what went. Raises Failed when the drop-in is not as it was."""
        if read_text(self.path) != self.before:
            raise Failed(self.path, "it was changed since the plan was made", todo="run the same command again")
        self._write(self.text)
        if not self.unit:
            return {}
        before = [read_directory(self.journals)] if self.journals else []
        runner.run(self._restart())
        after = [read_directory(directory.path) for directory in before]
        return compare(files_by_path(before), files_by_path(after), self.deletes)

    def _write(self, text: str) -> None:
        directory = os.path.dirname(self.path)
        try:
            if not os.path.isdir(directory):
                os.makedirs(directory, mode=0o755)
                sync_directory(os.path.dirname(directory))
            write_atomic(self.path, text.encode("utf-8", "surrogateescape"), mode=0o644)
        except OSError as error:
            raise Failed(self.path, f"it cannot be written ({error.strerror})") from error

    def verify(self, runner: Runner, record: Record) -> None:
        """The drop-in is there, and journald runs."""
        if read_text(self.path) != self.text:
            raise Failed(self.path, "it does not hold what was written")
        if self.unit:
            runner.run(Command(("systemctl", "is-active", "--quiet", self.unit), mutates=False))

    def undo_change(self, record: Record) -> Union[Change, str]:
        restart = (self._restart().as_shell(),) if self.unit else ()
        remove = (f"rm -- {shlex.quote(self.path)}", *restart)
        commands = remove if self.before is None else self._commands(self.before)
        return Change("take-back-retention", self.path, _brief(self.text), _brief(self.before), commands, False)

    def undo(self, runner: Runner, record: Record) -> None:
        """Put back what was there, unless somebody edited it since. Raises CannotUndo."""
        now = read_text(self.path)
        if now not in {self.text, self.before}:
            raise CannotUndo(f"{self.path} is kept: it was changed since")
        if now == self.before:
            return
        if self.before is None:
            os.unlink(self.path)
            sync_directory(os.path.dirname(self.path))
            if record.get("made"):
                with contextlib.suppress(OSError):
                    os.rmdir(os.path.dirname(self.path))
        else:
            self._write(self.before)
        if self.unit:
            runner.run(self._restart())


def _brief(text: Optional[str]) -> str:
    """The assignments of a drop-in on one line."""
    if text is None:
        return "absent"
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith(("#", ";"))]
    return " ".join(lines) or "no settings"
