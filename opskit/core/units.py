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


def ceiling_text(size: int) -> str:
    """A size in bytes as `du -h` and `df -h` write it: never less than it is, and a point below ten: `1.5K`, `11K`.

    GNU's human_readable() with human_ceiling (gnulib, lib/human.c), in whole numbers: no size is off by rounding.
    """
    scale, units = 1, iter("KMGTPEZY")
    unit = ""
    while size >= scale * KIB:
        scale, unit = scale * KIB, next(units)
    tenths = -(-size * 10 // scale)
    if unit and tenths < 100:
        return f"{tenths // 10}.{tenths % 10}{unit}"
    whole = -(-size // scale)
    return f"{whole}{unit}" if whole < KIB else f"1.0{next(units)}"


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(timezone.utc)


def time_text(moment: datetime) -> str:
    """RFC 3339 with zone, to the second: `2026-11-20T19:05:00Z`."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
