"""Lines of crontab(5): which of them run a package manager, and when next. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Callable, Optional

from opskit.core.record import dataclass

WORDS = re.compile(
    r"(?<![\w./-])(?:/usr)?(?:/s?bin/)?(?:yum|dnf5?|dnf-automatic|dnf-3|microdnf|yum-cron|pkcon|rpm|tdnf|"
    r"yum-complete-transaction|package-cleanup|reposync)(?![\w.-])"
)
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_RANGES = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (0, 7, _DAYS))
# The 29th of February on a weekday comes within 28 years; who wants to know about more than a year?
_DAYS_AHEAD = 366


@dataclass(frozen=True)
class CronLine:
    """when: its five fields, or @reboot and the like."""

    when: str
    command: str


def names(command: str) -> bool:
    """Whether a command line names a package manager."""
    return WORDS.search(command) is not None


def parse(text: str, *, with_user: bool, counts: Callable[[str], bool] = names) -> tuple[CronLine, ...]:
    """The lines whose command counts. with_user: /etc/crontab and cron.d have a user before the command."""
    lines = []
    for line in text.split("\n"):
        stripped = line.strip()
        if not stripped or stripped.startswith("#") or re.match(r"\w+\s*=", stripped):
            continue
        head = 1 if stripped.startswith("@") else 5
        words = stripped.split(None, head + with_user)
        if len(words) == head + with_user + 1 and counts(words[-1]):
            lines.append(CronLine(" ".join(words[:head]), words[-1]))
    return tuple(lines)


def mentions(text: str) -> bool:
    """Whether a script names a package manager outside its comments."""
    return any(names(line.split("#", 1)[0]) for line in text.split("\n"))


def next_run(when: str, now: datetime) -> Optional[datetime]:
    """The first minute after now that the fields match; None for @reboot, or what cannot be read."""
    fields = _NAMED.get(when, when).split()
    try:
        values = [_values(text, *limits) for text, limits in zip(fields, _RANGES)]
    except ValueError:
        return None
    if len(values) != 5:
        return None
    minutes, hours, days, months, weekdays = values
    # crontab(5): one of the two is enough where neither has a *; cron itself looks at the first character.
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    first = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for ahead in range(_DAYS_AHEAD + 1):
        day = first + timedelta(days=ahead)
        on_day, on_weekday = day.day in days, (day.isoweekday() % 7) in weekdays
        if day.month not in months or not (on_day or on_weekday if either else on_day and on_weekday):
            continue
        for hour in sorted(hours):
            for minute in sorted(minutes):
                moment = day.replace(hour=hour, minute=minute)
                if moment >= first:
                    return moment
    return None


def _values(text: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    """The numbers of a field: `*`, `*/5`, `1-5`, `1,3`, `mon`. Raises ValueError."""
    numbers: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        begin, _, end = span.partition("-")
        first = low if span == "*" else _number(begin, low, names)
        last = high if span == "*" or (step and not end) else _number(end or begin, low, names)
        if not low <= first <= last <= high:
            raise ValueError(part)
        numbers.update(range(first, last + 1, int(step or 1)))
    return {0 if names == _DAYS and number == 7 else number for number in numbers}


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + low
    return int(text)
