"""A table that is drawn anew in its place, on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Callable, Optional

from opskit.ui.screen import Column, Screen

Draw = Callable[[Sequence[Sequence[str]], Sequence[str]], None]


@contextlib.contextmanager
def live_table(screen: Screen, columns: Sequence[Column]) -> Iterator[Draw]:
    """What draws the rows, and lines below them, in the place of the last ones. The last ones stay when it ends.

    The text is to be escaped already (core.text.shown); it is never read as markup.
    """
    from rich.console import Group  # noqa: PLC0415 - rich is imported only when something is drawn with it
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from opskit.ui.screen import live_rows  # noqa: PLC0415

    with Live(console=screen.console(sys.stdout), auto_refresh=False, vertical_overflow="crop") as live:

        def draw(rows: Sequence[Sequence[str]], below: Sequence[str]) -> None:
            lines = [Text(line, overflow="ellipsis", no_wrap=True) for line in below]
            live.update(Group(live_rows(columns, rows), *lines), refresh=True)

        yield draw


@contextlib.contextmanager
def live_lines(screen: Screen) -> Iterator[Callable[[Sequence[str]], None]]:
    """What draws lines in the place of the last ones, which stay when it ends.

    A line may have styles of Screen.styled; its text is to be escaped already, and fits.
    """
    from rich.console import Group  # noqa: PLC0415 - rich is imported only when something is drawn with it
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Live(console=screen.console(sys.stdout), auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda lines: live.update(Group(*(Text.from_ansi(line, no_wrap=True) for line in lines)), refresh=True)


@contextlib.contextmanager
def passing_lines(screen: Screen) -> Iterator[Optional[Callable[[Sequence[str]], None]]]:
    """What draws lines in the place of the last ones on stderr, gone when it ends; None without a terminal.

    The text is to be escaped already, and fits. Nothing is drawn before the first call, and nothing by a clock: another
    program may ask something on the terminal.
    """
    if screen.quiet or screen.json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Group  # noqa: PLC0415 - rich is imported only when something is drawn with it
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    live = Live(console=screen.console(sys.stderr), auto_refresh=False, transient=True, vertical_overflow="crop")

    def draw(lines: Sequence[str]) -> None:
        live.start()
        live.update(Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines)), refresh=True)

    try:
        yield draw
    finally:
        live.stop()
