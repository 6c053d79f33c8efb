"""`opskit df` as JSON and as tables."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Optional

from opskit.core.units import ceiling_text
from opskit.ui.screen import Column, Screen, bar, draw_table
from opskit.usage.df.model import Filesystem
from opskit.usage.thresholds import DEFAULTS

if TYPE_CHECKING:
    from opskit.usage.results import FilesystemRow, InodeFigures

BAR = 6
BARS = ""  # the title of their column
# A terminal of so many columns has room for bars, and for the counts of inodes.
ROOM_FOR_BARS = 80
ROOM_FOR_INODES = 120


def filesystem_json(filesystem: Filesystem) -> FilesystemRow:
    """A filesystem in the result of `df --json`; sizes in bytes, null where there is no figure."""
    figures = filesystem.figures
    inodes: InodeFigures = {
        "total": figures.files if figures else None,
        "used": filesystem.files_used,
        "free": figures.files_free if figures else None,
        "used_percent": filesystem.files_percent,
    }
    return {
        "source": filesystem.source,
        "fstype": filesystem.fstype,
        "mount_point": filesystem.mount_point,
        "size_bytes": filesystem.size,
        "used_bytes": filesystem.used,
        "available_bytes": filesystem.available,
        "used_percent": filesystem.used_percent,
        "inodes": inodes,
        "readonly": filesystem.readonly,
        "remote": filesystem.remote,
        "answered": filesystem.answered,
        "why": filesystem.why,
    }


def size(count: Optional[int], *, exact: bool) -> str:
    """A size for the table: as df -h writes it, or its bytes; "" (shown as -) for none."""
    if count is None:
        return ""
    if exact:
        return str(count)
    return f"-{ceiling_text(-count)}" if count < 0 else ceiling_text(count)


# The fields of `df --output`, and the titles of their columns; every other one is a number.
FIELDS = {
    "source": "SOURCE",
    "fstype": "TYPE",
    "itotal": "INODES",
    "iused": "IUSED",
    "iavail": "IFREE",
    "ipcent": "IUSE%",
    "size": "SIZE",
    "used": "USED",
    "avail": "AVAIL",
    "pcent": "USE%",
    "target": "MOUNTED ON",
}
OF_INODES = ("source", "fstype", "itotal", "iused", "iavail", "ipcent", "target")


def draw_fields(
    screen: Screen, filesystems: Sequence[Filesystem], fields: Sequence[str], warn: int, *, exact: bool
) -> None:
    """The table with these columns only. warn: from so many percent on there is a finding."""
    style = partial(_style, warn)
    columns = [
        Column(
            FIELDS[field],
            right=field not in {"source", "fstype", "target"},
            path=field == fields[-1] == "target",
            style=style if field in {"pcent", "ipcent"} else None,
        )
        for field in fields
    ]
    rows = []
    for filesystem in filesystems:
        figures = filesystem.figures
        sizes = filesystem.size, filesystem.used, filesystem.available
        counts = (figures.files, filesystem.files_used, figures.files_free) if figures else (None,) * 3
        cells = {
            **dict(zip(("size", "used", "avail"), (size(count, exact=exact) for count in sizes))),
            **dict(zip(("itotal", "iused", "iavail"), ("" if count is None else str(count) for count in counts))),
            "source": filesystem.source,
            "fstype": filesystem.fstype,
            # The sums are called so in the column that there is.
            "target": filesystem.mount_point if filesystem.device or "source" in fields else filesystem.source,
            "pcent": _percent(filesystem.used_percent),
            "ipcent": _percent(filesystem.files_percent),
        }
        rows.append([cells[field] for field in fields])
    # What was asked for by name stays.
    less = [FIELDS[field] for field in ("fstype", "iused", "itotal")] if fields == OF_INODES else []
    draw_table(screen, columns, rows, less=less)


def draw_filesystems(screen: Screen, filesystems: Sequence[Filesystem], warn: int, *, exact: bool) -> None:
    """The table; with bars on a terminal, with every column and one line each elsewhere. warn: as in draw_fields."""
    terminal = sys.stdout.isatty()
    room = shutil.get_terminal_size().columns
    inodes, bars = not terminal or room >= ROOM_FOR_INODES, terminal and room >= ROOM_FOR_BARS
    columns = [Column("SOURCE", whole=True), Column("TYPE")]
    columns += [Column(title, right=True) for title in ("SIZE", "USED", "AVAIL")]
    style = partial(_style, warn)
    columns += [Column("USE%", right=True, style=style)]
    columns += [Column(BARS)] if bars else []
    columns += [Column(title, right=True) for title in ("INODES", "IUSED", "IFREE")] if inodes else []
    columns += [Column("IUSE%", right=True, style=style), Column("MOUNTED ON", whole=True, path=True)]
    rows = [_cells(filesystem, exact=exact, bars=bars, inodes=inodes) for filesystem in filesystems]
    draw_table(screen, columns, rows, less=(BARS, "IUSE%", "TYPE", "USED", "SIZE"))


def _cells(filesystem: Filesystem, *, exact: bool, bars: bool, inodes: bool) -> list[str]:
    figures, share = filesystem.figures, filesystem.used_percent
    sizes = (filesystem.size, filesystem.used, filesystem.available)
    cells = [filesystem.source, filesystem.fstype, *(size(count, exact=exact) for count in sizes), _percent(share)]
    if bars:
        cells.append(bar(share / 100, BAR) if share is not None else "")
    if inodes:
        counts = (figures.files, filesystem.files_used, figures.files_free) if figures else (None,) * 3
        cells += ["" if count is None else str(count) for count in counts]
    return [*cells, _percent(filesystem.files_percent), filesystem.mount_point]


def _style(warn: int, percent: str) -> str:
    """The colour of a share: that of the finding which there is from warn percent on."""
    share = int(percent.rstrip("%")) if percent.rstrip("%").isdigit() else 0
    if share < warn:
        return ""
    return "red" if share >= DEFAULTS["full_error_percent"] else "yellow"


def _percent(share: Optional[int]) -> str:
    return "" if share is None else f"{share}%"
