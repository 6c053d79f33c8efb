"""The step of an undo: a step of an earlier run, taken back by its own undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from opskit.core.command import Runner
from opskit.core.plan import Change, Record, Step


@dataclass(frozen=True)
class UndoStep(Step):
    """Take back one step.

    run, number: where the ledger has it
    change: what its undo does
    step: the step itself
    record: what it left in the ledger for its undo
    """

    kind: ClassVar[str] = "history.undo"
    under_lock: ClassVar[bool] = True

    run: str
    number: int
    change: Change
    step: Step
    record: Record

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises CannotUndo when the step has to stay as it is. Each step's own undo checks what it did."""
        self.step.undo(runner, self.record)
        return {}

    def undo_change(self, record: Record) -> str:
        return f"it is itself an undo; run the command of {self.run} again"
