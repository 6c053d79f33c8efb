"""Take a partition table off a disk again: where it lies is zeroed, all of it.

wipefs would leave entries behind, which are unknown data to the next run, and that refuses the disk.
"""

from __future__ import annotations

from opskit.core.command import Command
from opskit.core.errors import CannotUndo
from opskit.core.runner import Runner
from opskit.disk import probe, superblock
from opskit.disk.layout import backup_gpt_sectors
from opskit.disk.model import FREE, ZERO, BlockDevice, Place


def zeros(place: Place) -> list[tuple[Command, int, int]]:
    """The commands that zero where the table of a place lies, each with the first sector and how many."""
    if place.table != "gpt":
        return [_zero(place, 0, 1)]
    first, count = backup_gpt_sectors(place.disk_size, place.sector_size)
    return [_zero(place, 0, count + 1), _zero(place, first, count)]


def _zero(place: Place, first: int, count: int) -> tuple[Command, int, int]:
    where = (f"of={place.disk_path}", f"bs={place.sector_size}", *((f"seek={first}",) if first else ()))
    return Command(("dd", "if=/dev/zero", *where, f"count={count}", "conv=fsync"), mutates=True), first, count


def remove_half(runner: Runner, disk: BlockDevice, place: Place, *, known: bool) -> None:
    """Remove what a disk that failed let sfdisk write: entries, then their header, at the end of the disk first.

    disk: with its signatures. known: the ids on it are those of the place, for the tool could set them.
    Raises CannotUndo where there is anything beside.
    """
    if place.table != "gpt":
        return
    headers, entries = superblock.gpt_traces(place.disk_path, place.disk_size, place.sector_size)
    if headers and not (known and headers == {place.table_uuid.lower()}):
        raise CannotUndo("there is a part of a GPT on the disk, and it is not of the one that opskit made")
    if not known or not (headers or place.partition_uuid.lower() in entries):
        return
    _check_empty(disk, place)
    for command, first, count in zeros(place):
        # It need not be possible to write where nothing could be written before.
        if probe.contents(place.disk_path, count * place.sector_size, first * place.sector_size) != ZERO:
            runner.run(command)


def _check_empty(disk: BlockDevice, place: Place) -> None:
    """Entries outlive a table that somebody replaced by a filesystem. Raises CannotUndo where that may have been."""
    (_, _, head), (_, tail, _) = zeros(place)
    between = ((tail - head) * place.sector_size, head * place.sector_size)
    if disk.signatures or disk.ambivalent or probe.contents(place.disk_path, *between) != ZERO:
        raise CannotUndo(f"there is something on {place.disk_path} beside a part of a table; it is kept")
    if probe.exclusive(place.disk_path) != FREE:
        raise CannotUndo(f"{place.disk_path} is in use")
