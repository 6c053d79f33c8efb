"""Decide what `opskit disk umount` will do: unmount, take the entry out of fstab, leave the data. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.record import dataclass
from opskit.core.text import counted
from opskit.disk import guard
from opskit.disk.fstab.boot import unit_name
from opskit.disk.fstab.plan import back_at_boot, fstab_reasons, remove_entry_steps
from opskit.disk.fstab.sources import devices_of, names_a_device
from opskit.disk.fstab.text import FstabEntry, entries, entries_for_device, plain_target
from opskit.disk.model import SYSTEM_TARGETS, BlockDevice, HostFacts, Mount, describe, ending, is_tag, named_by
from opskit.disk.mount.steps.mount import UnmountFilesystem
from opskit.disk.script_checks import in_service_checks

AUTOFS = "autofs"
# A message names this many processes; the rest are counted.
NAMED = 10


@dataclass(frozen=True)
class UmountRequest:
    """What `opskit disk umount` is asked for.

    what: a mount point or a device.
    """

    what: str
    use_fstab: bool = True


@dataclass(frozen=True)
class _InService:
    """What the request names: where it is mounted, the entries that mount it. Both can be absent.

    others: entries of the same mount point that are of something else.
    """

    target: str
    device: Optional[BlockDevice]
    mount: Optional[Mount]
    entries: tuple[FstabEntry, ...]
    others: tuple[FstabEntry, ...] = ()


def decide_umount(facts: HostFacts, request: UmountRequest, run: str) -> Decision:
    """The plan, an empty one when there is nothing to take out, or the reasons against it.

    run: names the backup of fstab.
    """
    title = f"take {request.what} out of service"
    service = _find(facts, request)
    reasons = list(_reasons(facts, request, service))
    if reasons:
        return Refusal(title, tuple(reasons))
    steps: list[Step] = []
    if service.mount and service.device:
        mount, signature = service.mount, service.device.filesystem
        uuid = signature.uuid if signature else ""
        steps.append(UnmountFilesystem(mount.target, service.device.name, mount.fstype, _options(mount), uuid))
    if service.entries and request.use_fstab:
        steps += remove_entry_steps(facts, service.entries, run)
    device = service.device
    return Plan(
        title=title,
        steps=tuple(steps),
        basis=(*facts.disk_of(device).basis, *device.contents_basis) if device else (),
        checks=in_service_checks(facts, device, service.mount) if device else (),
        notes=tuple(_left(facts, entry) for entry in service.others)
        if request.use_fstab
        else back_at_boot(facts.fstab, service.entries),
        result={"device": device.path if device else "", "mount_point": service.target},
    )


def _left(facts: HostFacts, entry: FstabEntry) -> Finding:
    title = f"{facts.fstab.path} line {entry.number} mounts {entry.source} on {entry.target}: it is kept"
    return Finding("entry-stays", "info", title)


def _find(facts: HostFacts, request: UmountRequest) -> _InService:
    fact = facts.path(request.what)
    real = fact.real if fact else request.what
    device = facts.named(request.what)
    if device is not None:
        partitions = facts.partitions(device)
        if not device.mounts and len(partitions) == 1:
            device = partitions[0]
        mount = next(reversed(device.own_mounts), None)
        # Swap space has no mount point to be taken out of.
        of_device = tuple(e for e in entries_for_device(facts.fstab.text, device) if not e.is_swap)
        return _InService(mount.target if mount else "", device, mount, of_device)
    mount = facts.mount_on(real)
    device = facts.device_of(mount)
    names = (request.what, real)
    here = tuple(e for e in entries(facts.fstab.text) if e.has_target and _leads_to(facts, e.target, names))
    of_device = tuple(e for e in here if device is None or _is_of(facts, e, device, here))
    return _InService(real, device, mount, of_device, tuple(e for e in here if e not in of_device))


def _leads_to(facts: HostFacts, target: str, names: tuple[str, str]) -> bool:
    """Whether the mount point of an entry is one of these: by name, or by the symlinks in it."""
    fact = facts.path(target)
    return plain_target(target) in map(plain_target, names) or (fact is not None and fact.real in names)


def _is_of(facts: HostFacts, entry: FstabEntry, device: BlockDevice, here: Sequence[FstabEntry]) -> bool:
    """Whether an entry of the mount point is of what is mounted there now.

    Where none names that, one whose device is not on this host may be meant: /dev/vdb1 became /dev/vdc1.
    """
    if any(named_by(e.source, device) for e in here):
        return named_by(entry.source, device)
    return names_a_device(entry) and not devices_of(facts, entry)


def _reasons(facts: HostFacts, request: UmountRequest, service: _InService) -> Iterator[Reason]:
    mount, device = service.mount, service.device
    yield from _no_disk(facts, request, service)
    swap_files = _swap_files(facts, service)
    if swap_files and device is not None and device.system == ("swap",):
        names = " ".join(map(shlex.quote, swap_files))
        title = f"{' and '.join(swap_files)} on {service.target} is swap in use"
        remedy = f"swapoff {names}; then run this again"
        yield Reason("busy", title, remedy, exit_code=ExitCode.BUSY)
    elif device is not None and device.system:  # who uses it besides makes no difference
        yield Reason(
            "system-disk", f"{device.path} belongs to the system: {', '.join(device.system)}", "opskit leaves it alone"
        )
        return
    if device is None and any(e.target in SYSTEM_TARGETS for e in service.entries):
        yield Reason("system-disk", f"{service.target} belongs to the system", "opskit leaves it alone")
        return
    foreign = [e for e in service.entries if not names_a_device(e)]
    if mount is None and foreign:
        title = f"{facts.fstab.path} line {foreign[0].number} mounts {foreign[0].source}, which is not a block device"
        yield Reason("not-a-disk", title, "opskit takes disks out of service; edit that line by hand")
    partitions = facts.partitions(device) if device else ()
    mounted = [p.path for p in partitions if p.own_mounts]
    if mount is None and device is not None and mounted:
        count = counted(len(partitions), "partition")
        title = f"{device.path} has {count}, of which these are mounted: {', '.join(mounted)}"
        yield Reason("several-partitions", title, "name the one to unmount", exit_code=ExitCode.USAGE)
    if mount is None and device is not None:
        yield from _by_another_device(facts, device)
    if mount is not None and device is not None:
        yield from _in_the_way(facts, device, mount)
        yield from _exported(facts, mount.target)
    if service.entries and request.use_fstab:
        yield from fstab_reasons(facts)
        yield from _entries_of_another(facts, service)


def _by_another_device(facts: HostFacts, device: BlockDevice) -> Iterator[Reason]:
    """A btrfs on several devices is mounted by one of them, and the kernel's list of mounts names only that one."""
    filesystem = device.filesystem
    if filesystem is None or filesystem.type != "btrfs" or not filesystem.uuid:
        return
    for other in facts.devices:
        theirs = other.filesystem
        if other.name != device.name and other.own_mounts and theirs and theirs.uuid == filesystem.uuid:
            target = other.own_mounts[-1].target
            title = f"{device.path} has the UUID of {other.path}, which is mounted on {target}"
            path = shlex.quote(device.path)
            remedy = f"btrfs filesystem show {path}; if it lists both: {follow_up('disk', 'umount', target)}"
            yield Reason("duplicate-uuid", f"{title}: one btrfs on both, or a copy", remedy)
            return


def _exported(facts: HostFacts, target: str) -> Iterator[Reason]:
    """What the NFS server of this host holds of it: clients may have files open, which no process here shows."""
    held = [path for path in facts.exported if path == target or path.startswith(target.rstrip("/") + "/")]
    if held:
        title = f"the NFS server of this host holds {', '.join(held)} for its clients"
        remedy = "take it out of /etc/exports, then exportfs -ra; exportfs -f; "
        remedy += "where a client has a file open: systemctl stop nfs-server"
        yield Reason("busy", title, remedy, exit_code=ExitCode.BUSY)


def _no_disk(facts: HostFacts, request: UmountRequest, service: _InService) -> Iterator[Reason]:
    """What the request names is nothing that is mounted, or no disk."""
    mount, device = service.mount, service.device
    fact = facts.path(request.what)
    if device is None and is_tag(request.what):
        yield from guard.not_a_device(facts, request.what)
        return
    could_be = fact is not None and fact.kind in {"directory", "symlink"}
    if mount is None and not service.entries and device is None and not could_be:
        yield guard.no_such_mount(request.what)
    if mount is not None and mount.fstype == AUTOFS:
        yield automount_reason(mount.target)
    elif mount is not None and device is None:
        title = f"{request.what} is a mount of {mount.source} ({mount.fstype}), not of a block device"
        yield Reason("not-a-disk", title, f"umount {shlex.quote(request.what)}, if that is what you want")


def _swap_files(facts: HostFacts, service: _InService) -> list[str]:
    """The swap files in use on a filesystem that is mounted."""
    if service.device is None or service.mount is None:
        return []
    return [path for path, number in facts.swap_files.items() if number == service.device.number]


def automount_reason(target: str) -> Reason:
    """What an automount point guards comes back with the next look at it."""
    title = f"{target} is an automount point: systemd mounts its filesystem again as soon as somebody opens it"
    remedy = f"systemctl stop {shlex.quote(unit_name(target, '.automount'))}; then run this again"
    return Reason("automount", title, remedy, exit_code=ExitCode.BUSY)


def umount_lines(targets: Sequence[str]) -> str:
    """The lines that unmount these, in this order."""
    return "; ".join(f"umount {shlex.quote(target)}" for target in targets)


def _entries_of_another(facts: HostFacts, service: _InService) -> Iterator[Reason]:
    """The entry is in use for another device: a copy of this one has the same UUID."""
    for entry in service.entries:
        there = facts.mount_on(plain_target(entry.target))
        if service.device and not service.mount and there and there.device != service.device.number:
            path = facts.fstab.path
            title = f"{path} line {entry.number} mounts {there.source} on {entry.target}, not {service.device.path}"
            remedy = "name the mount point if that is intended; --no-fstab leaves fstab alone"
            yield Reason("entry-of-another", title, remedy)


def _in_the_way(facts: HostFacts, device: BlockDevice, mount: Mount) -> Iterator[Reason]:
    """Mounts over or below it, other mount points of it, and the processes that use it."""
    others = [m.target for m in device.own_mounts if m.target != mount.target]
    if others:
        title = f"{device.path} is mounted on {mount.target} and on {', '.join(others)} as well"
        remedy = f"unmount the others first: {umount_lines(others)}"
        yield Reason("mounted-twice", title, remedy, exit_code=ExitCode.BUSY)
    if any(m.target == mount.target and m.fstype == AUTOFS for m in facts.mounts):
        yield automount_reason(mount.target)
    elif sum(m.target == mount.target for m in facts.mounts) > 1:
        title = f"there are several mounts on {mount.target}"
        yield Reason("mounted-over", title, f"findmnt {shlex.quote(mount.target)}")
    elif reason := guard.covered(facts, device.path, mount):
        yield reason
    below = [m.target for m in facts.mounts if m.target.startswith(mount.target.rstrip("/") + "/")]
    if below:
        title = f"{', '.join(below)} is mounted below {mount.target}"
        remedy = f"unmount that first: {umount_lines(sorted(below, reverse=True))}"
        yield Reason("mounted-below", title, remedy, exit_code=ExitCode.BUSY)
    for loop in facts.loops_over(device):
        title = f"{mount.target} is in use by {loop.path} (a loop device over {loop.backing_file})"
        yield Reason("busy", title, f"losetup -d {loop.path}", exit_code=ExitCode.BUSY)
    if facts.users:
        more = f"; and {len(facts.users) - NAMED} more" if len(facts.users) > NAMED else ""
        title = f"{mount.target} is in use by {'; '.join(describe(u) for u in facts.users[:NAMED])}{more}"
        yield Reason("busy", title, ending(facts.users), exit_code=ExitCode.BUSY)


def _options(mount: Mount) -> str:
    """The mount's options, to mount it again the same way; each once."""
    return ",".join(dict.fromkeys(mount.options.split(",")))
