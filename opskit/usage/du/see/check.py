"""What `opskit status` and `opskit check` are told of the kept scans: their sums, without their entries."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator

from opskit.core.reach import silence_at
from opskit.core.report import Report, ReportRequest
from opskit.core.runner import Runner
from opskit.usage.du.growth import growths, report_of
from opskit.usage.du.see.kept import kept_heads
from opskit.usage.thresholds import DEFAULTS


def check(runner: Runner, request: ReportRequest) -> Report:  # noqa: ARG001 - it starts no program
    """The report."""
    try:
        grown = growths(tuple(kept_heads(request.state_dir)))
    except PermissionError:
        return Report(unseen=("the scans that are kept: this user may not read them",))
    available = dict(_available(each.paths[0] for each in grown if each.paths))
    return report_of(grown, available, time.time(), {**DEFAULTS, **request.thresholds})


def _available(paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The bytes that are available where these paths are; none of what does not answer, or is gone."""
    for path in paths:
        with contextlib.suppress(OSError):
            if not silence_at(path):
                figures = os.statvfs(path)
                yield path, figures.f_bavail * figures.f_frsize
