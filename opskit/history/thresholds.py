"""From when on opskit's own runs are findings of `opskit check`: `[check.history]` of a config file."""

from __future__ import annotations

from opskit.core.report import COUNT, Threshold, defaults

THRESHOLDS = {"waiting": Threshold(COUNT, 1, "so many runs wait for an undo", "run-waits")}
DEFAULTS = defaults(THRESHOLDS)
