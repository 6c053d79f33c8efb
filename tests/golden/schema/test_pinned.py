"""The schemas as they are published: a key that goes, a type that is another, is a change that scripts notice.

A change is pinned by `OPSKIT_TEST_PIN=yes scripts/test tests/golden/schema`; the diff is what is read then.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from opskit import areas
from opskit.schema.envelope import envelope_schema, facts_schema

PIN = Path(__file__).with_name("schemas.txt")


def lines() -> str:
    """A line for each definition and each result; what several commands have in common is there once."""
    results, facts = areas.load_results()
    schemas = {f"{name}": envelope_schema(f"opskit {name}", results[name]) for name in results}
    schemas |= {f"{name} --facts": facts_schema(f"opskit {name}", facts[name]) for name in facts}
    users: dict[tuple[str, str], list[str]] = {}
    for name, schema in schemas.items():
        for key, part in parts(name, schema):
            users.setdefault((key, json.dumps(part)), []).append(name)
    every = len(results)
    told = ((", ".join(names) if len(names) < every else "every command", *pair) for pair, names in users.items())
    return "".join(f"{who} | {key} | {part}\n" for who, key, part in told)


def parts(name: str, schema: dict[str, Any]) -> list[tuple[str, Any]]:
    """The envelope without what is each command's own, its results, and the definitions of both."""
    schema = dict(schema)
    definitions = schema.pop("$defs")
    assert schema.pop("title").startswith(f"opskit {name}")
    if "properties" in schema:
        schema["properties"] = dict(schema["properties"])
        assert schema["properties"].pop("command") == {"const": f"opskit {name}"}
        results = schema["properties"].pop("result")["anyOf"]
        return [("envelope", schema), *(("result", each) for each in results), *definitions.items()]
    return [("facts", schema), *definitions.items()]


def test_the_schemas_are_those_that_are_pinned() -> None:
    if os.environ.get("OPSKIT_TEST_PIN"):
        PIN.write_text(lines(), encoding="utf-8")
    assert lines().splitlines() == PIN.read_text(encoding="utf-8").splitlines(), __doc__
