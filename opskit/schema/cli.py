"""`opskit schema`: JSON Schema of what a command answers with --json, and of the facts that it reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from opskit import areas
from opskit.commands import new_app
from opskit.core.errors import UsageFault
from opskit.core.text import nearest
from opskit.options import one_of, reads
from opskit.schema.envelope import envelope_schema, facts_schema
from opskit.session import Session
from opskit.ui.screen import Column, draw_table

if TYPE_CHECKING:
    from opskit.schema.results import SchemaRow

app = new_app("", single=True)
OF = ("envelope", "facts")


@reads(app, "schema", example="opskit schema disk list > disk-list.schema.json")
def schema(
    session: Session,
    words: Annotated[
        Optional[list[str]], typer.Argument(metavar="[COMMAND]...", help="Its words: disk fstab check.")
    ] = None,
    of: Annotated[
        str,
        typer.Option("--of", metavar="WHAT", parser=one_of("--of", *OF), help="envelope; facts: what --facts reads."),
    ] = "envelope",
) -> None:
    """Print the JSON Schema (draft 2020-12) of what a command answers with --json.

    Without a command: the commands that have one, with --json all schemas. Times in an answer are RFC 3339 with the
    zone, and sizes bytes.
    """
    results, saved = areas.load_results()
    name = " ".join(words or ()).removeprefix("opskit ")
    facts = of == "facts"
    if not name:
        names = saved if facts else results
        rows = [[f"opskit {each}", "yes" if each in saved else "no"] for each in names]
        columns = [Column("COMMAND"), Column("READS FACTS")]
        schemas: list[SchemaRow] = []
        if session.screen.json:
            schemas += [] if facts else [_envelope(*pair) for pair in results.items()]
            schemas += [_facts(*pair) for pair in saved.items()]
        session.screen.answer({"schemas": schemas}, lambda: draw_table(session.screen, columns, rows))
        return
    if name not in results:
        raise _unknown(name, results)
    if facts and name not in saved:
        raise UsageFault(f"opskit {name}", "it reads no facts", todo="opskit schema --of facts lists those that do")
    row = _facts(name, saved[name]) if facts else _envelope(name, results[name])
    session.screen.answer({"schemas": [row]}, lambda: session.screen.line(json.dumps(row["schema"], indent=1)))


def _unknown(name: str, results: dict[str, tuple[object, ...]]) -> UsageFault:
    """Also of a group: its commands are what was meant."""
    below = [each for each in results if each.startswith(f"{name} ")]
    if below:
        why = "it is no command but a group"
        return UsageFault(f"opskit schema {name}", why, todo=f"one of its commands: {', '.join(below)}")
    near = nearest(name, [*results, *(each.split()[0] for each in results)])
    todo = f"did you mean 'opskit schema {near}'?" if near else "opskit schema lists the commands"
    return UsageFault(f"opskit schema {name}", "no such command", todo=todo)


def _envelope(name: str, results: tuple[object, ...]) -> SchemaRow:
    command = f"opskit {name}"
    return {"command": command, "of": "envelope", "schema": envelope_schema(command, results)}


def _facts(name: str, facts: type) -> SchemaRow:
    command = f"opskit {name}"
    return {"command": command, "of": "facts", "schema": facts_schema(command, facts)}
