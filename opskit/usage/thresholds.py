"""From when on filesystems are findings of `opskit check`: `[check.disk]` of a config file has other numbers."""

from __future__ import annotations

from opskit.core.report import SPAN, Threshold, defaults, percent

THRESHOLDS = {
    "full_percent": percent(85, "a filesystem is so full: a warning", "nearly-full"),
    "full_error_percent": percent(95, "a filesystem is so full: an error", "nearly-full"),
    "inodes_percent": percent(85, "so many of the inodes are used: a warning", "nearly-out-of-inodes"),
    "inodes_error_percent": percent(95, "so many of the inodes are used: an error", "nearly-out-of-inodes"),
    "deleted_percent": percent(10, "deleted files that are still open take so much of a filesystem", "deleted-open"),
    "full_within": Threshold(
        SPAN, 3 * 86400, "as the last two du -x --keep show, a disk is full in less", "fills-soon"
    ),
}
DEFAULTS = defaults(THRESHOLDS)
