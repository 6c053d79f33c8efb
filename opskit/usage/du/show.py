"""Drawing for `opskit du`: a table with shares on a terminal, the lines of `du -h` elsewhere; --diff; progress."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Optional, Union

from opskit.core.record import dataclass
from opskit.core.text import counted, shown
from opskit.core.units import ceiling_text, minute_text, seconds_text, time_text
from opskit.ui.progress import progress_line
from opskit.ui.screen import Column, Screen, bar, draw_table
from opskit.usage.du.model import Scan, TreeEntry, TreeGroup

if TYPE_CHECKING:
    from opskit.usage.du.changes import TreeChange, TreeChanges
    from opskit.usage.du.saved import SavedScan
    from opskit.usage.results import ChangeRow, ChangesAnswer, ScanAnswer

BAR = 20


@dataclass(frozen=True)
class ScanListing:
    """What of a scan is shown, and how.

    top: only so many; 0 for all
    min_size: only from this size on: bytes, or entries with inodes
    inodes: measure in entries instead of bytes
    exact: sizes in bytes
    null: end each line with NUL, names as they are
    total: a line with the total, whatever is listed
    time: when something in each entry was last modified, too
    """

    top: int = 0
    min_size: int = 0
    inodes: bool = False
    exact: bool = False
    null: bool = False
    total: bool = False
    time: bool = False

    def value(self, entry: Union[TreeEntry, TreeGroup]) -> int:
        """What it is measured by."""
        return entry.entries if self.inodes else entry.bytes

    def select(self, scan: Scan) -> list[Union[TreeEntry, TreeGroup]]:
        """The groups, or else the entries, that are shown, the largest first."""
        listed: Sequence[Union[TreeEntry, TreeGroup]] = scan.groups or scan.entries
        if self.inodes:
            listed = sorted(listed, key=lambda entry: (-entry.entries, os.fsencode(name_of(entry))))
        chosen = [entry for entry in listed if self.value(entry) >= self.min_size]
        return chosen[: self.top] if self.top else chosen

    def text(self, entry: Union[TreeEntry, TreeGroup, int]) -> str:
        """Its size, as du -h writes it, or exact."""
        value = entry if isinstance(entry, int) else self.value(entry)
        return str(value) if self.exact else ceiling_text(value)

    def cells(self, entry: Union[TreeEntry, TreeGroup]) -> list[str]:
        """What stands before its name: its size, and with time that, as `du --time` has it."""
        newest = entry.newest if isinstance(entry, TreeEntry) else None
        return self.cells_of(self.value(entry), newest)

    def cells_of(self, value: int, newest: Optional[int]) -> list[str]:
        """The same of a value (bytes or entries) and a time in seconds since the epoch."""
        time = "" if newest is None else minute_text(newest)
        return [self.text(value), *([time] if self.time else [])]


def name_of(entry: Union[TreeEntry, TreeGroup]) -> str:
    """What it is called."""
    return entry.path if isinstance(entry, TreeEntry) else entry.name


def scan_json(scan: Scan, listing: ScanListing) -> ScanAnswer:
    """The result for --json."""
    chosen = listing.select(scan)
    return {
        "entries": [entry for entry in chosen if isinstance(entry, TreeEntry)],
        "groups": [entry for entry in chosen if isinstance(entry, TreeGroup)],
        "total_bytes": scan.total_bytes,
        "total_entries": scan.total_entries,
        "unreadable": scan.unreadable,
        "partial": scan.partial,
    }


def draw_scan(screen: Screen, scan: Scan, listing: ScanListing) -> None:
    """The lines, and the total: on a terminal always, else as `du --total` has it, where there are several roots."""
    chosen = listing.select(scan)
    total = scan.total_entries if listing.inodes else scan.total_bytes
    ends = scan.groups or scan.several or listing.total
    times = [entry.newest for entry in scan.entries if entry.newest is not None]
    last = "\t".join([*listing.cells_of(total, max(times, default=None)), "total"])
    if listing.null:
        records = ["\t".join([*listing.cells(entry), name_of(entry)]) for entry in chosen]
        records += [last] if listing.total else []
        data = "".join(f"{record}\0" for record in records)
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(data))
    elif sys.stdout.isatty():
        _draw_table(screen, chosen, listing, total, scan)
    else:
        lines = ["\t".join([*listing.cells(entry), shown(name_of(entry))]) for entry in chosen]
        if ends:
            lines.append(last)
        if lines:
            screen.line("\n".join(lines))


def _draw_table(
    screen: Screen, chosen: Sequence[Union[TreeEntry, TreeGroup]], listing: ScanListing, total: int, scan: Scan
) -> None:
    """A line each: size, share, bar (plain ASCII: any terminal has it) and name."""
    texts = [listing.text(entry) for entry in chosen]
    times = [f"{'  '.join(listing.cells(entry)[1:])}  " if listing.time else "" for entry in chosen]
    width = max(map(len, [*texts, listing.text(total)]))
    columns = BAR if shutil.get_terminal_size().columns >= 80 else 0
    for entry, text, time in zip(chosen, texts, times):
        share = listing.value(entry) / total if total else 0.0
        full, empty = (bar(share, columns).strip(other) for other in ".#")
        drawn = screen.styled(full, "cyan", sys.stdout) + screen.styled(empty, "dim", sys.stdout)
        screen.line(f"{text:>{width}}  {share:>4.0%}  {drawn}{'  ' if columns else ''}{time}{shown(name_of(entry))}")
    listed = len(scan.groups or scan.entries)
    shown_of = f", {len(chosen)} of {listed} shown" if len(chosen) < listed else ""
    summary = f"{listing.text(total):>{width}}  total, in {counted(scan.total_entries, 'entry', 'entries')}{shown_of}"
    if scan.total_entries or not scan.unreadable:  # of nothing that could be read there is no sum
        screen.line(screen.styled(summary, "bold", sys.stdout))


def changes_json(changes: TreeChanges, before: SavedScan, after: SavedScan, listing: ScanListing) -> ChangesAnswer:
    """The result for --json; sizes in bytes, rates in bytes and entries a day (null over less than a minute)."""

    def change_json(change: TreeChange) -> ChangeRow:
        return {
            "path": change.path,
            "change": change.change,
            "before_bytes": change.before,
            "after_bytes": change.after,
            "bytes_per_day": changes.per_day(change.delta),
            "entries_before": change.entries_before,
            "entries_after": change.entries_after,
            "entries_per_day": changes.per_day(change.entries_delta),
        }

    return {
        "since": time_text(before.taken),
        "until": time_text(after.taken),
        "changes": [change_json(change) for change in _chosen(changes, listing)],
        "total": change_json(changes.total),
        "unreadable": after.scan.unreadable,
    }


def draw_changes(screen: Screen, changes: TreeChanges, before: SavedScan, listing: ScanListing) -> None:
    """A line each: how much more or less, a day, how much it is now, the word and the name; the total on stderr."""
    chosen = _chosen(changes, listing)
    rows = [_row(changes, change, listing) for change in chosen]
    if listing.null:
        data = "".join("\t".join(row) + "\0" for row in rows)
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(data))
    elif sys.stdout.isatty() and rows:
        columns = [Column(title, right=True) for title in ("MORE", "A DAY", "NOW")] + [
            Column("WHAT"),
            Column("PATH", path=True),
        ]
        draw_table(screen, columns, rows)
    elif rows:
        screen.line("\n".join("\t".join([*row[:-1], shown(row[-1])]) for row in rows))
    more, rate, now, _, _ = _row(changes, changes.total, listing)
    left_out = f"; {len(chosen)} of {len(changes.listed)} changes shown" if len(chosen) < len(changes.listed) else ""
    nothing = "nothing changed; " if not changes.listed else ""
    when = f"since {time_text(before.taken)} ({seconds_text(int(changes.seconds), 2)})"
    screen.note(f"{when}: {nothing}total {more} ({rate} a day), now {now}{left_out}")


def _chosen(changes: TreeChanges, listing: ScanListing) -> list[TreeChange]:
    chosen = [change for change in changes.listed if abs(_delta(change, listing)) >= listing.min_size]
    return chosen[: listing.top] if listing.top else chosen


def _delta(change: TreeChange, listing: ScanListing) -> int:
    return change.entries_delta if listing.inodes else change.delta


def _row(changes: TreeChanges, change: TreeChange, listing: ScanListing) -> list[str]:
    delta = _delta(change, listing)
    rate = changes.per_day(delta)
    now = change.entries_after if listing.inodes else change.after
    return [
        _signed(delta, listing),
        "-" if rate is None else _signed(rate, listing),
        listing.text(now),
        change.change,
        change.path,
    ]


def _signed(value: int, listing: ScanListing) -> str:
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
