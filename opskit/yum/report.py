"""What of the package managers' locks goes into `opskit status` and `opskit check`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opskit.core.report import Measure, Report
from opskit.core.text import counted
from opskit.core.units import seconds_text
from opskit.yum.findings import find
from opskit.yum.model import Facts
from opskit.yum.state import FREE, TAKEN, LockVerdict


def report_of(facts: Facts, verdicts: Sequence[LockVerdict], now: float) -> Report:
    """The report. now: seconds since 1970."""
    held = [verdict for verdict in verdicts if verdict.state in TAKEN]
    oldest = min((verdict.since for verdict in held if verdict.since), default=now)
    age = Measure("opskit_package_lock_age_seconds", max(0.0, now - oldest))
    return Report(tuple(_lines(verdicts, now)), find(facts, verdicts), (age,))


def _lines(verdicts: Sequence[LockVerdict], now: float) -> Iterator[str]:
    taken = [verdict for verdict in verdicts if verdict.state != FREE]
    if not taken:
        yield f"free: no package manager is locked ({counted(len(verdicts), 'place')} looked at)"
    for verdict in taken:
        holder = f" by {verdict.holder.name} (pid {verdict.holder.pid})" if verdict.holder else ""
        since = f" for {seconds_text(int(now - verdict.since), 2)}" if 0 < verdict.since <= now else ""
        yield f"{verdict.path}: {verdict.state}{holder}{since}"
