"""How many of everything generated a run has: the quick suite, scripts/test --full (the CI), scripts/test --more.

Quick is some tens, --full 100 to 200 of each kind, --more what is left to the thousands: by hand, before an issue is
closed. Where each is a boot, a power cut or a round of the virtual machine, --full has a handful. The markers are
`slow` (not quick) and `more` (neither quick nor full); tests of hypothesis make their examples within one test, so
scripts/test --more says so in a variable (tests/conftest.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

# The fixture `agree`: agree("directories", 20, of=20).
Agree = Callable[[str, int, int], None]


def slow(*values: Any) -> Any:
    """A case of a parametrised test that the quick suite leaves out."""
    return pytest.param(*values, marks=pytest.mark.slow)


def more(*values: Any) -> Any:
    """A case of a parametrised test that scripts/test --full leaves out, too."""
    return pytest.param(*values, marks=pytest.mark.more)


def seeds(quick: int, full: int, thousands: int) -> list[Any]:
    """The numbers from 0 on, each a case of its own: so many in the quick suite, with --full, and with --more."""
    return [*range(quick), *map(slow, range(quick, full)), *map(more, range(full, thousands))]


def ranges(quick: int, full: int, thousands: int, size: int) -> list[Any]:
    """The same, a case for each `size` numbers, so that several processes share the work."""

    def pieces(begin: int, end: int) -> Iterator[Any]:
        for start in range(begin, end, size):
            yield pytest.param(range(start, min(start + size, end)), id=f"{start}-{min(start + size, end) - 1}")

    def marked(begin: int, end: int, mark: pytest.MarkDecorator) -> Iterator[Any]:
        for piece in pieces(begin, end):
            yield pytest.param(*piece.values, id=piece.id, marks=mark)

    return [
        *pieces(0, quick),
        *marked(quick, full, pytest.mark.slow),
        *marked(full, thousands, pytest.mark.more),
    ]
