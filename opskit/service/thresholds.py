"""From when on services are findings of `opskit check`: `[check.service]` of a config file has other numbers."""

from __future__ import annotations

from opskit.core.report import COUNT, SPAN, Threshold, defaults

THRESHOLDS = {
    "restarts": Threshold(COUNT, 3, "a unit was started again by itself so often", "restarts"),
    "restarts_within": Threshold(SPAN, 3600, "the last time that it was is no longer ago", "restarts"),
    "zombies": Threshold(COUNT, 1, "a process has so many zombies", "zombie"),
    # Many programs, such as dpkg-deb, come to their children at their own end.
    "zombie_age": Threshold(SPAN, 60, "a zombie was started so long ago", "zombie"),
}
DEFAULTS = defaults(THRESHOLDS)
