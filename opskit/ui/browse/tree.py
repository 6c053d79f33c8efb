"""The tree that is shown: directories with their sizes, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Optional

DIRECTORY, FILE, LINK = "directory", "file", "link"
# Path, bytes, entries, kind, and when something in it was last modified (seconds since the epoch).
TreeRow = tuple[str, int, int, str, Optional[int]]


class BrowseNode:
    """A directory or file.

    kind: directory, file, or link: one more name of a file that counts elsewhere
    newest: when something in it was last modified, in seconds since the epoch
    unreadable: why it could not be read; "" if it was
    """

    __slots__ = ("bytes", "children", "entries", "kind", "name", "newest", "parent", "unreadable")

    def __init__(self, name: str, size: int = 0, entries: int = 0, kind: str = FILE) -> None:
        self.name, self.bytes, self.entries, self.kind = name, size, entries, kind
        self.newest: Optional[int] = None
        self.unreadable = ""
        self.parent: Optional[BrowseNode] = None
        self.children: list[BrowseNode] = []

    def path(self) -> str:
        """From the root of the tree on, whose name is a path."""
        names = [self.name, *(node.name for node in self.above())]
        root = names.pop()
        return "/".join([root.rstrip("/"), *reversed(names)]) if names else root

    def above(self) -> Iterator[BrowseNode]:
        """The directories that it is in, the nearest first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def replace(self, other: Optional[BrowseNode]) -> None:
        """Have another one in its place, or none; the sums of those above it follow. Not for the root."""
        parent = self.parent
        if parent is None:
            raise ValueError("the root has nothing above it")
        at = parent.children.index(self)
        parent.children[at : at + 1] = [other] if other else []
        for node in self.above():
            node.bytes += (other.bytes if other else 0) - self.bytes
            node.entries += (other.entries if other else 0) - self.entries
            if other and other.newest is not None:
                node.newest = max(node.newest or other.newest, other.newest)
        if other:
            other.name, other.parent = self.name, parent
        self.parent = None


def build(root: str, rows: Iterable[TreeRow], unreadable: Iterable[tuple[str, str]] = ()) -> BrowseNode:
    """The tree of these rows, each of which has a path that begins with that of the root.

    A row whose directory is not among them hangs below the nearest one that is.

    unreadable: paths, and why
    """
    nodes = {root: BrowseNode(root, kind=DIRECTORY)}
    listed = []
    for path, size, entries, kind, newest in rows:
        node = nodes.get(path) or BrowseNode(path.rpartition("/")[2])
        node.bytes, node.entries, node.kind, node.newest = size, entries, kind, newest
        nodes[path] = node
        listed.append(path)
    for path, why in unreadable:
        if path not in nodes:
            nodes[path] = BrowseNode(path.rpartition("/")[2], kind=DIRECTORY)
            listed.append(path)
        nodes[path].unreadable = why
    for path in listed:
        if path != root:
            node, above = nodes[path], path.rpartition("/")[0]
            while above not in nodes and above:
                above = above.rpartition("/")[0]
                node.name = path[len(above) + 1 :]
            parent = node.parent = nodes.get(above, nodes[root])
            parent.children.append(node)
    return nodes[root]
