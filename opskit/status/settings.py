"""What the config files say of checks: thresholds, and findings to be ignored. No I/O.

[check.disk]
full_percent = 90

[check.service]
restarts_within = "10m"

[[check.ignore]]
id = "nearly-full"
target = "/srv/archive"
reason = "the archive is full by design"
until = 2027-03-31
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Callable

from opskit.core.errors import UsageFault
from opskit.core.report import PERCENT, SPAN, Threshold
from opskit.core.text import nearest, toml_text
from opskit.core.units import configured_span, parse_seconds
from opskit.status.model import Ignore, Settings

Fault = Callable[[str, str], UsageFault]
KEYS = ("id", "target", "reason", "until")


def read_settings(checks: Mapping[str, Any], known: Mapping[str, Mapping[str, Threshold]], fault: Fault) -> Settings:
    """The settings.

    checks: of the config files
    known: each area with its thresholds
    fault: makes the error for a key

    Raises UsageFault for what means nothing.
    """
    for area in checks:
        if area not in known and area != "ignore":
            raise fault(f"check.{area}", _none_such("area", area, known))
    thresholds = {area: dict(_thresholds(area, checks, known[area], fault)) for area in known}
    return Settings(thresholds, tuple(_ignores(checks.get("ignore", []), fault)))


def _thresholds(
    area: str, checks: Mapping[str, Any], known: Mapping[str, Threshold], fault: Fault
) -> Iterator[tuple[str, int]]:
    table = checks.get(area, {})
    if not isinstance(table, dict):
        raise fault(f"check.{area}", f"it is a table: [check.{area}]")
    for key, value in table.items():
        where = f"check.{area}.{key}"
        if key not in known:
            raise fault(where, _none_such("threshold", key, known))
        try:
            yield key, _number(where, value, known[key])
        except ValueError as error:
            raise fault(where, str(error)) from error
        except UsageFault as error:  # a span
            raise fault(where, error.why) from error


def _none_such(what: str, word: str, known: Collection[str]) -> str:
    meant = nearest(word, known)
    if meant:
        return f"no such {what}; did you mean {meant}?"
    return f"no such {what}; " + (f"they are {', '.join(known)}" if known else "there is none")


def _number(where: str, value: Any, threshold: Threshold) -> int:
    """The number that is meant. Raises ValueError or UsageFault."""
    if threshold.kind == SPAN:
        if isinstance(value, bool) or not isinstance(value, str):
            raise ValueError(f"a span is wanted, such as {threshold.text}, not {toml_text(value)}")
        return int(parse_seconds(where, configured_span(value), least=threshold.least, most=threshold.most))
    if isinstance(value, bool) or not isinstance(value, int) or not threshold.least <= value <= threshold.most:
        what = "a number of percent" if threshold.kind == PERCENT else "a number"
        raise ValueError(f"{what} is wanted, {threshold.least} to {threshold.most}, not {toml_text(value)}")
    return value


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
        raise fault("check.ignore", f"until: a day is wanted, such as 2027-03-31, not {toml_text(value)}") from None
