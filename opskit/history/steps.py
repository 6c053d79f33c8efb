"""The step of an undo: a step of an earlier run, taken back by its own undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from opskit.core.errors import CannotUndo
from opskit.core.plan import Change, Record, Step
from opskit.core.runner import Runner


@dataclass(frozen=True)
class UndoStep:
    """Take back one step. run, number: where the ledger has it. record: what it left there. change: what undo does."""

    kind: ClassVar[str] = "history.undo"
    under_lock: ClassVar[bool] = True

    run: str
    number: int
    change: Change
    step: Step
    record: Record

    def remember(self, runner: Runner) -> Record:  # noqa: ARG002
        """See Step. Nothing: an undo is not taken back."""
        return {}

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """See Step. Raises CannotUndo when the step has to stay as it is."""
        self.step.undo(runner, self.record)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        """See Step. Each step's own undo checks what it did."""

    def undo_change(self, record: Record) -> str:  # noqa: ARG002
        """See Step."""
        return f"it is itself an undo; run the command of {self.run} again"

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """See Step."""
        raise CannotUndo(self.undo_change(record))
