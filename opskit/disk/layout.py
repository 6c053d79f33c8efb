"""Where partitions begin and end: pure arithmetic, in bytes."""

from __future__ import annotations

from opskit.core.units import KIB, MIB, TIB
from opskit.disk.model import BlockDevice

# A GPT keeps 128 entries of 128 bytes and a header behind the last partition (UEFI 2.10, 5.3).
GPT_ENTRIES = 16 * KIB
# An MBR counts sectors in 32 bits.
DOS_SECTORS = 2**32
DOS_LIMIT = 2 * TIB

LINUX_GPT = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
LINUX_DOS = "83"


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
