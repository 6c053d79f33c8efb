"""What each growth is made of: a partition and a filesystem; the reasons against each, and its step. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.packages import install_line
from opskit.core.plan import Reason
from opskit.core.units import MIB, size_text
from opskit.disk import guard
from opskit.disk.fstab.text import entries_for_target
from opskit.disk.grow.steps import GrowFilesystem, GrowPartition
from opskit.disk.layout import last_end
from opskit.disk.model import SFDISK_NO_TELL_KERNEL, SYSTEM_TARGETS, BlockDevice, HostFacts, Mount

GROWABLE = ("ext3", "ext4", "xfs")


def partition_reasons(facts: HostFacts, device: BlockDevice) -> Iterator[Reason]:
    """Why the end of this partition cannot be moved, or (a whole disk) why it cannot be written."""
    disk = facts.disk_of(device)
    yield from guard.unreadable(facts, disk)
    if device.disk:
        yield from guard.backup_gpt(disk, wipes=False)
        yield from guard.lost_table(facts, disk)
        yield from guard.hidden(disk)
    behind = [p.path for p in facts.partitions(disk) if p.start > device.start]
    if behind:
        title = f"{device.path} is not the last partition of {disk.path}: {', '.join(behind)} is behind it"
        yield Reason("not-the-last-partition", title, "only the last partition can grow")
    if device.partition_number > 4 and disk.table == "dos":
        yield Reason(
            "logical-partition", f"{device.path} is a logical partition", "grow it by hand, with its extended one"
        )


def partition_step(facts: HostFacts, device: BlockDevice, mount: Optional[Mount]) -> Optional[GrowPartition]:
    """Grow the partition, if there is a MiB or more behind it."""
    disk = facts.disk_of(device)
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
        fstype=device.signatures[0].type if len(device.signatures) == 1 else "",
        target=mount.target if mount else "",
    )


def dos_limit(disk: BlockDevice, device: BlockDevice) -> Iterator[Finding]:
    """What a dos table cannot use of a disk: its partitions end at 2 TiB, with sectors of 4 KiB at 16 TiB."""
    end = last_end(disk, "dos")
    if device.disk and disk.table == "dos" and disk.size - end >= MIB:
        unused = size_text(disk.size - end)
        title = f"{disk.path} has a dos table, which ends at {size_text(end)}: {unused} of the disk cannot be used"
        remedy = "a gpt table uses all of it: put a new disk into service and copy the data"
        yield Finding("dos-limit", "warning", title, remedy=remedy)


def tool_reasons(facts: HostFacts, step: Optional[GrowPartition]) -> Iterator[Reason]:
    """No program of this host can grow a partition in use."""
    if step and not step.tool:
        title = "growing a partition in use needs sfdisk 2.29 or newer, or growpart"
        remedy = install_line(facts.package_manager, "growpart", "sgdisk")
        yield Reason("missing-tool", title, remedy, exit_code=ExitCode.MISSING)


def filesystem_reasons(facts: HostFacts, device: BlockDevice, mount: Optional[Mount], path: str) -> Iterator[Reason]:
    """Why the filesystem on this device cannot grow.

    path: the name of the device for a person.
    """
    filesystem = device.filesystem
    if filesystem is None or filesystem.type not in GROWABLE:
        kinds = ", ".join(GROWABLE)
        if filesystem is None and mount:  # what is mounted is there, whether or not the device could be read
            title = f"no filesystem was found on {path}, although {mount.target} is mounted from it"
        else:
            title = f"{path} has {filesystem.type if filesystem else 'no filesystem'}"
        yield Reason("not-growable", f"{title}; opskit grows {kinds}", "grow it with its own tools")
        return
    if mount is None:
        yield Reason(
            "not-mounted",
            f"{path} is not mounted, and filesystems grow while mounted",
            follow_up("disk", "mount", path),
        )
    elif mount.read_only and device.errors:  # errors=remount-ro may be why: nobody makes that writable before e2fsck
        yield _has_errors(facts, device, filesystem.type, mount.target, path)
    elif over := guard.covered(facts, path, mount):  # resize2fs would open what is over it
        yield over
    elif mount.read_only:
        remedy = f"mount -o remount,rw {shlex.quote(mount.target)}"
        yield Reason("read-only", f"{mount.target} is mounted read-only", remedy)
    elif device.filesystem_size is None:
        yield Reason("unread", f"the size of the filesystem on {path} could not be read", "as root; dmesg | tail")
    tool = "xfs_growfs" if filesystem.type == "xfs" else "resize2fs"
    yield from guard.missing_tool(facts, tool)


def online_reasons(
    facts: HostFacts, device: BlockDevice, step: Optional[GrowFilesystem], path: str
) -> Iterator[Reason]:
    """Why resize2fs or the kernel would not carry this step out, as is known before the disk is touched.

    Linux, fs/ext4/resize.c, ext4_resize_begin: CAP_SYS_RESOURCE, and no filesystem with errors. e2fsprogs,
    resize/main.c: no more blocks than the filesystem can count. xfs takes CAP_SYS_ADMIN, as the mount did.

    path: the name of the device for a person.
    """
    if step is None or step.fstype == "xfs":
        return
    if device.errors:
        yield _has_errors(facts, device, step.fstype, step.target, path)
    size = device.filesystem_size
    if size and size.most_blocks and step.after // size.block_size > size.most_blocks:
        most = size_text(size.most_blocks * size.block_size)
        title = f"the {step.fstype} on {path} has block numbers of 32 bits, which end at {most}"
        yield Reason("filesystem-limit", title, _wider(facts, device, step, path))
    if not facts.may_resize:
        title = f"root may not make a mounted {step.fstype} larger here (no CAP_SYS_RESOURCE, as in a container)"
        yield Reason("capability-missing", title, "run it on the host itself", exit_code=ExitCode.MISSING)


def _has_errors(facts: HostFacts, device: BlockDevice, fstype: str, target: str, path: str) -> Reason:
    title = f"the {fstype} on {path} is marked as having errors, and so does not grow while it is mounted"
    remedy = "reboot: e2fsck looks at it then, where the last field of its line in fstab is not 0"
    if target not in SYSTEM_TARGETS:
        remedy = _while_unmounted(facts, device, path, f"e2fsck {shlex.quote(path)}")
    return Reason("filesystem-errors", title, f"{remedy}; then run the same command again")


def _wider(facts: HostFacts, device: BlockDevice, step: GrowFilesystem, path: str) -> str:
    """How this ext gets block numbers of 64 bits: resize2fs -b refuses one without extents, as ext2 and ext3 are."""
    if step.fstype != "ext4":
        return "an ext4 or xfs has more: put a new disk into service and copy the data"
    convert = f"e2fsck -f {shlex.quote(path)}; resize2fs -b {shlex.quote(path)}"
    system = step.target in SYSTEM_TARGETS
    remedy = f"in a rescue system: {convert}" if system else _while_unmounted(facts, device, path, convert)
    return f"{remedy}; then run the same command again (e2fsprogs 1.43 or newer)"


def _while_unmounted(facts: HostFacts, device: BlockDevice, path: str, commands: str) -> str:
    """The commands, and before and after them what unmounts the device everywhere and mounts it as fstab has it."""
    away: list[str] = []
    back: list[str] = []
    for mount in device.own_mounts:
        target = shlex.quote(mount.target)
        away.insert(0, f"umount {target}")
        if entries_for_target(facts.fstab.text, mount.target):
            back.append(f"mount {target}")
        elif mount == device.own_mounts[0]:  # another may be of a folder of it
            back.append(f"mount {shlex.quote(path)} {target}")
    return "; ".join([*away, commands, *back])


def filesystem_step(
    device: BlockDevice, mount: Optional[Mount], new_size: int, path: str = ""
) -> Optional[GrowFilesystem]:
    """Grow the filesystem to the end of its device, if it does not reach it.

    new_size: what the device will have by then, in bytes; 0 for what it has now.
    path: see GrowFilesystem.
    """
    size = device.filesystem_size
    if device.filesystem is None or mount is None or size is None:
        return None
    if not new_size and size.blocks >= size.blocks_possible:
        return None
    before = size.blocks * size.block_size
    after = new_size or size.blocks_possible * size.block_size
    return GrowFilesystem(device.name, device.filesystem.type, mount.target, before, after, path)
