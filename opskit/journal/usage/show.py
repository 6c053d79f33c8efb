"""`opskit journal usage` and `verify` as JSON and as tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from opskit.core.text import shown
from opskit.core.units import size_text, span_text
from opskit.journal.files.model import ACTIVE, moment_text, to_the_second
from opskit.journal.retain.bounds import Bound
from opskit.journal.usage.findings import Usage, damaged
from opskit.ui.screen import Column, Screen, draw_table

if TYPE_CHECKING:
    from opskit.journal.results import DirectoryRow, LimitRow, UsageAnswer

_SECOND = 1_000_000


def usage_json(usages: Sequence[Usage]) -> UsageAnswer:
    """The result of `journal usage --json`; sizes in bytes, spans in seconds."""
    rows = [_row(usage) for usage in usages]
    return {"directories": rows, "bytes": sum(row["bytes"] for row in rows)}


def _row(usage: Usage) -> DirectoryRow:
    directory = usage.directory
    active = [file for file in directory.files if file.parsed.kind == ACTIVE]
    sound = [file.header for file in directory.files if not file.header.damage and file.header.entries]
    return {
        "path": directory.path,
        "machine_id": directory.machine_id,
        "namespace": directory.namespace,
        "problem": directory.read_error,
        "active_files": len(active),
        "archived_files": len(directory.files) - len(active),
        "active_bytes": sum(file.allocated for file in active),
        "bytes": sum(file.allocated for file in directory.files),
        "oldest": moment_text(min((header.head for header in sound), default=0)),
        "newest": moment_text(max((header.tail for header in sound), default=0)),
        "damaged": [{"name": name, "why": why} for name, why in damaged(directory)],
        "limits": [_bound_json(bound) for bound in usage.bounds.all()] if usage.bounds else [],
    }


def _bound_json(bound: Bound) -> LimitRow:
    value = bound.value // _SECOND if bound.name.endswith("Sec") else bound.value
    return {"name": bound.name, "value": value, "source": bound.source}


_COLUMNS = (
    Column("ACTIVE", right=True),
    Column("ARCHIVED", right=True),
    Column("SIZE", right=True),
    Column("LIMIT", right=True),
    Column("OLDEST"),
    Column("NEWEST"),
    Column("DAMAGED", right=True),
    Column("DIRECTORY", whole=True, path=True),
)


def draw_usage(screen: Screen, usages: Sequence[Usage]) -> None:
    """A line for each directory, then the limits in force and where each comes from."""
    if not usages:
        screen.done("there are no journals here")
        return
    rows = []
    for usage in usages:
        row = _row(usage)
        limit = size_text(usage.bounds.max_use.value) if usage.bounds and usage.bounds.max_use.value else ""
        times = [to_the_second(row[key]) for key in ("oldest", "newest")]
        counts = [str(row["active_files"]), str(row["archived_files"]), size_text(row["bytes"]), limit]
        rows.append([*counts, *times, str(len(row["damaged"]) or ""), row["path"]])
    draw_table(screen, _COLUMNS, rows, less=("DAMAGED", "NEWEST", "ACTIVE", "ARCHIVED"))
    terminal = sys.stdout.isatty()
    for usage in usages:
        path = shown(usage.directory.path)
        if terminal and usage.bounds:  # elsewhere one record a line
            screen.line(f"{path}:")
        for bound in usage.bounds.all() if usage.bounds else ():
            text = f"{bound.name}={_value(bound)} ({shown(bound.source)})"
            screen.line(f"    {text}" if terminal else f"{path}: {text}")


def _value(bound: Bound) -> str:
    """The value as journald.conf would have it."""
    if bound.name.endswith("Sec"):
        return span_text(bound.value)
    return str(bound.value) if bound.name.endswith("Files") else size_text(bound.value)
