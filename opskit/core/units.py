"""Sizes and times as people write them. Sizes are 1024-based everywhere in opskit."""

from __future__ import annotations

from datetime import datetime, timezone

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


def size_text(size: int) -> str:
    """A size in bytes for a person, as lsblk writes it: `20G`, `1.5T`, `512B`."""
    value, units = float(size), iter("BKMGTP")
    unit = next(units)
    while value >= KIB and unit != "P":
        value, unit = value / KIB, next(units)
    return f"{value:.1f}".removesuffix(".0") + unit


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(timezone.utc)


def time_text(moment: datetime) -> str:
    """RFC 3339 with zone, to the second: `2026-11-20T19:05:00Z`."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
