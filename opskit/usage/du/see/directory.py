"""A directory of the tree that is walked, and how it is opened: in its parent, by no link unless asked to."""

from __future__ import annotations

import os
import resource
from collections.abc import Set as AbstractSet
from typing import Optional

from opskit.usage.du.model import NEVER

Identity = tuple[int, int]  # device and inode
Order = tuple[int, ...]
Chain = list[tuple[bytes, int, Identity, int, str]]  # name, index, identity, own size and group, from the root down

# Open directories that are kept to open others in; RLIMIT_NOFILE is 1024 by default. Where that is less, half of it.
DESCRIPTORS = 400
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK


class TreeDirectory:
    """A directory of the tree.

    index: its position in its parent
    own: its own size
    node: the directory that it counts in: itself, down to the depth of the request
    newest: of a node: the newest modification of what counts in it, where that is asked for
    size, entries: of a node: of all in it but for the nodes below it
    group: what it counts in itself, with --by
    descriptor: while it is open, else -1
    children: how many directories in it are still to be opened
    """

    __slots__ = (
        *("children", "depth", "descriptor", "entries", "group", "identity", "index", "name", "node", "own", "parent"),
        *("size", "newest", "_order"),
    )

    def __init__(
        self,
        parent: Optional[TreeDirectory],
        name: bytes,
        index: int = 0,
        identity: Identity = (0, 0),
        own: int = 0,
        group: str = "",
        *,
        nodes_to: int = 0,
    ) -> None:
        self.parent, self.name, self.index, self.identity, self.own = parent, name, index, identity, own
        self.group = group
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.node: TreeDirectory = self if parent is None or self.depth <= nodes_to else parent.node
        self.size = self.entries = self.children = 0
        self.newest = NEVER
        self.descriptor = -1
        self._order: Optional[Order] = None

    def chain(self) -> list[TreeDirectory]:
        """From the directory below the root down to this one; empty for the root."""
        chain = []
        directory = self
        while directory.parent is not None:
            chain.append(directory)
            directory = directory.parent
        return chain[::-1]

    def to_chain(self) -> Chain:
        """What another process makes the same directory of."""
        return [(each.name, each.index, each.identity, each.own, each.group) for each in self.chain()]

    def path(self, name: bytes = b"") -> bytes:
        """Its path, or that of a name in it, as du writes it: the root as it was typed, then the names."""
        chain = self.chain()
        names = [directory.name for directory in chain]
        if name:
            names.append(name)
        root = ((chain[0].parent if chain else None) or self).name
        if not names:
            return root
        return root + (b"" if root.endswith(b"/") else b"/") + b"/".join(names)

    def order(self) -> Order:
        """The positions from the root down: what has a smaller one du meets earlier."""
        if self._order is None:
            above: list[TreeDirectory] = []
            directory: TreeDirectory = self
            while directory.parent is not None and directory._order is None:
                above.append(directory)
                directory = directory.parent
            self._order = (*(directory._order or ()), *(directory.index for directory in reversed(above)))  # noqa: SLF001
        return self._order

    def within(self, identity: Identity) -> bool:
        """Whether it is this directory, or lies in it: only one that is bound into itself does (mount(8))."""
        directory: Optional[TreeDirectory] = self
        while directory is not None:
            if directory.identity == identity:
                return True
            directory = directory.parent
        return False


def from_chain(root: TreeDirectory, chain: Chain, nodes_to: int) -> TreeDirectory:
    """The directory that another process told of, to be opened here."""
    directory = root
    for name, index, identity, own, group in chain:
        directory.children += 1
        directory = TreeDirectory(directory, name, index, identity, own, group, nodes_to=nodes_to)
    return directory


def open_flags(*, follow: bool) -> int:
    """How a directory is opened, by open(2). follow: a symbolic link to one, too."""
    return _FLAGS if follow else _FLAGS | os.O_NOFOLLOW


class Visited:
    """The directories that were read: roots may contain each other, and a bind mount has one twice.

    before: those of earlier roots
    in_order: pass over what was visited here, too; else `twice` says that it happened
    """

    def __init__(self, before: AbstractSet[Identity] = frozenset(), *, in_order: bool = False) -> None:
        self.before, self.in_order = before, in_order
        self.here: set[Identity] = set()
        self.twice = False

    def anew(self) -> Visited:
        """The same, with nothing visited yet."""
        return Visited(self.before, in_order=self.in_order)

    def first(self, identity: Identity) -> bool:
        """Whether du would go into it; one that it has been in is not counted at all."""
        again = identity in self.here
        if identity in self.before or (self.in_order and again):
            return False
        self.twice = self.twice or again
        self.here.add(identity)
        return True


class Opener:
    """Opens directories, and keeps those open in which there are more to open; of many, the newest.

    follow: symbolic links to directories are opened, too
    """

    def __init__(self, *, follow: bool = False) -> None:
        self._kept: dict[TreeDirectory, None] = {}
        self._flags = open_flags(follow=follow)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._most = DESCRIPTORS if limit < 0 else min(DESCRIPTORS, max(2, limit // 2))

    def open(self, directory: TreeDirectory) -> int:
        """A descriptor of its own for this directory. Raises OSError."""
        parent = directory.parent
        if parent is None:
            return os.dup(directory.descriptor)
        descriptor = parent.descriptor
        try:
            return os.open(directory.name, self._flags, dir_fd=descriptor if descriptor >= 0 else self._reopen(parent))
        finally:
            parent.children -= 1
            if parent.children <= 0 and parent in self._kept:
                self._close(parent)

    def keep(self, directory: TreeDirectory, descriptor: int, children: int) -> None:
        """Take over a descriptor until so many directories in it are opened or dropped."""
        directory.children += children
        if directory.parent is None or not children:
            os.close(descriptor)
        else:
            self._keep(directory, descriptor)

    def drop(self, directory: TreeDirectory) -> None:
        """This directory will not be opened here any more: its parent may be closed."""
        parent = directory.parent
        if parent is None:
            return
        parent.children -= 1
        if parent.children <= 0 and parent in self._kept:
            self._close(parent)

    def close(self) -> None:
        """Close all that is kept: what is left will be opened by others."""
        for directory in list(self._kept):
            self._close(directory)

    def _keep(self, directory: TreeDirectory, descriptor: int) -> None:
        directory.descriptor = descriptor
        self._kept[directory] = None
        if len(self._kept) > self._most:
            for old in list(self._kept)[: self._most // 2]:  # the shallowest, which are needed last
                self._close(old)

    def _close(self, directory: TreeDirectory) -> None:
        del self._kept[directory]
        os.close(directory.descriptor)
        directory.descriptor = -1

    def _reopen(self, directory: TreeDirectory) -> int:
        """A descriptor of a directory that was closed, or that another process had open: name by name from above."""
        above = directory
        while above.descriptor < 0 and above.parent is not None:  # the root stays open
            above = above.parent
        descriptor = os.dup(above.descriptor)
        for inner in directory.chain()[above.depth :]:
            try:
                deeper = os.open(inner.name, self._flags, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = deeper
        self._keep(directory, descriptor)
        return descriptor
