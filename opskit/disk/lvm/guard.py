"""What forbids growing a logical volume: the state of its group, what it is made like, and the device to be added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.plan import Reason
from opskit.disk import guard
from opskit.disk.lvm.model import FREE_CHOICE, LogicalVolume, VolumeGroup
from opskit.disk.model import BlockDevice, HostFacts
from opskit.disk.mount.raw_plan import not_blank

# What a layout or a role is called, and what to read before it is changed; the first that fits counts.
_KINDS = (
    ("thin", "a thin volume or its pool", "lvmthin(7)"),
    ("vdo", "a VDO volume or its pool", "lvmvdo(7)"),
    ("writecache", "a cached volume", "lvmcache(7)"),
    ("cache", "a cached volume", "lvmcache(7)"),
    ("snapshot", "a snapshot", "lvconvert(8), --merge"),
    ("origin", "the origin of a snapshot", "lvs -a; lvremove(8) of the snapshot, or lvconvert(8), --merge"),
    ("raid", "a RAID volume", "lvmraid(7)"),
    ("mirror", "a mirror", "lvmraid(7)"),
    ("striped", "a striped volume", "lvextend(8), --stripes"),
)


def volume_reasons(group: VolumeGroup, volume: LogicalVolume) -> Iterator[Reason]:
    """Why opskit does not extend this volume: it extends linear ones, into any free extents."""
    kinds = f"{volume.layout},{volume.role}".split(",")
    special = next(((what, read) for kind, what, read in _KINDS if kind in kinds), None)
    if special or volume.layout != "linear":
        what, read = special or (f"of the layout {volume.layout}", "lvextend(8)")
        title = f"{volume.path} is {what}; opskit extends plain linear volumes"
        yield Reason("volume-layout", title, f"grow it with LVM's own tools: {read}")
        return
    policy = volume.attributes[2:3]
    if policy.isupper():
        title = f"the extents of {volume.path} are locked: a pvmove is under way or was cut short"
        yield Reason("volume-locked", title, "pvmove goes on with it; lvs -a shows it")
    elif (group.attributes[4:5] if policy == "i" else policy) not in FREE_CHOICE:
        title = f"{volume.path} takes only extents in certain places (allocation policy contiguous or cling)"
        yield Reason("volume-layout", title, "lvextend(8), --alloc")
    if volume.attributes[1:2] != "w":
        yield Reason("read-only", f"{volume.path} is a read-only volume", f"lvchange -p rw {volume.path}")


def group_reasons(group: VolumeGroup) -> Iterator[Reason]:
    """Why a volume group cannot be changed as it is."""
    letters = group.attributes
    missing = [physical.uuid for physical in group.physical if physical.missing]
    if letters[3:4] == "p" or missing:
        title = f"the volume group {group.name} is not whole: a physical volume is missing ({', '.join(missing)})"
        remedy = "attach its disk; lvmdevices shows whether LVM passes over it (/etc/lvm/devices/system.devices)"
        yield Reason("group-partial", title, remedy)
    if letters[2:3] == "x":
        yield Reason("group-state", f"the volume group {group.name} is exported", f"vgimport {group.name}")
    if letters[0:1] == "r":
        yield Reason("group-state", f"the volume group {group.name} is read-only", f"vgchange(8); vgs {group.name}")
    if letters[1:2] != "z":
        title = f"the volume group {group.name} may not get other physical volumes or sizes (resizeable is off)"
        yield Reason("group-state", title, f"vgchange --resizeable y {group.name}")
    if letters[5:6] in {"c", "s"} or group.lock_type not in {"", "none"}:
        title = f"the volume group {group.name} is shared with other hosts"
        yield Reason("group-shared", title, "grow it where its cluster is looked after: lvmlockd(8)")


def added_reasons(facts: HostFacts, device: BlockDevice, group: Optional[VolumeGroup]) -> Iterator[Reason]:
    """Why a device cannot come into a volume group: it has to be blank, or a physical volume that nothing uses.

    group: the one that it is in; one with the name "" when it is a physical volume in none.
    """
    yield from guard.size_and_mode(device, read_only_is_fine=False)
    system = tuple(guard.system(facts, device))
    yield from system
    if system:
        return
    if group is not None and group.name:
        title = f"{device.path} is an LVM physical volume of the volume group {group.name}"
        yield Reason("member", title, f"vgs {group.name}; vgmerge(8) puts two groups together")
        return
    yield from guard.in_use(facts, device)
    if group is not None:
        yield from guard.named_in_tables(facts, device)
        return
    if device.disk:
        yield Reason(
            "partition",
            f"{device.path} is a partition",
            f"name the disk, {facts.disk_of(device).path}",
            exit_code=ExitCode.USAGE,
        )
        return
    blocked = list(guard.unchangeable(facts, device))
    yield from blocked
    if not blocked:
        yield from not_blank(facts, device, wipes=False)
