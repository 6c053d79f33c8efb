"""What `opskit schema` answers with --json: types alone (core/results.py)."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class SchemaRow(TypedDict):
    """A JSON Schema. of: the envelope that the command answers with, or the facts that its --facts reads."""

    command: str
    of: Literal["envelope", "facts"]
    schema: dict[str, Any]


class SchemaList(TypedDict):
    """The schemas of the command that was named, or of all."""

    schemas: list[SchemaRow]


RESULTS: dict[str, tuple[Any, ...]] = {"schema": (SchemaList,)}
