"""What `opskit status` and `opskit check` are told of the kept scans: their sums, without their entries."""

from __future__ import annotations

from opskit.core.report import Report, ReportRequest
from opskit.core.runner import Runner
from opskit.usage.du.growth import report_of
from opskit.usage.du.see.kept import kept_heads


def check(runner: Runner, request: ReportRequest) -> Report:  # noqa: ARG001 - it starts no program
    """The report."""
    try:
        return report_of(tuple(kept_heads(request.state_dir)))
    except PermissionError:
        return Report(unseen=("the scans that are kept: this user may not read them",))
