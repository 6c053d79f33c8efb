"""Counting that looks at each file by itself: excludes, ages, groups, and files as entries."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any, Optional

from opskit.usage.du.model import ScanRequest
from opskit.usage.du.see.count import IS_DIRECTORY, Board, Count, is_directory
from opskit.usage.du.see.directory import Identity, TreeDirectory
from opskit.usage.du.see.readers import Columns

DAY = 86400
# Upper bounds in days, and what is younger.
AGES = ((1, "under 1 day"), (7, "1 to 7 days"), (30, "7 to 30 days"), (90, "30 to 90 days"), (365, "90 to 365 days"))
OLDEST = "over 365 days"
# What is kept while looking for the largest files, as a multiple of how many are wanted.
SLACK = 4
SLASH = ord("/")

# A file that is an entry of its own, or may be one of the largest: its path, or b""; whether it is listed by `all`;
# its group; when it was modified.
More = tuple[bytes, bool, str, int]


class Excludes:
    """The patterns of --exclude, as du has them: fnmatch(3) on the whole path, and on what follows each slash."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._patterns = patterns
        self._fnmatch: Any = ctypes.PyDLL(None).fnmatch

    def match(self, path: bytes) -> bool:
        """Whether this path is left out."""
        ends = [path, *(path[at + 1 :] for at in range(len(path) - 1) if path[at] == SLASH != path[at + 1])]
        return any(self._fnmatch(pattern, end, 0) == 0 for end in ends for pattern in self._patterns)


class Largest:
    """The largest files so far; of equals, those whose path comes first."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._files: list[tuple[int, bytes, int]] = []
        self.threshold = 0

    def add(self, size: int, path: bytes, modified: int) -> None:
        """Take a file of at least the threshold into account."""
        self._files.append((size, path, modified))
        if len(self._files) >= SLACK * self._wanted:
            self.files()

    def files(self) -> list[tuple[int, bytes, int]]:
        """At most as many as are wanted, the largest first."""
        self._files = sorted(self._files, key=lambda file: (-file[0], file[1]))[: self._wanted]
        if len(self._files) == self._wanted:
            self.threshold = self._files[-1][0]
        return self._files


class DetailedCount(Count):
    """A count that looks at each file."""

    def __init__(self, request: ScanRequest, root: TreeDirectory, board: Board) -> None:
        super().__init__(request, root, board)
        if request.older_than is not None:
            self.directory_counts = 0
        self._excludes = Excludes(request.exclude) if request.exclude else None
        self._clear()

    def _clear(self) -> None:
        self.listed: list[tuple[bytes, int, int]] = []
        self.names: list[tuple[int, int, bytes, int]] = []
        self.groups: dict[str, list[int]] = {}
        self.largest = Largest(self.request.files)

    def begin_anew(self, number: int) -> None:
        """See Count.begin_anew."""
        super().begin_anew(number)
        self._clear()

    def answer(self) -> dict[str, Any]:
        """See Count.answer."""
        files = self.largest.files() if self.request.files else []
        more = {"files": files, "groups": self.groups, "names": self.names}
        return {**super().answer(), "listed": self.listed, **more}

    def begin(self, columns: Columns) -> None:
        """See Count.begin."""
        directory = is_directory(columns)
        if self.request.older_than is None or (not directory and columns.mtimes[0] <= self.request.older_than):
            super().begin(columns)
            self._group(self._name(columns, 0, directory=directory), self.root.own)
            self.root.newest = columns.mtimes[0]

    def count(self, directory: TreeDirectory, start: int, columns: Columns, children: list[TreeDirectory]) -> None:
        """See Count.count."""
        request = self.request
        base = directory.path(b"x")[:-1]
        kinds, nlinks = columns.kinds.translate(IS_DIRECTORY), columns.nlinks
        values = columns.sizes if request.apparent else columns.blocks
        mtimes = columns.mtimes
        identities = zip(columns.devices, columns.inodes)
        for at, (name, identity) in enumerate(zip(columns.names, identities)):
            if self._excludes and self._excludes.match(base + name):
                continue
            if kinds[at]:
                child = self.enter(directory, name, start + at, identity, values[at] * self.directory_counts)
                if child:
                    children.append(child)
                    if self.directory_counts:
                        child.group = self._name(columns, at, directory=True)
                        self._group(child.group, child.own)
                        child.node.newest = max(child.node.newest, mtimes[at])
                continue
            if self.foreign(identity) or (request.older_than is not None and mtimes[at] > request.older_than):
                continue
            more = self._more(directory, base, columns, at, values[at])
            several = nlinks[at] > 1 and not request.count_links
            if several or self.each_once or identity in self.watched:
                self.link(directory, start + at, identity, values[at], more)
                if request.links and more[1]:
                    self.names.append((*identity, more[0], more[3]))
            else:
                self.add(directory.node, values[at], 1)
                directory.node.newest = max(directory.node.newest, mtimes[at])
                self.take(values[at], more)

    def leave(self, directory: TreeDirectory) -> None:
        """See Count.leave."""
        super().leave(directory)
        self._group(directory.group, -directory.own, -1)

    def take(self, size: int, more: More) -> None:
        """Count a file in its group, and among the files that are entries."""
        path, listed, group, modified = more
        self._group(group, size)
        if listed:
            self.listed.append((path, size, modified))
        elif path:
            self.largest.add(size, path, modified)

    def _more(self, directory: TreeDirectory, base: bytes, columns: Columns, at: int, size: int) -> More:
        listed = self.request.all and directory.depth < self.request.depth
        wanted = listed or (self.request.files and size >= self.largest.threshold)
        return (base + columns.names[at] if wanted else b"", listed, self._name(columns, at), columns.mtimes[at])

    def _group(self, name: str, size: int, entries: int = 1) -> None:
        if name:
            group = self.groups.setdefault(name, [0, 0])
            group[0] += size
            group[1] += entries

    def _name(self, columns: Columns, at: int, *, directory: bool = False) -> str:
        """The group that a name counts in; "" when none are asked for. A user is a number here."""
        if not self.request.by:
            return ""
        if self.request.by == "user":
            return str(columns.owners[at])
        if self.request.by == "age":
            days = (self.request.now - columns.mtimes[at]) / DAY
            return next((name for limit, name in AGES if days < limit), OLDEST)
        if directory:
            return "(directories)"
        extension = os.path.splitext(columns.names[at])[1]
        return os.fsdecode(extension.lower()) or "(no extension)"


def make_count(request: ScanRequest, root: TreeDirectory, board: Board, watched: frozenset[Identity]) -> Count:
    """The count that this request needs."""
    count = (DetailedCount if request.detailed else Count)(request, root, board)
    count.watched = watched
    return count


def merge_groups(groups: dict[str, list[int]], more: Optional[dict[str, list[int]]]) -> None:
    """Add the groups of another process."""
    for name, (size, entries) in (more or {}).items():
        group = groups.setdefault(name, [0, 0])
        group[0] += size
        group[1] += entries
