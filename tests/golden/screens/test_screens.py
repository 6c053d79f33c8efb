"""The screen of every command that draws one, with few rows and many, at several sizes: a file for each command.

They are looked at by a person before they are committed. After a change of what is drawn they are written anew by
`OPSKIT_TEST_SCREENS=write scripts/test tests/golden/screens`; `git diff` then shows what became of every screen.
"""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from golden.screens import made
from golden.screens.made import NOW
from golden.screens.plans import PLANS
from golden.screens.words import WORDS
from opskit.ui.screen import Screen
from opskit.yum import show as yum_show

SCREENS = {**made.SCREENS, **PLANS, **WORDS}
FOLDER = Path(__file__).parent
SIZES = ((3, 80), (40, 80), (3, 120), (3, 200))
# A word that says which one something is: nothing may be folded inside it.
WHOLE = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-|\d{8}T\d{6}Z-|/dev/)")


class Terminal(io.StringIO):
    """What a command writes to."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """At noon in UTC, by no command line of the test's."""
    monkeypatch.setattr(sys, "argv", ["opskit"])
    monkeypatch.setattr(yum_show, "time", SimpleNamespace(time=lambda: NOW))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def drawn(name: str, rows: int, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    SCREENS[name](Screen(name.replace("-", " "), color="never"), rows)
    return terminal.getvalue().replace("\r\033[K", "")  # of a line that is overwritten


@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, known = [], {}
    for rows, columns in SIZES:
        with monkeypatch.context() as at:
            text = drawn(name, rows, columns, at)
        size = f"{rows} rows, {columns} columns"
        first = known.setdefault(text, size)
        parts.append(f"=== {size} ===\n{text if first == size else f'as of {first}'}")
    file = FOLDER / f"{name}.txt"
    whole = "\n".join(parts)
    if os.environ.get("OPSKIT_TEST_SCREENS") == "write":
        file.write_text(whole, encoding="utf-8")
    assert whole == file.read_text(encoding="utf-8")
