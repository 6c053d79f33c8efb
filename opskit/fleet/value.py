"""The result of any command as lines: rows of the same names as a table, the rest as names and values. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.core.text import shown
from opskit.core.units import size_text

# What is a number of bytes, beside all that ends in _bytes.
SIZES = frozenset({"bytes", "size", "used", "free", "available"})
# Below so many levels nothing is told; --json has it.
DEEPEST = 6


def value_lines(value: Any, columns: int = 0, depth: int = 0) -> Iterator[str]:
    """The lines of a value of JSON. What is empty in it is left out.

    columns: the room that a table has; what is wider is told row by row. 0 for any
    depth: how many values are above it
    """
    if is_plain(value):
        yield plain(value)
    elif depth > DEEPEST:
        yield "..."
    elif isinstance(value, dict):
        yield from _named_lines(value, columns, depth)
    else:
        lines = list(table_lines(value)) if is_table(value) else []
        if lines and not (columns and max(map(len, lines)) > columns):
            yield from lines
            return
        for inner in value:
            first, *rest = value_lines(inner, _within(columns), depth + 1)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)


def _within(columns: int) -> int:
    """The room below an indent."""
    return max(1, columns - 2) if columns else 0


def _named_lines(value: dict[str, Any], columns: int, depth: int) -> Iterator[str]:
    filled = {str(name): inner for name, inner in value.items() if not is_empty(inner)}
    width = max((len(shown(name)) for name, inner in filled.items() if is_plain(inner)), default=0)
    for name, inner in filled.items():
        if is_plain(inner):
            yield f"{shown(name):<{width}}  {plain(inner, name)}"
        else:
            yield f"{shown(name)}:"
            yield from (f"  {line}" for line in value_lines(inner, _within(columns), depth + 1))
    if not filled:
        yield "-"


def is_empty(value: Any) -> bool:
    """Whether there is nothing to tell of it."""
    return value is None or value in ("", [], {})


def is_plain(value: Any) -> bool:
    """Whether it is told on the line of its name."""
    if isinstance(value, list):
        return all(not isinstance(each, (dict, list)) for each in value)
    return not isinstance(value, dict) or not value


def plain(value: Any, name: str = "") -> str:
    """A value on one line. name: by which a number of bytes is known."""
    if is_empty(value):
        return "-"
    if isinstance(value, list):
        return ", ".join(plain(each, name) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and value >= 0 and (name in SIZES or name.endswith("_bytes")):
        return size_text(value)
    return shown(str(value))


def is_table(rows: Sequence[Any]) -> bool:
    """Whether these are rows with the same names and plain values."""
    return (
        all(isinstance(row, dict) and row for row in rows)
        and all(row.keys() == rows[0].keys() and all(map(is_plain, row.values())) for row in rows)
        and not all(is_empty(each) for row in rows for each in row.values())
    )


def table_lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line for each row, the names above; numbers to the right. A column that is empty in all is left out."""
    names = [name for name in rows[0] if not all(is_empty(row[name]) for row in rows)]
    lines = [[shown(name).upper() for name in names], *([plain(row[name], name) for name in names] for row in rows)]
    right = [all(isinstance(row[name], (int, float)) for row in rows) for name in names]
    widths = [max(len(line[number]) for line in lines) for number in range(len(names))]
    for line in lines:
        cells = [cell.rjust(width) if set_right else cell.ljust(width)
                 for cell, width, set_right in zip(line, widths, right)]  # fmt: skip
        yield "  ".join(cells).rstrip()
