"""What of the package managers' locks goes into `opskit status` and `opskit check`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from opskit.core.finding import Finding
from opskit.core.report import Measure, Report
from opskit.core.text import counted
from opskit.core.units import seconds_text
from opskit.yum.findings import find
from opskit.yum.model import Facts
from opskit.yum.state import FREE, HELD, TAKEN, LockVerdict
from opskit.yum.thresholds import DEFAULTS


def report_of(
    facts: Facts, verdicts: Sequence[LockVerdict], now: float, thresholds: Mapping[str, int] = DEFAULTS
) -> Report:
    """The report. now: seconds since 1970. thresholds: of yum.thresholds, all."""
    held = [verdict for verdict in verdicts if verdict.state in TAKEN]
    oldest = min((verdict.since for verdict in held if verdict.since), default=now)
    age = Measure("opskit_package_lock_age_seconds", max(0.0, now - oldest))
    old = {
        verdict.path
        for verdict in held
        if verdict.state == HELD and not verdict.lock.place.owner and 0 < verdict.since <= now - thresholds["held_for"]
    }
    findings = tuple(_warned(finding, old) for finding in find(facts, verdicts))
    return Report(tuple(_lines(verdicts, now)), findings, (age,))


def _warned(finding: Finding, old: set[str]) -> Finding:
    """The finding; a warning, where it is about one of these locks: who works so long may do so no more."""
    if finding.id == "lock-held" and finding.severity == "info" and finding.title.partition(": ")[0] in old:
        return replace(finding, severity="warning")
    return finding


def _lines(verdicts: Sequence[LockVerdict], now: float) -> Iterator[str]:
    taken = [verdict for verdict in verdicts if verdict.state != FREE]
    if not taken:
        yield f"free: no package manager is locked ({counted(len(verdicts), 'place')} looked at)"
    for verdict in taken:
        holder = f" by {verdict.holder.name} (pid {verdict.holder.pid})" if verdict.holder else ""
        since = f" for {seconds_text(int(now - verdict.since), 2)}" if 0 < verdict.since <= now else ""
        yield f"{verdict.path}: {verdict.state}{holder}{since}"
