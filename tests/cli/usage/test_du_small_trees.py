"""The sizes of GNU du on small trees that hypothesis makes, and makes smaller when one differs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Union

from hypothesis import given
from hypothesis import strategies as st

from opskit.usage.du.model import ScanRequest
from opskit.usage.du.see.scan import scan
from trees import du

# A directory by its names; a file by its size and whether it is all hole; a link by the number of an earlier file.
Tree = dict[bytes, Union["Tree", tuple[int, bool], int]]  # type: ignore[misc]
# Made of what a name can have; a filter of hypothesis sometimes finds too little.
BYTES = st.sampled_from(sorted(set(range(256)) - set(b"\0/")))
NAMES = st.lists(BYTES, min_size=1, max_size=4).map(bytes).map(lambda name: b"..." if name in {b".", b".."} else name)
FILES = st.tuples(st.sampled_from([0, 1, 4095, 4096, 4097, 70_000]), st.booleans())
TREES = st.recursive(
    st.dictionaries(NAMES, FILES | st.integers(0, 5), max_size=5),
    lambda inner: st.dictionaries(NAMES, FILES | st.integers(0, 5) | inner, max_size=5),
    max_leaves=25,
)


def build(at: bytes, tree: Tree, files: list[bytes]) -> None:
    """Make the tree; the files that are there so far can be linked to."""
    os.mkdir(at)
    for name, what in tree.items():
        path = at + b"/" + name
        if isinstance(what, dict):
            build(path, what, files)
        elif isinstance(what, int):
            if files:
                os.link(files[what % len(files)], path)
        else:
            size, hole = what
            Path(os.fsdecode(path)).write_bytes(b"" if hole else b"x" * size)
            os.truncate(path, size)
            files.append(path)


@given(TREES, st.integers(0, 8), st.integers(1, 4), st.booleans())
def test_small_trees(tree: Tree, depth: int, workers: int, every: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = f"{folder}/root"
        build(os.fsencode(root), tree, [])
        gnu = du(f"--max-depth={depth}", *(["-a"] if every else []), root)
        scanned = scan(ScanRequest((os.fsencode(root),), depth=depth, workers=workers, all=every))
        assert sorted((entry.path, entry.bytes) for entry in scanned.entries) == gnu
