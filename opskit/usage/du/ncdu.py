"""Scans in ncdu's export format, version 1 (https://dev.yorhel.nl/ncdu/jsonfmt): ncdu opens ours, and we open its.

A file with several links is in an export of ours once, where du counts it; in one of ncdu it is at each link, marked as
one (hlnkc), and counts at the first. Sizes are of disk usage (dsize), or with --apparent of the contents (asize).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from shlex import quote
from typing import Any

from opskit import __version__
from opskit.core.errors import UsageFault
from opskit.usage.du.model import Scan, ScanRequest, TreeEntry
from opskit.usage.du.saved import SavedScan
from opskit.usage.mounts import within

SUFFIX = ".ncdu"
ALL_DEPTHS = 1 << 30
# The sizes of files have 63 bits.
LIMIT = 1 << 63


def is_export(data: bytes) -> bool:
    """Whether this may be ncdu's: JSON, where a scan of opskit's own is gzip."""
    return data.lstrip()[:1] == b"["


def export(saved: SavedScan) -> bytes:
    """The content of a file for ncdu. The scan has one root, and every file and directory below it is an entry."""
    entries = sorted(saved.scan.entries, key=lambda entry: os.fsencode(entry.path).split(b"/"))
    own = _own_sizes(entries)
    head = {"progname": "opskit", "progver": __version__, "timestamp": int(saved.taken.timestamp())}
    key = "asize" if saved.request.apparent else "dsize"
    text = [f"[1,0,{json.dumps(head)}"]
    open_directories: list[str] = []
    for entry in entries:
        while open_directories and not within(entry.path, open_directories[-1]):
            open_directories.pop()
            text.append("]")
        name = entry.path.rpartition("/")[2] if open_directories else entry.path
        info = json.dumps({"name": name, key: own[entry.path]}, ensure_ascii=False)
        text.append(",\n" + ("[" if entry.kind == "directory" else "") + info)
        if entry.kind == "directory":
            open_directories.append(entry.path)
    text.append("]" * len(open_directories) + "]\n")
    return "".join(text).encode("utf-8", "surrogateescape")


def _own_sizes(entries: list[TreeEntry]) -> dict[str, int]:
    """What each takes itself: a directory without what is in it."""
    own = {entry.path: entry.bytes for entry in entries}
    for entry in entries:
        above = entry.path.rpartition("/")[0] or "/"
        if above in own and above != entry.path:
            own[above] -= entry.bytes
    return own


def parse(data: bytes, name: str, *, apparent: bool = False, modified: float = 0.0) -> SavedScan:
    """The scan that ncdu exported, with every file and directory as an entry. Raises UsageFault for anything else.

    name: of the file, for the error
    apparent: sizes of the contents
    modified: of the file: when an export was made that does not say so, for ncdu itself reads nothing of its head
    """
    try:
        version, _, head, root = json.loads(data.decode("utf-8", "surrogateescape"), strict=False)
        if version != 1:
            raise UsageFault(name, f"version {version} of ncdu's format is not 1", todo="export it with ncdu -o")
        reading = _Reading("asize" if apparent else "dsize")
        reading.directory(root, "", 0)
        path = str(root[0]["name"])
        taken = datetime.fromtimestamp(head.get("timestamp", modified), timezone.utc)
        entries = tuple(sorted(reading.entries, key=lambda entry: os.fsencode(entry.path)))
        total = next((entry for entry in entries if entry.path == path), TreeEntry(path, 0, 0))
        request = ScanRequest((os.fsencode(path),), ALL_DEPTHS, apparent, all=True)
    except RecursionError:
        raise UsageFault(
            name, "directories in it are nested too deep for opskit to read", todo=f"ncdu -f {quote(name)}"
        ) from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, OSError):
        raise UsageFault(name, "this is not an export of ncdu, or it is damaged") from None
    return SavedScan(taken, "", request, Scan(entries, total.bytes, total.entries))


class _Reading:
    """One pass over an export. key: which size counts."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.linked: set[tuple[int, int]] = set()
        self.entries: list[TreeEntry] = []

    def directory(self, items: Any, above: str, device: int) -> tuple[int, int]:
        """Its bytes and entries, with all that is in it; each becomes an entry."""
        info = items[0]
        path = _join(above, str(info["name"]))
        device = int(info.get("dev", device))
        if "excluded" in info:
            return 0, 0
        size, entries = self.size(info), 1
        for item in items[1:]:
            read = self.directory if isinstance(item, list) else self.file
            item_size, item_entries = read(item, path, device)
            size, entries = size + item_size, entries + item_entries
        self.entries.append(TreeEntry(path, size, entries))
        return size, entries

    def file(self, info: Any, above: str, device: int) -> tuple[int, int]:
        """Its bytes, and whether it counts: a file with several links counts once."""
        identity = int(info.get("dev", device)), int(info.get("ino", 0))
        if "excluded" in info or (info.get("hlnkc") and identity in self.linked):
            return 0, 0
        if info.get("hlnkc"):
            self.linked.add(identity)
        size = self.size(info)
        self.entries.append(TreeEntry(_join(above, str(info["name"])), size, 1, "file"))
        return size, 1

    def size(self, info: Any) -> int:
        """What it takes itself. Raises ValueError for what no file can take."""
        size = int(info.get(self.key, 0))
        if not 0 <= size < LIMIT:
            raise ValueError(size)
        return size


def _join(above: str, name: str) -> str:
    return f"{above.rstrip('/')}/{name}" if above else name


def shallow(saved: SavedScan, depth: int, *, files: bool) -> SavedScan:
    """The same scan as if only directories down to a depth, and with files the files there, had been asked for."""
    entries = tuple(_shallow(saved, depth, files=files))
    return replace(
        saved, request=replace(saved.request, depth=depth, all=files), scan=replace(saved.scan, entries=entries)
    )


def _shallow(saved: SavedScan, depth: int, *, files: bool) -> Iterator[TreeEntry]:
    root = os.fsdecode(saved.request.roots[0]).rstrip("/")
    for entry in saved.scan.entries:
        level = entry.path[len(root) :].rstrip("/").count("/")
        if level <= depth and (files or entry.kind == "directory"):
            yield entry
