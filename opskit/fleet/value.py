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


def value_lines(value: Any, depth: int = 0) -> Iterator[str]:
    """The lines of a value of JSON. depth: how many are above it."""
    if is_plain(value):
        yield plain(value)
    elif depth > DEEPEST:
        yield "..."
    elif isinstance(value, dict):
        width = max((len(shown(str(name))) for name, inner in value.items() if is_plain(inner)), default=0)
        for name, inner in value.items():
            title = shown(str(name))
            if is_plain(inner):
                yield f"{title:<{width}}  {plain(inner, str(name))}".rstrip()
            else:
                yield f"{title}:"
                yield from (f"  {line}" for line in value_lines(inner, depth + 1))
    elif is_table(value):
        yield from table_lines(value)
    else:
        for inner in value:
            first, *rest = value_lines(inner, depth + 1) if inner != {} else ["-"]
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)


def is_plain(value: Any) -> bool:
    """Whether it is told on the line of its name."""
    return not isinstance(value, (dict, list)) or not value


def plain(value: Any, name: str = "") -> str:
    """A value on one line. name: by which a number of bytes is known."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and value >= 0 and (name in SIZES or name.endswith("_bytes")):
        return size_text(value)
    return shown(str(value))


def is_table(rows: Sequence[Any]) -> bool:
    """Whether these are rows with the same names and plain values."""
    return (
        len(rows) > 0
        and all(isinstance(row, dict) and row for row in rows)
        and all(row.keys() == rows[0].keys() and all(map(is_plain, row.values())) for row in rows)
    )


def table_lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line for each row, the names above; numbers to the right."""
    names = list(rows[0])
    lines = [[shown(name).upper() for name in names], *([plain(row[name], name) for name in names] for row in rows)]
    right = [all(isinstance(row[name], (int, float)) for row in rows) for name in names]
    widths = [max(len(line[number]) for line in lines) for number in range(len(names))]
    for line in lines:
        cells = [cell.rjust(width) if set_right else cell.ljust(width)
                 for cell, width, set_right in zip(line, widths, right)]  # fmt: skip
        yield "  ".join(cells).rstrip()
