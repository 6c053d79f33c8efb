"""The steps of the history: one of an earlier run, taken back by its own undo; and runs taken out of the ledger."""

from __future__ import annotations

from typing import ClassVar

from opskit.core.command import Runner
from opskit.core.errors import CannotUndo
from opskit.core.ledger import Ledger
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.text import counted


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

    @property
    def late_modules(self) -> tuple[str, ...]:
        return self.step.late_modules

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises CannotUndo when the step has to stay as it is. Each step's own undo checks what it did."""
        self.step.undo(runner, self.record)
        return {}

    def undo_change(self, record: Record) -> str:
        return f"it is itself an undo; run the command of {self.run} again"


@dataclass(frozen=True)
class PruneRuns(Step):
    """Take runs out of the ledger, which is written anew without them.

    runs: their ids, the oldest first
    of: how many runs the ledger has
    """

    kind: ClassVar[str] = "history.prune"

    state_dir: str
    runs: tuple[str, ...]
    of: int

    @property
    def change(self) -> Change:
        path = Ledger(self.state_dir).path
        before = f"{counted(self.of, 'run')}, from {self.runs[0]} on"
        after = f"{counted(len(self.runs), 'run')} fewer, the last of them {self.runs[-1]}"
        return Change("prune-ledger", path, before, after, (), reversible=False)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises Failed, with the ledger as it was."""
        return {"bytes": Ledger(self.state_dir).drop(self.runs)}

    def undo_change(self, record: Record) -> str:
        return "what was pruned is gone"

    def undo(self, runner: Runner, record: Record) -> None:
        """Nothing is to do where the ledger could not be written: it is as it was."""
        if "bytes" in record:
            raise CannotUndo("what was pruned is gone")


KINDS: dict[str, type[Step]] = {PruneRuns.kind: PruneRuns}
