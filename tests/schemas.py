"""Every envelope of opskit that a test reads is held against the schema of its command: conftest.py puts this in place.

A test reads an answer by json.loads, wherever the command ran: in this process, in one of its own, in the virtual
machine. So that is where an envelope is known by its keys, and one that its schema does not allow fails the test.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from opskit import areas
from opskit.core.results import Envelope

KEYS = frozenset(Envelope.__annotations__)


class Seen:
    """How many envelopes the test under way has read."""

    count = 0


@functools.cache
def checker() -> Any:
    """What a time and a day are; jsonschema itself passes over a format for which a library of its own is not there."""
    from jsonschema import FormatChecker  # noqa: PLC0415 - most tests read no envelope

    formats = FormatChecker(())

    @formats.checks("date-time", ValueError)
    def is_moment(value: object) -> bool:
        if not isinstance(value, str):
            return True
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return "T" in value and moment.tzinfo is not None

    @formats.checks("date", ValueError)
    def is_day(value: object) -> bool:
        return not isinstance(value, str) or bool(date.fromisoformat(value))

    return formats


@functools.cache
def validator(command: str) -> Any:
    """What checks an answer of a command. What is no command, a group or opskit itself, has no result."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    from opskit.schema.envelope import envelope_schema  # noqa: PLC0415

    results, _ = areas.load_results()
    schema = envelope_schema(command, results.get(command.removeprefix("opskit "), ()))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=checker())


def faults(envelope: dict[str, Any]) -> list[str]:
    """What its schema does not allow, with where that is."""
    from jsonschema.exceptions import relevance  # noqa: PLC0415

    errors = sorted(validator(envelope["command"]).iter_errors(envelope), key=relevance)
    found = []
    for error in errors:
        inner = error
        while inner.context:  # of what it may be, the one that it comes nearest to
            inner = min(inner.context, key=lambda each: (-len(each.absolute_path), len(str(each.message))))
        found.append(f"{error.json_path} … {inner.json_path}: {inner.message[:400]}")
    return found


def held_to_schemas(loads: Callable[..., Any]) -> Callable[..., Any]:
    """json.loads, which fails where an envelope is none."""

    @functools.wraps(loads)
    def read(text: Any, *more: Any, **options: Any) -> Any:
        value = loads(text, *more, **options)
        if isinstance(value, dict) and value.keys() == KEYS:
            found = faults(value)
            assert not found, f"the answer of {value['command']} is not as its schema says: {found}"
            Seen.count += 1
        return value

    return read


def watch() -> None:
    """From now on every envelope is checked."""
    json.loads = held_to_schemas(json.loads)
