"""write_atomic: the old file or the new one, with the old one's mode, owner and attributes."""

from __future__ import annotations

import os
import stat
import tracemalloc
from pathlib import Path

import pytest

from opskit.core import files
from opskit.core.files import read_bytes, sha256, write_atomic


def test_it_writes_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "fstab"
    write_atomic(str(path), b"one\n")
    assert path.read_bytes() == b"one\n"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["fstab"]


def test_it_keeps_mode_owner_and_extended_attributes(tmp_path: Path) -> None:
    path = tmp_path / "fstab"
    path.write_bytes(b"one\n")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError:
        pytest.skip("this filesystem has no user attributes")
    before = path.stat()
    write_atomic(str(path), b"two\n", like=str(path))
    after = path.stat()
    assert path.read_bytes() == b"two\n"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert os.getxattr(path, "user.note") == b"kept"


def test_a_symlink_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "fstab"
    target.write_bytes(b"one\n")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomic(str(link), b"two\n", like=str(link))
    assert link.is_symlink()
    assert target.read_bytes() == b"two\n"


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """A drop-in is masked by a link to /dev/null: that must stay what it is."""
    (tmp_path / "link").symlink_to("null")
    os.mkfifo(tmp_path / "null")
    with pytest.raises(OSError, match="not a regular file"):
        write_atomic(str(tmp_path / "link"), b"new\n")
    assert stat.S_ISFIFO((tmp_path / "null").stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["link", "null"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "fstab"
    path.write_bytes(b"one\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, broken, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(str(path), b"two\n", like=str(path))
    assert path.read_bytes() == b"one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["fstab"]


def test_the_file_is_synced_before_the_rename_and_the_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(files.os, "replace", lambda a, b: (order.append("replace"), replace(a, b)))
    write_atomic(str(tmp_path / "x"), b"")
    assert order == ["fsync", "replace", "fsync"]


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    path = str(tmp_path / os.fsdecode(b"\xff"))
    write_atomic(path, b"x")
    assert read_bytes(path) == b"x"


def test_sha256() -> None:
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_temporary_file_that_another_takes_for_a_leftover_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is locked only in the moment after it was made."""
    path = tmp_path / "x"
    flock, hidden = files.fcntl.flock, []

    def taken(descriptor: int, how: int) -> None:
        if not hidden and how == files.fcntl.LOCK_EX:
            hidden.append(files.leftovers(str(path)))
            for left in hidden[0]:
                Path(left).unlink()
        flock(descriptor, how)

    monkeypatch.setattr(files.fcntl, "flock", taken)
    write_atomic(str(path), b"new")
    assert len(hidden[0]) == 1
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_read_takes_memory_for_what_is_there(tmp_path: Path) -> None:
    """A limit of 2 GiB, which is that of a scan that du keeps, is more than many hosts have."""
    path = tmp_path / "file"
    text = b"some lines\n" * 300_000
    path.write_bytes(text)
    tracemalloc.start()
    try:
        assert read_bytes(str(path), 2 * 1024**3) == text
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(text)
    with pytest.raises(OSError, match="larger than 3299999 bytes"):
        read_bytes(str(path), len(text) - 1)
    assert read_bytes(str(path), len(text)) == text
