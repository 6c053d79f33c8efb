"""`opskit du` where other filesystems and bind mounts are in the tree: the lines and sizes of GNU du."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.tools import run
from opskit.usage.du.model import ScanRequest
from opskit.usage.du.see.scan import scan
from trees import du, make_tree, opskit_du

ENGINES: tuple[dict[str, Any], ...] = ({"engine": "stat"}, {"engine": "statx"}, {"workers": 3})


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Path]:
    """A tree with a tmpfs, a directory and a file bound from elsewhere in it, and one bound into itself."""
    if os.geteuid() != 0:
        pytest.skip("needs root: filesystems are mounted")
    root = tmp_path / "root"
    make_tree(root / "own", 21)
    make_tree(tmp_path / "outside", 22)
    (tmp_path / "file").write_bytes(b"x" * 30000)
    for name in ("other", "bound", "again", "loop"):
        (root / name).mkdir()
    (root / "bound-file").touch()
    made = []
    try:
        for argv in (
            ("-t", "tmpfs", "-o", "size=8m", "tmpfs", root / "other"),
            ("--bind", tmp_path / "outside", root / "bound"),
            ("--bind", root / "own", root / "again"),
            ("--bind", tmp_path / "file", root / "bound-file"),
            ("--bind", root, root / "loop"),
        ):
            run("mount", *map(str, argv))
            made.append(str(argv[-1]))
        make_tree(root / "other" / "tree", 23)
        (root / "other" / "file").write_bytes(b"x" * 70000)
        yield root
    finally:
        for target in reversed(made):
            run("umount", target)


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
@pytest.mark.parametrize("stays", [True, False])
def test_mounts_in_the_tree(mounts: Path, depth: int, stays: bool) -> None:
    expected = du(f"--max-depth={depth}", *(["-x"] if stays else []), str(mounts))
    for engine in ENGINES:
        assert opskit_du([str(mounts)], depth=depth, one_file_system=stays, **engine) == expected
    assert any(path.endswith("/other/tree") for path, _ in expected) == (depth >= 2 and not stays)


def test_what_is_on_no_disk_is_named_once(mounts: Path) -> None:
    """Also where one is mounted over another, as /dev/pts is in containers."""
    at = mounts / "other"
    run("mount", "-t", "devpts", "none", str(at))
    try:
        run("mount", "-t", "devpts", "none", str(at))
        try:
            request = ScanRequest(roots=(os.fsencode(mounts),))
            assert [pair for pair in scan(request).on_no_disk if pair[1] == "devpts"] == [(str(at), "devpts")]
        finally:
            run("umount", str(at))
    finally:
        run("umount", str(at))


def test_links_into_mounts_are_followed_as_gnu_du_follows_them(mounts: Path) -> None:
    """What is met by a link and by its own name counts once, and with -x only what is on the filesystem of the root."""
    for number, target in enumerate(("other/file", "bound", "loop", "bound-file", "again", "../outside", "../file")):
        (mounts / "own" / f"to{number}").symlink_to(mounts / target)
    for words, own in ((), {}), (("-x",), {"one_file_system": True}), (("-a",), {"all": True}):
        expected = du("-L", "--max-depth=9", *words, str(mounts))
        for engine in ({"engine": "stat"}, {"engine": "statx"}, {}):
            assert opskit_du([str(mounts)], depth=9, follow="all", **engine, **own) == expected, (words, engine)


@pytest.mark.parametrize("stays", [True, False])
def test_each_file_of_a_filesystem_with_all(mounts: Path, stays: bool) -> None:
    expected = du("--max-depth=9", "-a", *(["-x"] if stays else []), str(mounts))
    for engine in ENGINES:
        assert opskit_du([str(mounts)], depth=9, all=True, one_file_system=stays, **engine) == expected


def test_x_where_mounts_cover_those_that_may_not_answer(tmp_path: Path) -> None:
    """What -x need not even look at is told from the mounts; a directory that only has such a one's name counts."""
    if os.geteuid() != 0:
        pytest.skip("needs root: filesystems are mounted")
    root = tmp_path / "root"
    for name in ("far", "a/far", "b/far", "c/far", "d/far", "e"):
        (root / name).mkdir(parents=True)
        (root / name / "below").write_bytes(b"x" * 9000)
    made = []
    remote = ("-t", "tmpfs", "-o", "size=1m", "server:/export")  # by its source it is one that may not answer
    try:
        for argv in (
            (*remote, root / "far"),
            (*remote, root / "a/far"),
            ("--bind", root / "b", root / "a"),  # over it: a/far is b/far now
            (*remote, root / "c/far"),
            ("--bind", root / "e", root / "c/far"),
            (*remote, root / "d"),
            (*remote, root / "d"),
            ("--bind", root / "e", root / "e"),
            (*remote, root / "b/far"),
        ):
            run("mount", *map(str, argv))
            made.append(str(argv[-1]))
        for roots in ([root], [root / "a"], [root / "c"], [root / "d"], [f"{root}/./"], [root / "b", root, root / "e"]):
            names = list(map(str, roots))
            expected = du("--max-depth=4", "-a", "-x", *names)
            for engine in ENGINES:
                assert opskit_du(names, depth=4, all=True, one_file_system=True, **engine) == expected, names
            assert opskit_du(names, depth=4, one_file_system=True) == du("--max-depth=4", "-x", *names)
            assert opskit_du(names, depth=4) == du("--max-depth=4", *names)
    finally:
        for target in reversed(made):
            run("umount", target)


def test_several_roots_count_a_bound_directory_once(mounts: Path) -> None:
    """With more than one root du remembers directories: which of two comes first matters then."""
    for roots in (
        [str(mounts), str(mounts / "own")],
        [str(mounts / "own"), str(mounts)],
        [str(mounts / "bound"), str(mounts.parent)],
        [str(mounts / "bound-file"), str(mounts.parent / "file"), str(mounts)],
    ):
        expected = du("--max-depth=4", *roots)
        for engine in ENGINES:
            assert opskit_du(roots, depth=4, **engine) == expected, roots
