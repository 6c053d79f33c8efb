"""A scan in a file: gzip of JSON lines, one for the request, one for the sums, one for each entry.

An entry says how many characters of its path are those of the entry before it (they are sorted by path), so that a
directory costs some 15 to 25 bytes. Each version of opskit reads what earlier ones wrote.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from opskit.core.errors import UsageFault
from opskit.core.record import dataclass
from opskit.core.units import time_text
from opskit.usage.du.model import Scan, ScanRequest, TreeEntry

VERSION = 1
# What makes two scans comparable, and is given on the command line.
COMPARED = ("depth", "apparent", "one_file_system", "count_links", "exclude", "all", "follow")


@dataclass(frozen=True)
class SavedScan:
    """A scan as it was kept: when and on which host it was made, its request, its result (entries sorted by path)."""

    taken: datetime
    host: str
    request: ScanRequest
    scan: Scan


@dataclass(frozen=True)
class ScanHead:
    """What a kept scan comes to, without its entries."""

    taken: datetime
    request: ScanRequest
    total_bytes: int


def pack(saved: SavedScan) -> bytes:
    """The content of a file."""
    request, scan = saved.request, saved.scan
    options: dict[str, Any] = {name: getattr(request, name) for name in (*COMPARED, "directory_sizes")}
    options["exclude"] = [os.fsdecode(pattern) for pattern in request.exclude]
    head = {
        "opskit_scan": VERSION,
        "time": time_text(saved.taken),
        "host": saved.host,
        "roots": [os.fsdecode(root) for root in request.roots],
        **options,
    }
    sums = {"bytes": scan.total_bytes, "entries": scan.total_entries, "unreadable": len(scan.unreadable)}
    lines = [json.dumps(head), json.dumps(sums)]
    before = ""
    for entry in sorted(scan.entries, key=lambda entry: os.fsencode(entry.path)):
        shared = _shared(before, entry.path)
        kind = [1] if entry.kind == "file" else []
        line = [shared, entry.path[shared:], entry.bytes, entry.entries, *kind]
        lines.append(json.dumps(line, separators=(",", ":")))
        before = entry.path
    return gzip.compress("\n".join([*lines, ""]).encode(), 6, mtime=0)


def _shared(before: str, path: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(before, path))
    return next((at for at, (char, other_char) in pairs if char != other_char), min(len(before), len(path)))


def unpack(data: bytes, name: str) -> SavedScan:
    """What pack() made. Raises UsageFault when it is something else, cut short, or of a newer opskit."""
    try:
        lines = gzip.decompress(data).decode("ascii").split("\n")
        head = json.loads(lines[0])
        version = head["opskit_scan"]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError):
        raise UsageFault(name, "this is not a scan that opskit saved, or it is damaged") from None
    if version != VERSION:
        raise UsageFault(name, f"version {version} of saved scans is not {VERSION}", todo="use the newer opskit")
    try:
        sums = json.loads(lines[1])
        entries = tuple(_entries(lines[2:-1]))
        request = _request(head)
        scan = Scan(entries, sums["bytes"], sums["entries"], several=len(request.roots) > 1)
        return SavedScan(_taken(head), head["host"], request, scan)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise UsageFault(name, "this scan is damaged") from None


def unpack_head(file: Iterator[bytes], name: str) -> ScanHead:
    """The head of what pack() made, uncompressed: its first two lines. Raises UsageFault as unpack."""
    try:
        head, sums = json.loads(next(file)), json.loads(next(file))
        if head["opskit_scan"] == VERSION:
            return ScanHead(_taken(head), _request(head), int(sums["bytes"]))
    except (
        OSError,
        EOFError,
        StopIteration,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):
        pass
    raise UsageFault(name, "this is not a scan that opskit saved, or it is damaged")


def _request(head: dict[str, Any]) -> ScanRequest:
    roots, exclude = (tuple(map(os.fsencode, head[key])) for key in ("roots", "exclude"))
    head.setdefault("follow", "")  # a scan of opskit 0.1 has none
    options = {key: head[key] for key in (*COMPARED, "directory_sizes") if key != "exclude"}
    return ScanRequest(roots, exclude=exclude, **options)


def _taken(head: dict[str, Any]) -> datetime:
    moment = datetime.fromisoformat(head["time"].replace("Z", "+00:00"))
    if moment.tzinfo is None:  # opskit writes none without
        raise ValueError(head["time"])
    return moment


def _entries(lines: list[str]) -> Iterator[TreeEntry]:
    before = ""
    for line in lines:
        shared, rest, size, entries, *kind = json.loads(line)
        before = before[:shared] + rest
        yield TreeEntry(before, int(size), int(entries), "file" if kind else "directory")
