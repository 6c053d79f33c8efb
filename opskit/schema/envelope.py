"""The schema of what a command answers, and of the facts that it reads. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.core.results import Envelope
from opskit.schema.types import Schema, Writer

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def envelope_schema(command: str, results: Sequence[Any]) -> Schema:
    """The envelope of a command.

    command: as it is typed, `opskit disk list`
    results: what its result can be; it is null where the command fails
    """
    writer = Writer()
    writer.schema(Envelope)
    envelope = writer.definitions.pop("Envelope")
    properties = {**envelope["properties"], "command": {"const": command}}
    properties["result"] = writer.any_of([*results, type(None)])
    return _whole(f"{command} --json", {**envelope, "properties": properties}, writer)


def facts_schema(command: str, facts: type) -> Schema:
    """The file that --facts of a command reads. What is not required has a default."""
    writer = Writer(reading=True)
    return _whole(f"{command} --facts FILE", writer.schema(facts), writer)


def _whole(title: str, schema: Schema, writer: Writer) -> Schema:
    return {"$schema": DRAFT, "title": title, **schema, "$defs": dict(sorted(writer.definitions.items()))}
