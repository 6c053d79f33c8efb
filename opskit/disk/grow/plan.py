"""Decide what `opskit disk grow` will do after the cloud disk was made larger: partition, then filesystem. Pure.

A logical volume is decided on in ../lvm/plan.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import follow_up
from opskit.core.packages import install_line
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.core.record import dataclass
from opskit.disk import guard
from opskit.disk.grow.parts import (
    dos_limit,
    filesystem_reasons,
    filesystem_step,
    online_reasons,
    partition_reasons,
    partition_step,
    tool_reasons,
)
from opskit.disk.grow.request import GrowRequest
from opskit.disk.lvm.plan import decide_volume
from opskit.disk.model import BlockDevice, HostFacts, Mount
from opskit.disk.naming import grows_with, is_lvm, name_of_device
from opskit.disk.script_checks import in_service_checks


@dataclass(frozen=True)
class _GrowTarget:
    """The device whose filesystem is to grow, its disk, and where it is mounted."""

    device: BlockDevice
    disk: BlockDevice
    mount: Optional[Mount]


def decide_grow(facts: HostFacts, request: GrowRequest) -> Decision:
    """The plan that grows a filesystem, an empty one when it fills its disk already, or the reasons against."""
    what = request.what
    title = f"grow {what} to the end of its disk" if not (request.size or request.add) else _title(request)
    device = _named(facts, what)
    if device is None:
        reasons = list(guard.not_a_device(facts, what))
        mounted = next((m for m in facts.mounts if m.target == what), None)
        if mounted:
            text = f"{what} is a mount of {mounted.source} ({mounted.fstype}), not of a block device"
            reasons = [Reason("not-a-disk", text, "opskit grows filesystems on disks")]
        elif guard.is_no_place(facts, what):
            reasons = [guard.no_such_mount(what)]
        return Refusal(title, tuple(reasons))
    volume = facts.volume_of(device)
    if volume is not None:
        return decide_volume(facts, request, title, device, *volume)
    reasons = list(_not_a_volume(facts, request, device))
    if reasons:
        return Refusal(title, tuple(reasons))
    return _decide_on_disk(facts, title, _find(facts, device))


def _title(request: GrowRequest) -> str:
    size = f" to {request.size}" if request.size else ""
    add = f" with {request.add}" if request.add else ""
    return f"grow {request.what}{size}{add}"


def _not_a_volume(facts: HostFacts, request: GrowRequest, device: BlockDevice) -> Iterator[Reason]:
    """A logical volume that LVM does not report, or an option that is for logical volumes."""
    if is_lvm(device):
        title = f"{device.path} is an {device.holder_of}, and there is no report of LVM on it"
        if "lvm" not in facts.tools:
            remedy = install_line(facts.package_manager, "lvm")
            yield Reason("missing-tool", title, remedy, exit_code=ExitCode.MISSING)
        else:
            remedy = "vgs; lvmdevices shows whether LVM passes over a disk (/etc/lvm/devices/system.devices)"
            yield Reason("volume-unseen", title, remedy)
    elif request.size or request.add:
        option = "--size" if request.size else "--add"
        title = f"{option} is for logical volumes, and {device.path} is none"
        remedy = f"{follow_up('disk', 'grow', request.what)} grows it to the end of its disk"
        yield Reason("not-a-volume", title, remedy, exit_code=ExitCode.USAGE)


def _decide_on_disk(facts: HostFacts, title: str, growth: _GrowTarget) -> Decision:
    """What is on a disk, on a partition, or on what is made of other devices (RAID, encryption)."""
    device = growth.device
    reasons = list(_reasons(facts, growth))
    if reasons:
        return Refusal(title, tuple(reasons))
    stacked = device.kind in {"dm", "md"}
    partition = None if stacked else partition_step(facts, device, growth.mount)
    filesystem = filesystem_step(device, growth.mount, partition.new_size if partition else 0)
    reasons = [*tool_reasons(facts, partition), *online_reasons(facts, device, filesystem, name_of_device(device))]
    if stacked and filesystem is None:
        text = f"{device.path} is a {device.holder_of}, and its filesystem has all of it"
        reasons.append(Reason("not-a-disk", text, grows_with(facts, device)))
    if reasons:
        return Refusal(title, tuple(reasons))
    return Plan(
        title=title,
        steps=tuple(step for step in (partition, filesystem) if step),
        basis=(*growth.disk.basis, f"{device.size} bytes", *device.contents_basis),
        hold=growth.disk.path if partition and not partition.locks_disk else "",
        checks=in_service_checks(facts, device, growth.mount),
        notes=tuple(dos_limit(growth.disk, device)),
        result={
            "device": device.path,
            "disk": growth.disk.path,
            "mount_point": growth.mount.target if growth.mount else "",
        },
    )


def _named(facts: HostFacts, what: str) -> Optional[BlockDevice]:
    """The device that is named by itself or by its mount point."""
    fact = facts.path(what)
    real = fact.real if fact else what
    device = facts.named(what)
    return facts.device_of(facts.mount_on(real)) if device is None else device


def _find(facts: HostFacts, device: BlockDevice) -> _GrowTarget:
    """A disk stands for its last partition."""
    partitions = sorted(facts.partitions(device), key=lambda p: p.start)
    inside = partitions[-1] if partitions else device
    mount = next(iter(inside.own_mounts), None)
    return _GrowTarget(inside, facts.disk_of(inside), mount)


def _reasons(facts: HostFacts, growth: _GrowTarget) -> Iterator[Reason]:
    device, disk = growth.device, growth.disk
    yield from guard.size_and_mode(disk, read_only_is_fine=False)
    yield from partition_reasons(facts, device)
    member = next((s for s in device.signatures if guard.is_member(s)), None)
    if member is not None:
        what = guard.MEMBER_NAMES.get(member.type, f"a member ({member.type})")
        yield Reason("member", f"{device.path} is {what}", grows_with(facts, device))
        return
    yield from filesystem_reasons(facts, device, growth.mount, name_of_device(device))
