"""What counts where: the sums of the nodes, and the files with several links, by GNU du's rules."""

from __future__ import annotations

import mmap
from typing import Any, Optional

from opskit.usage.du.model import NEVER, ScanRequest
from opskit.usage.du.see.directory import Identity, Order, TreeDirectory
from opskit.usage.du.see.readers import Columns

CELL = (1 << 64) - 1
IS_DIRECTORY = bytes(kind & 0xF0 == 0x40 for kind in range(256))


def is_directory(columns: Columns) -> bool:
    """Whether the first name is a directory: of a root, the only one."""
    return bool(IS_DIRECTORY[columns.kinds[0]])


class Board:
    """Memory that all processes of a walk share: cells of 8 bytes, and a path.

    The coordinator sets HUNGRY when a worker waits for work, STOP when all are to answer what they have, and ASK when
    it wants a path to show: the first worker that notices writes PATH. From COUNTS on there are two cells for each
    process, its entries and their size so far.
    """

    HUNGRY, STOP, ASK, LENGTH, COUNTS, PATH, SIZE = 0, 1, 2, 3, 8, 4096, 8192

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, self.SIZE)
        self.cells = memoryview(self.memory).cast("Q")

    def clear(self) -> None:
        """Forget what workers counted, and what they were to do."""
        first = self.cells[self.COUNTS : self.COUNTS + 2].tolist()
        self.memory[:] = bytes(self.SIZE)
        self.cells[self.COUNTS], self.cells[self.COUNTS + 1] = first

    def tell(self, path: bytes) -> None:
        """Answer ASK."""
        shown = path[: self.SIZE - self.PATH]
        self.memory[self.PATH : self.PATH + len(shown)] = shown
        self.cells[self.LENGTH] = len(shown)
        self.cells[self.ASK] = 0

    def progress(self) -> tuple[int, int, bytes]:
        """Entries and size so far, and the last path that a worker wrote; asks for the next."""
        self.cells[self.ASK] = 1
        counts = self.cells[self.COUNTS : self.PATH // 8]
        path = self.memory[self.PATH : self.PATH + self.cells[self.LENGTH]]
        return sum(counts[::2]), sum(counts[1::2]), path


class Count:
    """What one process has counted. Sizes are in units: blocks of 512 bytes, or bytes of apparent size.

    counts: the place of its cells on the board
    size, entries: what these cells are to say
    links: the files with several links: the first place of each, its node, size, and what else is known of it
    watched: files that count once although they have one link, because they are roots too
    each_once: every file may be met again, through a symbolic link
    directory_counts: how many entries a directory itself is
    left_out: names that are not even looked at, by the paths of the directories they are in
    """

    def __init__(self, request: ScanRequest, root: TreeDirectory, board: Board) -> None:
        self.request, self.root, self.cells = request, root, board.cells
        self.counts = board.COUNTS
        self.entries, self.size = self.cells[self.counts : self.counts + 2].tolist()
        self.nodes = [root]
        self.links: dict[Identity, tuple[Order, TreeDirectory, int, Any]] = {}
        self.watched: frozenset[Identity] = frozenset()
        self.each_once = request.follow == "all" and not request.count_links
        self.directory_counts = 1
        self.left_out: dict[bytes, set[bytes]] = {}

    def answer(self) -> dict[str, Any]:
        """All that was counted, as plain values."""
        return {
            "nodes": [(node.path(), node.size, node.entries, node.newest) for node in self.nodes],
            "links": [(*which, order, node.path(), *rest) for which, (order, node, *rest) in self.links.items()],
        }

    def wanted(self, directory: TreeDirectory, names: list[bytes]) -> list[bytes]:
        """The names in a directory less those that are left out."""
        out = self.left_out and self.left_out.get(directory.path())
        return [name for name in names if name not in out] if out else names

    def begin_anew(self, number: int) -> None:
        """Be the count of a worker, with nothing counted yet."""
        self.counts += 2 * (number + 1)
        self.entries, self.size = self.cells[self.counts : self.counts + 2].tolist()
        for node in self.nodes:
            node.size = node.entries = 0
            node.newest = NEVER
        self.links = {}

    def begin(self, columns: Columns) -> None:
        """Count the root itself, a directory or a file."""
        values = columns.sizes if self.request.apparent else columns.blocks
        directory = is_directory(columns)
        self.root.own = 0 if directory and self.request.apparent and not self.request.directory_sizes else values[0]
        self.add(self.root, self.root.own, self.directory_counts if directory else 1)
        self.tell()

    def count(self, directory: TreeDirectory, start: int, columns: Columns, children: list[TreeDirectory]) -> None:
        """Add up a batch of the names in a directory, the first of which has the position start.

        children gets the directories among them.
        """
        values = columns.sizes if self.request.apparent else columns.blocks
        total, files = sum(values), len(values)
        kinds, nlinks = columns.kinds.translate(IS_DIRECTORY), columns.nlinks
        with_one_link = nlinks.count(1)
        at = kinds.find(1)
        if at >= 0:
            devices, inodes, names = columns.devices, columns.inodes, columns.names
        while at >= 0:
            total, files = total - values[at], files - 1
            # A directory has one link on btrfs and on most FUSE filesystems, and merged by overlay.
            with_one_link -= nlinks[at] == 1
            child = self.enter(directory, names[at], start + at, (devices[at], inodes[at]), values[at])
            if child:
                children.append(child)
            at = kinds.find(1, at + 1)
        linked = with_one_link != files and not self.request.count_links
        if linked or self.watched or self.each_once or self.request.one_file_system:
            for place in self._uncommon(columns, kinds, linked=linked):
                total, files = total - values[place], files - 1
                identity = columns.devices[place], columns.inodes[place]
                if not self.foreign(identity):
                    self.link(directory, start + place, identity, values[place])
        self.add(directory.node, total, files)

    def add(self, node: TreeDirectory, size: int, entries: int) -> None:
        """Count in a node."""
        node.size += size
        node.entries += entries
        self.size += size
        self.entries += entries

    def tell(self) -> None:
        """Write on the board what was counted so far."""
        self.cells[self.counts] = self.entries
        self.cells[self.counts + 1] = self.size & CELL  # sparse files can be of many EiB

    def foreign(self, identity: Identity) -> bool:
        """Whether it is on another filesystem and so is left out."""
        return self.request.one_file_system and identity[0] != self.root.identity[0]

    def enter(
        self, directory: TreeDirectory, name: bytes, index: int, identity: Identity, own: int
    ) -> Optional[TreeDirectory]:
        """Count a directory in another one, itself; None for one that is left out, as du leaves it out."""
        request = self.request
        if (request.one_file_system and self.foreign(identity)) or directory.within(identity):
            return None
        if request.apparent and not request.directory_sizes:
            own = 0
        child = TreeDirectory(directory, name, index, identity, own, nodes_to=request.depth)
        if child.node is child:
            self.nodes.append(child)
        self.add(child.node, own, self.directory_counts)
        return child

    def adopt(self, directory: TreeDirectory) -> None:
        """Count here what is in this directory; another process has counted the directory itself."""
        if directory.node is not self.root:
            self.nodes.append(directory.node)

    def leave(self, directory: TreeDirectory) -> None:
        """Take back that a directory itself was counted."""
        directory.node.size -= directory.own
        directory.node.entries -= self.directory_counts

    def link(self, directory: TreeDirectory, index: int, identity: Identity, size: int, more: Any = None) -> None:
        """Remember a file with several links at the first of them.

        index: the position of the name in its directory
        more: what else is known of it there
        """
        order = (*directory.order(), index)
        first = self.links.get(identity)
        if first is None or order < first[0]:
            self.links[identity] = (order, directory.node, size, more)

    def _uncommon(self, columns: Columns, kinds: bytes, *, linked: bool) -> list[int]:
        """Which of the names that are no directories are not simply a file of this filesystem with one link.

        linked: whether some of them have several links, and these count once
        """
        if self.each_once:
            return [at for at, is_one in enumerate(kinds) if not is_one]
        places = [at for at, links in enumerate(columns.nlinks) if links > 1 and not kinds[at]] if linked else []
        if not (self.watched or self.request.one_file_system):
            return places
        if self.watched:
            places += [at for at, pair in enumerate(zip(columns.devices, columns.inodes)) if pair in self.watched]
        if self.request.one_file_system:
            here, devices = self.root.identity[0], list(columns.devices)
            if devices.count(here) != len(devices):
                places += [at for at, device in enumerate(devices) if device != here]
        return [at for at in set(places) if not kinds[at]]
