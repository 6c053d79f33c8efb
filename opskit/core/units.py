"""Spans of time and sizes: the one grammar for all that is typed, and the one way to print them.

A span is in microseconds, a size in bytes. What another program takes (du's blocks, memcached's `-m`) is not read here.

Spans are systemd's (systemd.time(7)), without what people read in two ways: `2d`, `1h30m`, `2 days 3h`, `1.5h`,
`infinity`. Units: us, ms, s (sec, second), m (min, minute), h (hr, hour), d (day), w (week), month (30.4375 days),
y (year, 365.25 days), each but the first two with a plural, too. Refused: `M` (a month to systemd, minutes to whoever
wrote it) and a number without a unit (seconds to systemd), except 0.

Sizes are 1024-based: `500M`, `1.5G`, `500MB` and `500MiB` alike, B to E. Refused: a number without a unit, except 0.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Optional

from opskit.core.errors import UsageFault

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


MILLISECOND = 1000
SECOND = 1000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
MONTH = 2629800 * SECOND
YEAR = 31557600 * SECOND
INFINITY = (1 << 64) - 1
# extract_multiplier() of systemd's src/basic/time-util.c: the first that fits counts.
_SPAN_UNITS = (
    ("seconds", SECOND), ("second", SECOND), ("sec", SECOND), ("s", SECOND),
    ("minutes", MINUTE), ("minute", MINUTE), ("min", MINUTE),
    ("months", MONTH), ("month", MONTH), ("M", MONTH),
    ("msec", MILLISECOND), ("ms", MILLISECOND), ("m", MINUTE),
    ("hours", HOUR), ("hour", HOUR), ("hr", HOUR), ("h", HOUR),
    ("days", DAY), ("day", DAY), ("d", DAY),
    ("weeks", WEEK), ("week", WEEK), ("w", WEEK),
    ("years", YEAR), ("year", YEAR), ("y", YEAR),
    ("usec", 1), ("us", 1), ("\u03bcs", 1), ("\u00b5s", 1),
)  # fmt: skip
_WHITE = " \t\n\r"
# strtoll: white space of isspace(), a sign, digits (as many as Python takes for a number).
_INTEGER = r"[ \t\n\v\f\r]*[+-]?[0-9]{1,4000}"
_SIZE_UNITS = "BKMGTPE"


def parse_span(option: str, text: str) -> int:
    """A span as a person types it, in microseconds; INFINITY for `infinity`.

    option: what it was typed for, for the error
    text: see the grammar above

    Raises UsageFault.
    """
    _refuse_empty(option, text)
    parts = _span_parts(text)
    if parts is None:
        raise UsageFault(option, f"{text!r} is not a span of time", todo=_span_advice(text))
    if any(unit == "M" for _, unit in parts):
        why = f"{text!r}: M could be a month or a minute"
        raise UsageFault(option, why, todo=f"write {text.replace('M', 'month')} or {text.replace('M', 'min')}")
    if any(microseconds and not unit for microseconds, unit in parts):
        number = text.strip()
        plain = re.fullmatch(r"[0-9.]+", number)
        todo = f"write {number}s, {number}min, {number}h or {number}d" if plain else "write '2 days 3h', not '2 days 3'"
        raise UsageFault(option, f"{text!r} has a number without a unit", todo=todo)
    return _span_sum(parts)


def parse_seconds(option: str, text: str, *, least: float = 0.0, most: float = math.inf) -> float:
    """The same in seconds; math.inf for `infinity`. Raises UsageFault, for less than least or more than most too."""
    microseconds = parse_span(option, text)
    seconds = math.inf if microseconds == INFINITY else microseconds / SECOND
    if not least <= seconds <= most:
        limit = f"less than {seconds_text(least)}" if seconds < least else f"more than {seconds_text(most)}"
        raise UsageFault(option, f"{text!r} is {limit}", todo=f"like {seconds_text(max(least, min(most, 3600)))}")
    return seconds


def configured_span(value: object) -> str:
    """A span of a config file as parse_span reads it; a number, which opskit 0.1.0 had there, is seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return "infinity" if value == math.inf else f"{value:.6f}".rstrip("0").rstrip(".") + "s"


def _refuse_empty(option: str, text: str) -> None:
    """A variable of a script that is not set is not a value that was left out."""
    if not text.strip():
        raise UsageFault(option, "it is empty", todo="leave it out, or say what is meant")


def systemd_span(text: str) -> Optional[tuple[int, bool]]:
    """What systemd's own programs make of a span: microseconds, and whether a number in it has no unit.

    None: they refuse it.
    """
    parts = _span_parts(text)
    return None if parts is None else (_span_sum(parts), any(not unit for _, unit in parts))


def _span_sum(parts: list[tuple[int, str]]) -> int:
    return sum(microseconds for microseconds, _ in parts)


def _span_parts(text: str) -> Optional[list[tuple[int, str]]]:
    """Each number of a span in microseconds, with the unit as written ("" for none), as systemd's parse_time()."""
    at = _past_white(text, 0)
    if text.startswith("infinity", at):
        return [(INFINITY, "infinity")] if _past_white(text, at + 8) == len(text) else None
    parts: list[tuple[int, str]] = []
    while True:
        at = _past_white(text, at)
        if at == len(text):
            return parts or None
        part = _span_part(text, at)
        if part is None:
            return None
        microseconds, unit, at = part
        parts.append((microseconds, unit))
        if _span_sum(parts) >= INFINITY:
            return None


def _span_part(text: str, at: int) -> Optional[tuple[int, str, int]]:
    """One number with its unit: microseconds, the unit, where it ends; None where there is none."""
    if text[at] == "-":
        return None
    integer = re.match(_INTEGER, text[at:])
    whole = int(integer[0]) if integer else 0
    end = at + (integer.end() if integer else 0)
    digits = ""
    if text[end : end + 1] == ".":
        fraction = re.match("[0-9]+", text[end + 1 :])
        if not fraction:
            return None
        digits = fraction[0]
        end += 1 + len(digits)
    elif not integer:
        return None
    start = _past_white(text, end)
    unit, factor = next(((name, value) for name, value in _SPAN_UNITS if text.startswith(name, start)), ("", SECOND))
    after = start + len(unit)
    if after == end and after < len(text):
        return None
    if whole < 0 or whole >= 1 << 63 or whole >= INFINITY // factor:
        return None
    value, share = whole * factor, factor // 10
    for digit in digits:
        value += int(digit) * share
        share //= 10
    return value, unit, after


def _past_white(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE:
        at += 1
    return at


def _span_advice(text: str) -> str:
    lower = text.lower()
    if lower != text and _span_parts(lower):
        return f"units are written small: {lower}"
    if re.search(r"[0-9]\s*mon$", lower):
        return "m is minutes; a month is month"
    return "like 2d, 12h, 1w, 1month, '2 days 3h'; see systemd.time(7)"


def span_text(microseconds: int, parts: int = 7) -> str:
    """A span for a person: `2d`, `1h 30min`, `1.5s`, `0`. What it prints, parse_span reads.

    Whole years, months and weeks are those (`6month`, `2w`); else days, hours, minutes and seconds.
    parts: how many units at most, the largest first; what is smaller is dropped.
    """
    if microseconds >= INFINITY:
        return "infinity"
    for unit, length in (("y", YEAR), ("month", MONTH), ("w", WEEK)):
        if microseconds and microseconds % length == 0:
            return f"{microseconds // length}{unit}"
    words: list[str] = []
    rest = microseconds
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND), ("ms", MILLISECOND), ("us", 1)):
        count, rest = divmod(rest, length)
        words += [f"{count}{unit}"] if count or words else []
    return " ".join(word for word in words[:parts] if not word.startswith("0")) or "0"


def seconds_text(seconds: float, parts: int = 7) -> str:
    """The same for seconds."""
    return span_text(INFINITY if math.isinf(seconds) else round(seconds * SECOND), parts)


def parse_size(option: str, text: str) -> int:
    """A size as a person types it, in bytes.

    option: what it was typed for, for the error
    text: see the grammar above

    Raises UsageFault.
    """
    _refuse_empty(option, text)
    match = re.fullmatch(r"([0-9]{1,99})(?:\.([0-9]{1,99}))?(B|[KMGTPE](?:i?B)?)?", text, re.ASCII)
    if not match:
        upper = text.upper()
        near = re.fullmatch(r"[0-9.]+[KMGTPE]", upper)
        todo = f"units are written large: {upper}" if near else "like 500M, 1.5G"
        raise UsageFault(option, f"{text!r} is not a size", todo=todo)
    whole, fraction, unit = match[1], match[2] or "", (match[3] or "")[:1]
    if not unit and text.strip("0."):
        todo = f"write {text}M or {text}G; {text}B for bytes"
        raise UsageFault(option, f"{text!r} has no unit", todo=todo)
    factor: int = 1024 ** _SIZE_UNITS.index(unit or "B")
    size = int(whole) * factor + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)
    if size >= 1 << 64:
        raise UsageFault(option, f"{text!r} is more than any disk has")
    return size


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


def epoch_text(seconds: float) -> Optional[str]:
    """Seconds since 1970 in that form, for --json; None for 0, which is no moment."""
    return time_text(datetime.fromtimestamp(seconds, timezone.utc)) if seconds else None


def local_text(moment: datetime) -> str:
    """The same in the zone of the host, with its offset, for a person: `2026-11-20T20:05:00+01:00`."""
    return moment.astimezone().isoformat(timespec="seconds").replace("+00:00", "Z")


def minute_text(seconds: int) -> str:
    """Seconds since 1970 as `du --time` has it, in the zone of the host; as they are where no calendar has them."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")  # noqa: DTZ006
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def local_moment(text: str) -> str:
    """A time as time_text writes it, in that form; any other text as it is."""
    try:
        return local_text(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z"))
    except ValueError:
        return text


def local_epoch(seconds: float) -> str:
    """Seconds since 1970 in that form; "" for 0, which is no moment."""
    return local_text(datetime.fromtimestamp(seconds, timezone.utc)) if seconds else ""
