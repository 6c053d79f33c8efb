"""Which directories are looked at, by the release; what is proved against journalctl is in tests/host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.journal.files.model import ROOTS, Scope, valid_namespace
from opskit.journal.files.see import directories
from opskit.journal.files.see.directories import read_scope
from opskit.journal.releases import Version, rules_of

OWN, OTHER = "0123456789abcdef" * 2, "fedcba98" * 4
UUID = "11111111-89ab-cdef-0123-456789abcdef"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for top in ("run/log/journal", "var/log/journal", "var/log/journal/remote"):
        for name in ("", OWN, f"{OWN}.one", OTHER, UUID, "no-id", f"{OWN}.not valid"):
            place = tmp_path / top / name
            place.mkdir(parents=True, exist_ok=True)
            (place / "system.journal").touch()
    (tmp_path / "var/log/journal" / OTHER / "link.journal").symlink_to("system.journal")
    (tmp_path / "var/log/journal" / OTHER / "dir.journal").mkdir()
    (tmp_path / "var/log/journal" / OTHER / "other.txt").touch()
    return tmp_path


def seen(place: Path, version: int, **scope: object) -> set[str]:
    """What a vacuum looks at, below the root of the test."""
    directories = read_scope(Scope(**scope), rules_of(Version(version)), OWN)  # type: ignore[arg-type]
    return {os.path.relpath(directory.path, place) for directory in directories if not directory.passed_over}


def test_below_a_root(root: Path) -> None:
    tops = {"run/log/journal", "var/log/journal", "var/log/journal/remote"}
    ids = {f"{top}/{name}" for top in tops for name in (OWN, OTHER, UUID)}
    assert seen(root, 252, root=str(root)) == tops | ids
    assert seen(root, 239, root=str(root)) == ids
    # journalctl ignores the namespace then.
    assert seen(root, 252, root=str(root), namespace="one") == tops | ids


def test_the_namespaces_of_this_host(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "ROOTS", tuple(str(root) + top for top in ROOTS))
    assert directories.namespaces(OWN) == ("one",)
    assert directories.namespaces(OTHER) == ()


def test_a_directory(root: Path) -> None:
    top = str(root / "var/log/journal")
    ids = {f"var/log/journal/{name}" for name in (OWN, OTHER, UUID)}
    assert seen(root, 252, directory=top) == {"var/log/journal"} | ids
    assert seen(root, 239, directory=top) == ids
    assert seen(root, 252, directory=f"{top}/{OTHER}") == {f"var/log/journal/{OTHER}"}
    assert seen(root, 239, directory=f"{top}/{OTHER}") == set()
    with pytest.raises(FileNotFoundError):
        seen(root, 252, directory=f"{top}/none")


@pytest.mark.parametrize(
    ("namespace", "wanted"),
    [
        ("", {OWN}),
        ("one", {f"{OWN}.one"}),
        ("+one", {OWN, f"{OWN}.one"}),
        ("*", {OWN, f"{OWN}.one"}),
    ],
)
def test_this_host(root: Path, monkeypatch: pytest.MonkeyPatch, namespace: str, wanted: set[str]) -> None:
    """In /var only this machine's own, in /run any; the namespace narrows both."""
    tops = tuple(str(root) + top for top in ROOTS)
    monkeypatch.setattr("opskit.journal.files.see.directories.ROOTS", tops)
    names = {name for name in seen(root, 252, namespace=namespace) if name.startswith("var/")}
    assert names == {"var/log/journal"} | {f"var/log/journal/{name}" for name in wanted}
    others = {f"run/log/journal/{name}" for name in (OTHER, UUID)}
    assert (others <= seen(root, 252, namespace=namespace)) == (namespace != "one")


def test_only_regular_files_are_read_and_the_others_are_named(root: Path) -> None:
    place = str(root / "var/log/journal" / OTHER)
    (directories,) = read_scope(Scope(directory=place), rules_of(Version(252)), OWN)
    assert [file.name for file in directories.files] == ["system.journal"]
    assert sorted(directories.ignored) == ["dir.journal", "link.journal"]
    assert directories.identity
    assert not directories.read_only
    assert not directories.denied


def test_where_this_user_may_not_delete(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """journalctl only warns of each file there, and exits 0: root in a container, or on a share with root_squash."""
    place = str(root / "var/log/journal" / OTHER)
    monkeypatch.setattr(os, "access", lambda _path, mode, **_: not mode & os.W_OK)
    (directory,) = read_scope(Scope(directory=place), rules_of(Version(252)), OWN)
    assert directory.files
    assert directory.denied


def test_names_of_namespaces() -> None:
    assert [valid_namespace(name) for name in ("one", "a@b", "a.b", "", "..", "a b", "a*", "a/b", "x" * 201)] == [
        True, True, True, False, False, False, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("other", "read"),
    [
        (f"user-1000@{OWN}-0000000000000002-0000000000000190.journal", False),
        (f"system@{OTHER}-0000000000000002-0000000000000190.journal", True),
        ("system@0000000000000190-0000000000000001.journal~", True),
    ],
)
def test_the_times_of_a_file_are_read_where_they_can_matter(tmp_path: Path, other: str, read: bool) -> None:
    old, young = (f"system@{OWN}-000000000000000{number}-{number * 256:016x}.journal" for number in (1, 3))
    for name in (old, other, young):
        (tmp_path / name).touch()
        try:
            os.setxattr(tmp_path / name, "user.crtime_usec", (50).to_bytes(8, "little"))
        except OSError as error:
            pytest.skip(f"{tmp_path}: {error.strerror}")
    for field in ("crtime", "ctime", "mtime"):
        files = directories.read_directory(str(tmp_path), old=600).files
        there = {file.name: getattr(file, field) > 0 for file in files}
        assert there == {old: read, other: read, young: True}
    assert {file.crtime for file in directories.read_directory(str(tmp_path)).files} == {50}
