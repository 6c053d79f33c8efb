"""What the config files say of checks: thresholds, and findings to be ignored. No I/O.

[check.disk]
full_percent = 90

[[check.ignore]]
id = "nearly-full"
target = "/srv/archive"
reason = "the archive is full by design"
until = 2027-03-31
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Callable

from opskit.core.errors import UsageFault
from opskit.status.model import Ignore, Settings

Fault = Callable[[str, str], UsageFault]
KEYS = ("id", "target", "reason", "until")


def read_settings(checks: Mapping[str, Any], known: Mapping[str, Mapping[str, int]], fault: Fault) -> Settings:
    """The settings.

    checks: of the config files
    known: each area with its thresholds and their defaults
    fault: makes the error for a key

    Raises UsageFault for what means nothing.
    """
    for area in checks:
        if area not in known and area != "ignore":
            raise fault(f"check.{area}", "no such area; they are " + ", ".join(known))
    thresholds = {area: {**known[area], **dict(_thresholds(area, checks, known[area], fault))} for area in known}
    return Settings(thresholds, tuple(_ignores(checks.get("ignore", []), fault)))


def _thresholds(
    area: str, checks: Mapping[str, Any], known: Mapping[str, int], fault: Fault
) -> Iterator[tuple[str, int]]:
    table = checks.get(area, {})
    if not isinstance(table, dict):
        raise fault(f"check.{area}", f"it is a table: [check.{area}]")
    for key, value in table.items():
        where = f"check.{area}.{key}"
        if key not in known:
            raise fault(where, "no such threshold; " + (f"they are {', '.join(known)}" if known else "there is none"))
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100:
            raise fault(where, f"a number of percent is wanted, 1 to 100, not {value!r}")
        yield key, value


def _ignores(entries: Any, fault: Fault) -> Iterator[Ignore]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise fault("check.ignore", "it is a list of tables: [[check.ignore]]")
    for entry in entries:
        for key in entry:
            if key not in KEYS:
                raise fault("check.ignore", f"{key}: no such key; they are {', '.join(KEYS)}")
        for key in ("id", "reason"):
            if not isinstance(entry.get(key), str) or not entry[key]:
                raise fault("check.ignore", f"{key}: a text is wanted: what is ignored has an id and a reason")
        if not isinstance(entry.get("target", ""), str):
            raise fault("check.ignore", "target: a text is wanted")
        yield Ignore(entry["id"], entry["reason"], _day(entry.get("until"), fault), entry.get("target", ""))


def _day(value: Any, fault: Fault) -> date:
    """The last day of what is ignored."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise fault("check.ignore", f"until: a day is wanted, such as 2027-03-31, not {value!r}") from None
