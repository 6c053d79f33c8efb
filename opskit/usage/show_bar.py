"""A share as a bar, for du and df."""

from __future__ import annotations


def bar(share: float, width: int) -> str:
    """A share from 0 to 1 in so many columns, of plain ASCII: any terminal has it."""
    full = min(width, max(0, round(share * width)))
    return "#" * full + "." * (width - full)
