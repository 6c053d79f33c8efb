"""The steps of this area by their kinds: how an undo finds the class of a step in the ledger."""

from __future__ import annotations

from opskit.core.plan import Step
from opskit.usage.du.delete.steps import DeleteTree

STEPS: tuple[type[Step], ...] = (DeleteTree,)
KINDS: dict[str, type[Step]] = {step.kind: step for step in STEPS}
