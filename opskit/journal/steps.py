"""The steps of this area by their kinds: how an undo finds the class of a step in the ledger."""

from __future__ import annotations

from opskit.core.plan import Step
from opskit.journal.retain.steps import RetainJournal
from opskit.journal.vacuum.steps import CopyJournals, RotateJournal, VacuumJournal

STEPS: tuple[type[Step], ...] = (RotateJournal, CopyJournals, VacuumJournal, RetainJournal)
KINDS: dict[str, type[Step]] = {step.kind: step for step in STEPS}
