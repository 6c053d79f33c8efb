"""Decide how `opskit disk grow` makes a logical volume larger: what lies below it, the volume, its filesystem. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Optional

from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.record import dataclass
from opskit.core.units import MIB, size_text
from opskit.disk import guard
from opskit.disk.grow.parts import (
    filesystem_reasons,
    filesystem_step,
    online_reasons,
    partition_reasons,
    partition_step,
    tool_reasons,
)
from opskit.disk.grow.request import GrowRequest
from opskit.disk.grow.steps import GrowPartition
from opskit.disk.layout import alignment, last_end
from opskit.disk.lvm.guard import added_reasons, group_reasons, volume_reasons
from opskit.disk.lvm.model import LogicalVolume, PhysicalVolume, VolumeGoal, VolumeGroup
from opskit.disk.lvm.steps import ExtendVolume, ExtendVolumeGroup, ResizePhysicalVolume
from opskit.disk.model import BlockDevice, HostFacts, Mount
from opskit.disk.script_checks import (
    blank_checks,
    disk_checks,
    filesystem_checks,
    mount_checks,
    partition_checks,
)


@dataclass(frozen=True)
class _Room:
    """What a physical volume gets of its device, or (added) what a new one brings.

    gain: in extents.
    reasons: why it cannot be had.
    """

    device: BlockDevice
    physical: Optional[PhysicalVolume]
    gain: int
    partition: Optional[GrowPartition] = None
    reasons: tuple[Reason, ...] = ()

    @property
    def usable(self) -> int:
        return 0 if self.reasons else self.gain


@dataclass(frozen=True)
class _Growth:
    """The volume that is to grow, with all that is known of what is around it."""

    device: BlockDevice
    group: VolumeGroup
    volume: LogicalVolume
    mount: Optional[Mount]
    rooms: tuple[_Room, ...]

    @property
    def extents(self) -> int:
        return self.volume.size // self.group.extent_size

    @property
    def gain(self) -> int:
        return sum(room.usable for room in self.rooms)

    def text(self, extents: int) -> str:
        """A number of extents for a person."""
        return f"{extents} extents ({size_text(extents * self.group.extent_size)})"


def decide_volume(
    facts: HostFacts, request: GrowRequest, title: str, device: BlockDevice, group: VolumeGroup, volume: LogicalVolume
) -> Decision:
    """The plan that makes this logical volume, and the filesystem on it, larger; or the reasons against."""
    mount = next(iter(device.own_mounts), None)
    reasons = [*filesystem_reasons(facts, device, mount, volume.path)]
    added, added_because = _added(facts, request, group)
    reasons += added_because
    rooms = (*(_room(facts, group, physical) for physical in group.physical), *added)
    growth = _Growth(device, group, volume, mount, tuple(room for room in rooms if room is not None))
    if reasons:
        return Refusal(title, tuple(reasons))
    goal = _goal(facts, request, growth)
    reasons = list(_extent_reasons(request, growth, goal))
    if reasons:
        return Refusal(title, tuple(reasons))
    return _plan(facts, request, title, growth, goal)


def _room(facts: HostFacts, group: VolumeGroup, physical: PhysicalVolume) -> Optional[_Room]:
    """What a physical volume would gain on its device; None where there is nothing."""
    device = facts.device(physical.device)
    if device is None or physical.missing or not physical.allocatable:
        return None
    step = partition_step(facts, device, None) if _has_room_behind(facts, device) else None
    gain = physical.extents_on(step.new_size if step else device.size, group.extent_size) - physical.extents
    if gain <= 0:
        return None
    reasons = [*guard.size_and_mode(facts.disk_of(device), read_only_is_fine=False)]
    if step:
        reasons += [*partition_reasons(facts, device), *tool_reasons(facts, step)]
    if physical.metadata_areas > 1:
        title = f"{device.path} keeps a second copy of LVM's metadata at its end"
        reasons.append(Reason("metadata-at-end", title, f"pvresize {device.path}; pvresize(8)"))
    return _Room(device, physical, gain, step, tuple(reasons))


def _has_room_behind(facts: HostFacts, device: BlockDevice) -> bool:
    """Whether there is a MiB or more at the end of a partition's disk that no partition has."""
    disk = facts.disk_of(device)
    ends = [partition.start + partition.size for partition in facts.partitions(disk)]
    return last_end(disk, disk.table) - max(ends, default=0) >= MIB


def _added(facts: HostFacts, request: GrowRequest, group: VolumeGroup) -> tuple[tuple[_Room, ...], list[Reason]]:
    """What the device of --add brings; nothing once it is in the group."""
    if not request.add:
        return (), []
    device = facts.named(request.add)
    if device is None:
        return (), list(guard.not_a_device(facts, request.add))
    inside = facts.physical_on(device)
    if inside is not None and inside[0].uuid == group.uuid:
        return (), []
    reasons = list(added_reasons(facts, device, inside[0] if inside else None))
    start = inside[1].start if inside else alignment(device)
    return (_Room(device, None, max(0, device.size - start) // group.extent_size),), reasons


def _goal(facts: HostFacts, request: GrowRequest, growth: _Growth) -> VolumeGoal:
    """How large the volume is to be."""
    cut_short = next((g.goal for g in facts.growths if g.goal.uuid == growth.volume.uuid), None)
    if cut_short and cut_short.asked == request.size and _goes_on(growth, cut_short):
        return cut_short
    size = growth.group.extent_size
    if not request.size:
        extents = growth.extents + growth.gain
    elif request.size == "100%":
        extents = growth.extents + growth.gain + growth.group.free_extents
    else:
        extents = -(-request.bytes // size) + (growth.extents if request.relative else 0)
    return VolumeGoal(growth.volume.uuid, extents, request.size)


def _goes_on(growth: _Growth, goal: VolumeGoal) -> bool:
    """Whether a run that was cut short has left something to do for the same command."""
    size = growth.device.filesystem_size
    unfilled = size is not None and size.blocks < size.blocks_possible
    return goal.extents > growth.extents or (goal.extents == growth.extents and unfilled)


def _extent_reasons(request: GrowRequest, growth: _Growth, goal: VolumeGoal) -> Iterator[Reason]:
    """Why the volume cannot have so many extents."""
    more, there = goal.extents - growth.extents, growth.group.free_extents + growth.gain
    path, name = growth.volume.path, growth.group.name
    if more < 0:
        title = f"{path} has {size_text(growth.volume.size)} already, which is more than {request.size}"
        yield Reason("volume-larger", title, "opskit makes no volume smaller; lvreduce(8)")
        return
    blocked = [reason for room in growth.rooms for reason in room.reasons]
    if more > there:
        title = f"{path} needs {growth.text(more)} more, but {name} has {growth.text(there)} free"
        remedy = f"{follow_up('disk', 'grow', request.what, '--size', '100%')} takes them; --add DEVICE brings more"
        yield Reason("too-few-extents", title, remedy)
        yield from blocked
    elif more or any(room.physical is None for room in growth.rooms):
        yield from group_reasons(growth.group)
        yield from volume_reasons(growth.group, growth.volume)
    elif not request.size and blocked:
        step = filesystem_step(growth.device, growth.mount, 0)
        yield from blocked if step is None else ()


def _plan(facts: HostFacts, request: GrowRequest, title: str, growth: _Growth, goal: VolumeGoal) -> Decision:
    group, volume, size = growth.group, growth.volume, growth.group.extent_size
    more = goal.extents - growth.extents
    # What was asked for may be there without the room that the disks have got.
    needed = more > group.free_extents or (more > 0 and request.size in {"", "100%"})
    rooms = [room for room in growth.rooms if room.usable and (needed or room.physical is None)]
    steps: list[Step] = []
    # The lock is that of one disk: what moves a partition comes first.
    steps += [room.partition for room in rooms if room.partition]
    steps += [step for room in rooms for step in _group_steps(room, group, goal)]
    filesystem = growth.device.filesystem
    if more and filesystem and growth.mount:
        where = (filesystem.type, growth.mount.target)
        steps.append(ExtendVolume(group.name, volume.name, volume.path, growth.extents, size, *where, goal))
    grown = filesystem_step(growth.device, growth.mount, goal.extents * size if more else 0, volume.path)
    steps += [grown] if grown else []
    reasons = tuple(online_reasons(facts, growth.device, grown, volume.path))
    if reasons:
        return Refusal(title, reasons)
    disks = tuple(dict.fromkeys(facts.disk_of(room.device) for room in rooms))
    return Plan(
        title=title,
        steps=tuple(steps),
        basis=(*_basis(growth), *(line for disk in disks for line in disk.basis)),
        hold=next((facts.disk_of(room.device).path for room in rooms if _is_held(room)), ""),
        checks=_checks(facts, growth, rooms),
        notes=tuple(_notes(request, growth, nothing=not steps)),
        result={
            "device": volume.path,
            "disk": ", ".join(disk.path for disk in disks),
            "mount_point": growth.mount.target if growth.mount else "",
            "volume_group": group.name,
        },
    )


def _is_held(room: _Room) -> bool:
    """Whether the lock of its disk is wanted, and not by the program that is run on it."""
    return not room.partition.locks_disk if room.partition else not room.physical


def _group_steps(room: _Room, group: VolumeGroup, goal: VolumeGoal) -> Iterator[Step]:
    """The physical volume gets its room, or comes into the group."""
    if room.physical is None:
        yield ExtendVolumeGroup(group.name, group.uuid, room.device.path, room.device.size, goal)
        return
    physical = room.physical
    extents = physical.extents + room.gain
    yield ResizePhysicalVolume(
        physical.path, physical.uuid, group.name, physical.start, physical.extents, extents, group.extent_size, goal
    )


def _basis(growth: _Growth) -> tuple[str, ...]:
    """What tells this volume from another one by its name; the kernel's name of it does not last."""
    filesystem = growth.device.filesystem
    kind = f"{filesystem.type} {filesystem.uuid}" if filesystem else ""
    return (f"{growth.volume.path} {growth.volume.uuid}", f"{growth.volume.size} bytes", kind)


def _checks(facts: HostFacts, growth: _Growth, rooms: list[_Room]) -> tuple[str, ...]:
    """The disks, the volume and its filesystem are the same, and that is what is mounted there."""
    lines: list[str] = []
    for room in rooms:
        lines += disk_checks(facts.disk_of(room.device))
        lines += partition_checks(facts, room.device)
        if room.physical is None and not room.device.signatures:
            lines += blank_checks(shlex.quote(room.device.path), room.device)
    path = shlex.quote(growth.volume.path)
    lines.append(f'[ "$(readlink -f {path})" = {shlex.quote(growth.device.path)} ]')
    mount = mount_checks(growth.mount, growth.device) if growth.mount else ()
    return (*lines, *filesystem_checks(path, growth.device), *mount)


def _notes(request: GrowRequest, growth: _Growth, *, nothing: bool) -> Iterator[Finding]:
    """What is left over.

    nothing: whether there is nothing to do.
    """
    for room in growth.rooms if request.size in {"", "100%"} else ():
        for reason in room.reasons:
            title = f"{growth.text(room.gain)} of {room.device.path} are not used: {reason.title}"
            yield Finding("room-unused", "warning", title, remedy=reason.remedy)
    if nothing and not request.size and growth.group.free_extents:
        title = f"the volume group {growth.group.name} has {growth.text(growth.group.free_extents)} free"
        remedy = follow_up("disk", "grow", request.what, "--size", "100%")
        yield Finding("free-extents", "info", title, remedy=remedy)
