"""What `opskit status` and `check` are told of disks and fstab. No disk is opened: another may be at work on it."""

from __future__ import annotations

from opskit.core.errors import Failed
from opskit.core.report import Report, ReportRequest
from opskit.core.runner import Runner
from opskit.disk.report import report_of
from opskit.disk.see.facts import see


def check(runner: Runner, request: ReportRequest) -> Report:  # noqa: ARG001 - no threshold is about disks
    """The report. Raises Failed where fstab cannot be read."""
    facts = see(runner)
    if facts.fstab.problem:
        raise Failed(facts.fstab.path, facts.fstab.problem)
    return report_of(facts)
