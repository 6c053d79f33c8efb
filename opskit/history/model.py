"""What an undo is decided on: the runs of the ledger, and what of each step of a run is left on the host."""

from __future__ import annotations

from typing import Optional

from opskit.core.ledger import Run
from opskit.core.plan import Change, Step
from opskit.core.record import dataclass


@dataclass(frozen=True)
class StepLeft:
    """What of one step of a run is left on the host.

    step: None when this opskit does not know it
    change: what taking it back changes; None when nothing of it is left, or when it is kept whatever the host is like
    kept: why it is kept as the host is now, "" when it is not
    keeps_earlier: whether the steps before it are kept, too
    todo: what a person can do about it
    missing: what it would be put back for, where that is not on the host any more (CannotUndo)
    """

    step: Optional[Step] = None
    change: Optional[Change] = None
    kept: str = ""
    keeps_earlier: bool = False
    todo: str = ""
    missing: str = ""

    @property
    def gone(self) -> bool:
        """Whether there is nothing to take back."""
        return not self.kept and self.change is None

    @property
    def in_the_way(self) -> bool:
        """Whether it could be taken back, were it not for what the host is like now."""
        return bool(self.kept) and (self.step is None or (self.change is not None and self.keeps_earlier))


@dataclass(frozen=True)
class UndoFacts:
    """All that the decision of an undo stands on.

    runs: those of the ledger, the oldest first
    left: what is left of each step, by its number; of the run, and of those that changed the same things
    """

    runs: tuple[Run, ...]
    left: dict[str, dict[int, StepLeft]]
