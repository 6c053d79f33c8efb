"""Where partitions begin and end: pure arithmetic, in bytes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from opskit.core.command import Command
from opskit.core.units import GIB, KIB, MIB, TIB
from opskit.disk.model import BlockDevice, DiskPlace

# A GPT keeps 128 entries of 128 bytes and a header behind the last partition (UEFI 2.10, 5.3).
GPT_ENTRIES = 16 * KIB
# An MBR counts sectors in 32 bits.
DOS_SECTORS = 2**32
DOS_LIMIT = 2 * TIB

LINUX_GPT = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
LINUX_DOS = "83"

# sysfs counts `size` and `start` in these, whatever the device's own sector size (sysfs-block).
SYSFS_SECTOR = 512

# Where a forgotten filesystem or table gives itself away between the ends: the first partition at 1 MiB and its
# superblocks, the backup superblocks of ext at blocks 8193 (1 KiB), 16384 (2 KiB) and 32768 (4 KiB), btrfs's mirrors.
TELLTALES = (8193 * KIB, 9 * MIB + KIB, 32 * MIB, 33 * MIB, 64 * MIB, 65 * MIB, 128 * MIB, 129 * MIB, 256 * GIB)
SAMPLES = 64
SAMPLE_SIZE = 4 * KIB
EDGE = 2 * MIB


def backup_gpt_sectors(size: int, sector_size: int) -> tuple[int, int]:
    """(first, count) of the sectors at the end of a disk that hold a backup GPT: entries and header."""
    count = 1 + GPT_ENTRIES // sector_size
    return size // sector_size - count, count


def alignment(device: BlockDevice) -> int:
    """The grain of partitions: 1 MiB, or the device's optimal I/O size if that is larger and believable.

    Some bridges report 65535 sectors; what is no multiple of 4 KiB is no size that a device could like.
    """
    io = device.optimal_io
    if io <= 0 or io % (4 * KIB) or MIB % io == 0:
        return MIB
    return io * -(-MIB // io)


def last_end(device: BlockDevice, table: str) -> int:
    """The first byte behind the largest possible last partition, on a MiB boundary."""
    if table == "gpt":
        return (device.size - GPT_ENTRIES - device.sector_size) // MIB * MIB
    return min(device.size, DOS_SECTORS * device.sector_size) // MIB * MIB


def single_partition(device: BlockDevice, table: str) -> tuple[int, int]:
    """(start, size) of one partition over the whole disk. The size is 0 or less on a disk too small for one."""
    # The kernel says -1 of a device that cannot be aligned at all.
    start = alignment(device) + max(device.alignment_offset, 0)
    return start, last_end(device, table) - start


def sample_ranges(size: int) -> Iterator[tuple[int, int]]:
    """(offset, length) of what is read of a device of this size: both ends, the telltale places, samples between."""
    yield 0, min(EDGE, size)
    if size > EDGE:
        yield max(EDGE, size - EDGE), min(EDGE, size - EDGE)
    between = max(0, size - 2 * EDGE)
    for offset in TELLTALES:
        if EDGE <= offset <= size - EDGE:
            yield offset, SAMPLE_SIZE
    for number in range(SAMPLES):
        offset = EDGE + between * number // SAMPLES // SAMPLE_SIZE * SAMPLE_SIZE
        if between:
            yield offset, min(SAMPLE_SIZE, size - offset)


def device_path(name: str) -> str:
    """Where a device with this kernel name is; sysfs writes `!` for `/` (cciss!c0d0)."""
    return "/dev/" + name.replace("!", "/")


def name_of(place: DiskPlace) -> str:
    """The place in words, for a plan: the kernel gives the partition its name only when it is there."""
    if place.partition_number == 0:
        return place.disk_path
    return f"partition {place.partition_number} of {place.disk_path}"


def shell_name(place: DiskPlace) -> str:
    """The place in a shell line: `"$part"`, as shell_lookup sets it, or the disk."""
    return '"$part"' if place.partition_number else shlex.quote(place.disk_path)


# Stands for the path of a partition in a command whose text is wanted before the kernel gives it a name: no argument
# of a person can be the same, for none has a NUL in it.
UNNAMED = "\0"


def shell_line(command: Command, place: DiskPlace) -> str:
    """The line of a command at a place, whose path is UNNAMED in it; the shell finds the path itself ($part)."""
    return command.as_shell().replace(shlex.quote(UNNAMED), shell_name(place))


def shell_lookup(place: DiskPlace) -> tuple[str, ...]:
    """Shell lines that ask sysfs for the partition's name and put it into $part."""
    if place.partition_number == 0:
        return ()
    folder = shlex.quote(f"/sys/class/block/{place.disk}")
    start = place.start // SYSFS_SECTOR
    find = (
        f'for p in {folder}/*/start; do [ "$(cat "$p")" != {start} ] || part=/dev/$(basename "$(dirname "$p")"); done'
    )
    return ("part=", find, '[ -b "$part" ]')
