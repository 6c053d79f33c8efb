"""`opskit du --diff`: what changed since a saved scan, drawn and as JSON."""

from __future__ import annotations

import os
import sys
from typing import Any

from opskit.core.text import shown
from opskit.core.units import ceiling_text, time_text
from opskit.ui.screen import Column, Screen, draw_table
from opskit.usage.du.changes import Change, Changes
from opskit.usage.du.saved import Saved
from opskit.usage.du.show import Listing


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
    when = f"since {time_text(before.taken)} ({_span(found.seconds)})"
    screen.note(f"{when}: {nothing}total {more} ({rate} a day), now {now}{left_out}")


def _span(seconds: float) -> str:
    """So many days, hours, minutes or seconds."""
    for length, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= length:
            return f"{seconds / length:.1f} {name}"
    return f"{seconds:.0f} seconds"


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
