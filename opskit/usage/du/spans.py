"""Sizes and spans of time as a person types them."""

from __future__ import annotations

import re

from opskit.core.errors import UsageFault

_NUMBER = r"([0-9]{1,18}(?:\.[0-9]{1,18})?)"  # a float of it is never infinite
_SIZES = "BKMGTPE"
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "month": 30 * 86400, "y": 365 * 86400}


def parse_size(option: str, text: str) -> int:
    """`10M`, `1.5G` or a plain number of bytes, in bytes; units are 1024-based. Raises UsageFault."""
    found = re.fullmatch(_NUMBER + r"([BKMGTPE]?)(?:iB)?", text, re.ASCII)
    if not found:
        raise UsageFault(option, f"{text!r} is no size", todo="like 500K, 10M, 1.5G")
    return int(float(found[1]) * 1024 ** _SIZES.index(found[2] or "B"))


def parse_span(option: str, text: str) -> float:
    """`30d`, `12h`, `2w`, `1y` in seconds; a month is 30 days, a year 365. Raises UsageFault."""
    found = re.fullmatch(_NUMBER + r"([a-z]+)", text, re.ASCII)
    if not found or found[2] not in _SECONDS:
        raise UsageFault(option, f"{text!r} is no span of time", todo="like 30d, 12h, 2w, 1y")
    return float(found[1]) * _SECONDS[found[2]]
