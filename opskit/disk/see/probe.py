"""A close look at one device: signatures (blkid, wipefs), a test open, and the bytes themselves."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from opskit.core.child import ask
from opskit.core.command import Command, Result, Runner
from opskit.core.files import sha256
from opskit.core.kernel import device_number
from opskit.core.lock import wait_for_flock
from opskit.core.units import MIB
from opskit.disk.layout import SYSFS_SECTOR, sample_ranges
from opskit.disk.model import (
    BUSY,
    DATA,
    FREE,
    UNKNOWN,
    UNREAD,
    UNREADABLE,
    ZERO,
    BlockDevice,
    HiddenPartition,
    Signature,
)
from opskit.disk.see.sysfs import read_device

# blkid(8): 2 means nothing was found (or it could not be read), 8 that the result is ambivalent.
BLKID_NOTHING = 2
BLKID_AMBIVALENT = 8
PROBE_SECONDS = 30.0
# How long disks are waited for, all of them together; one in standby takes some seconds until it turns.
ANSWER_SECONDS = 5.0
# At first one child asks all of them, and where that takes so long each gets a child of its own, so many at a time.
FIRST_SECONDS = 1.5
AT_ONCE = 16
_EXPORT = re.compile(r"^([A-Z_]+)=((?:\\.|[^\\\n])*)$", re.MULTILINE | re.DOTALL)

# What `-o export` makes of bytes that are no printable ASCII: `^[` and `M-C` (misc-utils/blkid.c, safe_print).
_MANGLED = re.compile(r"\^|M-")

PARTITION_TABLES = {"gpt", "dos", "PMBR", "mac", "bsd", "sun", "sgi", "atari"}


def silent(paths: Sequence[str]) -> frozenset[str]:
    """The devices that do not answer: a suspended volume, a disk whose paths are gone. A read of one never returns."""
    if not paths or ask([partial(_read_each, paths)], FIRST_SECONDS)[0].came:
        return frozenset()
    silences: set[str] = set()
    for start in range(0, len(paths), AT_ONCE):
        some = paths[start : start + AT_ONCE]
        answers = ask([partial(_read_each, [path]) for path in some], ANSWER_SECONDS)
        silences |= {path for path, answer in zip(some, answers) if not answer.came}
    return frozenset(silences)


def _read_each(paths: Sequence[str]) -> None:
    """Read the beginning of each device past the page cache. An error is an answer, too."""
    for path in paths:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
            try:
                os.preadv(descriptor, [mmap.mmap(-1, mmap.PAGESIZE)], 0)  # O_DIRECT wants it aligned
            finally:
                os.close(descriptor)


def parse_export(text: str) -> dict[str, str]:
    """`blkid -o export` as a dict; blkid puts a backslash before what a shell would act on."""
    return {key: re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL) for key, value in _EXPORT.findall(text)}


def with_signatures(device: BlockDevice, runner: Runner) -> BlockDevice:
    """The device with what `blkid -p` finds on it: its one signature or table, or that it is ambivalent."""
    result = _blkid(runner, "export", device.path)
    values = parse_export(result.stdout)
    if _MANGLED.search(values.get("LABEL", "")):
        values["LABEL"] = _label(device, runner)
    return replace(from_blkid(device, values), ambivalent=result.status == BLKID_AMBIVALENT)


def has_filesystem(device: BlockDevice, uuid: str, runner: Runner) -> bool:
    """Whether there is a filesystem with this UUID ("" for one without) on a device now."""
    filesystem = with_signatures(device, runner).filesystem
    return filesystem is not None and filesystem.uuid == uuid


def with_uuid(uuid: str, runner: Runner) -> tuple[BlockDevice, ...]:
    """Every device that has the filesystem with this UUID, whatever blkid remembers of earlier."""
    argv = ("blkid", "-c", "/dev/null", "-t", f"UUID={uuid}", "-o", "device")
    result = runner.run(Command(argv, mutates=False, timeout=PROBE_SECONDS, accept=(0, BLKID_NOTHING)))
    paths = (os.path.realpath(path) for path in result.stdout.splitlines())
    devices = [read_device(path.removeprefix("/dev/").replace("/", "!")) for path in paths]
    return tuple(device for device in devices if device.number and has_filesystem(device, uuid, runner))


def _label(device: BlockDevice, runner: Runner) -> str:
    """The label to the byte: only `-o value` gives it so."""
    return _blkid(runner, "value", "-s", "LABEL", device.path).stdout.removesuffix("\n")


def _blkid(runner: Runner, output: str, *arguments: str) -> Result:
    """Ask blkid to probe a device.

    output: its format of that name.
    """
    argv = ("blkid", "-p", "-o", output, *arguments)
    accept = (0, BLKID_NOTHING, BLKID_AMBIVALENT)
    return runner.run(Command(argv, mutates=False, timeout=PROBE_SECONDS, accept=accept))


def hidden_partitions(disk: BlockDevice, visible: Sequence[BlockDevice], runner: Runner) -> tuple[HiddenPartition, ...]:
    """What the table of a disk has and the kernel does not show there (partx(8)): it was not told, or told to forget.

    shown: the partitions that the kernel shows. A size that differs is no matter: a disk that is being grown has one.
    """
    argv = ("partx", "--raw", "--noheadings", "--output", "NR,START,SECTORS", disk.path)
    # Exit 1: there is no partition in it, or no table that could be read.
    lines = runner.run(Command(argv, mutates=False, timeout=PROBE_SECONDS, accept=(0, 1))).stdout.splitlines()
    known = {(device.partition_number, device.start) for device in visible}
    hidden = []
    for line in lines:
        number, start, size = (int(word) for word in line.split())
        if (number, start * SYSFS_SECTOR) not in known:
            hidden.append(_hidden(disk, number, start * SYSFS_SECTOR, size * SYSFS_SECTOR, runner))
    return tuple(hidden)


def _hidden(disk: BlockDevice, number: int, start: int, size: int, runner: Runner) -> HiddenPartition:
    result = _blkid(runner, "export", "-O", str(start), "-S", str(size), disk.path)
    content = from_blkid(replace(disk, signatures=()), parse_export(result.stdout))
    return HiddenPartition(number, start, content.signatures, ambivalent=result.status == BLKID_AMBIVALENT)


def from_blkid(device: BlockDevice, values: dict[str, str]) -> BlockDevice:
    """The device with the values of blkid's export format (or udev's, without their ID_FS_ prefix) put in."""
    signatures = device.signatures
    if values.get("TYPE"):
        signature = Signature(
            type=values["TYPE"],
            usage=values.get("USAGE", ""),
            uuid=values.get("UUID", ""),
            label=values.get("LABEL", ""),
            version=values.get("VERSION", ""),
        )
        signatures = (signature,)
    return replace(
        device,
        signatures=signatures,
        table=values.get("PTTYPE", device.table),
        table_uuid=values.get("PTUUID", device.table_uuid),
        partition_uuid=values.get("PART_ENTRY_UUID", device.partition_uuid),
        partition_name=values.get("PART_ENTRY_NAME", device.partition_name),
        partition_type=values.get("PART_ENTRY_TYPE", device.partition_type),
    )


def with_wipefs(device: BlockDevice, runner: Runner) -> BlockDevice:
    """The device with every signature that wipefs sees and blkid did not name: a second one, a backup GPT."""
    argv = ("wipefs", "-n", "-p", device.path)
    # Exit 1: it could not be read. contents() will say so, and that forbids everything.
    result = runner.run(Command(argv, mutates=False, timeout=PROBE_SECONDS, accept=(0, 1)))
    return add_wipefs(device, result.stdout)


def add_wipefs(device: BlockDevice, text: str) -> BlockDevice:
    """The device with the signatures in `wipefs -n -p` output: lines of offset,uuid,label,type."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    types = {line.rpartition(",")[2] for line in lines}
    tables = {"dos" if kind == "PMBR" else kind for kind in types & PARTITION_TABLES}
    known = {signature.type for signature in device.signatures}
    # A GPT's protective MBR is no second table, and a filesystem's own boot sector may look like one.
    more = tuple(Signature(kind) for kind in sorted(types - known - PARTITION_TABLES))
    table = device.table or ("gpt" if "gpt" in tables else next(iter(sorted(tables)), ""))
    contradicts = bool(device.signatures) and bool(more)
    return replace(
        device, signatures=device.signatures + more, table=table, ambivalent=device.ambivalent or contradicts
    )


def exclusive(path: str) -> str:
    """Whether somebody holds the device for himself: open(2) with O_EXCL on a block device fails with EBUSY then.

    The look holds the device itself while it lasts: a mkfs or mount of that moment finds it busy, so only a plan that
    writes to it takes it, and no command that just looks. Two opskits that look at once would each find it held, so
    they look one after the other.
    """
    with _alone(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
        except OSError as error:
            return BUSY if error.errno == errno.EBUSY else UNKNOWN
        os.close(descriptor)
        return FREE


class _Patience:
    """How long this process still waits for other looks, which are over in a moment; for all disks together."""

    seconds = 1.0


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """Hold the BSD lock of the disk's file in /sys, which nobody else locks: that of the disk itself is udev's.

    It is the disk's for a partition too, for who holds one holds the other. Without /sys nothing is held, nor where
    somebody keeps it, which any user can: then two looks that meet each find the disk held, and that only refuses.
    """
    try:
        number = os.stat(path).st_rdev
        folder = f"/sys/dev/block/{device_number(number)}"
        disk = f"{folder}/.." if os.path.exists(f"{folder}/partition") else folder
        descriptor = os.open(f"{disk}/dev", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        began = time.monotonic()
        wait_for_flock(descriptor, _Patience.seconds)
        _Patience.seconds = max(0.0, _Patience.seconds - (time.monotonic() - began))
        yield
    finally:
        os.close(descriptor)


def contents(path: str, size: int, start: int = 0) -> str:
    """What the bytes of a device say: zero, data, unreadable, or unread when it may not be opened.

    start: where on the device the size bytes begin that are meant.
    """
    return _look_at_bytes(path, size, start, hashed=False)[0]


def look_at_bytes(path: str, size: int) -> tuple[str, str]:
    """What contents() says, and of data the hash of what was read: by that the same bytes are known again."""
    return _look_at_bytes(path, size, 0, hashed=True)


def _look_at_bytes(path: str, size: int, start: int, *, hashed: bool) -> tuple[str, str]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return (UNREAD if error.errno in {errno.EACCES, errno.EPERM} else UNREADABLE), ""
    try:
        # The page cache may hold bytes of a time when the medium could still be read.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return _contents(descriptor, size, start, hashed=hashed)
    except OSError:
        return UNREADABLE, ""
    finally:
        os.close(descriptor)


def begins_with_zeros(path: str) -> bool:
    """A first look at the first MiB, which has something in it on most disks in use; False when it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        data = os.pread(descriptor, MIB, 0)
        return data.count(0) == len(data)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _contents(descriptor: int, size: int, start: int, *, hashed: bool) -> tuple[str, str]:
    """Every range is read even when one has data: an unreadable sector matters more."""
    verdict, hashes = ZERO, ""
    for offset, length in sample_ranges(size):
        data = os.pread(descriptor, length, start + offset)
        if len(data) < length:
            return UNREADABLE, ""
        if data.count(0) != length:
            verdict = DATA
            hashes += f"{offset} {sha256(data)}\n" if hashed else ""
    return verdict, sha256(hashes.encode()) if hashes else ""
