"""The ways to read attributes: each gives the same columns, of every kind of file, in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.usage.du.see.readers import READERS, Columns, Reader, make_reader
from trees import make_tree

COLUMNS = ("names", "kinds", "nlinks", "inodes", "devices", "sizes", "blocks", "mtimes", "owners")


def values(columns: Columns) -> dict[str, list[object]]:
    return {name: list(getattr(columns, name)) for name in COLUMNS}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """An open directory with some of everything in it; the working directory is what it was, after the test."""
    monkeypatch.chdir("/")
    make_tree(tmp_path / "tree", 3, entries=200)
    (tmp_path / "tree/itself").symlink_to("itself")
    for number, name in enumerate(("owned", "old", "linked", "many")):
        (tmp_path / "tree" / name).write_bytes(b"x" * 4097)
        os.chown(tmp_path / "tree" / name, 70_000 + number, 0)
    os.utime(tmp_path / "tree/old", (-5, -5))
    os.link(tmp_path / "tree/linked", tmp_path / "tree/another")
    os.truncate(tmp_path / "tree/many", 1 << 43)
    return os.open(tmp_path / "tree", os.O_RDONLY)


@pytest.mark.parametrize("follow", [False, True])
def test_all_readers_agree(folder: int, *, follow: bool) -> None:
    readers: list[Reader] = [make_reader(name, follow=follow, own_process=True) for name in READERS]
    read = []
    for reader in readers:
        names = sorted(reader.names(folder))
        read.append((values(reader.read(names, folder).copy()), values(reader.read(names, folder))))
    first = read[0][0]
    assert len(first["names"]) > 5
    assert read == [(first, first)] * len(read)
    failed = [{name for name, _ in reader.failed} for reader in readers]
    assert (failed == [failed[0]] * len(readers), b"itself" in failed[0]) == (True, follow)
    paths = [values(reader.read([b"/dev/null", b"/proc/self"], None)) for reader in readers]
    assert paths == [paths[0]] * len(paths)


def test_what_may_be_read_and_not_searched(folder: int) -> None:
    """Another descriptor than that of the working directory: each name is asked for through it."""
    reader = make_reader("lstat", own_process=True)
    elsewhere = os.open("/proc/self", os.O_RDONLY)
    reader.names(elsewhere)
    names = sorted(os.fsencode(name) for name in os.listdir(folder))
    assert values(reader.read(names, folder)) == values(make_reader("stat").read(names, folder))


def test_only_a_process_that_does_nothing_else_changes_its_working_directory(folder: int) -> None:
    for name in ("", *READERS):
        before = os.getcwd()
        make_reader(name).names(folder)
        assert os.getcwd() == before
    make_reader(own_process=True).names(folder)
    assert os.getcwd() != "/"
