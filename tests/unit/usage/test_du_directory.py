"""How directories are opened: in their parent, and never through a link, whatever took their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.usage.du.see.directory import Opener, TreeDirectory


def directory_at(parent: TreeDirectory, name: str) -> TreeDirectory:
    parent.children += 1
    return TreeDirectory(parent, os.fsencode(name), nodes_to=9)


@pytest.fixture
def root(tmp_path: Path) -> TreeDirectory:
    top = TreeDirectory(None, os.fsencode(tmp_path))
    top.descriptor = os.open(tmp_path, os.O_RDONLY)
    return top


def test_what_became_a_link_is_not_opened(root: TreeDirectory, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(NotADirectoryError):
        Opener().open(directory_at(root, "link"))
    (tmp_path / "real" / "in").mkdir()
    os.close(Opener().open(directory_at(directory_at(root, "real"), "in")))
    with pytest.raises(NotADirectoryError):
        Opener().open(directory_at(directory_at(root, "link"), "in"))


def test_a_directory_is_closed_when_all_in_it_have_been_opened(root: TreeDirectory, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    opener, above = Opener(), directory_at(root, "a")
    opener.keep(above, opener.open(above), 2)
    assert above.descriptor >= 0
    below = TreeDirectory(above, b"b", nodes_to=9)
    os.close(opener.open(below))
    assert above.descriptor >= 0
    opener.drop(TreeDirectory(above, b"c", nodes_to=9))
    assert above.descriptor == -1


def test_paths_are_those_of_du() -> None:
    for typed, expected in ((b"/", b"/a/b"), (b".", b"./a/b"), (b"x/", b"x/a/b"), (b"x", b"x/a/b")):
        root = TreeDirectory(None, typed)
        below = directory_at(directory_at(root, "a"), "b")
        assert (root.path(), below.path(), below.path(b"c")) == (typed, expected, expected + b"/c")
