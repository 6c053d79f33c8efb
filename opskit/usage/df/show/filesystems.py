"""`opskit df` as JSON and as tables."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any, Optional

from opskit.core.units import ceiling_text
from opskit.ui.screen import Column, Screen, bar, draw_table
from opskit.usage.df.model import Filesystem

BAR = 6
# A terminal of so many columns has room for bars, and for the counts of inodes.
ROOM_FOR_BARS = 80
ROOM_FOR_INODES = 120


def filesystem_json(one: Filesystem) -> dict[str, Any]:
    """A filesystem in the result of `df --json`; sizes in bytes, null where there is no figure."""
    figures = one.figures
    inodes = {
        "total": figures.files if figures else None,
        "used": one.files_used,
        "free": figures.files_free if figures else None,
        "used_percent": one.files_percent,
    }
    return {
        "source": one.source,
        "fstype": one.fstype,
        "mount_point": one.mount_point,
        "size_bytes": one.size,
        "used_bytes": one.used,
        "available_bytes": one.available,
        "used_percent": one.used_percent,
        "inodes": inodes,
        "readonly": one.readonly,
        "remote": one.remote,
        "answered": one.answered,
        "why": one.why,
    }


def size(count: Optional[int], *, exact: bool) -> str:
    """A size for the table: as df -h writes it, or its bytes; "" (shown as -) for none."""
    if count is None:
        return ""
    if exact:
        return str(count)
    return f"-{ceiling_text(-count)}" if count < 0 else ceiling_text(count)


def draw_filesystems(screen: Screen, filesystems: Sequence[Filesystem], *, exact: bool) -> None:
    """The table; with bars on a terminal, with every column and one line each elsewhere."""
    terminal = sys.stdout.isatty()
    room = shutil.get_terminal_size().columns
    inodes, bars = not terminal or room >= ROOM_FOR_INODES, terminal and room >= ROOM_FOR_BARS
    columns = [Column("SOURCE"), Column("TYPE")]
    columns += [Column(title, right=True) for title in ("SIZE", "USED", "AVAIL", "USE%")]
    columns += [Column("")] if bars else []
    columns += [Column(title, right=True) for title in ("INODES", "IUSED", "IFREE")] if inodes else []
    columns += [Column("IUSE%", right=True), Column("MOUNTED ON")]
    draw_table(screen, columns, [_cells(one, exact=exact, bars=bars, inodes=inodes) for one in filesystems])


def _cells(one: Filesystem, *, exact: bool, bars: bool, inodes: bool) -> list[str]:
    found = [one.source, one.fstype, *(size(count, exact=exact) for count in (one.size, one.used, one.available))]
    found.append(_percent(one.used_percent))
    if bars:
        found.append(bar(one.used_percent / 100, BAR) if one.used_percent is not None else "")
    if inodes:
        counts = (one.figures.files, one.files_used, one.figures.files_free) if one.figures else (None,) * 3
        found += ["" if count is None else str(count) for count in counts]
    return [*found, _percent(one.files_percent), one.mount_point]


def _percent(share: Optional[int]) -> str:
    return "" if share is None else f"{share}%"
