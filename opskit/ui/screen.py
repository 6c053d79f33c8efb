"""Where output goes: results to stdout, everything else to stderr; rich on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, TextIO

from opskit.core.text import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from opskit.core.errors import OpskitError
    from opskit.core.finding import Finding


# A full row of `disk list` fits from here on.
WIDE_COLUMNS = 180


@dataclass
class Screen:
    """One command's output. color is auto, always or never and is decided for each stream by itself."""

    command: str
    json: bool = False
    quiet: bool = False
    color: str = "auto"

    def answer(
        self,
        result: Any,
        draw: Callable[[], None],
        *,
        findings: Sequence[Finding] = (),
        error: Optional[OpskitError] = None,
    ) -> None:
        """The command's result: one envelope with --json, else drawn for a person.

        error: why the result is not all that was asked for; in the envelope. For a person the caller tells of it.
        """
        if self.json:
            from opskit.core.envelope import envelope  # noqa: PLC0415

            print(envelope(self.command, result, findings=findings, error=error))
        else:
            draw()

    def line(self, text: str) -> None:
        """A line of the result, on stdout. The text is shown as it is, never read as markup."""
        print(text)

    def done(self, text: str) -> None:
        """What a success has to say; silent with -q."""
        if not self.quiet:
            print(text)

    def note(self, text: str = "") -> None:
        """A line beside the result, on stderr; silent with -q and with --json."""
        if not (self.quiet or self.json):
            print(text, file=sys.stderr)

    def styled(self, text: str, style: str, stream: TextIO) -> str:
        """The text in an ANSI style ("bold", "red" …) where the stream is for that."""
        code = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}[style]
        return f"\033[{code}m{text}\033[0m" if self.colored(stream) else text

    def colored(self, stream: TextIO) -> bool:
        """Whether this stream gets colours: --color, NO_COLOR, TERM=dumb, and whether it is a terminal."""
        if self.color != "auto":
            return self.color == "always"
        return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()

    def wide(self) -> bool:
        """Whether the terminal has room for every column."""
        return shutil.get_terminal_size().columns >= WIDE_COLUMNS

    def console(self, stream: TextIO) -> Console:
        """A rich console on this stream, for a terminal."""
        from rich.console import Console  # noqa: PLC0415 - rich is imported only when something is drawn with it

        colored = self.colored(stream)
        # Without a colour system rich leaves out bold and the like as well.
        system: Any = "auto" if colored else None
        return Console(
            file=stream, no_color=not colored, color_system=system, markup=False, highlight=False, emoji=False
        )


class Column(NamedTuple):
    """A column of a table.

    right: numbers, set to the right.
    whole: names, never folded where there is any room for them.
    """

    title: str
    right: bool = False
    whole: bool = False


def draw_table(
    screen: Screen, columns: Sequence[Column], rows: Sequence[Sequence[str]], stream: Optional[TextIO] = None
) -> None:
    """A table on stdout, or another stream: rich's on a terminal, aligned plain lines elsewhere.

    Those are one record a line, and never cut.
    """
    stream = stream or sys.stdout
    cells = [[shown(cell) or "-" for cell in row] for row in rows]
    if stream.isatty():
        _draw_rich(screen, columns, cells, stream)
        return
    lines = [[column.title for column in columns], *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        padded = [_pad(cell, width, column) for cell, width, column in zip(line, widths, columns)]
        print("  ".join(padded).rstrip(), file=stream)


def _pad(cell: str, width: int, column: Column) -> str:
    return cell.rjust(width) if column.right else cell.ljust(width)


def _draw_rich(screen: Screen, columns: Sequence[Column], cells: Sequence[Sequence[str]], stream: TextIO) -> None:
    screen.console(stream).print(rich_table(columns, cells))


def rich_table(columns: Sequence[Column], cells: Sequence[Sequence[str]], *, one_line: bool = False) -> Table:
    """The table as rich draws it. one_line: no row takes a second line; what does not fit is left out at its end."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=one_line)
    for number, column in enumerate(columns, 1):
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            overflow="ellipsis" if one_line else "fold",
            no_wrap=one_line or column.whole,
            # The last column has what the others leave.
            ratio=1 if one_line and number == len(columns) else None,
        )
    for row in cells:
        table.add_row(*[Text(cell) for cell in row])
    return table


def bar(share: float, width: int) -> str:
    """A share from 0 to 1 in so many columns, in plain ASCII: any terminal has it."""
    full = min(width, max(0, round(share * width)))
    return "#" * full + "." * (width - full)
