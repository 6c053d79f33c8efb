"""Where output goes: results to stdout, everything else to stderr; rich on a terminal, plain lines elsewhere."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, TextIO

from opskit.core.text import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from opskit.core.errors import OpskitError
    from opskit.core.finding import Finding


# Between two columns of a table on a terminal.
GAP = 3
# A column of sentences has so much room, if it needs it, before it costs another column.
SENTENCE = 20
# A word of the last column that takes more than this of a terminal costs no other column.
LONGEST = 0.6


@dataclass
class Screen:
    """One command's output. color is auto, always or never and is decided for each stream by itself.

    chinese: what a finding of this command and id means in Chinese, for who reads that (areas.chinese)
    """

    command: str
    json: bool = False
    quiet: bool = False
    color: str = "auto"
    chinese: Optional[Callable[[str, str], str]] = None

    def __post_init__(self) -> None:
        if self.json:  # at the end of the work, opskit may have been upgraded, or removed
            importlib.import_module("opskit.core.envelope")

    def title(self, finding: Finding, area: str = "") -> str:
        """The title of a finding as it is shown: for who reads Chinese, with what it means before it.

        area: which has the finding, where that is not the command's
        """
        return self.told(finding.id, shown(finding.title), area)

    def told(self, finding: str, text: str, area: str = "") -> str:
        """A text about a finding of this id, with what that means in Chinese before it for who reads it."""
        meaning = self.chinese(area or self.command, finding) if self.chinese else ""
        return f"{meaning}: {text}" if meaning else text

    def answer(
        self,
        result: Any,
        draw: Callable[[], None],
        *,
        findings: Sequence[Finding] = (),
        error: Optional[OpskitError] = None,
        exit_code: int = 0,
    ) -> None:
        """The command's result: one envelope with --json, else drawn for a person.

        error: why the result is not all that was asked for; in the envelope. For a person the caller tells of it.
        exit_code: with which the caller ends where there is no error; what it is makes the envelope's `ok`
        """
        if self.json:
            from opskit.core.envelope import envelope  # noqa: PLC0415

            print(envelope(self.command, result, findings=findings, error=error, exit_code=exit_code))
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

    def sentence(self, text: str, stream: TextIO, indent: str = "    ") -> str:
        """A text as a stream has it: on a terminal folded between words, and a longer word stays as it is."""
        columns = shutil.get_terminal_size().columns if stream.isatty() else 0
        return "\n".join(folded(text, columns, indent, whole=True))

    def styled(self, text: str, style: str, stream: TextIO) -> str:
        """The text in an ANSI style ("bold", "red" …) where the stream is for that."""
        code = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}[style]
        return f"\033[{code}m{text}\033[0m" if self.colored(stream) else text

    def colored(self, stream: TextIO) -> bool:
        """Whether this stream gets colours: --color, NO_COLOR, TERM=dumb, and whether it is a terminal."""
        if self.color != "auto":
            return self.color == "always"
        return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()

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
    whole: names, never folded. Other cells are folded where there is no room, between words and never inside one.
    path: of the last column: what is longer loses its middle, and is whole in a pipe and in --json
    style: the colour of a cell's state on a terminal, "" for none
    """

    title: str
    right: bool = False
    whole: bool = False
    path: bool = False
    style: Optional[Callable[[str], str]] = None


def draw_table(
    screen: Screen,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    stream: Optional[TextIO] = None,
    *,
    less: Sequence[str] = (),
) -> None:
    """A table on stdout, or another stream: fitted to a terminal, aligned plain lines elsewhere.

    Those are one record a line, and never cut.

    less: titles of the columns that a terminal without the room goes without, the first to go first
    """
    stream = stream or sys.stdout
    cells = [[shown(cell) or "-" for cell in row] for row in rows]
    if stream.isatty():
        _draw_fitted(screen, columns, cells, stream, less)
        return
    lines = [[column.title for column in columns], *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        padded = [_pad(cell, width, column) for cell, width, column in zip(line, widths, columns)]
        print("  ".join(padded).rstrip(), file=stream)


def _pad(cell: str, width: int, column: Column) -> str:
    return cell.rjust(width) if column.right else cell.ljust(width)


def _draw_fitted(
    screen: Screen, columns: Sequence[Column], cells: Sequence[Sequence[str]], stream: TextIO, less: Sequence[str]
) -> None:
    """The table on a terminal. A line that is longer nevertheless is wrapped by the terminal: it can be copied."""
    room = shutil.get_terminal_size().columns
    lines = [[column.title for column in columns], *cells]
    needs = [_need(column, [line[n] for line in lines]) for n, column in enumerate(columns)]
    modest = Need(needs[-1].cell, min(needs[-1].word, SENTENCE))  # a longer one costs only its own line
    if columns[-1].path or needs[-1].word > room * LONGEST:
        needs[-1] = modest
    kept = list(range(len(columns)))
    for title in less:
        if sum(needs[n].modest + GAP for n in kept) - GAP > room:
            kept = [n for n in kept if columns[n].title != title]
    if sum(needs[n].word + GAP for n in kept) - GAP > room:
        needs[-1] = modest
    shapes = [(columns[n], width) for n, width in zip(kept, _widths([needs[n] for n in kept], room))]
    mark = "…" if "utf" in (stream.encoding or "utf").lower() else "~"
    if columns[-1].path:
        last = shapes[-1][1]
        lines = [[*line[:-1], line[-1] if width_of(line[-1]) <= last else _without_middle(line[-1], last, mark)]
                 for line in lines]  # fmt: skip

    def paint(text: str, style: str) -> str:
        return screen.styled(text, style, stream) if style else text

    head, *rows = [list(_folded([line[n] for n in kept], shapes, paint if number else None))
                   for number, line in enumerate(lines)]  # fmt: skip
    line = "─" if "utf" in (stream.encoding or "utf").lower() else "-"
    print(*(screen.styled(text, "bold", stream) for text in head), sep="\n", file=stream)
    print(line * min(room, sum(width + GAP for _column, width in shapes) - GAP), file=stream)
    for row in rows:
        print(*row, sep="\n", file=stream)


class Need(NamedTuple):
    """The room that a column needs, in columns of the terminal: for its longest cell, and for its longest word."""

    cell: int
    word: int

    @property
    def modest(self) -> int:
        """What it should have before another column goes."""
        return max(self.word, min(self.cell, SENTENCE))


def _need(column: Column, cells: Sequence[str]) -> Need:
    from rich.cells import cell_len  # noqa: PLC0415 - how wide a terminal draws a text

    longest = max(map(cell_len, cells))
    if column.whole or column.right:
        return Need(longest, longest)
    return Need(longest, max(cell_len(word) for cell in cells for word in cell.split(" ")))


def _widths(needs: Sequence[Need], room: int) -> list[int]:
    """The widths of the columns: the widest that can be folded gives room first, down to its longest word."""
    widths = [need.cell for need in needs]
    for _ in range(sum(widths) + GAP * (len(widths) - 1) - room):
        able = [n for n, need in enumerate(needs) if widths[n] > need.word]
        if not able:
            break
        widths[max(able, key=lambda n: widths[n])] -= 1
    return widths


def _folded(
    cells: Sequence[str], shapes: Sequence[tuple[Column, int]], paint: Optional[Callable[[str, str], str]] = None
) -> Iterator[str]:
    """The lines of a row. paint: gives a text the colour of a state; the head of a table has none."""
    from rich.cells import cell_len  # noqa: PLC0415

    folded = []
    for cell, (column, width) in zip(cells, shapes):
        lines = [""]
        for word in [cell] if column.whole or cell_len(cell) <= width else cell.split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if cell_len(longer) > width and lines[-1]:
                lines.append(word)
            else:
                lines[-1] = longer
        spaces = [" " * (width - cell_len(line)) for line in lines]
        if paint and column.style:
            lines = [paint(line, column.style(cell)) for line in lines]
        folded.append([space + line if column.right else line + space for line, space in zip(lines, spaces)])
    for parts in zip_longest(*folded):
        padded = [" " * width if part is None else part for part, (_column, width) in zip(parts, shapes)]
        yield (" " * GAP).join(padded).rstrip()


def live_rows(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> Table:
    """A table as rich draws it anew: no row takes a second line; what does not fit is left out at its end."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True)
    for number, column in enumerate(columns, 1):
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            overflow="ellipsis",
            no_wrap=True,
            # The last column has what the others leave.
            ratio=1 if number == len(columns) else None,
        )
    for row in cells:
        table.add_row(*[Text(cell) for cell in row])
    return table


def fitted(text: str, columns: int) -> str:
    """The text in so many columns. Of what is longer a path at its end loses its middle; else the last words go.

    No other word is cut: it may be an id, a UUID or a device.
    """
    if not columns or width_of(text) <= columns:
        return text
    mark = "…" if "utf" in (sys.stdout.encoding or "utf").lower() else "~"
    before, _, last = text.rpartition(" ")
    room = columns - width_of(before) - 1
    if before and "/" in last and room >= SENTENCE:
        return f"{before} {_without_middle(last, room, mark)}"
    words = text.split(" ")
    while len(words) > 1 and width_of(" ".join(words)) > columns - 2:
        words.pop()
    kept = " ".join(words).rstrip()
    return _without_middle(text, columns, mark) if width_of(kept) > columns - 2 or not kept else f"{kept} {mark}"


def folded(text: str, columns: int, indent: str, *, whole: bool = False) -> list[str]:
    """The text in lines of so many columns, folded between words; a longer word has a line of its own and is fitted.

    columns: 0 for one line
    indent: what the further lines begin with
    whole: a longer word stays as it is, for the terminal to wrap: it can be copied
    """
    if not columns or width_of(text) <= columns:
        return [text]
    words = text.lstrip(" ").split(" ")
    lines = [" " * (len(text) - len(text.lstrip(" ")))]
    for word in words:
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if width_of(longer) > columns and lines[-1].strip() and not _begins(word, lines[-1], columns, indent, whole):
            lines.append(indent + word)
        else:
            lines[-1] = longer
    return lines if whole else [fitted(line, columns) for line in lines]


def _begins(word: str, line: str, columns: int, indent: str, whole: bool) -> bool:
    """Whether a word that no line has room for begins on this one: `error:` is not left alone on its line."""
    room = columns - width_of(line) - 1
    return (whole or "/" in word) and width_of(indent + word) > columns and room >= SENTENCE


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - rich is imported only when something is drawn with it

    return cell_len(text)


def _without_middle(text: str, columns: int, mark: str) -> str:
    """The first half of it and the end, with the mark between them."""
    columns = max(1, columns)
    head, tail = text, text
    while width_of(head) > columns // 2:
        head = head[:-1]
    while width_of(tail) > columns - width_of(head) - 1:
        tail = tail[1:]
    return head + mark + tail


def bar(share: float, width: int) -> str:
    """A share from 0 to 1 in so many columns, in plain ASCII: any terminal has it."""
    full = min(width, max(0, round(share * width)))
    return "#" * full + "." * (width - full)
