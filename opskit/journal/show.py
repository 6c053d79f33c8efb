"""`opskit journal usage` as JSON and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.core.units import size_text
from opskit.journal.model import ACTIVE, Directory
from opskit.journal.times import moment_text
from opskit.ui.screen import Column, Screen, draw_table


def usage_json(directories: Sequence[Directory]) -> dict[str, Any]:
    """The result of `journal usage --json`."""
    rows = [_row(directory) for directory in directories]
    return {"directories": rows, "bytes": sum(row["bytes"] for row in rows)}


def _row(directory: Directory) -> dict[str, Any]:
    active = [file for file in directory.files if file.said.kind == ACTIVE]
    sound = [file.header for file in directory.files if not file.header.problem and file.header.entries]
    return {
        "path": directory.path,
        "machine_id": directory.machine_id,
        "namespace": directory.namespace,
        "problem": directory.problem,
        "active_files": len(active),
        "archived_files": len(directory.files) - len(active),
        "active_bytes": sum(file.allocated for file in active),
        "bytes": sum(file.allocated for file in directory.files),
        "oldest": moment_text(min((header.head for header in sound), default=0)),
        "newest": moment_text(max((header.tail for header in sound), default=0)),
        "damaged": [file.name for file in directory.files if file.opens or file.header.problem],
    }


_COLUMNS = (
    Column("ACTIVE", right=True),
    Column("ARCHIVED", right=True),
    Column("SIZE", right=True),
    Column("OLDEST"),
    Column("NEWEST"),
    Column("DAMAGED", right=True),
    Column("DIRECTORY"),
)


def draw_usage(screen: Screen, directories: Sequence[Directory]) -> None:
    """A line for each directory."""
    rows = []
    for row in map(_row, directories):
        times = [str(row[key] or "")[:19] for key in ("oldest", "newest")]
        counts = [str(row["active_files"]), str(row["archived_files"]), size_text(row["bytes"])]
        rows.append([*counts, *times, str(len(row["damaged"]) or ""), row["path"]])
    draw_table(screen, _COLUMNS, rows)
