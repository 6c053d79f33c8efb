"""From when on figures of an instance are findings of `opskit check`: `[check.memcached]` of a config file.

Counts are since the instance was started.
"""

from __future__ import annotations

from opskit.core.report import COUNT, Threshold, defaults, percent

THRESHOLDS = {
    "connections_percent": percent(80, "so many of the connections are in use", "connections-near-limit"),
    "rejected": Threshold(COUNT, 1, "so many connections were turned away", "rejected-connections"),
    "failed_stores": Threshold(COUNT, 1, "so many stores failed for want of memory", "stores-fail"),
    "too_large": Threshold(COUNT, 1, "so many items were too large to store", "items-too-large"),
    "evictions": Threshold(COUNT, 1, "so many items were evicted", "evictions"),
    "evictions_an_hour": Threshold(COUNT, 0, "so many items were evicted in an hour, on average", "evictions", least=0),
    "free_elsewhere_percent": percent(10, "items of one size have no room, and others have so much", "class-starves"),
    "hit_percent": percent(50, "fewer than so many of the gets find something", "low-hit-ratio"),
}
DEFAULTS = defaults(THRESHOLDS)
