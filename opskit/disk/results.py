"""What the commands of `opskit disk` answer with --json, and the facts that they read: types alone (core/results.py).

Sizes and offsets are in bytes.
"""

from __future__ import annotations

from typing import Annotated, Optional, TypedDict

from opskit.core.jsonable import Shape
from opskit.core.results import Merged, planned
from opskit.disk.lvm.model import LogicalVolume, PhysicalVolume
from opskit.disk.model import BlockDevice, HostFacts
from opskit.disk.verdict import HAS_DATA, IN_USE, READY, SYSTEM, UNKNOWN

Verdict = Annotated[str, Shape(words=(SYSTEM, IN_USE, HAS_DATA, READY, UNKNOWN))]


class DeviceRow(TypedDict):
    """A block device.

    name: the kernel's
    kind: disk, partition, loop, dm, md, rom, ram, zram …
    volume: the path of the logical volume that it is, "" for none
    disk: the kernel's name of the disk that a partition is on
    size: in bytes
    table: of a disk: gpt, dos, …
    signature: what is on it: ext4, xfs, swap, LVM2_member …
    used: bytes in use of a mounted filesystem; null where unknown
    """

    name: str
    path: str
    kind: str
    volume: str
    disk: str
    size: int
    serial: str
    model: str
    table: str
    signature: str
    label: str
    uuid: str
    mount_points: list[str]
    used: Optional[int]
    verdict: Verdict
    reason: str


class VolumeRow(TypedDict):
    """A logical volume. on: the kernel's names of the devices that its extents lie on."""

    name: str
    path: str
    size: int
    layout: str
    active: bool
    on: list[str]


class GroupRow(TypedDict):
    """A volume group. size, free, extent_size: in bytes."""

    name: str
    uuid: str
    size: int
    free: int
    extent_size: int
    devices: list[str]
    volumes: list[VolumeRow]


class SwapRow(TypedDict):
    """Swap in use. device: the swap device itself, or what a swap file is on, "" where that is unknown."""

    path: str
    type: str
    size: int
    used: int
    device: str


class ShareRow(TypedDict):
    """A share of the network that is mounted. line: of the entry in fstab that mounts it there, 0 without one."""

    source: str
    type: str
    mount_point: str
    line: int


class MissingRow(TypedDict):
    """An entry of fstab whose device is not there. line: its number."""

    source: str
    mount_point: str
    line: int


class DeviceList(TypedDict):
    """The block devices, and what lies on them. unseen: what could not be looked at, and why."""

    devices: list[DeviceRow]
    volume_groups: list[GroupRow]
    swap: list[SwapRow]
    shares: list[ShareRow]
    missing: list[MissingRow]
    unseen: list[str]


class DeviceVerdict(TypedDict):
    """Everything about one block device.

    identity: what tells it from another one of its name, "" if nothing does
    partitions: their paths
    """

    verdict: Verdict
    reason: str
    identity: str
    partitions: list[str]
    volume_group: str
    volume: Optional[LogicalVolume]
    physical_volume: Optional[PhysicalVolume]


class FstabCheck(TypedDict):
    """A check of fstab. entries, findings: how many."""

    fstab: str
    entries: int
    findings: int
    unseen: list[str]


FstabRow = TypedDict(
    "FstabRow",
    {  # one key is a word of Python's
        "line": int,
        "source": str,
        "mount_point": str,
        "fstype": str,
        "options": str,
        "dump": int,
        "pass": int,
        "devices": list[str],
        "mounted": bool,
    },
)


class FstabEntries(TypedDict):
    """The entries of fstab, with the devices that they name here."""

    fstab: str
    entries: list[FstabRow]


class BackupRow(TypedDict):
    """A backup of fstab. same: whether fstab is the same now."""

    backup: str
    same: bool


class BackupList(TypedDict):
    """The backups beside fstab, oldest first."""

    fstab: str
    backups: list[BackupRow]


class MountResult(TypedDict):
    """A disk that is put into service.

    device: the partition, "" before it is made
    fstab_line: the entry, "" for none
    formats: whether a filesystem is made
    """

    device: str
    disk: str
    mount_point: str
    fstype: str
    uuid: str
    fstab_line: str
    formats: bool


class ShareResult(TypedDict):
    """A share of the network. credentials: the file of its password, "" for none."""

    device: str
    mount_point: str
    fstype: str
    credentials: str
    fstab_line: str
    formats: bool


class UmountResult(TypedDict):
    """What is taken out of service."""

    device: str
    mount_point: str


class GrowResult(TypedDict):
    """A filesystem that grows with its disk."""

    device: str
    disk: str
    mount_point: str


class VolumeGrowResult(TypedDict):
    """The same on a logical volume. disk: the disks, with a comma between them."""

    device: str
    disk: str
    mount_point: str
    volume_group: str


class SwapResult(TypedDict):
    """Swap that is made. entry: whether fstab has it."""

    path: str
    size: int
    uuid: str
    entry: bool


class SwapOffResult(TypedDict):
    """Swap that is taken out of use."""

    path: str


class BackupResult(TypedDict):
    """backup: the file that has it."""

    backup: str


class RestoreResult(TypedDict):
    """restored: the file that is put in place; backup: what fstab was before, "" where that is not kept."""

    restored: str
    backup: str


RESULTS = {
    "disk list": (DeviceList,),
    "disk show": (Merged((BlockDevice, DeviceVerdict)),),
    "disk facts": (HostFacts,),
    "disk mount": planned(MountResult, ShareResult),
    "disk umount": planned(UmountResult),
    "disk grow": planned(GrowResult, VolumeGrowResult),
    "disk swap": planned(SwapResult, SwapOffResult),
    "disk fstab check": (FstabCheck,),
    "disk fstab show": (FstabEntries,),
    "disk fstab backup": planned(BackupResult),
    "disk fstab restore": (BackupList, *planned(RestoreResult)),
}
# What --facts reads, by command.
FACTS = dict.fromkeys(
    (
        "disk mount",
        "disk umount",
        "disk grow",
        "disk fstab check",
        "disk fstab show",
        "disk fstab backup",
    ),
    HostFacts,
)
