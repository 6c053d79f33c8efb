"""What changed between two scans. No I/O."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional

from opskit.core.errors import UsageFault
from opskit.core.record import dataclass
from opskit.usage.du.model import ScanRequest, TreeEntry
from opskit.usage.du.saved import SavedScan

DAY = 86400.0
# A rate over less is the noise of what is written and removed all the time.
RATE_SECONDS = 60.0


@dataclass(frozen=True)
class TreeChange:
    """A directory or file in two scans.

    change: added, grown, shrunk, gone or unchanged
    before, after: bytes
    """

    path: str
    change: str
    before: int
    after: int
    entries_before: int
    entries_after: int

    @property
    def delta(self) -> int:
        """So many bytes more."""
        return self.after - self.before

    @property
    def entries_delta(self) -> int:
        """So many entries more."""
        return self.entries_after - self.entries_before


@dataclass(frozen=True)
class TreeChanges:
    """All changes, the largest first, and the total. seconds: between the two scans."""

    listed: tuple[TreeChange, ...]
    total: TreeChange
    seconds: float

    def per_day(self, delta: int) -> Optional[int]:
        """A change (bytes or entries) as so many a day; None when too little time lies between the scans."""
        return round(delta * DAY / self.seconds) if self.seconds >= RATE_SECONDS else None


def comparable(old: ScanRequest, given: Mapping[str, Any]) -> ScanRequest:
    """The request for a scan that can be compared with an old one: the same. Raises UsageFault for one that differs.

    old: the request of the old scan
    given: what is on the command line, by the names of ScanRequest
    """
    for name in given:
        if given[name] != getattr(old, name) and name == "roots":
            why = f"the saved scan is one of {_value(old.roots)}, not of {_value(given[name])}"
            raise UsageFault("opskit du --diff", why, todo="leave the paths out")
        if given[name] != getattr(old, name):
            option = "--" + name.replace("_", "-")
            why = f"the saved scan was made with {option} {_value(getattr(old, name))}: not comparable"
            raise UsageFault(f"opskit du {option}", why, todo=f"leave {option} out, or save a scan with it")
    return old


def compare(before: SavedScan, after: SavedScan, *, inodes: bool = False) -> TreeChanges:
    """The entries that differ, measured in bytes or, with inodes, in entries."""
    old = {entry.path: entry for entry in before.scan.entries}
    new = {entry.path: entry for entry in after.scan.entries}
    changes = [_change(path, old.get(path), new.get(path), inodes=inodes) for path in {**old, **new}]
    listed = [entry for entry in changes if entry.change != "unchanged"]
    listed.sort(key=lambda entry: (-abs(entry.entries_delta if inodes else entry.delta), os.fsencode(entry.path)))
    sizes = before.scan.total_bytes, after.scan.total_bytes
    entries = before.scan.total_entries, after.scan.total_entries
    total = TreeChange("total", _word(*(entries if inodes else sizes)), *sizes, *entries)
    return TreeChanges(tuple(listed), total, (after.taken - before.taken).total_seconds())


def _change(path: str, old: Optional[TreeEntry], new: Optional[TreeEntry], *, inodes: bool) -> TreeChange:
    sizes = old.bytes if old else 0, new.bytes if new else 0
    entries = old.entries if old else 0, new.entries if new else 0
    word = "added" if old is None else "gone" if new is None else _word(*(entries if inodes else sizes))
    return TreeChange(path, word, *sizes, *entries)


def _word(before: int, after: int) -> str:
    return "grown" if after > before else "shrunk" if after < before else "unchanged"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(os.fsdecode, value)) or "none"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
