"""Steps of a vacuum: rotate, run journalctl and compare what went with what was to go."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import dataclass
from typing import ClassVar, Union

from opskit.core.caller import machine_id
from opskit.core.command import MINUTE, Command, shell_lines
from opskit.core.errors import CannotUndo, Failed
from opskit.core.plan import Change, Record, Step
from opskit.core.runner import Runner
from opskit.journal.files.model import JournalDirectory, Scope, files_by_path
from opskit.journal.files.see.scope import read_scope
from opskit.journal.releases import Version, rules_of
from opskit.journal.vacuum.model import VacuumLimits
from opskit.journal.vacuum.rules import Prediction, compare, predict, span_now
from opskit.journal.vacuum.steps.copies import Copied, copy_journal, files_text

# journalctl opens every file before it looks at its clock, and then deletes one by one.
VACUUM_SECONDS = 30 * MINUTE
ROTATE_SECONDS = 30.0


@dataclass(frozen=True)
class RotateJournal(Step):
    """Have journald archive what it writes to. version: of systemd. makes: the archived files that come of it."""

    kind: ClassVar[str] = "journal.rotate"
    namespace: str
    version: int
    makes: tuple[str, ...] = ()

    @property
    def change(self) -> Change:
        after = f"{len(self.makes)} of them go" if self.makes else "archived"
        # Nothing stands on it: the copies that were made before are taken back without it.
        return Change("rotate-journal", "journald", "active files", after, shell_lines(self.commands), True)

    @property
    def _waits(self) -> bool:
        """Whether there is a command for it, which ends when it is done."""
        return rules_of(Version(self.version)).rotate

    @property
    def commands(self) -> tuple[Command, ...]:
        """Alone: 239 takes the last of --rotate and --vacuum-*, 252 can drop the rotation."""
        argv = ("systemctl", "kill", "--kill-who=main", "--signal=SIGUSR2", "systemd-journald.service")
        if self._waits:
            argv = ("journalctl", *((f"--namespace={self.namespace}",) if self.namespace else ()), "--rotate")
        return (Command(argv, mutates=True),)

    def verify(self, runner: Runner, record: Record) -> None:
        """The archived files are there: journald answers no signal, so it is waited for."""
        deadline = time.monotonic() + (0 if self._waits else ROTATE_SECONDS)
        while True:
            absent = [path for path in self.makes if not os.path.lexists(path)]
            if not absent:
                return
            if time.monotonic() > deadline:
                why = "it does not exist after the rotation, which should have made it"
                raise Failed(absent[0], why, todo="run the same command again without --rotate and read the plan")
            time.sleep(0.1)

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "a rotation cannot be taken back"

    def undo(self, runner: Runner, record: Record) -> None:
        raise CannotUndo(str(self.undo_change(record)), keeps_earlier=False)


@dataclass(frozen=True)
class VacuumJournal(Step):
    """Run journalctl's vacuum. deletes: what it deletes by the rules; copies: of all of that, or none.

    rotated: the journal was, just before.

    now: the moment from which limits.span counts, microseconds since 1970. bytes: as CopyJournals has them.
    """

    kind: ClassVar[str] = "journal.vacuum"
    scope: Scope
    version: Version
    limits: VacuumLimits
    span_text: str
    now: int
    deletes: tuple[str, ...]
    bytes: int
    copies: tuple[Copied, ...] = ()
    rotated: bool = False

    @property
    def change(self) -> Change:
        before = files_text(len(self.deletes), self.bytes)
        target = self.scope.directory or self.scope.root or "journal"
        return Change("vacuum-journal", target, before, "deleted", shell_lines(self.commands), bool(self.copies))

    @property
    def commands(self) -> tuple[Command, ...]:
        """With the span as it was typed; apply changes that where a file's age is near to it."""
        return (self._command(self._typed()),)

    def _command(self, span: str) -> Command:
        limits = self.limits
        words = [f"--vacuum-time={span}"] if limits.span else []
        words += [f"--vacuum-size={limits.size}"] if limits.size else []
        words += [f"--vacuum-files={limits.files}"] if limits.files else []
        return Command(("journalctl", *self.scope.options, *words), mutates=True, timeout=VACUUM_SECONDS)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Decide once more, run it, and see what went. Raises Failed when other files would go than were shown.

        What was to go may be gone after a rotation: journald deletes what is above its own limits with each. What
        journalctl did otherwise is in the record and not a failure of the step: it cannot be made undone.
        """
        before = self._read()
        predictions = [predict(directory, self.limits, rules_of(self.version), self.now) for directory in before]
        would = {prediction.directory.path_of(file) for prediction in predictions for file in prediction.deletes}
        gone = [path for path in self.deletes if self.rotated and not os.path.lexists(path)]
        other = sorted(would ^ set(self.deletes).difference(gone))
        if other:
            what = "deleted" if other[0] in would else "kept"
            raise Failed(
                other[0], f"it would now be {what}, unlike when the plan was made", todo="run the same command again"
            )
        runner.run(self._command(self._span(predictions)))
        record = self._compare(before, self._read(), predictions)
        return {**record, "gone": [*gone, *record["gone"]]}

    def _read(self) -> tuple[JournalDirectory, ...]:
        try:
            return read_scope(self.scope, rules_of(self.version), machine_id())
        except OSError as error:
            raise Failed(self.scope.directory, f"it cannot be read ({error.strerror})") from error

    def _span(self, predictions: list[Prediction]) -> str:
        """The span for journalctl, which counts from the moment in which it looks at its clock.

        As it was typed, unless time has passed by a file since: then the one that ends just behind the files that go.
        """
        ages = [candidate.age for prediction in predictions for candidate in prediction.order]
        return span_now(ages, self.limits.span or 0, self.now, time.time_ns() // 1000) or self._typed()

    def _typed(self) -> str:
        return self.span_text if rules_of(self.version).every_unit else f"{self.limits.span}us"

    def _compare(
        self, before: tuple[JournalDirectory, ...], after: tuple[JournalDirectory, ...], predictions: list[Prediction]
    ) -> Record:
        stuck = [prediction.directory.path_of(file) for prediction in predictions for file in prediction.undeletable]
        return compare(files_by_path(before), files_by_path(after), (*self.deletes, *stuck))

    def undo_change(self, record: Record) -> Union[Change, str]:
        if not self.copies:
            return "the files are deleted; --keep-copy DIR would have kept copies of them"
        pairs = tuple(
            f"cp --no-clobber --preserve=all --reflink=auto -- {shlex.quote(c.copy)} {shlex.quote(c.path)}"
            for c in self.copies
        )
        return Change("restore-journals", "journal", "deleted", f"{len(pairs)} files", (*pairs, "sync"), False)

    def undo(self, runner: Runner, record: Record) -> None:
        """Bring back what went, from the copies. Raises CannotUndo, or Failed."""
        absent = [path for path in self.deletes if not os.path.lexists(path)]
        if absent and not self.copies:
            raise CannotUndo(str(self.undo_change(record)), keeps_earlier=False)
        for file in self.copies:
            if not os.path.lexists(file.path):
                copy_journal(file.copy, file.path)
