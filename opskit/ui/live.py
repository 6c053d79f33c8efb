"""A table that is drawn anew in its place, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from opskit.core.text import shown
from opskit.ui.screen import Column, Screen


def draw_live(
    screen: Screen, columns: Sequence[Column], frames: Iterable[tuple[Sequence[Sequence[str]], Sequence[str]]]
) -> None:
    """Draw each frame (the rows of a table, lines below it) over the one before, until they end."""
    from rich import box  # noqa: PLC0415 - rich is imported only when something is drawn with it
    from rich.console import Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Live(console=screen.console(sys.stdout), auto_refresh=False, vertical_overflow="crop") as live:
        for rows, lines in frames:
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            for column in columns:
                table.add_column(Text(column.title), justify="right" if column.right else "left", no_wrap=True)
            for row in rows:
                table.add_row(*[Text(shown(cell) or "-") for cell in row])
            live.update(Group(table, *[Text(shown(line)) for line in lines]), refresh=True)
