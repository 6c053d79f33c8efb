"""Spans of time and sizes as journalctl takes them, and as opskit does: nothing that could be meant otherwise."""

from __future__ import annotations

import re
from typing import Optional

from opskit.core.errors import UsageFault

SECOND = 1_000_000
_MINUTE, _HOUR, _DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
INFINITY = (1 << 64) - 1
# systemd.time(7) and extract_multiplier() of src/basic/time-util.c: the first that fits counts. A month is 30.4375
# days, a year 365.25.
_UNITS = (
    ("seconds", SECOND), ("second", SECOND), ("sec", SECOND), ("s", SECOND),
    ("minutes", _MINUTE), ("minute", _MINUTE), ("min", _MINUTE),
    ("months", 2629800 * SECOND), ("month", 2629800 * SECOND), ("M", 2629800 * SECOND),
    ("msec", 1000), ("ms", 1000), ("m", _MINUTE),
    ("hours", _HOUR), ("hour", _HOUR), ("hr", _HOUR), ("h", _HOUR),
    ("days", _DAY), ("day", _DAY), ("d", _DAY),
    ("weeks", 7 * _DAY), ("week", 7 * _DAY), ("w", 7 * _DAY),
    ("years", 31557600 * SECOND), ("year", 31557600 * SECOND), ("y", 31557600 * SECOND),
    ("usec", 1), ("us", 1), ("\u03bcs", 1), ("\u00b5s", 1),
)  # fmt: skip
_WHITE = " \t\n\r"
# strtoll: white space of isspace(), a sign, digits.
_INTEGER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+")


def journalctl_span(text: str) -> Optional[tuple[int, bool]]:
    """What journalctl makes of a span: microseconds, and whether a number in it has no unit; None: it refuses it."""
    at = _past_white(text, 0)
    if text.startswith("infinity", at):
        return (INFINITY, False) if _past_white(text, at + 8) == len(text) else None
    total, bare, something = 0, False, False
    while True:
        at = _past_white(text, at)
        if at == len(text):
            return (total, bare) if something else None
        part = _one_part(text, at)
        if part is None:
            return None
        value, at, has_unit = part
        total += value
        if total >= INFINITY:
            return None
        something, bare = True, bare or not has_unit


def _one_part(text: str, at: int) -> Optional[tuple[int, int, bool]]:
    """One number with its unit, as the loop of parse_time(): microseconds, where it ends, whether it has a unit."""
    if text[at] == "-":
        return None
    found = _INTEGER.match(text, at)
    end = found.end() if found else at
    whole = int(found[0]) if found else 0
    digits = ""
    if text[end : end + 1] == ".":
        fraction = re.compile("[0-9]*").match(text, end + 1)
        digits = fraction[0] if fraction else ""
        behind = end + 1 + len(digits)
        if not digits:
            return None
    elif not found:
        return None
    else:
        behind = end
    unit, after = _unit(text, _past_white(text, behind))
    if after == behind and after < len(text):
        return None
    multiplier = unit or SECOND
    if whole < 0 or whole >= 1 << 63 or whole >= INFINITY // multiplier:
        return None
    value, share = whole * multiplier, multiplier // 10
    for digit in digits:
        value += int(digit) * share
        share //= 10
    return value, after, unit > 0


def _past_white(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE:
        at += 1
    return at


def _unit(text: str, at: int) -> tuple[int, int]:
    """The microseconds of the unit at a place and where it ends; 0 where there is none."""
    for name, microseconds in _UNITS:
        if text.startswith(name, at):
            return microseconds, at + len(name)
    return 0, at


def parse_span(text: str) -> int:
    """`2d`, `1seconds`, `2 days 3h`, `1.5d`, `infinity` in microseconds; 0 for `0`. Raises UsageFault.

    A number without a unit would be seconds: it is refused, nobody means that.
    """
    found = journalctl_span(text)
    if found is None:
        raise UsageFault("SPAN", f"{text!r} is no span of time", todo=_advice(text))
    microseconds, bare = found
    if bare and microseconds:
        number = text.strip()
        if not re.fullmatch(r"[0-9.]+", number):
            raise UsageFault("SPAN", f"{text!r} has a number without a unit", todo="say 2s, 2m, 2h, 2d or 2w")
        why = f"{number} seconds? say {number}s or {number}d"
        raise UsageFault("SPAN", why, todo="a number alone would be seconds to journalctl")
    return microseconds


def _advice(text: str) -> str:
    lower = text.lower()
    if lower != text and journalctl_span(lower):
        return f"units are written small: {lower}"
    if re.search(r"[0-9]\s*mon?$", lower):
        return "m is minutes; a month is M or month"
    return "like 2d, 12h, 1w, 1month, '2 days 3h'; see systemd.time(7)"


_SIZES = "BKMGTPE"


def parse_size(option: str, text: str) -> int:
    """`500M`, `1.5G`, `500MB`, `500MiB` in bytes, 1024-based as journalctl's; 0 for `0`. Raises UsageFault.

    `500MB` is 500M: journalctl refuses it. A number alone would be bytes: it is refused, nobody means that.
    """
    found = re.fullmatch(r"([0-9]+)(?:\.([0-9]+))?([BKMGTPE]?)(?:i?B)?", text, re.ASCII)
    if not found or (text.endswith("BB")):
        lower = text.upper()
        near = f"units are written large: {lower}" if re.fullmatch(r"[0-9.]+[KMGTPE]", lower) else "like 500M, 1.5G"
        raise UsageFault(option, f"{text!r} is no size", todo=near)
    whole, fraction, unit = found[1], found[2] or "", found[3]
    if not unit and text.strip("0."):
        raise UsageFault(option, f"{text} bytes? say {text}M or {text}G", todo="a number alone is bytes to journalctl")
    factor: int = 1024 ** _SIZES.index(unit or "B")
    size = int(whole) * factor + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)
    if size >= 1 << 64:
        raise UsageFault(option, f"{text!r} is more than any disk has")
    return size
