"""`opskit df --why` as JSON and as a table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from opskit.core.jsonable import to_json
from opskit.core.text import shown
from opskit.ui.screen import Column, Screen, bar, draw_table
from opskit.usage.df.show.filesystems import BAR, filesystem_json, size
from opskit.usage.df.why import Explanation

if TYPE_CHECKING:
    from opskit.usage.results import PartRow, PlaceRow, Why


def why_json(why: Explanation) -> Why:
    """The result of `df --why --json`; sizes in bytes; the parts add up to used_bytes."""
    parts: list[PartRow] = [{"id": p.id, "bytes": p.size, "note": p.note, "command": p.command} for p in why.parts]
    places: list[PlaceRow] = [
        {"id": p.id, "paths": list(p.paths), "bytes": p.size, "frees_bytes": p.frees, "command": p.command}
        for p in why.places
    ]
    return {
        "filesystem": filesystem_json(why.filesystem),
        "parts": parts,
        "largest": [{"path": entry.path, "bytes": entry.bytes, "entries": entry.entries} for entry in why.largest],
        "hidden": [{"mount_point": mount.path, "bytes": mount.size} for mount in why.hidden],
        "reserved_bytes": why.reserved,
        "places": places,
        "missing": to_json(why.missing),
    }


def draw_why(screen: Screen, why: Explanation, *, exact: bool) -> None:
    """The parts with their sum, then what of du's total could go. One record a line, with bars on a terminal."""
    terminal = sys.stdout.isatty()
    used = why.filesystem.used or 0
    columns = [Column("SIZE", right=True), Column("SHARE", right=True)]
    columns += [Column("")] if terminal else []
    columns += [Column("WHAT"), Column("NOTE")]
    rows = []
    parts = [(p.size, p.title, "; ".join(filter(None, (p.note, p.command)))) for p in why.parts]
    for count, title, note in [*parts, (used, "used, as df says", why.filesystem.mount_point)]:
        share = count / used if used else 0.0
        drawn = [bar(share, BAR)] if terminal else []
        rows.append([size(count, exact=exact), f"{share:.0%}", *drawn, title, note])
    if why.reserved:
        blank = ["", ""] if terminal else [""]
        rows.append([size(why.reserved, exact=exact), *blank, "reserved", why.reserved_note])
    draw_table(screen, columns, rows)
    if why.largest:
        screen.line("")
        columns = [Column("SIZE", right=True), Column("SHARE", right=True), Column("LARGEST DIRECTORIES", path=True)]
        largest = [[size(e.bytes, exact=exact), f"{e.bytes / used:.0%}" if used else "", e.path] for e in why.largest]
        draw_table(screen, columns, largest)
    if why.places:
        screen.line("")
        columns = [Column("SIZE", right=True), Column("FREES", right=True), Column("OF THE FILES"), Column("COMMAND")]
        cells = [[size(p.size, exact=exact), size(p.frees, exact=exact) or "?", p.title, p.command] for p in why.places]
        draw_table(screen, columns, cells)
    for text in why.missing:
        screen.note(f"not seen: {shown(text)}")
