"""What of the memcached instances goes into `opskit status` and `opskit check`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opskit.core.report import Report
from opskit.core.text import counted
from opskit.core.units import size_text
from opskit.memcached.status.findings import find
from opskit.memcached.status.model import Instance, UnitState, figures
from opskit.memcached.thresholds import DEFAULTS


def report_of(
    instances: Sequence[Instance], units: Sequence[UnitState], thresholds: Mapping[str, int] = DEFAULTS
) -> Report:
    """The report. thresholds: of memcached.thresholds, all."""
    return Report(tuple(_lines(instances)), find(instances, units, thresholds))


def _lines(instances: Sequence[Instance]) -> Iterator[str]:
    if not instances:
        yield "no instance runs"
    for instance in instances:
        counts = figures(instance)
        if instance.answer is None:
            yield f"{instance.name} (pid {instance.pid}): {instance.why}"
            continue
        limit = f" of {size_text(counts.limit)}" if counts.limit else ""
        hits = f", {counts.hit_percent:.0f} % hits" if counts.hit_percent is not None else ""
        used = f"{size_text(counts.used or 0)}{limit}"
        yield f"{instance.name} (pid {instance.pid}): {used}, {counted(counts.items or 0, 'item')}{hits}"
