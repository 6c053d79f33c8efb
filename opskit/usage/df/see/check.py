"""What `opskit status` and `opskit check` are told of the filesystems."""

from __future__ import annotations

from opskit.core.report import Report, ReportRequest
from opskit.core.runner import Runner
from opskit.usage.df.report import report_of
from opskit.usage.df.see.deleted import see_deleted
from opskit.usage.df.see.filesystems import see
from opskit.usage.thresholds import DEFAULTS

# For mounts that do not answer; the look itself has more.
SECONDS = 2.0


def check(runner: Runner, request: ReportRequest) -> Report:  # noqa: ARG001 - it starts no program
    """The report."""
    return report_of(see(seconds=SECONDS), see_deleted(), {**DEFAULTS, **request.thresholds})
