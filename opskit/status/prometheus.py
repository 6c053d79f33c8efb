"""The answer of `opskit check` as numbers for Prometheus."""

from __future__ import annotations

from collections import Counter

from opskit.core.metrics import exposition
from opskit.core.report import Measure
from opskit.status.model import Conclusion


def metrics(conclusion: Conclusion, now: float) -> str:
    """The content of the file. now: seconds since 1970."""
    counts = Counter((each.area, each.finding.severity, each.finding.id) for each in conclusion.findings)
    measures = [
        Measure("opskit_findings", count, {"check": area, "severity": severity, "id": name})
        for (area, severity, name), count in sorted(counts.items())
    ]
    measures += [
        Measure("opskit_check_exit_code", code, {"check": area}) for area, code in sorted(conclusion.codes.items())
    ]
    measures.append(Measure("opskit_check_last_run_timestamp_seconds", round(now, 3)))
    measures += [measure for look in conclusion.looks for measure in look.report.measures]
    return exposition(measures)
