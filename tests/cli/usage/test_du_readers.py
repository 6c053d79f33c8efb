"""The ways to read attributes: each gives the same columns, of every kind of file, in a process of its own."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from opskit.usage.du.see import readers
from opskit.usage.du.see.readers import READERS, Columns, Reader, make_reader, stat_function
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
    each: list[Reader] = [make_reader(name, follow=follow, own_process=True) for name in READERS]
    read = []
    for reader in each:
        names = sorted(reader.names(folder))
        read.append((values(reader.read(names, folder).copy()), values(reader.read(names, folder))))
    first = read[0][0]
    assert len(first["names"]) > 5
    assert read == [(first, first)] * len(read)
    failed = [{name for name, _ in reader.failed} for reader in each]
    assert (failed == [failed[0]] * len(each), b"itself" in failed[0]) == (True, follow)
    paths = [values(reader.read([b"/dev/null", b"/proc/self"], None)) for reader in each]
    assert paths == [paths[0]] * len(paths)


@pytest.mark.parametrize("follow", [False, True])
def test_a_c_library_before_2_33(folder: int, monkeypatch: pytest.MonkeyPatch, *, follow: bool) -> None:
    """That of EL7 and EL8 has __lxstat in place of lstat, as this one still has it."""
    library = ctypes.PyDLL(None)
    if not hasattr(library, "__lxstat"):
        pytest.skip("this C library does not have it any more")
    old = SimpleNamespace(__lxstat=library.__lxstat, __xstat=library.__xstat)
    monkeypatch.setattr(readers, "stat_function", partial(stat_function, library=old))
    old_reader, reader = make_reader("lstat", follow=follow, own_process=True), make_reader("stat", follow=follow)
    names = sorted(old_reader.names(folder))
    assert values(old_reader.read(names, folder)) == values(reader.read(names, folder))


def test_what_may_be_read_and_not_searched(folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it does not become the working directory, and each name is asked for through its descriptor."""

    def denied(_: int) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    reader = make_reader("lstat", own_process=True)
    reader.names(os.open("/proc/self", os.O_RDONLY))
    monkeypatch.setattr(os, "fchdir", denied)
    names = sorted(reader.names(folder))
    assert b"linked" in names
    assert values(reader.read(names, folder)) == values(make_reader("stat").read(names, folder))


def test_only_a_process_that_does_nothing_else_changes_its_working_directory(folder: int) -> None:
    for name in ("", *READERS):
        before = os.getcwd()
        make_reader(name).names(folder)
        assert os.getcwd() == before
    make_reader(own_process=True).names(folder)
    assert os.getcwd() != "/"
