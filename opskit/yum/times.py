"""Spans of time as a person types them for a wait or a hold."""

from __future__ import annotations

import re

from opskit.core.errors import UsageFault

_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def parse_seconds(option: str, text: str) -> float:
    """`90`, `90s`, `10m`, `2h`, `1d` in seconds. Raises UsageFault."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?([a-z]*)", text, re.ASCII)
    if not found or found[2] not in _SECONDS:
        raise UsageFault(option, f"{text!r} is no span of time", todo="like 90s, 10m, 2h")
    return float(found[1]) * _SECONDS[found[2]]
