"""Drawing for `opskit du`: a table with shares on a terminal, the lines of `du -h` elsewhere; --diff; progress."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from opskit.core.text import shown
from opskit.core.units import ceiling_text, seconds_text, time_text
from opskit.ui.progress import progress_line
from opskit.ui.screen import Column, Screen, bar, draw_table
from opskit.usage.du.model import Entry, Group, Scan

if TYPE_CHECKING:
    from opskit.usage.du.changes import Change, Changes
    from opskit.usage.du.saved import Saved

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


def changes_json(found: Changes, before: Saved, after: Saved, listing: Listing) -> dict[str, Any]:
    """The result for --json; sizes in bytes, rates in bytes and entries a day (null over less than a minute)."""

    def one(change: Change) -> dict[str, Any]:
        return {
            "path": change.path,
            "change": change.change,
            "before_bytes": change.before,
            "after_bytes": change.after,
            "bytes_per_day": found.per_day(change.delta),
            "entries_before": change.entries_before,
            "entries_after": change.entries_after,
            "entries_per_day": found.per_day(change.entries_delta),
        }

    return {
        "since": time_text(before.taken),
        "until": time_text(after.taken),
        "changes": [one(change) for change in _chosen(found, listing)],
        "total": one(found.total),
        "unreadable": after.scan.unreadable,
    }


def draw_changes(screen: Screen, found: Changes, before: Saved, listing: Listing) -> None:
    """A line each: how much more or less, a day, how much it is now, the word and the name; the total on stderr."""
    chosen = _chosen(found, listing)
    rows = [_row(found, change, listing) for change in chosen]
    if listing.null:
        data = "".join("\t".join(row) + "\0" for row in rows)
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(data))
    elif sys.stdout.isatty() and rows:
        columns = [Column(title, right=True) for title in ("MORE", "A DAY", "NOW")] + [Column("WHAT"), Column("PATH")]
        draw_table(screen, columns, rows)
    elif rows:
        screen.line("\n".join("\t".join([*row[:-1], shown(row[-1])]) for row in rows))
    more, rate, now, _, _ = _row(found, found.total, listing)
    left_out = f"; {len(chosen)} of {len(found.listed)} changes shown" if len(chosen) < len(found.listed) else ""
    nothing = "nothing changed; " if not found.listed else ""
    when = f"since {time_text(before.taken)} ({seconds_text(int(found.seconds), 2)})"
    screen.note(f"{when}: {nothing}total {more} ({rate} a day), now {now}{left_out}")


def _chosen(found: Changes, listing: Listing) -> list[Change]:
    chosen = [one for one in found.listed if abs(_delta(one, listing)) >= listing.min_size]
    return chosen[: listing.top] if listing.top else chosen


def _delta(change: Change, listing: Listing) -> int:
    return change.entries_delta if listing.inodes else change.delta


def _row(found: Changes, change: Change, listing: Listing) -> list[str]:
    delta = _delta(change, listing)
    rate = found.per_day(delta)
    now = change.entries_after if listing.inodes else change.after
    return [
        _signed(delta, listing),
        "-" if rate is None else _signed(rate, listing),
        listing.text(now),
        change.change,
        change.path,
    ]


def _signed(value: int, listing: Listing) -> str:
    text = str(abs(value)) if listing.exact else ceiling_text(abs(value))
    return f"{'-' if value < 0 else '+'}{text}"


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
