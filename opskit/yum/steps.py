"""The steps of this area by their kinds: how an undo finds the class of a step in the ledger."""

from __future__ import annotations

from opskit.core.plan import Step
from opskit.yum.database.steps import CopyDatabase, RebuildDatabase, SetAsideRegions
from opskit.yum.unlock.steps import Clear, Continue, Interrupt
from opskit.yum.why.steps import Hold

STEPS: tuple[type[Step], ...] = (
    Interrupt,
    Continue,
    Clear,
    Hold,
    CopyDatabase,
    SetAsideRegions,
    RebuildDatabase,
)
KINDS: dict[str, type[Step]] = {step.kind: step for step in STEPS}
