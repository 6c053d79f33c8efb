"""Every step of the area: KINDS finds a step's class again from the ledger."""

from __future__ import annotations

from opskit.core.plan import Step
from opskit.memcached.instance.steps import MakeDirectory, RemovePidFile, StartMemcached, StopMemcached
from opskit.memcached.unit.steps import EnableUnit, StartUnit, StopUnit, WriteSettings, WriteTemplate

STEPS: tuple[type[Step], ...] = (
    MakeDirectory, StartMemcached, StopMemcached, RemovePidFile, WriteSettings, WriteTemplate,
    StartUnit, EnableUnit, StopUnit,
)  # fmt: skip
KINDS: dict[str, type[Step]] = {step.kind: step for step in STEPS}
