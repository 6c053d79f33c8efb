"""Block devices as the kernel lists them in /sys/class/block (Documentation/ABI/testing/sysfs-block)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from opskit.core.errors import Failed
from opskit.core.finding import follow_up
from opskit.core.kernel import loop_backing
from opskit.disk.layout import SYSFS_SECTOR, device_path
from opskit.disk.model import BlockDevice, DiskPlace

SYS = "/sys"


def read_text(*parts: str) -> str:
    """A small file of sysfs, stripped; "" when it is absent or cannot be read."""
    try:
        with open(os.path.join(*parts), "rb") as file:
            return os.fsdecode(file.read()).strip()
    except OSError:
        return ""


def _number(*parts: str) -> int:
    text = read_text(*parts)
    return int(text) if text.lstrip("-").isdigit() else 0


def names(*parts: str) -> tuple[str, ...]:
    """The names in a directory, sorted; none when it is absent."""
    try:
        return tuple(sorted(os.listdir(os.path.join(*parts))))
    except OSError:
        return ()


def block_devices(sys: str = SYS) -> tuple[BlockDevice, ...]:
    """Every block device with a size, or that is a disk; by name. Loop devices without a file are left out."""
    devices = []
    for name in names(sys, "class", "block"):
        folder = os.path.realpath(os.path.join(sys, "class", "block", name))
        # Asked first: a host may have a hundred loop devices without a file, and each has twenty files in sysfs.
        if _number(folder, "size") > 0 or _kind(folder, name) == "disk":
            devices.append(_read(folder, name))
    return tuple(_with_loop_holders(devices))


def _read(folder: str, name: str) -> BlockDevice:
    kind = _kind(folder, name)
    # A partition's queue, serial and model are its disk's.
    disk_folder = os.path.dirname(folder) if kind == "partition" else folder
    queue = os.path.join(disk_folder, "queue")
    wwn_file = _first(disk_folder, "wwid", "device/wwid")
    serial_file = _first(disk_folder, "serial", "device/serial")
    backing_file = _first(disk_folder, "loop/backing_file")
    return BlockDevice(
        name=name,
        path=device_path(name),
        kind=kind,
        number=read_text(folder, "dev"),
        size=_number(folder, "size") * SYSFS_SECTOR,
        sector_size=_number(queue, "logical_block_size") or SYSFS_SECTOR,
        optimal_io=_number(queue, "optimal_io_size"),
        alignment_offset=_number(folder, "alignment_offset"),
        read_only=read_text(folder, "ro") == "1",
        removable=read_text(disk_folder, "removable") == "1",
        serial=read_text(serial_file),
        wwn=read_text(wwn_file),
        model=read_text(disk_folder, "device", "model"),
        backing_file=read_text(backing_file),
        identity_file=wwn_file or serial_file or backing_file,
        diskseq=_number(disk_folder, "diskseq"),
        disk=os.path.basename(disk_folder) if kind == "partition" else "",
        partition_number=_number(folder, "partition"),
        start=_number(folder, "start") * SYSFS_SECTOR,
        holders=names(folder, "holders"),
        slaves=names(folder, "slaves"),
        holder_of=_holder_of(folder, kind),
    )


def _first(folder: str, *paths: str) -> str:
    """The first of these files that has something in it."""
    return next((path for path in (os.path.join(folder, p) for p in paths) if read_text(path)), "")


def _kind(folder: str, name: str) -> str:
    for entry, kind in (("partition", "partition"), ("loop", "loop"), ("dm", "dm"), ("md", "md"), ("bcache", "bcache")):
        if os.path.exists(os.path.join(folder, entry)):
            # A backing device of bcache has a `bcache` entry too, but it is a disk for all that.
            return kind if kind != "bcache" or name.startswith("bcache") else "disk"
    for prefix, kind in (
        ("loop", "loop"),
        ("sr", "rom"),
        ("zram", "zram"),
        ("ram", "ram"),
        ("nbd", "nbd"),
        ("fd", "floppy"),
    ):
        if name.startswith(prefix) and name[len(prefix) :].isdigit():
            return kind
    return "disk"


# The prefix of a device mapper uuid tells who made it (libdevmapper, dm-uevent.txt).
DM_MAKERS = {
    "LVM-": "LVM volume",
    "mpath-": "multipath device",
    "CRYPT-": "encrypted volume",
    "part": "multipath partition",
    "DMRAID-": "RAID set",
}


def _holder_of(folder: str, kind: str) -> str:
    """What a dm or md device is, for the message that names a holder."""
    if kind == "dm":
        name, uuid = read_text(folder, "dm", "name"), read_text(folder, "dm", "uuid")
        maker = next((text for prefix, text in DM_MAKERS.items() if uuid.startswith(prefix)), "device mapper volume")
        return f"{maker} {name}"
    if kind == "md":
        return f"RAID array ({read_text(folder, 'md', 'level') or 'inactive'})"
    return "bcache" if kind == "bcache" else ""


def _with_loop_holders(devices: list[BlockDevice]) -> Iterator[BlockDevice]:
    """A loop device over a block device holds it, but sysfs does not list it among the holders."""
    for device in devices:
        loops = tuple(d.name for d in devices if d.backing_file == device.path and d.kind == "loop")
        yield replace(device, holders=device.holders + loops) if loops else device


def read_device(name: str, sys: str = SYS) -> BlockDevice:
    """One block device by its kernel name; its number is "" when it is not there (any more)."""
    return _read(os.path.realpath(os.path.join(sys, "class", "block", name)), name)


def read_partitions(disk: str, sys: str = SYS) -> tuple[BlockDevice, ...]:
    """The partitions that the kernel has of this disk now, by number."""
    folder = os.path.realpath(os.path.join(sys, "class", "block", disk))
    partitions = [_read(os.path.join(folder, n), n) for n in names(folder) if read_text(folder, n, "partition")]
    return tuple(sorted(partitions, key=lambda device: device.partition_number))


def device_at(place: DiskPlace) -> BlockDevice:
    """The partition (or whole disk) at this place. Raises Failed when the kernel does not show it."""
    if place.partition_number == 0:
        device = read_device(place.disk)
        if device.number:
            return device
        raise Failed(place.disk_path, "the disk is gone", todo=f"was it detached? {follow_up('disk', 'list')}")
    for device in read_partitions(place.disk):
        if (device.partition_number, device.start, device.size) == (place.partition_number, place.start, place.size):
            return device
    why = f"the kernel does not show partition {place.partition_number} as planned"
    raise Failed(place.disk_path, why, todo=f"lsblk {place.disk_path}; partx -u {place.disk_path}; dmesg | tail")


def with_loop_slaves(devices: Sequence[BlockDevice]) -> tuple[BlockDevice, ...]:
    """The devices, each loop device with the name of what it stands on among its slaves. Needs root to see any."""
    names = {device.number: device.name for device in devices}
    below = {d.name: names.get(backing_number(d.path), "") for d in devices if d.kind == "loop" and d.backing_file}
    return tuple(replace(d, slaves=(below[d.name],)) if below.get(d.name) else d for d in devices)


def backing_number(path: str) -> str:
    """The major:minor of the block device under a loop device, or of the filesystem its file is on; "" if unknown."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return loop_backing(descriptor)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
