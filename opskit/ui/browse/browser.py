"""What is shown of a tree, and what each key does. No terminal: terminal.py asks for lines and hands keys on."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Callable, NamedTuple, Optional

from opskit.core.text import counted, shown
from opskit.core.units import ceiling_text, minute_text
from opskit.ui.browse.tree import DIRECTORY, LINK, BrowseNode
from opskit.ui.screen import bar

QUIT, DELETE, RESCAN = "quit", "delete", "rescan"
BAR = 10
HELP = (
    "up, k   down, j       the line above, below; PgUp, PgDn, Home, End",
    "enter, right, l       into the directory",
    "left, h, backspace    out of it",
    "s  n  C  M            sort by size, name, entries, newest change;",
    "                      the same key again: the other way round",
    "space                 mark, or no longer",
    "/                     search here; / and enter: the next one",
    "i                     all about the line",
    "r                     read this directory again",
    "d                     delete what is marked, or the line:",
    "                      shows the plan and asks before anything is done",
    "q                     quit",
    "",
    "!  it could not be read, or not all of it    H  another name of a file",
    "   that counts elsewhere (hard link)         *  marked",
)


class Order(NamedTuple):
    """An order of lines: its word, the key of a line, and whether the largest comes first."""

    word: str
    key: Callable[[BrowseNode], object]
    largest_first: bool = True


ORDERS = {
    "s": Order("size", lambda node: node.bytes),
    "n": Order("name", lambda node: node.name, largest_first=False),
    "C": Order("entries", lambda node: node.entries),
    "M": Order("newest change", lambda node: node.newest or 0),
}


class Line(NamedTuple):
    """A line of the screen; style: "", "title", "cursor" or "dim"."""

    text: str
    style: str = ""


class Browser:
    """Where somebody is in a tree, and what he has marked.

    read_only: why nothing can be deleted or read again (a saved scan); "" where it can
    apparent: whether sizes are of the contents
    wish: what is to be done outside of the browser: QUIT, DELETE or RESCAN; "" for nothing
    message: what the bottom line says, until the next key
    popup: lines over the list, until the next key
    typed: what is being searched for while it is typed, else None
    """

    def __init__(self, root: BrowseNode, *, read_only: str = "", apparent: bool = False) -> None:
        self.root = self.directory = root
        self.read_only, self.apparent = read_only, apparent
        self.order, self.reverse = "s", False
        self.cursor = self.first = 0
        self.marked: dict[BrowseNode, None] = {}
        self.wish = self.message = self.sought = ""
        self.popup: Sequence[str] = ()
        self.typed: Optional[str] = None
        self._rows: list[BrowseNode] = []
        self.sort()

    @property
    def rows(self) -> list[BrowseNode]:
        """What is in the directory, in the order that was chosen."""
        return self._rows

    @property
    def current(self) -> Optional[BrowseNode]:
        """What the cursor is on; None in an empty directory."""
        return self._rows[self.cursor] if self._rows else None

    @property
    def chosen(self) -> list[BrowseNode]:
        """What is marked, else what the cursor is on; of what lies in another of them only that."""
        if not self.marked:
            return [self.current] if self.current else []
        return [node for node in self.marked if not any(above in self.marked for above in node.above())]

    def sort(self) -> None:
        """Put the lines in order; the cursor stays on its line."""
        current = self.current
        order = ORDERS[self.order]
        rows = sorted(self.directory.children, key=lambda node: node.name)
        # Reversed by the key alone, so that equals stay by name.
        rows.sort(key=order.key, reverse=order.largest_first != self.reverse)  # type: ignore[arg-type]
        self._rows = rows
        self.cursor = rows.index(current) if current in rows else min(self.cursor, max(0, len(rows) - 1))

    @property
    def place(self) -> list[str]:
        """The names from the root down to the directory that is shown."""
        return [node.name for node in (self.directory, *self.directory.above())][-2::-1]

    def follow(self, root: BrowseNode, place: Sequence[str]) -> None:
        """Show a tree that was read anew, in whole or in part; what was marked is marked no longer.

        place: what was shown before anything was read anew, for a part that has left the tree does not tell where it
            was; what is left of it is shown
        """
        current = self.current
        self.root = self.directory = root
        for name in place:
            inner = next((node for node in self.directory.children if node.name == name), None)
            if inner is None or inner.kind != DIRECTORY:
                break
            self.directory = inner
        self.changed(current.name if current else "")

    def changed(self, name: str = "") -> None:
        """After the tree has changed: nothing is marked, and the cursor is on a line that is there."""
        self.marked = {}
        at = self.cursor
        self.cursor, self._rows = 0, []
        self.sort()
        places = [number for number, node in enumerate(self._rows) if node.name == name]
        self.cursor = places[0] if places else min(at, max(0, len(self._rows) - 1))

    def press(self, key: str, page: int = 10) -> None:
        """Do what a key does. key: a character, or the name of a key: up, down, left, right, enter …; page: lines."""
        if self.typed is not None:
            self._type(key)
            return
        self.message = ""
        if self.popup:
            self.popup = ()
            return
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page}
        moves |= {"home": -len(self._rows), "end": len(self._rows)}
        if key in moves:
            self._move(moves[key])
        elif key in {"enter", "right", "l"}:
            self._enter()
        elif key in {"left", "h", "backspace", "<"}:
            self._leave()
        elif key in ORDERS:
            self.reverse = not self.reverse if key == self.order else False
            self.order = key
            self.sort()
        else:
            self._command(key)

    def _command(self, key: str) -> None:
        if key == " " and self.current:
            if self.current in self.marked:
                del self.marked[self.current]
            else:
                self.marked[self.current] = None
            self._move(1)
        elif key == "/":
            self.typed = ""
        elif key == "i" and self.current:
            self.popup = self._about(self.current)
        elif key == "?":
            self.popup = HELP
        elif key == "q":
            self.wish = QUIT
        elif key in {"d", "r"} and self.read_only:
            self.message = f"This is a {self.read_only}: it is only shown."
        elif key == "d" and self.chosen:
            self.wish = DELETE
        elif key == "r":
            self.wish = RESCAN

    def _move(self, by: int) -> None:
        self.cursor = max(0, min(len(self._rows) - 1, self.cursor + by))

    def _enter(self) -> None:
        if self.current and self.current.kind == DIRECTORY:
            self._show(self.current, None)

    def _leave(self) -> None:
        if self.directory.parent:
            self._show(self.directory.parent, self.directory)

    def _show(self, directory: BrowseNode, on: Optional[BrowseNode]) -> None:
        self.directory, self.cursor, self.first, self._rows = directory, 0, 0, []
        self.sort()
        if on:
            self.cursor = self._rows.index(on)

    def _type(self, key: str) -> None:
        """A key while something to search for is typed."""
        typed = self.typed or ""
        if key == "enter":
            self.sought, self.typed = typed or self.sought, None
            self._search()
        elif key == "escape":
            self.typed = None
        elif key == "backspace":
            self.typed = typed[:-1]
        elif len(key) == 1 and key.isprintable():
            self.typed = typed + key

    def _search(self) -> None:
        """The next line whose name has what is sought in it, whatever the case; from the end on at the top again."""
        sought = self.sought.casefold()
        after = [*range(self.cursor + 1, len(self._rows)), *range(self.cursor + 1)]
        at = next((at for at in after if sought in shown(self._rows[at].name).casefold()), None)
        if at is None:
            self.message = f"no name here has {self.sought!r} in it"
        elif sought:
            self.cursor = at

    def lines(self, height: int, width: int) -> list[Line]:
        """The whole screen, as many lines as it has, none wider than it is."""
        room = max(1, height - 2)
        self.first = max(min(self.first, self.cursor), self.cursor - room + 1)
        order = ORDERS[self.order].word + (", reversed" if self.reverse else "")
        title = _end_of(shown(self.directory.path()), width - len(order) - 5)
        lines = [Line(_ends(title, f"by {order}", width), "title")]
        for at in range(self.first, min(self.first + room, len(self._rows))):
            style = "cursor" if at == self.cursor else ""
            lines.append(Line(fitted(self._row(self._rows[at], width), width), style))
        if not self._rows:
            what = "the scan has nothing of what is in here" if self.read_only else "nothing is in here"
            lines.append(Line(fitted(f"   ({what})", width), "dim"))
        lines += [Line("")] * (height - 1 - len(lines))
        if self.popup:
            for at, text in enumerate(self.popup[: max(0, height - 4)], 2):
                lines[at] = Line(fitted(f"  | {text:<72}", width))
        return [*lines[: height - 1], Line(self._bottom(width), "title")][-height:]

    def _row(self, node: BrowseNode, width: int) -> str:
        total = self.directory.bytes
        share = node.bytes / total if total > 0 else 0.0
        flag = "!" if node.unreadable else "H" if node.kind == LINK else " "
        words = [f"{'*' if node in self.marked else ' '}{flag}{ceiling_text(max(0, node.bytes)):>6}"]
        if self.order == "C":
            words.append(f"{node.entries:>9,}")
        if self.order == "M":
            words.append(_time(node.newest))
        if width >= 60:
            words += [f"{share:>4.0%}", bar(share, BAR)]
        return "  ".join([*words, shown(node.name) + ("/" if node.kind == DIRECTORY else "")])

    def _bottom(self, width: int) -> str:
        if self.typed is not None:
            return fitted(f"Search: {shown(self.typed)}_", width)
        if self.message:
            return fitted(shown(self.message), width)
        directory = self.directory
        left = f"{ceiling_text(max(0, directory.bytes))} in {counted(directory.entries, 'entry', 'entries')}"
        if self.marked:
            size = ceiling_text(sum(node.bytes for node in self.chosen))
            left += f", {len(self.marked)} marked ({size})"
        if self.read_only:
            left += f", {self.read_only}"
        keys = ["? help  q quit", "? help"]
        keys = keys if self.read_only else ["d delete  ? help  q quit", *keys]
        room = width - sum(map(cells_of, left)) - 2
        return _ends(left, next((text for text in keys if len(text) <= room), ""), width)

    def _about(self, node: BrowseNode) -> list[str]:
        """All that is known of a line."""
        kinds = {LINK: "another name of a file that counts elsewhere (hard link)"}
        what = "of the contents" if self.apparent else "allocated"
        lines = [
            *_folded(f"path      {shown(node.path())}", 72),
            f"kind      {kinds.get(node.kind, node.kind)}",
            f"size      {ceiling_text(max(0, node.bytes))} ({node.bytes:,} bytes {what})",
            f"entries   {node.entries:,}",
            f"newest    {_time(node.newest)}",
        ]
        return [*lines, *([f"read      {shown(node.unreadable)}"] if node.unreadable else [])]


def _time(newest: Optional[int]) -> str:
    """A time as `du --time` has it."""
    return f"{'not known' if newest is None else minute_text(newest):<16}"


def cells_of(char: str) -> int:
    """How many columns of a terminal a character takes."""
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def fitted(text: str, width: int) -> str:
    """The text, cut to so many columns, with a mark where something is left out."""
    if text.isascii():
        return text if len(text) <= width else text[: max(0, width - 1)] + "~"[:width]
    used = 0
    for at, char in enumerate(text):
        cells = cells_of(char)
        if used + cells > width - 1 and sum(map(cells_of, text[at:])) > width - used:
            return text[:at] + "~"[:width]
        used += cells
    return text


def _end_of(text: str, width: int) -> str:
    """The end of a path that is too long: what it ends in tells one directory from another."""
    cells = sum(map(cells_of, text))
    if cells <= width:
        return text
    while text and cells > max(1, width) - 1:
        cells -= cells_of(text[0])
        text = text[1:]
    return f"~{text}"


def _ends(left: str, right: str, width: int) -> str:
    """One text at the left and one at the right; where there is no room for both, the left one."""
    cells = sum(map(cells_of, left))
    if cells + len(right) + 2 > width:
        return fitted(left, width)
    return left + " " * (width - cells - len(right)) + right


def _folded(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]
