"""Each cause of a failure, made happen: what opskit says of it, and that the remedy mends it where it names one to run.

No message here calls a disk failing: these disks are whole. (tests/vm/disk has those that are not.)
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from host.disk.test_grow import can_grow_ext
from host.hosts import Host
from host.tools import MIB, Answer, Disk, run
from opskit.core.command import Command
from opskit.core.errors import CommandFailed
from opskit.core.runner import HostRunner
from opskit.disk.mount.mkfs import MkfsOptions, mkfs_argv
from opskit.disk.mount.steps.tried import run_on_disk
from tiers import slow

EXT = ("mkfs.ext4", "-q", "-O", "^metadata_csum")
XFS_SIZE = 320 * MIB


def read(disk: Disk, offset: int, size: int) -> bytes:
    with disk.image.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def set_bit(disk: Disk, offset: int, bit: int) -> None:
    """In a field of ext's superblock (linux/fs/ext4/ext4.h): 0x60 has the incompatible features, 0x64 the others."""
    (value,) = struct.unpack("<I", read(disk, 1024 + offset, 4))
    disk.write(struct.pack("<I", value | 1 << bit), 1024 + offset)


def again(disk: Disk, host: Host, *options: str) -> Disk:
    """The same image on a new loop device."""
    disk.take_down()
    return host.attach(disk.image, *options)


def dirty(host: Host, disk: Disk, fstype: str) -> Disk:
    """A filesystem as a power cut leaves it, on a disk that is read-only since."""
    run(f"mkfs.{fstype}", "-q", disk.path)
    at = host.folder / "before"
    at.mkdir()
    run("mount", disk.path, str(at))
    (at / "file").write_bytes(b"x")
    for path in (at / "file", at):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    copy = host.folder / "cut.img"
    run("cp", "--sparse=always", str(disk.image), str(copy))
    run("umount", str(at))
    disk.take_down()
    return host.attach(copy, "--read-only")


def incompatible(host: Host, disk: Disk) -> Disk:  # noqa: ARG001 - as the others
    run(*EXT, disk.path)
    set_bit(disk, 0x60, 31)
    return disk


def read_only_feature(host: Host, disk: Disk) -> Disk:  # noqa: ARG001
    run(*EXT, disk.path)
    set_bit(disk, 0x64, 31)
    return disk


def dirty_ext(host: Host, disk: Disk) -> Disk:
    return dirty(host, disk, "ext4")


def dirty_xfs(host: Host, disk: Disk) -> Disk:
    return dirty(host, disk, "xfs")


def external_journal(host: Host, disk: Disk) -> Disk:
    journal = host.new_disk(16 * MIB)
    run("mke2fs", "-q", "-O", "journal_dev", "-b", "4096", journal.path)
    run("mkfs.ext4", "-q", "-b", "4096", "-J", f"device={journal.path}", disk.path)
    journal.write(b"\0" * 64 * 1024, 0)
    return disk


def external_log(host: Host, disk: Disk) -> Disk:
    log = host.new_disk(70 * MIB)
    run("mkfs.xfs", "-q", "-l", f"logdev={log.path},size=64m", disk.path)
    return disk


def ext(host: Host, disk: Disk) -> Disk:  # noqa: ARG001
    run("mkfs.ext4", "-q", disk.path)
    return disk


def xfs(host: Host, disk: Disk) -> Disk:  # noqa: ARG001
    run("mkfs.xfs", "-q", disk.path)
    return disk


def cut_off(host: Host, disk: Disk) -> Disk:
    """A device that is smaller than its filesystem."""
    run("mkfs.ext4" if disk.image.stat().st_size < XFS_SIZE else "mkfs.xfs", "-q", disk.path)
    os.truncate(disk.image, disk.image.stat().st_size * 5 // 8)
    return again(disk, host)


def descriptors(host: Host, disk: Disk) -> Disk:
    run(*EXT, "-b", "1024", disk.path)
    disk.write(b"\xff" * 64, 2048)
    return again(disk, host)


def free_space(host: Host, disk: Disk) -> Disk:
    run("mkfs.xfs", "-q", disk.path)
    disk.write(b"\xff" * 64, 512 + 4)
    return again(disk, host)


def large_blocks(host: Host, disk: Disk) -> Disk:
    run(*EXT, "-b", "4096", disk.path)
    disk.write(struct.pack("<I", 4), 1024 + 0x18)
    return again(disk, host)


def foreign(host: Host, disk: Disk) -> Disk:
    """The superblock of f2fs, for which this kernel may have no driver (linux/f2fs_fs.h)."""
    if "f2fs" in Path("/proc/filesystems").read_text().split():
        pytest.skip("this kernel has f2fs")
    block = struct.pack("<IHHIII", 0xF2F52010, 1, 15, 9, 3, 12).ljust(0x6C, b"\0") + bytes(range(16))
    disk.write(block.ljust(3072, b"\0"), 1024)
    return again(disk, host)


@dataclass(frozen=True)
class Case:
    """How it is made, the options that it fails with, what is said, and the options or the command that mend it."""

    make: Callable[[Host, Disk], Disk]
    options: str
    why: str
    todo: str
    mended_by: str = ""
    repair: tuple[str, ...] = ()
    size: int = 16 * MIB


CASES = {
    "a feature of a newer kernel": Case(incompatible, "", "a feature that this kernel does not know", "newer kernel"),
    "a feature to read only": Case(read_only_feature, "", "read it only", "--mount-options ro", "ro"),
    "a journal to replay on a read-only disk": Case(dirty_ext, "ro", "to be replayed", "ro,noload", "ro,noload"),
    "a log to replay on a read-only disk": Case(
        dirty_xfs, "ro", "to be replayed", "ro,norecovery", "ro,norecovery", size=XFS_SIZE
    ),
    "an external journal that is lost": Case(external_journal, "", "its journal is on another device", "dumpe2fs -h"),
    "an external log": Case(
        external_log, "", "its log is on another device", "logdev=DEVICE", "logdev=LOG", size=XFS_SIZE
    ),
    "an option that ext4 does not have": Case(ext, "uquota", "no mount option uquota", "leave it out", "noatime"),
    "an option that xfs does not have": Case(
        xfs, "data=ordered", "no mount option data", "leave it out", size=XFS_SIZE
    ),
    "a value that ext4 does not take": Case(
        ext, "commit=abc", "commit cannot have the value", "correct it", "commit=9"
    ),
    "a value that xfs does not take": Case(
        xfs, "logbufs=99", "logbufs cannot have the value", "correct it", size=XFS_SIZE
    ),
    "quota without a format": Case(ext, "usrjquota=aquota.user", "quota options cannot", "jqfmt=vfsv1"),
    "dax": Case(ext, "dax", "no direct access", "leave it out", "noatime"),
    "a device smaller than its ext4": Case(cut_off, "", "larger than its device", "old size back"),
    "a device smaller than its xfs": Case(cut_off, "", "larger than its device", "old size back", size=XFS_SIZE),
    "damaged group descriptors": Case(descriptors, "", "is damaged", "e2fsck", repair=("e2fsck", "-y")),
    "a damaged allocation group": Case(
        free_space, "", "is damaged", "xfs_repair", repair=("xfs_repair",), size=XFS_SIZE
    ),
    "blocks larger than a page": Case(large_blocks, "", "larger than the pages", "larger pages"),
    "a filesystem without a driver": Case(foreign, "", "this kernel has no filesystem f2fs", "modprobe f2fs"),
}


@pytest.mark.parametrize("name", [name if number % 3 == 0 else slow(name) for number, name in enumerate(CASES)])
def test_a_mount_that_fails_says_why_and_what_mends_it(host: Host, name: str) -> None:
    case = CASES[name]
    disk = case.make(host, host.new_disk(case.size))
    before = host.table()
    answer = host.mount(disk, *(["--mount-options", case.options] if case.options else []))
    if answer.code == 0:
        pytest.skip("this kernel mounts it")
    assert answer.code == 8, answer.err
    assert case.why in answer.err
    assert case.todo in answer.err
    assert "failing" not in answer.err
    assert (host.mounted(), host.table()) == (None, before)
    if case.repair:
        run(*case.repair, disk.path, check=False)
    if case.mended_by or case.repair:
        options = case.mended_by.replace("LOG", host.disks[1].path if len(host.disks) > 1 else "")
        host.mount(disk, *(["--mount-options", options] if options else [])).well()
        assert host.mounted()


@pytest.mark.parametrize(
    ("fstype", "options"), [("ext4", "noatime,nosuchoption"), slow("xfs", "data=ordered"), slow("ext4", "commit=abc")]
)
def test_options_are_tried_before_anything_is_made(host: Host, fstype: str, options: str) -> None:
    disk = host.new_disk(XFS_SIZE)
    before = disk.digest(), host.table()
    answer = host.mount(disk, "--fstype", fstype, "--mount-options", options)
    assert answer.code == 8
    assert options.rpartition(",")[2].partition("=")[0] in answer.err
    assert "try-mount-options" in answer.err
    assert (disk.digest(), host.table()) == before
    (ran,) = {entry["run"] for entry in host.ledger()}
    assert not [name for name in os.listdir("/var/tmp") if ran in name]  # where others try theirs meanwhile
    good = {"ext4": "commit=9", "xfs": "logbufs=4"}[fstype]
    host.mount(disk, "--fstype", fstype, "--mount-options", good).well()
    mounted = host.mounted()
    assert mounted
    assert good in mounted.options


def without_inodes(host: Host) -> Path:
    """A mounted ext4 with room, and without an inode for one more file."""
    full = host.new_disk(16 * MIB)
    run("mkfs.ext4", "-q", "-N", "16", full.path)
    at = host.folder / "full"
    at.mkdir()
    run("mount", full.path, str(at))
    host.after.append(lambda: run("umount", str(at), check=False))
    number = 0
    while os.statvfs(at).f_ffree:
        (at / str(number)).touch()
        number += 1
    return at


def fill(path: Path) -> None:
    """Write a block at a time until there is no room for one more."""
    with path.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        finally:
            os.fsync(filler.fileno())


def test_a_full_ext4(host: Host, disk: Disk) -> None:
    """Before anything is done: what ext4 keeps for itself is free by statvfs(2), and no file gets any of it."""
    full, at, before = host.new_disk(64 * MIB), host.folder / "full", disk.digest()
    run("mkfs.ext4", "-q", full.path)
    at.mkdir()
    run("mount", full.path, str(at))
    host.after.append(lambda: run("umount", str(at), check=False))
    (at / "fstab").touch()
    for name in ("filler", "what writing the first back has freed"):
        with pytest.raises(OSError, match="No space"):
            fill(at / name)
    assert os.statvfs(at).f_bfree
    fstab, state = ("--fstab", str(host.fstab)), ("--state-dir", str(host.state))
    for words, why in (
        ((str(at / "data"), *fstab, *state), f"the filesystem of {at} is full"),
        ((host.target, "--fstab", str(at / "fstab"), *state), f"the filesystem that {at}/fstab is on is full"),
        ((host.target, *fstab, "--state-dir", str(at / "state")), "No space left on device"),
    ):
        for more in ("--dry-run", "--yes"):
            answer = host.run("disk", "mount", disk.path, *words, more)
            assert (why in answer.err, "Nothing was changed" in answer.err) == (True, True), answer.err
    assert disk.digest() == before


def test_a_full_inode_table(host: Host, disk: Disk) -> None:
    """Before mkfs, which nothing takes back: the mount point could not be made. And no swap file could."""
    at, before = without_inodes(host), disk.digest()
    for words in (
        ("mount", disk.path, str(at / "data")),
        ("mount", disk.path, str(at / "data" / "more")),
        ("swap", "4M", str(at / "swap"), "--leave-free", "0"),
    ):
        for more in ("--dry-run", "--yes"):
            answer = host.on_disk(*words, more)
            assert (answer.code, "no inode left" in answer.err, "df -i" in answer.err) == (5, True, True), answer.err
    assert disk.digest() == before
    # A directory that is there already needs no inode.
    (at / "0").unlink()
    (at / "data").mkdir()
    host.on_disk("mount", disk.path, str(at / "data"), "--dry-run").well()


def mkfs_fails(options: MkfsOptions, disk: Disk) -> CommandFailed:
    """What opskit tells of a mkfs that fails, by its real program."""
    command = Command(mkfs_argv(options, str(uuid4()), disk.path), mutates=True, timeout=300.0)
    with pytest.raises(CommandFailed) as failed:
        run_on_disk(HostRunner(), command, disk.path)
    return failed.value


def test_mkfs_finds_the_device_busy(disk: Disk) -> None:
    """Somebody has opened it for himself since the plan."""
    descriptor = os.open(disk.path, os.O_RDONLY | os.O_EXCL)
    try:
        error = mkfs_fails(MkfsOptions("ext4"), disk)
    finally:
        os.close(descriptor)
    assert error.why.startswith(f"another program holds {disk.path} (exit status ")
    assert error.todo == f"lsblk {disk.path}; fuser -v {disk.path}"


def test_mkfs_finds_the_device_too_small(host: Host) -> None:
    """It was made smaller since the plan."""
    disk = host.new_disk(16 * MIB)
    error = mkfs_fails(MkfsOptions("xfs"), disk)
    assert error.why == "16M is too small for xfs, which needs 300M (exit status 1)"


def test_mkfs_finds_no_room_below_a_loop_device(host: Host) -> None:
    below = host.folder / "below"
    below.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(below))
    try:
        image = below / "image"
        with image.open("wb") as file:
            file.truncate(64 * MIB)
        disk = host.attach(image)
        try:
            error = mkfs_fails(MkfsOptions("ext4"), disk)
        finally:
            disk.take_down()
    finally:
        run("umount", str(below))
    assert error.why == f"no room is left on the filesystem of {image}, which {disk.path} is made of (exit status 1)"
    assert "failing" not in error.todo


def umount(host: Host) -> Answer:
    answer = host.on_disk("umount", host.target, "--yes")
    assert host.mounted()
    return answer


def test_a_swap_file_holds_a_filesystem(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    swap = Path(host.target, "swap file")
    swap.write_bytes(b"\0" * 4 * MIB)
    swap.chmod(0o600)
    run("mkswap", str(swap))
    run("swapon", str(swap))
    try:
        answer = umount(host)
    finally:
        run("swapoff", str(swap))
    assert answer.code == 7
    assert f"swapoff '{swap}'" in answer.err
    host.on_disk("umount", host.target, "--yes").well()


def test_a_loop_device_holds_a_filesystem(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    image = Path(host.target, "image")
    image.write_bytes(b"\0" * MIB)
    inner = host.attach(image)
    answer = umount(host)
    assert answer.code == 7
    assert f"losetup -d {inner.path}" in answer.err
    inner.take_down()
    host.on_disk("umount", host.target, "--yes").well()


def test_a_bind_mount_holds_a_filesystem(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    other = host.folder / "other"
    other.mkdir()
    run("mount", "--bind", host.target, str(other))
    answer = umount(host)
    run("umount", str(other))
    assert answer.code == 7
    assert f"umount {other}" in answer.err
    host.on_disk("umount", host.target, "--yes").well()


def test_partitions_that_the_kernel_only_remembers(host: Host) -> None:
    """cases: a disk that was partitioned once and got a filesystem since: "a partition table … --wipe"."""
    disk = host.new_disk(64 * MIB)
    disk.make_partition("dos")
    run("mkfs.ext4", "-q", "-F", disk.path)
    disk.write(b"\0" * 512, 0)
    answer = host.mount(disk)
    assert answer.code == 5
    assert f"partx -d {disk.path}" in answer.err
    assert "--wipe" not in answer.err
    disk.forget_partitions()
    host.mount(disk).well()


def test_a_partition_beyond_the_end_of_its_disk(host: Host) -> None:
    disk = host.new_disk(64 * MIB)
    disk.make_partition("dos")
    os.truncate(disk.image, 32 * MIB)
    run("losetup", "-c", disk.path)
    answer = host.on_disk("mount", disk.partitions[0], host.target, "--yes")
    assert answer.code == 5
    assert "failing" not in answer.err


def test_ext4_with_errors_is_not_put_into_service_and_does_not_grow_while_it_is_mounted(host: Host) -> None:
    disk = host.new_disk(32 * MIB)
    run("mkfs.ext4", "-q", disk.path)
    run("debugfs", "-w", "-R", "ssv state 3", disk.path)
    refused = host.mount(disk)
    assert refused.code == 5
    assert "the ext4 on" in refused.err
    assert "is marked as having errors" in refused.err
    host.mount(disk, "--mount-options", "ro", "--dry-run").well()
    os.makedirs(host.target, exist_ok=True)
    run("mount", disk.path, host.target)
    os.truncate(disk.image, 64 * MIB)
    run("losetup", "-c", disk.path)
    answer = host.on_disk("grow", host.target, "--yes")
    assert answer.code == 5, answer
    assert f"the ext4 on {disk.path} is marked as having errors" in answer.err
    assert f"umount {host.target}; e2fsck {disk.path}" in answer.err
    run("umount", host.target)
    run("e2fsck", "-f", "-y", disk.path, check=False)
    host.mount(disk).well()
    if can_grow_ext():
        host.on_disk("grow", host.target, "--yes").well()
        assert os.statvfs(host.target).f_blocks * os.statvfs(host.target).f_frsize > 40 * MIB
