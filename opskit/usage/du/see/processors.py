"""How many processes walk a tree best: one for each processor, and more where one waits for the disk."""

from __future__ import annotations

import os
import resource

from opskit.usage.du.model import MOST_WORKERS

# So many blocks are asked for at once where the disk is what takes the time: a fifth faster than two (facts/du.md).
WAITING = 8
# So often one process has waited after its first 1,500 entries: not even once when nothing comes from the disk.
WAITS = 20


def waits() -> int:
    """How often this process gave its processor away because it had to wait (getrusage(2), ru_nvcsw)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def fitting(waited: int) -> int:
    """The number of workers, after one process waited so often."""
    processors = len(os.sched_getaffinity(0))
    return min(max(processors, WAITING), MOST_WORKERS) if waited >= WAITS else min(processors, WAITING)
