"""A place on a disk, found again on the host: the kernel is asked for its name, which is never put together."""

from __future__ import annotations

import shlex

from opskit.core.errors import Failed
from opskit.disk.model import BlockDevice, Place
from opskit.disk.sysfs import SYSFS_SECTOR, read_device, read_partitions


def device_at(place: Place) -> BlockDevice:
    """The partition (or whole disk) at this place. Raises Failed when the kernel does not show it."""
    if place.partition_number == 0:
        device = read_device(place.disk)
        if device.number:
            return device
        raise Failed(place.disk_path, "the disk is gone", todo="was it detached? opskit disk list")
    for device in read_partitions(place.disk):
        if (device.partition_number, device.start, device.size) == (place.partition_number, place.start, place.size):
            return device
    why = f"the kernel shows no partition {place.partition_number} of it as it was planned"
    raise Failed(place.disk_path, why, todo=f"lsblk {place.disk_path}; partx -u {place.disk_path}; dmesg | tail")


def name_of(place: Place) -> str:
    """The place in words, for a plan: the kernel gives the partition its name only when it is there."""
    if place.partition_number == 0:
        return place.disk_path
    return f"partition {place.partition_number} of {place.disk_path}"


def shell_name(place: Place) -> str:
    """The place in a shell line: `"$part"`, as shell_lookup sets it, or the disk."""
    return '"$part"' if place.partition_number else shlex.quote(place.disk_path)


def shell_lookup(place: Place) -> tuple[str, ...]:
    """Shell lines that ask sysfs for the partition's name and put it into $part."""
    if place.partition_number == 0:
        return ()
    folder = shlex.quote(f"/sys/class/block/{place.disk}")
    start = place.start // SYSFS_SECTOR
    find = (
        f'for p in {folder}/*/start; do [ "$(cat "$p")" != {start} ] || part=/dev/$(basename "$(dirname "$p")"); done'
    )
    return ("part=", find, '[ -b "$part" ]')
