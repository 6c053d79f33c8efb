"""The schema of a type is that of what to_json makes of it: asked of every class that a command answers with."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, NamedTuple, Optional, TypedDict

import pytest
from jsonschema import Draft202012Validator

from opskit import areas
from opskit.completion.cli import tree
from opskit.core.jsonable import Moment, MomentOrNone, from_json, to_json
from opskit.schema.envelope import envelope_schema, facts_schema
from opskit.schema.types import Writer
from schemas import checker, sample
from tiers import Agree

RESULTS, FACTS = areas.load_results()


def invalid(schema: dict[str, Any], value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema, format_checker=checker()).iter_errors(value)]


def whole(hint: Any) -> dict[str, Any]:
    writer = Writer()
    return {**writer.schema(hint), "$defs": writer.definitions}


@pytest.mark.parametrize("name", RESULTS)
def test_what_to_json_makes_is_allowed_and_no_key_less_or_more(name: str, agree: Agree) -> None:
    chance = random.Random(name)
    right = wrong = tried = 0
    for hint in RESULTS[name]:
        schema = whole(hint)
        Draft202012Validator.check_schema(schema)
        for _ in range(10):
            value = to_json(sample(hint, chance))
            right += not invalid(schema, value)
            less = {key: value[key] for key in list(value)[1:]}
            wrong += not value or (bool(invalid(schema, less)) and bool(invalid(schema, {**value, "more": 1})))
            tried += 1
    agree("answers made by their types", right, tried)
    agree("answers with a key less or more: refused", wrong, tried)


def test_facts_are_allowed_as_they_are_written_and_with_their_defaults_left_out(agree: Agree) -> None:
    chance = random.Random(1)
    cls = FACTS["disk mount"]
    schema = facts_schema("opskit disk mount", cls)
    values = [to_json(sample(cls, chance)) for _ in range(20)]
    agree("facts made by their types", sum(not invalid(schema, value) for value in values), 20)
    written = {field.name: field for field in dataclasses.fields(cls)}
    least = {
        name: values[0][name]
        for name, field in written.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    assert not invalid(schema, least)
    assert from_json(cls, least)
    for name in least:
        assert invalid(schema, {key: value for key, value in least.items() if key != name}), name


def test_each_command_has_a_schema_and_each_that_reads_facts_has_theirs() -> None:
    commands = {node.path.partition(" ")[2]: node for node in tree().walk() if node.runs and len(node.words) > 1}
    assert set(RESULTS) == set(commands), "a new command needs a line in RESULTS of its area's results.py"
    reading = {name for name, node in commands.items() if any("--facts" in option.names for option in node.options)}
    assert set(FACTS) == reading, "a command with --facts needs a line in FACTS of its area's results.py"


class Named(NamedTuple):
    """A thing. size, free: in bytes.

    name: of it, and
        more
    """

    name: str
    size: int
    free: Optional[int] = None


class Level(Enum):
    LOW = "low"


class Keyed(TypedDict, total=False):
    level: Level


def test_each_kind_of_type() -> None:
    assert whole(Named) == {
        "$ref": "#/$defs/Named",
        "$defs": {
            "Named": {
                "type": "object",
                "description": "A thing. size, free: in bytes.",
                "properties": {
                    "name": {"type": "string", "description": "of it, and more"},
                    "size": {"type": "integer", "description": "in bytes"},
                    "free": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "in bytes"},
                },
                "required": ["free", "name", "size"],
                "additionalProperties": False,
            }
        },
    }
    assert Writer().schema(tuple[str, int])["prefixItems"] == [{"type": "string"}, {"type": "integer"}]
    assert Writer().schema(dict[str, bool]) == {"type": "object", "additionalProperties": {"type": "boolean"}}
    assert Writer().schema(Literal[1]) == {"const": 1}
    assert Writer().schema(Literal["a", "b"]) == {"enum": ["a", "b"]}
    assert Writer().schema(Level) == {"enum": ["low"]}
    assert whole(Keyed)["$defs"]["Keyed"]["required"] == []
    with pytest.raises(TypeError):
        Writer().schema(set[int])


def test_a_time_is_one_with_its_zone() -> None:
    assert not invalid(whole(Moment), "2026-11-20T19:05:00+01:00")
    for text in ("2026-11-20T19:05:00", "2026-11-20", "soon", ""):
        assert invalid(whole(Moment), text), text
    assert not invalid(whole(MomentOrNone), "")


def other_classes() -> Iterator[type]:
    for kind in ("here", "there"):
        yield dataclasses.make_dataclass("Same", [(kind, int)], namespace={"__module__": __name__})


def test_two_classes_of_one_name_are_told_apart() -> None:
    writer = Writer()
    assert len({writer.schema(cls)["$ref"] for cls in other_classes()}) == 2


def test_only_what_is_answered_is_the_result_or_nothing() -> None:
    schema = envelope_schema("opskit du", RESULTS["du"])
    assert schema["properties"]["command"] == {"const": "opskit du"}
    envelope: dict[str, Any] = {"schema": 1, "ok": False, "command": "opskit du", "result": None, "findings": []}
    assert not invalid(schema, {**envelope, "error": None})
    assert invalid(schema, {**envelope, "error": None, "result": {}})
    assert invalid(schema, {**envelope, "error": {"id": "failed"}})
    finding = {"id": "x", "severity": "bad", "title": "", "evidence": "", "remedy": ""}
    assert invalid(schema, {**envelope, "error": None, "findings": [finding]})
