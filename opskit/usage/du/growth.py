"""What of the kept scans goes into `opskit status`: how much more there is, and how fast it grows. No I/O."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from opskit.core.report import Report
from opskit.core.text import counted
from opskit.core.units import ceiling_text, seconds_text
from opskit.usage.du.changes import DAY, RATE_SECONDS
from opskit.usage.du.saved import COMPARED, ScanHead


def report_of(heads: Sequence[ScanHead]) -> Report:
    """The report. heads: of the kept scans, the oldest first."""
    return Report(tuple(_lines(heads)))


def _lines(heads: Sequence[ScanHead]) -> Iterator[str]:
    """A line for each tree of which there are two scans, what grows fastest first."""
    trees: dict[str, list[ScanHead]] = {}
    for head in heads:
        trees.setdefault(repr([head.request.roots, *(getattr(head.request, name) for name in COMPARED)]), []).append(
            head
        )
    rates = []
    for scans in trees.values():
        if len(scans) > 1:
            before, after = scans[-2:]
            seconds, more = (after.taken - before.taken).total_seconds(), after.total_bytes - before.total_bytes
            if seconds >= RATE_SECONDS:
                rates.append((more * DAY / seconds, more, seconds, after))
    for rate, more, seconds, scan in sorted(rates, key=lambda each: -each[0]):
        paths = " ".join(map(os.fsdecode, scan.request.roots))
        sign = "+" if more >= 0 else "-"
        # To the day, or to the second where it is less.
        span = counted(round(seconds / DAY), "day") if seconds >= DAY else seconds_text(seconds, 1)
        a_day = f" ({sign}{ceiling_text(round(abs(rate)))} a day)" if seconds >= DAY else ""
        yield f"{sign}{ceiling_text(abs(more))} in {span}{a_day}, {ceiling_text(scan.total_bytes)} now  {paths}"
