"""What `opskit status` and `opskit check` are told of the locks of the package managers."""

from __future__ import annotations

import time

from opskit.core.errors import Missing
from opskit.core.report import Report, ReportRequest
from opskit.core.runner import Runner
from opskit.yum.report import report_of
from opskit.yum.see.facts import see
from opskit.yum.state import judge
from opskit.yum.thresholds import DEFAULTS


def check(runner: Runner, request: ReportRequest) -> Report:
    """The report."""
    try:
        facts = see(runner, everyone=True)
    except Missing:
        return Report(("no package manager that opskit knows is on this host",))
    return report_of(facts, judge(facts), time.time(), {**DEFAULTS, **request.thresholds})
