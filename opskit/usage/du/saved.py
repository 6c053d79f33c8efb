"""A scan in a file: gzip of JSON lines, one for what was asked, one for what was found, one for each entry.

An entry says how many characters of its path are those of the entry before it (they are sorted by path), so that a
directory costs some 15 to 25 bytes. Each version of opskit reads what earlier ones wrote.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.core.errors import UsageFault
from opskit.core.units import time_text
from opskit.usage.du.model import Entry, Request, Scan

VERSION = 1
# What makes two scans comparable, and is given on the command line.
COMPARED = ("depth", "apparent", "one_file_system", "count_links", "exclude", "all")


@dataclass(frozen=True)
class Saved:
    """A scan as it was kept: what was asked, when and on which host, and what was found (entries sorted by path)."""

    taken: datetime
    host: str
    request: Request
    scan: Scan


def pack(saved: Saved) -> bytes:
    """The content of a file."""
    request, found = saved.request, saved.scan
    asked: dict[str, Any] = {name: getattr(request, name) for name in (*COMPARED, "directory_sizes")}
    asked["exclude"] = [os.fsdecode(pattern) for pattern in request.exclude]
    head = {
        "opskit_scan": VERSION,
        "time": time_text(saved.taken),
        "host": saved.host,
        "roots": [os.fsdecode(root) for root in request.roots],
        **asked,
    }
    sums = {"bytes": found.total_bytes, "entries": found.total_entries, "unreadable": len(found.unreadable)}
    lines = [json.dumps(head), json.dumps(sums)]
    before = ""
    for one in sorted(found.entries, key=lambda entry: os.fsencode(entry.path)):
        shared = _shared(before, one.path)
        kind = [1] if one.kind == "file" else []
        line = [shared, one.path[shared:], one.bytes, one.entries, *kind]
        lines.append(json.dumps(line, separators=(",", ":")))
        before = one.path
    return gzip.compress("\n".join([*lines, ""]).encode(), 6, mtime=0)


def _shared(before: str, path: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(before, path))
    return next((at for at, (one, other) in pairs if one != other), min(len(before), len(path)))


def unpack(data: bytes, name: str) -> Saved:
    """What pack() made. Raises UsageFault when it is something else, cut short, or of a newer opskit."""
    try:
        lines = gzip.decompress(data).decode("ascii").split("\n")
        head = json.loads(lines[0])
        version = head["opskit_scan"]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        raise UsageFault(name, "this is no scan that opskit saved, or a damaged one") from None
    if version != VERSION:
        raise UsageFault(name, f"version {version} of saved scans is not {VERSION}", todo="use the newer opskit")
    try:
        sums = json.loads(lines[1])
        entries = tuple(_entries(lines[2:-1]))
        roots, exclude = (tuple(map(os.fsencode, head.pop(key))) for key in ("roots", "exclude"))
        options = {key: head[key] for key in (*COMPARED, "directory_sizes") if key != "exclude"}
        request = Request(roots, exclude=exclude, **options)
        scan = Scan(entries, sums["bytes"], sums["entries"], several=len(roots) > 1)
        return Saved(datetime.fromisoformat(head["time"].replace("Z", "+00:00")), head["host"], request, scan)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise UsageFault(name, "this scan is damaged") from None


def _entries(lines: list[str]) -> Iterator[Entry]:
    before = ""
    for line in lines:
        shared, rest, size, entries, *kind = json.loads(line)
        before = before[:shared] + rest
        yield Entry(before, int(size), int(entries), "file" if kind else "directory")
