"""Drawing for `opskit du`: a table with shares on a terminal, the lines of `du -h` elsewhere, and how far it is."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Optional, Union

from opskit.core.text import shown
from opskit.core.units import ceiling_text
from opskit.ui.progress import progress_line
from opskit.ui.screen import Screen
from opskit.usage.du.model import Entry, Group, Scan
from opskit.usage.show_bar import bar

BAR = 20


@dataclass(frozen=True)
class Listing:
    """What of a scan is shown. top: only so many, 0 for all. min_size: of bytes, or of entries with inodes."""

    top: int = 0
    min_size: int = 0
    inodes: bool = False
    exact: bool = False
    null: bool = False

    def value(self, one: Union[Entry, Group]) -> int:
        """What it is measured by."""
        return one.entries if self.inodes else one.bytes

    def select(self, found: Scan) -> list[Union[Entry, Group]]:
        """The groups, or else the entries, that are shown, the largest first."""
        listed: Sequence[Union[Entry, Group]] = found.groups or found.entries
        if self.inodes:
            listed = sorted(listed, key=lambda one: (-one.entries, os.fsencode(name_of(one))))
        chosen = [one for one in listed if self.value(one) >= self.min_size]
        return chosen[: self.top] if self.top else chosen

    def text(self, one: Union[Entry, Group, int]) -> str:
        """Its size, as du -h writes it, or exact."""
        value = one if isinstance(one, int) else self.value(one)
        return str(value) if self.exact else ceiling_text(value)


def name_of(one: Union[Entry, Group]) -> str:
    """What it is called."""
    return one.path if isinstance(one, Entry) else one.name


def scan_json(found: Scan, listing: Listing) -> dict[str, Any]:
    """The result for --json."""
    chosen = listing.select(found)
    return {
        "entries": [one for one in chosen if isinstance(one, Entry)],
        "groups": [one for one in chosen if isinstance(one, Group)],
        "total_bytes": found.total_bytes,
        "total_entries": found.total_entries,
        "unreadable": found.unreadable,
        "partial": found.partial,
    }


def draw_scan(screen: Screen, found: Scan, listing: Listing) -> None:
    """The lines, and the total: on a terminal always, else as `du --total` has it, where there are several roots."""
    chosen = listing.select(found)
    total = found.total_entries if listing.inodes else found.total_bytes
    if listing.null:
        data = "".join(f"{listing.text(one)}\t{name_of(one)}\0" for one in chosen)
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(data))
    elif sys.stdout.isatty():
        _draw_table(screen, chosen, listing, total, found)
    else:
        lines = [f"{listing.text(one)}\t{shown(name_of(one))}" for one in chosen]
        if found.groups or found.several:
            lines.append(f"{listing.text(total)}\ttotal")
        if lines:
            screen.line("\n".join(lines))


def _draw_table(
    screen: Screen, chosen: Sequence[Union[Entry, Group]], listing: Listing, total: int, found: Scan
) -> None:
    """A line each: size, share, bar (plain ASCII: any terminal has it) and name."""
    texts = [listing.text(one) for one in chosen]
    width = max(map(len, [*texts, listing.text(total)]))
    columns = BAR if shutil.get_terminal_size().columns >= 80 else 0
    for one, text in zip(chosen, texts):
        share = listing.value(one) / total if total else 0.0
        full, empty = (bar(share, columns).strip(other) for other in ".#")
        drawn = screen.styled(full, "cyan", sys.stdout) + screen.styled(empty, "dim", sys.stdout)
        screen.line(f"{text:>{width}}  {share:>4.0%}  {drawn}{'  ' if columns else ''}{shown(name_of(one))}")
    listed = len(found.groups or found.entries)
    shown_of = f", {len(chosen)} of {listed} shown" if len(chosen) < listed else ""
    summary = f"{listing.text(total):>{width}}  total, in {found.total_entries} entries{shown_of}"
    screen.line(screen.styled(summary, "bold", sys.stdout))


@contextmanager
def progress(screen: Screen, unit: int) -> Iterator[Optional[Callable[[int, int, bytes], None]]]:
    """What a scan may call to tell how far it is: entries, their size in units, the directory it is in."""
    with progress_line(screen) as tell:

        def tick(entries: int, size: int, path: bytes) -> None:
            def line(seconds: float) -> str:
                rate = f"{entries / seconds:,.0f}/s"
                return f"{entries:,} entries  {ceiling_text(size * unit)}  {rate}  {shown(os.fsdecode(path))}"

            if tell:
                tell(line)

        yield tick if tell else None
