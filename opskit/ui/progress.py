"""How far something is: a line on stderr, on a terminal only, and gone afterwards."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable, Optional

from opskit.core.text import shown
from opskit.ui.screen import Screen, fitted

# What is over before is told of nothing.
QUIET_SECONDS = 1.0
AGAIN_SECONDS = 0.2
# The sign that turns, the space behind it, and the last column.
_SPINNER = 3
Tell = Callable[[Callable[[float], str]], None]


@contextmanager
def step_line(screen: Screen) -> Iterator[Callable[[str], None]]:
    """What tells the step under way, beside what shows that it goes on; a terminal only.

    The text is escaped here, and cut to the terminal.
    """
    if screen.quiet or screen.json or not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.text import Text  # noqa: PLC0415 - rich is imported only when something is drawn with it

    console = screen.console(sys.stderr)
    with console.status("") as status:
        # As a string it would be read as markup, whatever the console is told.
        yield lambda text: status.update(Text(fitted(shown(text), console.width - _SPINNER)))


@contextmanager
def progress_line(screen: Screen) -> Iterator[Optional[Tell]]:
    """What may be called as often as anything moves, with what makes the line of the seconds so far; None without one.

    The text is to be escaped already (core.text.shown); it is cut to the terminal.
    """
    if screen.quiet or screen.json or not sys.stderr.isatty():
        yield None
        return
    started = time.monotonic()
    drawn = 0.0  # seconds after the start

    def tell(line_of: Callable[[float], str]) -> None:
        nonlocal drawn
        seconds = time.monotonic() - started
        if seconds >= QUIET_SECONDS and seconds - drawn >= AGAIN_SECONDS:
            line = fitted(line_of(seconds), shutil.get_terminal_size().columns - 1)
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
            drawn = seconds

    try:
        yield tell
    finally:
        if drawn:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
