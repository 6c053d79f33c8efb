"""From when on a lock is a finding of `opskit check`: `[check.yum]` of a config file has other numbers."""

from __future__ import annotations

from opskit.core.report import SPAN, Threshold, defaults

THRESHOLDS = {
    "held_for": Threshold(SPAN, 3600, "a process that works has had the lock so long: a warning", "lock-held"),
}
DEFAULTS = defaults(THRESHOLDS)
