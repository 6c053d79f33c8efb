"""What --since and --until take, as a moment that every release of journalctl understands alike. Pure functions.

systemd's words for a time (systemd.time(7)) are read here, in the zone of the caller: 219 does not know `@`, `UTC` nor
RFC 3339, 252 knows the first two, and all of them read the rest in the zone of /etc/localtime, whatever TZ says.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Optional

from opskit.core.units import INFINITY, parse_span, systemd_span

_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_WEEKDAY = re.compile(r"(?i)(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +(?=\d)")
_MOMENT = re.compile(
    r"(?:(?P<year>\d{4}|\d\d)-(?P<month>\d\d?)-(?P<day>\d\d?))?"
    r"(?:(?:^|[Tt ] *)(?P<hour>\d\d?):(?P<minute>\d\d?)(?::(?P<second>\d\d?)(?:\.(?P<fraction>\d{1,6})\d*)?)?)?"
    r" ?(?P<zone>[Zz]|UTC|(?P<sign>[+-])(?P<zone_hour>\d\d):?(?P<zone_minute>\d\d))?",
    re.ASCII,
)


def moment_of(option: str, text: str, now: datetime) -> Optional[int]:
    """The moment in microseconds since 1970; None for what is journalctl's to understand or to refuse.

    option: what it was typed for, for the error
    text: a span (a time ago: `1h`, `2d 3h`), `yesterday`, `15:00`, `2026-11-21 15:00`, RFC 3339, `@SECONDS`
    now: with the zone that a time without one is meant in

    Raises UsageFault for a span that could be read in two ways.
    """
    text = text.strip()
    ago = text[: -len(" ago")] if text.endswith(" ago") else text.removeprefix("-")
    span = None if ago.startswith("+") else systemd_span(ago)
    if span is not None and span[0] < INFINITY:
        return max(_microseconds(now) - parse_span(option, ago), 0)
    if text.startswith("+") and systemd_span(text[1:]):
        return _microseconds(now) + parse_span(option, text[1:])
    if since_1970 := re.fullmatch(r"@(\d{1,15})(?:\.(\d{1,6}))?", text, re.ASCII):
        return int(since_1970[1]) * 1_000_000 + int((since_1970[2] or "").ljust(6, "0"))
    if text == "now":
        return _microseconds(now)
    if text in _DAYS:
        day = (now + timedelta(days=_DAYS[text])).replace(tzinfo=None)
        return _local(option, day.replace(hour=0, minute=0, second=0, microsecond=0))
    return _calendar(option, text, now)


def _calendar(option: str, text: str, now: datetime) -> Optional[int]:
    match = _MOMENT.fullmatch(_WEEKDAY.sub("", text, count=1))
    if not match or not (match["year"] or match["hour"]):
        return None
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    fraction = int((match["fraction"] or "").ljust(6, "0"))
    try:
        zone = _zone(match)
        # A time without a day is one of this day, and which one it is depends on where that is.
        today = now.astimezone(zone) if zone else now
        year, month, day = today.year, today.month, today.day
        if match["year"]:
            year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
            # strptime's %y, by which systemd reads two digits.
            year += 0 if len(match["year"]) == 4 else 2000 if year < 69 else 1900
        moment = datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001
        return _microseconds(moment.replace(tzinfo=zone)) if zone else _local(option, moment)
    except (ValueError, OverflowError):
        return None


def _local(option: str, moment: datetime) -> int:
    """A time of the caller's zone, which is there twice, or not at all, where the clocks are changed.

    Of the two moments that it can be --until takes the later one, so that no entry is left out; which one journalctl
    takes differs from zone to zone (glibc's mktime).
    """
    readings = [_microseconds(moment.replace(fold=fold).astimezone()) for fold in (0, 1)]
    return max(readings) if option == "--until" else min(readings)


def _zone(match: re.Match[str]) -> Optional[timezone]:
    """The zone that is written behind the time, None without one. Raises ValueError for one of over a day."""
    if not match["zone"]:
        return None
    offset = timedelta(hours=int(match["zone_hour"] or 0), minutes=int(match["zone_minute"] or 0))
    return timezone(-offset if match["sign"] == "-" else offset)


def _microseconds(moment: datetime) -> int:
    """Exact, where a float of this size is not."""
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def journalctl_moment(microseconds: int, zone: Optional[tzinfo]) -> str:
    """A moment as journalctl takes it. zone: the host's, where it does not know `@`; to the second then."""
    if zone is None:
        return f"@{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"
    moment = datetime.fromtimestamp(microseconds // 1_000_000, zone)
    return moment.strftime("%Y-%m-%d %H:%M:%S")
