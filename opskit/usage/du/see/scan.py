"""What is below some roots: their walks put together, as if du had counted one root after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Optional

from opskit.core.child import ask
from opskit.core.errors import Failed
from opskit.core.kernel import device_number
from opskit.core.mountinfo import MountLine, may_hang, read_mountinfo
from opskit.core.text import shown
from opskit.usage.du.model import NEVER, Scan, ScanRequest, TreeEntry, TreeGroup, Unreadable
from opskit.usage.du.see.count import Board, is_directory
from opskit.usage.du.see.details import Excludes, Largest, make_count, merge_groups
from opskit.usage.du.see.directory import Identity, TreeDirectory, Visited, open_flags
from opskit.usage.du.see.readers import Columns, Reader, make_reader
from opskit.usage.du.see.walk import ALONE, AS_FIT, Tick, WalkAnswer, Walker, walk
from opskit.usage.mounts import absolute, may_wait, mounts_below, no_part_of_a_disk, silent_on

ROOT_SECONDS = 5.0  # that a root has to answer


def scan(request: ScanRequest, tick: Optional[Tick] = None) -> Scan:
    """Count what is below the roots. What cannot be read is in the result; tick is called about every 0.2 s.

    A root counts what no root before it has counted, as with du. Ctrl-C makes the result a partial one. Raises OSError
    for an engine that does not work here, Failed when a worker was killed, or when all links are to be followed and a
    mount does not answer.
    """
    return _Scanner(request, tick).scan()


class _Scanner:
    def __init__(self, request: ScanRequest, tick: Optional[Tick]) -> None:
        self.request, self.tick = request, tick
        self.make_reader = partial(make_reader, request.engine, follow=request.follow == "all")
        self.reader: Reader = self.make_reader()
        self.unit = 1 if request.apparent else 512
        # Directories and linked files that were counted. A single root needs no memory of directories without links.
        again = len(request.roots) > 1 or request.follow == "all"
        self.visited: Optional[set[Identity]] = set() if again and not request.count_links else None
        self.counted: set[Identity] = set()
        self.entries: list[TreeEntry] = []
        self.unreadable: list[Unreadable] = []
        self.groups: dict[str, list[int]] = {}
        self.largest = Largest(request.files)
        self.total = [0, 0]
        self.linked = 0
        self.partial = False
        self.board = Board()
        self.lines = read_mountinfo()
        # A system call on a mount without a server keeps its caller for ever: then none is made in this process.
        self.names = [absolute(root) for root in request.roots]
        # Links may lead to any mount.
        self.careful = may_wait(["/"] if request.follow else self.names, self.lines)

    def scan(self) -> Scan:
        """All roots, one after the other."""
        if self.careful and self.request.follow == "all":
            _refuse_silent_mounts(self.lines)
        try:
            roots = self._read_roots()
            watched: frozenset[Identity] = frozenset()
            if self.visited is not None:
                watched = self._watched(columns for _, columns in roots)
            for path, columns in roots:
                if not self.partial:
                    self._scan_root(path, columns, watched)
                    if self.tick:
                        self.tick(*self.board.progress())
        except KeyboardInterrupt:  # between two walks: what is in hand of the one is left out
            self.partial = True
        return self._result()

    def _watched(self, roots: Iterable[Columns]) -> frozenset[Identity]:
        """Files that may be met twice although they have one link: roots, and what is bound over another file."""
        places = [os.fsencode(name if self.careful else os.path.realpath(name)) for name in self.names]
        bound = [os.fsencode(line.target) for line in self.lines if line.root != "/"]
        inside = [
            path for path in bound if any((path + b"/").startswith(place.rstrip(b"/") + b"/") for place in places)
        ]
        if self.careful:
            answers = ask([partial(_is_there, path) for path in inside], ROOT_SECONDS)
            inside = [path for path, answer in zip(inside, answers) if answer.came]
        files = [*roots, *(self.reader.read([path], None).copy() for path in inside)]
        return frozenset(_identity(columns) for columns in files if columns.names and not is_directory(columns))

    def _read_roots(self) -> list[tuple[bytes, Columns]]:
        """The roots with their attributes, without those that cannot be read or are excluded."""
        excludes = Excludes(self.request.exclude) if self.request.exclude else None
        reader: Reader = make_reader(self.request.engine, follow=True) if self.request.follow else self.reader
        is_there = os.path.exists if self.request.follow else os.path.lexists
        roots = []
        for path in map(_as_fts_has_it, self.request.roots):
            if self.careful and not ask([partial(is_there, path)], ROOT_SECONDS)[0].came:
                self.unreadable.append(Unreadable(os.fsdecode(path), "it did not answer"))
                continue
            columns = reader.read([path], None)
            self.unreadable += [_unreadable(name, error.errno) for name, error in reader.failed]
            if columns.names and not (excludes and excludes.match(path)):
                roots.append((path, columns.copy()))
        return roots

    def _scan_root(self, path: bytes, columns: Columns, watched: frozenset[Identity]) -> None:
        identity = _identity(columns)
        if identity in self.counted or (self.visited and identity in self.visited):
            return
        # With links which of several ways to a directory comes first matters: one worker goes in order.
        workers = 1 if self.request.follow == "all" else self.request.workers or AS_FIT
        answers, self.partial = self._walk(path, columns, watched, workers)
        if self.visited is not None:
            visited = [tuple(pair) for answer in answers for pair in answer["visited"]]
            if len(set(visited)) < len(visited) or any(answer["twice"] for answer in answers):
                # A directory is in this root twice (a bind mount): which comes first matters.
                answers, self.partial = self._walk(path, columns, watched, 0)
            self.visited.update(visited)
            if not is_directory(columns):
                self.counted.add(identity)
        self._merge(path, answers, "directory" if is_directory(columns) else "file")

    def _walk(
        self, path: bytes, columns: Columns, watched: frozenset[Identity], workers: int
    ) -> tuple[list[WalkAnswer], bool]:
        board = self.board
        board.cells[board.STOP] = board.cells[board.HUNGRY] = 0
        root = TreeDirectory(None, path, identity=_identity(columns))
        count = make_count(self.request, root, board, watched)
        count.begin(columns)
        if not is_directory(columns):
            return [{**count.answer(), "failed": [], "visited": [], "twice": False}], False
        walker = Walker(self.reader, partial(self.make_reader, own_process=True), root, count, board)
        if self.visited is not None:
            walker.visited = Visited(self.visited, in_order=workers == 0 or self.reader.follow)
        try:
            root.descriptor = os.open(path, open_flags(follow=bool(self.request.follow)))
        except OSError as error:
            walker.failed.append((path, error.errno or 0))
            return [walker.answer()], False
        if self.careful:
            count.left_out = self._left_out(root) if self.request.one_file_system else self._silent(root)
        try:
            alone = 0 if self.request.workers or self.careful or self.reader.follow else ALONE
            return walk(walker, workers, alone, self.tick)
        finally:
            os.close(root.descriptor)

    def _silent(self, root: TreeDirectory) -> dict[bytes, set[bytes]]:
        """The mount points that do not answer, as _left_out() has them. They are named: GNU du waits for ever."""
        here = os.readlink(f"/proc/self/fd/{root.descriptor}")
        targets = [line.target for line in mounts_below([here], self.lines) if may_hang(line, self.lines)]
        targets = [target for target in dict.fromkeys(targets) if not _in_one_of(target, targets)]
        answers = ask([partial(_is_there, os.fsencode(target)) for target in targets], ROOT_SECONDS)
        left_out: dict[bytes, set[bytes]] = {}
        for target in (target for target, answer in zip(targets, answers) if not answer.came):
            folder, name = _in_walk(root, here, target)
            left_out.setdefault(folder, set()).add(name)
            path = folder + (b"" if folder.endswith(b"/") else b"/") + name
            self.unreadable.append(Unreadable(os.fsdecode(path), "it did not answer"))
        return left_out

    def _left_out(self, root: TreeDirectory) -> dict[bytes, set[bytes]]:
        """With -x: the mount points that a look at could wait for ever, by the directories they are in."""
        from opskit.core.procfs import mount_number  # noqa: PLC0415 - few scans need it

        here, number = os.readlink(f"/proc/self/fd/{root.descriptor}"), os.fstat(root.descriptor).st_dev
        mount = mount_number("/proc", "self", str(root.descriptor))
        left_out: dict[bytes, set[bytes]] = {}
        for target in silent_on(here, mount, device_number(number), self.lines):
            path, name = _in_walk(root, here, target)
            left_out.setdefault(path, set()).add(name)
        return left_out

    def _merge(self, root: bytes, answers: list[WalkAnswer], kind: str) -> None:
        """Put the answers for one root together. kind: "directory" or "file"; a file is the only node."""
        nodes: dict[bytes, list[int]] = {}
        links: dict[Identity, Any] = {}
        listed: list[tuple[bytes, int, int]] = []
        for answer in answers:
            for path, size, entries, newest in answer["nodes"]:
                node = nodes.setdefault(path, [0, 0, NEVER])
                node[0] += size
                node[1] += entries
                node[2] = max(node[2], newest)
            for device, inode, order, *rest in answer["links"]:
                first = links.get((device, inode))
                if first is None or order < first[0]:
                    links[device, inode] = (order, *rest)
            listed += answer.get("listed", ())
            merge_groups(self.groups, answer.get("groups"))
            for size, path, modified in answer.get("files", ()):
                self.largest.add(size, path, modified)
            self.unreadable += [_unreadable(path, number) for path, number in answer["failed"]]
        for identity, (_, node, size, more) in links.items():
            if identity not in self.counted:
                nodes[node][0] += size
                nodes[node][1] += 1
                if more:
                    nodes[node][2] = max(nodes[node][2], more[3])
                    self._take(size, more, listed)
        self.linked += len(links)
        names = (name for answer in answers for name in answer.get("names", ()))
        self.entries += self._further_names(names, links)
        if len(self.request.roots) > 1:
            self.counted.update(links)
        self._roll_up(root, nodes, kind)
        self.entries += [self._file(*file) for file in listed]

    def _further_names(self, names: Iterable[Any], links: dict[Identity, Any]) -> Iterator[TreeEntry]:
        """The names of linked files that are not the first one, where each counts."""
        for device, inode, path, modified in names:
            if path != links[device, inode][-1][0] or (device, inode) in self.counted:
                yield self._file(path, 0, modified, "link")

    def _file(self, path: bytes, size: int, modified: int, kind: str = "file") -> TreeEntry:
        newest = modified if self.request.time else None
        return TreeEntry(os.fsdecode(path), size * self.unit, int(kind == "file"), kind, newest)

    def _take(self, size: int, more: Any, listed: list[tuple[bytes, int, int]]) -> None:
        """A linked file at its first link, as DetailedCount.take takes the others."""
        path, is_listed, group, modified = more
        if group:
            merge_groups(self.groups, {group: [size, 1]})
        if is_listed:
            listed.append((path, size, modified))
        elif path:
            self.largest.add(size, path, modified)

    def _roll_up(self, root: bytes, nodes: dict[bytes, list[int]], kind: str) -> None:
        """Add each directory to the one it is in, the deepest first."""
        for path in sorted(nodes, key=lambda path: _depth(root, path), reverse=True):
            size, entries, newest = nodes[path]
            if path == root:
                self.total[0] += size
                self.total[1] += entries
            else:
                above = path.rpartition(b"/")[0]
                parent = nodes[above if len(above) >= len(root) else root]
                parent[0] += size
                parent[1] += entries
                parent[2] = max(parent[2], newest)
            if entries:
                time = newest if self.request.time else None
                self.entries.append(TreeEntry(os.fsdecode(path), size * self.unit, entries, kind, time))

    def _result(self) -> Scan:
        request = self.request
        if request.files:
            known = {entry.path for entry in self.entries if entry.kind == "file"}
            files = [self._file(path, size, modified) for size, path, modified in self.largest.files()]
            self.entries += [file for file in files if file.path not in known]
        self.entries.sort(key=lambda entry: (-entry.bytes, os.fsencode(entry.path)))
        names = _user_names(self.groups) if request.by == "user" else {}
        groups = [TreeGroup(names.get(name, name), size * self.unit, n) for name, (size, n) in self.groups.items() if n]
        groups.sort(key=lambda group: (-group.bytes, group.name))
        total, entries = self.total
        unreadable = tuple(self.unreadable)
        several = len(request.roots) > 1
        # One may be mounted over another at the same place.
        mounts = [(line.target, line.fstype) for line in no_part_of_a_disk(self.names, self.lines)]
        on_no_disk = tuple(dict.fromkeys(mounts))
        size = total * self.unit
        listed = tuple(self.entries)
        return Scan(listed, size, entries, unreadable, self.partial, tuple(groups), several, on_no_disk, self.linked)


def _refuse_silent_mounts(lines: Sequence[MountLine]) -> None:
    """Raise Failed when a mount does not answer: who follows a link to it waits for ever."""
    targets = list(dict.fromkeys(line.target for line in lines if may_hang(line, lines)))
    answers = ask([partial(os.path.exists, target) for target in targets], ROOT_SECONDS)
    silent = [target for target, answer in zip(targets, answers) if not answer.came]
    if silent:
        why = f"{shown(silent[0])} does not answer, and a link may lead there"
        raise Failed("opskit du --dereference", why, todo="leave -L out, or unmount it")


def _in_walk(root: TreeDirectory, here: str, target: str) -> tuple[bytes, bytes]:
    """A path below a root as the walk names it, from the root on as it was typed: its directory, and its name there.

    here: the root as the kernel names it
    """
    folder, _, name = os.fsencode(target[len(here.rstrip("/")) + 1 :]).rpartition(b"/")
    return (root.name + (b"" if root.name.endswith(b"/") else b"/") + folder if folder else root.name), name


def _in_one_of(target: str, targets: list[str]) -> bool:
    return any(target.startswith(f"{other}/") for other in targets)


def _is_there(path: bytes) -> bool:
    return os.path.lexists(path)


def _as_fts_has_it(root: bytes) -> bytes:
    """Of several slashes at the end one stays (gnulib's fts_open)."""
    return root.rstrip(b"/") + b"/" if root.endswith(b"//") and root.strip(b"/") else root


def _depth(root: bytes, path: bytes) -> int:
    return 0 if path == root else 1 + path[len(root) :].lstrip(b"/").count(b"/")


def _unreadable(path: bytes, number: Optional[int]) -> Unreadable:
    return Unreadable(os.fsdecode(path), os.strerror(number or 0))


def _identity(columns: Columns) -> Identity:
    return columns.devices[0], columns.inodes[0]


def _user_names(groups: dict[str, list[int]]) -> dict[str, str]:
    """The names of these users by their numbers; one without a name keeps its number."""
    import pwd  # noqa: PLC0415 - only --by user

    names = {}
    for number in groups:
        with suppress(KeyError):
            names[number] = pwd.getpwuid(int(number)).pw_name
    return names
