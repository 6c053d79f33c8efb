"""Every envelope of opskit that a test reads is held against the schema of its command: conftest.py puts this in place.

A test reads an answer by json.loads, wherever the command ran: in this process, in one of its own, in the virtual
machine. So that is where an envelope is known by its keys, and one that its schema does not allow fails the test.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from opskit import areas
from opskit.core.jsonable import Shape, to_json
from opskit.core.results import Envelope, Merged

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


VALUES: dict[Any, tuple[Any, ...]] = {
    str: ("", "ext4", "a\nb\udcff"),
    bool: (True, False),
    int: (0, -1, 2**63),
    float: (0.0, 1.5, 2),
    type(None): (None,),
    Any: (None, 1, "x", [], {}),
}


def sample(hint: Any, chance: random.Random, least: int = 0) -> Any:
    """Some value of a type that a command answers with. least: how long each list is at least."""
    if hint in VALUES:
        return chance.choice(VALUES[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        shape: Shape = arguments[1]
        formats = {"date-time": ["2026-11-20T19:05:00Z"], "date": ["2026-11-20"], "": []}[shape.format]
        return chance.choice([*shape.words, *formats, *([""] if shape.or_empty else [])])
    if origin in {Union, Literal}:
        return chance.choice(arguments) if origin is Literal else sample(chance.choice(arguments), chance, least)
    if origin is tuple and Ellipsis not in arguments:
        return tuple(sample(each, chance, least) for each in arguments)
    if origin in {tuple, list, Sequence}:
        return tuple(sample(arguments[0], chance, least) for _ in range(chance.randrange(least, 3)))
    if origin in {dict, Mapping}:
        return {key: sample(arguments[1], chance, least) for key in ("a", "b\udcff")[: chance.randrange(least, 3)]}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return chance.choice(list(hint)).value
    if isinstance(hint, Merged):
        parts = [to_json(sample(cls, chance, least)) for cls in hint.classes]
        return {key: value for part in parts for key, value in part.items()}
    hints = get_type_hints(hint, include_extras=True)
    if dataclasses.is_dataclass(hint):
        values = {
            field.name: sample(hints[field.name], chance, least) for field in dataclasses.fields(hint) if field.init
        }
        return hint(**values)
    return hint(**{name: sample(hints[name], chance, least) for name in hints})
