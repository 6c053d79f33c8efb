"""What of the kept scans goes into `opskit status`: how much more there is, and how fast it grows. No I/O."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Optional

from opskit.core.finding import Finding, follow_up
from opskit.core.report import Report
from opskit.core.text import counted
from opskit.core.units import ceiling_text, seconds_text
from opskit.usage.du.changes import DAY, RATE_SECONDS
from opskit.usage.du.saved import COMPARED, ScanHead
from opskit.usage.thresholds import DEFAULTS

# A rate that is older than this says nothing of the days to come.
RECENT = 7 * DAY


class Growth(NamedTuple):
    """How a tree has changed between its last two scans. more: bytes; seconds: between them."""

    scan: ScanHead
    more: int
    seconds: float

    @property
    def rate(self) -> float:
        """Bytes a day."""
        return self.more * DAY / self.seconds

    @property
    def paths(self) -> list[str]:
        """Its roots."""
        return list(map(os.fsdecode, self.scan.request.roots))


def growths(heads: Sequence[ScanHead]) -> list[Growth]:
    """The trees of which there are two scans, what grows fastest first. heads: of the kept scans, the oldest first."""
    trees: dict[str, list[ScanHead]] = {}
    for head in heads:
        key = repr([head.request.roots, *(getattr(head.request, name) for name in COMPARED)])
        trees.setdefault(key, []).append(head)
    found = [
        Growth(after, after.total_bytes - before.total_bytes, (after.taken - before.taken).total_seconds())
        for before, after in (scans[-2:] for scans in trees.values() if len(scans) > 1)
    ]
    return sorted((each for each in found if each.seconds >= RATE_SECONDS), key=lambda each: -each.rate)


def report_of(
    grown: Sequence[Growth],
    available: Optional[Mapping[str, int]] = None,
    now: float = 0.0,
    thresholds: Mapping[str, int] = DEFAULTS,
) -> Report:
    """The report.

    available: bytes on the filesystem of a path, where that is known
    now: seconds since 1970
    thresholds: of usage.thresholds, all
    """
    found = [finding for each in grown for finding in _fills(each, available or {}, now, thresholds["full_within"])]
    return Report(tuple(map(_line, grown)), tuple(found))


def _fills(growth: Growth, available: Mapping[str, int], now: float, within: int) -> Iterator[Finding]:
    """A finding where its disk is full soon, if it goes on so. What grew for less than a day says nothing."""
    path, request = growth.paths[0], growth.scan.request
    # What lies on other disks, or takes none of its room, says nothing of this one.
    elsewhere = len(growth.paths) > 1 or not request.one_file_system or request.follow
    if (
        growth.more <= 0
        or elsewhere
        or request.apparent
        or request.count_links
        or growth.seconds < DAY
        or now - growth.scan.taken.timestamp() > RECENT
        or path not in available
    ):
        return
    left = available[path] * DAY / growth.rate
    if left < within:
        title = f"{path}: its disk is full in {seconds_text(int(left), 1) if left >= 1 else 'no time'}, if it grows on"
        evidence = f"+{ceiling_text(round(growth.rate))} a day, {ceiling_text(available[path])} available"
        remedy = follow_up("du", "--diff", "last", path)
        yield Finding("fills-soon", "warning", title, evidence, remedy)


def _line(growth: Growth) -> str:
    sign = "+" if growth.more >= 0 else "-"
    # To the day, or to the second where it is less.
    days = growth.seconds >= DAY
    span = counted(round(growth.seconds / DAY), "day") if days else seconds_text(growth.seconds, 1)
    a_day = f" ({sign}{ceiling_text(round(abs(growth.rate)))} a day)" if days else ""
    size = ceiling_text(growth.scan.total_bytes)
    return f"{sign}{ceiling_text(abs(growth.more))} in {span}{a_day}, {size} now  {' '.join(growth.paths)}"
