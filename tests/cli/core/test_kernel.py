"""What the kernel answers to statx, ioctl and the C library, against what Python's os and the host's tools say."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opskit.core import kernel


def test_a_device_number_is_written_as_mountinfo_has_it() -> None:
    assert kernel.device_number(os.stat("/dev/null").st_rdev) == "1:3"


def test_the_birth_of_a_file_is_that_of_stat(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    output = subprocess.run(["stat", "-c", "%W", tmp_path / "a"], capture_output=True, text=True, check=True).stdout
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        statx = kernel.Statx()
        birth, stays = statx.of(descriptor, "a")
        assert (birth // 1_000_000, stays) == (int(output), False)
        assert statx.of(descriptor, "none") == (0, False)
    finally:
        os.close(descriptor)


def test_the_status_of_a_file_is_that_of_os_stat_with_statx_and_without(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 5000)
    os.link(path, tmp_path / "b")
    for accessed, modified in ((1_600_000_000_123_456_789, 1_700_000_000_000_000_999), (-5, -(10**15))):
        os.utime(path, ns=(accessed, modified))
        status = path.stat()
        want = (status.st_mode, 5000, status.st_blocks * 512, status.st_ino, 2)
        want += (max(accessed, 0) // 1000, status.st_ctime_ns // 1000, max(modified, 0) // 1000)
        statx, without = kernel.Statx(), kernel.Statx()
        without._statx = None
        with path.open("rb") as file:
            birth, _ = statx.of(file.fileno(), "")
            assert statx.status(file.fileno()) == (*want, birth, False)
            assert without.status(file.fileno()) == (*want, 0, False)
            for each in (statx, without):
                assert each.untimed(file.fileno()) == (*want[:5], False)
        descriptor = os.open(tmp_path, os.O_RDONLY)
        try:
            assert statx.status(descriptor, "a") == (*want, birth, False)
            for each in (statx, without):
                with pytest.raises(FileNotFoundError):
                    each.status(descriptor, "none")
        finally:
            os.close(descriptor)


def test_the_flags_of_a_file_are_those_of_chattr(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("x")
    if (
        not shutil.which("chattr")
        or subprocess.run(["chattr", "+A", path], capture_output=True, check=False).returncode
    ):
        pytest.skip("no file attributes here")
    with path.open("rb") as file:
        assert kernel.inode_flags(file.fileno()) & kernel.FS_NOATIME_FL
        assert not kernel.inode_flags(file.fileno()) & kernel.FS_IMMUTABLE_FL
    reading, writing = os.pipe()
    assert kernel.inode_flags(reading) == 0
    os.close(reading)
    os.close(writing)


def test_a_call_that_fails_has_its_errno() -> None:
    assert kernel.checked(kernel.libc().getpid()) == os.getpid()
    with pytest.raises(IsADirectoryError):
        kernel.checked(kernel.libc().unlink(b"/"))
