"""Decide what `opskit disk grow` will do after the cloud disk was made larger: partition, then filesystem. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import follow_up
from opskit.core.packages import install_line
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.units import MIB
from opskit.disk import guard
from opskit.disk.grow.steps import GrowFilesystem, GrowPartition
from opskit.disk.layout import last_end
from opskit.disk.model import SFDISK_NO_TELL_KERNEL, BlockDevice, HostFacts, Mount
from opskit.disk.script_checks import in_service_checks

GROWABLE = ("ext3", "ext4", "xfs")


@dataclass(frozen=True)
class _GrowTarget:
    """The device whose filesystem is to grow, its disk, and where it is mounted."""

    device: BlockDevice
    disk: BlockDevice
    mount: Optional[Mount]


def decide_grow(facts: HostFacts, what: str) -> Decision:
    """The plan that grows a filesystem, an empty one when it fills its disk already, or the reasons against.

    what: a device or a mount point.
    """
    title = f"grow {what} to the end of its disk"
    device = _named(facts, what)
    if device is None:
        reasons = list(guard.not_a_device(facts, what))
        mounted = next((m for m in facts.mounts if m.target == what), None)
        if mounted:
            text = f"{what} is a mount of {mounted.source} ({mounted.fstype}), not of a block device"
            reasons = [Reason("not-a-disk", text, "opskit grows filesystems on disks")]
        return Refusal(title, tuple(reasons))
    growth = _find(facts, device)
    reasons = list(_reasons(facts, growth))
    if reasons:
        return Refusal(title, tuple(reasons))
    partition = _partition_step(facts, growth)
    tool = [] if partition is None else list(_tool_reasons(facts, partition))
    if tool:
        return Refusal(title, tuple(tool))
    steps = tuple(step for step in (partition, _filesystem_step(growth, partition)) if step)
    return Plan(
        title=title,
        steps=steps,
        basis=(*growth.disk.basis, f"{growth.device.size} bytes", *growth.device.contents_basis),
        hold=growth.disk.path if partition else "",
        checks=in_service_checks(facts, growth.device, growth.mount),
        result={
            "device": growth.device.path,
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
    if device.kind in {"dm", "md"}:
        yield Reason(
            "not-a-disk", f"{device.path} is a {device.holder_of}", "grow it with its own tools first (lvextend -r)"
        )
        return
    yield from guard.unreadable(facts, disk)
    if device.disk:
        yield from guard.hidden(disk)
    behind = [p.path for p in facts.partitions(disk) if p.start > device.start]
    if behind:
        title = f"{device.path} is not the last partition of {disk.path}: {', '.join(behind)} is behind it"
        yield Reason("not-the-last-partition", title, "only the last partition can grow")
    if device.partition_number > 4 and disk.table == "dos":
        yield Reason(
            "logical-partition", f"{device.path} is a logical partition", "grow it by hand, with its extended one"
        )
    yield from guard.members(facts, device)
    filesystem = device.filesystem
    if filesystem is None or filesystem.type not in GROWABLE:
        what = filesystem.type if filesystem else "no filesystem"
        title = f"{device.path} has {what}; opskit grows {', '.join(GROWABLE)}"
        yield Reason("not-growable", title, "grow it with its own tools")
        return
    if growth.mount is None:
        yield Reason(
            "not-mounted",
            f"{device.path} is not mounted, and filesystems grow while mounted",
            follow_up("disk", "mount", device.path),
        )
    elif growth.mount.read_only:
        yield Reason(
            "read-only", f"{growth.mount.target} is mounted read-only", f"mount -o remount,rw {growth.mount.target}"
        )
    elif device.filesystem_size is None:
        yield Reason(
            "unread", f"the size of the filesystem on {device.path} could not be read", "as root; dmesg | tail"
        )
    tool = "xfs_growfs" if filesystem.type == "xfs" else "resize2fs"
    yield from guard.missing_tool(facts, tool)


def _partition_step(facts: HostFacts, growth: _GrowTarget) -> Optional[GrowPartition]:
    """Grow the partition, if there is a MiB or more behind it."""
    device, disk = growth.device, growth.disk
    if not device.disk:
        return None
    new_size = last_end(disk, disk.table) - device.start
    if new_size - device.size < MIB:
        return None
    old = not facts.has_tool("sfdisk", SFDISK_NO_TELL_KERNEL)
    growpart = "growpart" in facts.tools and (disk.table != "gpt" or "sgdisk" in facts.tools)
    tool = "sfdisk" if not old else "growpart" if growpart else ""
    return GrowPartition(
        disk=disk.name,
        partition=device.name,
        number=device.partition_number,
        start=device.start,
        size=device.size,
        new_size=new_size,
        sector_size=disk.sector_size,
        tool=tool,
        fstype=device.filesystem.type if device.filesystem else "",
        target=growth.mount.target if growth.mount else "",
    )


def _tool_reasons(facts: HostFacts, step: GrowPartition) -> Iterator[Reason]:
    if not step.tool:
        title = "growing a partition in use needs sfdisk 2.29 or newer, or growpart"
        remedy = install_line(facts.package_manager, "growpart", "sgdisk")
        yield Reason("missing-tool", title, remedy, exit_code=ExitCode.MISSING)


def _filesystem_step(growth: _GrowTarget, partition: Optional[GrowPartition]) -> Optional[Step]:
    device, size = growth.device, growth.device.filesystem_size
    if device.filesystem is None or growth.mount is None or size is None:
        return None
    before = size.blocks * size.block_size
    after = partition.new_size if partition else size.blocks_possible * size.block_size
    if partition is None and size.blocks >= size.blocks_possible:
        return None
    return GrowFilesystem(device.name, device.filesystem.type, growth.mount.target, before, after)
