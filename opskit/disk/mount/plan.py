"""Decide: what `opskit disk mount` will do, or why not. A pure function of facts and the request."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Optional, Union

from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.record import dataclass
from opskit.disk import guard
from opskit.disk.fstab.plan import EntryRequest, decide_entry, entry_in_use, mount_options
from opskit.disk.fstab.sources import crypttab_line, missing, not_in_force, opened_by_hand
from opskit.disk.fstab.text import plain_target
from opskit.disk.model import UNSHARE_PROPAGATION, BlockDevice, DiskPlace, HostFacts, Mount, is_tag
from opskit.disk.mount.mkfs import SIZE_LIMIT
from opskit.disk.mount.raw_plan import NewFilesystem, blank_partition, decide_raw
from opskit.disk.mount.request import (
    MountRequest,
    NewIds,
    fstab_options,
    is_automount,
    mount_point_reasons,
    replaceable,
    request_reasons,
    target_reasons,
    unknown_path,
)
from opskit.disk.mount.steps.make import CreatePartition
from opskit.disk.mount.steps.mount import MakeMountPoint, MountFilesystem
from opskit.disk.mount.steps.trial import TryMountOptions
from opskit.disk.naming import name_of_device
from opskit.disk.script_checks import blank_checks, disk_checks, mount_point_checks, place_checks, wipe_checks

if TYPE_CHECKING:
    from opskit.disk.results import MountResult

READ_ONLY_TYPES = ("iso9660", "squashfs", "udf", "cramfs", "erofs", "romfs")


@dataclass(frozen=True)
class _ExistingFilesystem:
    """A filesystem that is there already: it is mounted and never made anew."""

    device: BlockDevice
    fstype: str
    uuid: str


def decide_mount(facts: HostFacts, request: MountRequest, ids: NewIds) -> Decision:
    """The plan that puts the device into service, or every reason against it."""
    title = f"put {request.device} into service on {request.target}"
    reasons = [*request_reasons(request), *target_reasons(request.target), *guard.not_a_device(facts, request.device)]
    if reasons:
        return Refusal(title, (*reasons, *_missing_there(facts, request)))
    device = named_device(facts, request.device)
    if is_tag(request.device):  # what is told to be typed names the device by its path: --wipe takes nothing else
        request = replace(request, device=device.path)
    disk = facts.disk_of(device)
    existing = _existing(facts, device)
    entry = entry_in_use(facts, existing.device, request.target) if existing and request.use_fstab else None
    if entry and not request.wipe:
        request = replace(request, entry_options=entry.options)
    filesystem = _what(facts, request, ids, device, disk)
    if isinstance(filesystem, list):
        return Refusal(title, tuple(filesystem))
    if isinstance(filesystem, NewFilesystem):
        return _decide_made(facts, request, ids, filesystem, title)
    return _decide_existing(facts, request, ids, filesystem, title)


def _missing_there(facts: HostFacts, request: MountRequest) -> Iterator[Reason]:
    """Who names a device that is not here may be looking for the disk that fstab misses."""
    for entry in missing(facts) if facts.named(request.device) is None else ():
        if plain_target(entry.target) == plain_target(request.target):
            where = f"{facts.fstab.path} line {entry.number}"
            title = f"{where} mounts {entry.source} on {request.target}, but no disk of this host holds it"
            remedy = f"attach the disk that holds it; {follow_up('disk', 'fstab', 'check')}"
            yield Reason("missing-filesystem", title, remedy)


def named_device(facts: HostFacts, path: str) -> BlockDevice:
    """The device that guard.not_a_device has found to be there."""
    device = facts.named(path)
    if device is None:
        raise LookupError(path)
    return device


def _what(
    facts: HostFacts, request: MountRequest, ids: NewIds, device: BlockDevice, disk: BlockDevice
) -> Union[_ExistingFilesystem, NewFilesystem, list[Reason]]:
    """The filesystem to mount, or what to make first, or why neither."""
    existing = _existing(facts, device)
    in_service = existing is not None and existing.device.is_mounted_on(request.target)
    # A second run with --wipe finds what the first one made in service: it must not destroy that.
    ours = existing is not None and facts.was_made(existing.uuid)
    if existing and (not request.wipe or (in_service and ours)):
        # Advice on options helps nobody whose device may not be used anyway.
        reasons = list(_guards(facts, disk, request, existing)) or list(_mismatch(existing, request))
        return reasons or existing
    if not request.wipe:
        blank = list(blank_partition(facts, device, request))
        if blank:
            return blank
    reasons = [*_guards(facts, disk, request, None), *guard.unchangeable(facts, disk)]
    if reasons:
        return reasons
    return decide_raw(facts, device, request, partition=ids.partition, table=ids.table, run=ids.run)


def _existing(facts: HostFacts, device: BlockDevice) -> Optional[_ExistingFilesystem]:
    """The one filesystem on the device: on itself, or on the only partition of a disk."""
    holder = device
    partitions = facts.partitions(device)
    if guard.filesystem_beside_table(facts, device):
        return None
    if not device.signatures and len(partitions) == 1:
        holder = partitions[0]
    filesystem = holder.filesystem
    if filesystem is None or holder.made_partly or guard.is_member(filesystem) or holder.table_backup_only:
        return None
    return _ExistingFilesystem(holder, filesystem.type, filesystem.uuid)


def _guards(
    facts: HostFacts, disk: BlockDevice, request: MountRequest, existing: Optional[_ExistingFilesystem]
) -> Iterator[Reason]:
    read_only_is_fine = existing is not None and request.read_only
    yield from guard.size_and_mode(disk, read_only_is_fine=read_only_is_fine)
    system = tuple(guard.system(facts, disk))
    yield from system
    if system:  # who uses it besides makes no difference, and no advice on that would be good
        return
    if existing is None:
        yield from guard.in_use(facts, disk)
        return
    # A disk with several filesystems may have others of them in use.
    device = replace(existing.device, disk="")
    yield from guard.backup_gpt(disk)
    yield from guard.lost_table(facts, disk)
    yield from guard.unreadable(facts, device)
    yield from guard.in_use(facts, device, at=request.target, place=device.name)
    yield from guard.members(facts, device)
    yield from guard.duplicate_uuid(facts, existing.device, existing.uuid)
    if device.errors and not (request.read_only or device.own_mounts):
        remedy = f"e2fsck {device.path}; then run this again; or mount it read-only: --mount-options ro"
        yield Reason("filesystem-errors", _errors_text(existing), remedy)


def _errors_text(existing: _ExistingFilesystem) -> str:
    return f"the {existing.fstype} on {existing.device.path} is marked as having errors"


def _notes_of_existing(facts: HostFacts, existing: _ExistingFilesystem) -> Iterator[Finding]:
    """What who mounts it should know of it."""
    device = existing.device
    if not facts.was_made(existing.uuid):
        text = f"{device.path} already holds {existing.fstype}: it is mounted as it is and not formatted"
        yield Finding("mount-only", "info", text)
    if device.errors:
        remedy = f"{_umount_line(device)}e2fsck {device.path}"
        yield Finding("filesystem-errors", "warning", _errors_text(existing), remedy=remedy)
    for volume, luks in opened_by_hand(facts, device):
        text = f"{name_of_device(volume)} was opened by hand: {facts.crypttab.path} does not name it, so nothing opens"
        text += " it at the next boot"
        remedy = f"add to {facts.crypttab.path}: {crypttab_line(volume, luks)}"
        yield Finding("not-in-crypttab", "warning", text, remedy=remedy)


def _umount_line(device: BlockDevice) -> str:
    """What has to be typed before a filesystem can be repaired, with what parts it from the rest."""
    return "".join(f"umount {shlex.quote(mount.target)}; " for mount in reversed(device.own_mounts))


def _mismatch(existing: _ExistingFilesystem, request: MountRequest) -> Iterator[Reason]:
    """Something was asked for that the filesystem on the device is not."""
    path, filesystem = existing.device.path, existing.device.filesystem
    remedy = f"leave the option out to mount it as it is; --wipe {shlex.quote(request.device)} would destroy it"
    if request.fstype and request.fstype != existing.fstype:
        title = f"{path} already holds {existing.fstype}, but --fstype {request.fstype} was given"
        yield Reason("other-filesystem", title, remedy)
    if request.label and filesystem and request.label != filesystem.label:
        title = f"the filesystem on {path} has the label {filesystem.label!r}, but --label {request.label} was given"
        yield Reason("other-label", title, remedy)
    if existing.fstype in READ_ONLY_TYPES and not request.read_only:
        title = f"{path} holds {existing.fstype}, which is read-only"
        yield Reason("read-only-filesystem", title, "--mount-options ro")
    if request.whole_disk and existing.device.disk:
        title = f"--whole-disk was given, but the filesystem is on the partition {path}"
        yield Reason("other-place", title, remedy)


def _decide_made(facts: HostFacts, request: MountRequest, ids: NewIds, make: NewFilesystem, title: str) -> Decision:
    """Make a filesystem, then mount it."""
    uuid, making = ids.filesystem, (*_trial(facts, request, ids), *make.steps(ids.filesystem))
    return _into_service(facts, request, ids, title, making, make.place, request.mkfs.fstype, uuid, None, make.notes)


# What the kernel takes of every filesystem (mount(8), FILESYSTEM-INDEPENDENT MOUNT OPTIONS): not worth a trial.
_SURE = frozenset({"ro", "rw", "noexec", "exec", "nosuid", "suid", "nodev", "dev", "sync", "async", "dirsync", ""}) | {
    f"{no}{word}" for no in ("", "no") for word in ("atime", "diratime", "relatime")
}

# Never tried: /var/tmp that fills up meanwhile is an I/O error of the image, and with these the end of the host.
_PANIC = frozenset({"errors=panic", "fatal_errors=panic"})


def _trial(facts: HostFacts, request: MountRequest, ids: NewIds) -> tuple[Step, ...]:
    """Whether the options can be mounted with is tried before the disk is touched, where unshare(1) can do it."""
    words, fstype = mount_options(request.options).split(","), request.mkfs.fstype
    options = ",".join(word for word in words if word not in _PANIC)
    if set(options.split(",")) <= _SURE or not facts.has_tool("sfdisk", UNSHARE_PROPAGATION):
        return ()
    return (TryMountOptions(fstype, options, f"/var/tmp/opskit-try-{ids.run}", SIZE_LIMIT[fstype] * 2),)  # noqa: S108


def _decide_existing(
    facts: HostFacts, request: MountRequest, ids: NewIds, existing: _ExistingFilesystem, title: str
) -> Decision:
    """Mount what is there: never formatted."""
    device = existing.device
    disk = facts.disk_of(device)
    place = place_of(device, disk)
    notes = tuple(_notes_of_existing(facts, existing))
    return _into_service(facts, request, ids, title, (), place, existing.fstype, existing.uuid, device, notes)


def place_of(device: BlockDevice, disk: BlockDevice) -> DiskPlace:
    """The place of a device that is there."""
    return DiskPlace(
        disk=disk.name,
        disk_path=disk.path,
        disk_identity=disk.identity,
        disk_size=disk.size,
        sector_size=disk.sector_size,
        start=device.start,
        size=device.size,
        table=disk.table,
        table_uuid=disk.table_uuid,
        partition_number=device.partition_number,
        partition_uuid=device.partition_uuid,
        partition_name=device.partition_name,
    )


def _into_service(
    facts: HostFacts,
    request: MountRequest,
    ids: NewIds,
    title: str,
    making: tuple[Step, ...],
    place: DiskPlace,
    fstype: str,
    uuid: str,
    device: Optional[BlockDevice],
    notes: tuple[Finding, ...],
) -> Decision:
    """What follows once there is, or will be, a filesystem: entry, mount point, mount."""
    here = device is not None and device.is_mounted_on(request.target)
    if device and request.entry_options and is_automount(facts, request.target):
        note = Finding("automount", "info", f"{request.target} is an automount point: opening it mounts {device.path}")
        return Plan(title, notes=(note,), result=_result(request, place, fstype, uuid, device))
    reasons = [] if here else list(mount_point_reasons(facts, request.target))
    asked = request.mount_options
    entry_request = EntryRequest(request.target, fstype, uuid, fstab_options(asked), ids.run, asked)
    entry = decide_entry(facts, entry_request, device, use_fstab=request.use_fstab)
    reasons += entry.reasons
    if device and here:
        covered = guard.covered(facts, device.path, _mount_there(device, request))
        reasons += [covered] if covered else _mounted_otherwise(device, request)
    if reasons:
        return Refusal(title, tuple(reasons))
    steps: list[Step] = [*making, *entry.steps]
    if device and here:
        notes += tuple(_entry_not_in_force(facts, device, request))
    else:
        notes += tuple(replaceable(facts, request.target))
    if not here:
        fact = facts.path(request.target)
        if fact is None or fact.kind == "absent":
            steps.append(MakeMountPoint(request.target, facts.relabels))
        systemd = facts.systemd_reads_fstab and request.use_fstab
        options = mount_options(request.options)
        relabel = _relabels(facts, options, uuid, makes=bool(making))
        by = entry.fstype or fstype
        steps.append(MountFilesystem(place, request.target, by, uuid, options, systemd, relabel))
    checks = _checks(facts, request, making, place, device)
    checks += () if here else mount_point_checks(request.target)
    return Plan(
        title=title,
        steps=tuple(steps),
        basis=_basis(facts, place, device),
        hold=place.disk_path if making else "",
        checks=checks,
        notes=(*notes, *entry.notes, *unknown_path(facts, request.target)),
        result=_result(request, place, fstype, uuid, device, entry.line, formats=bool(making)),
    )


def _result(
    request: MountRequest,
    place: DiskPlace,
    fstype: str,
    uuid: str,
    device: Optional[BlockDevice],
    line: str = "",
    *,
    formats: bool = False,
) -> MountResult:
    """What --json answers.

    line: the entry.
    """
    return {
        "device": device.path if device else "",
        "disk": place.disk_path,
        "mount_point": request.target,
        "fstype": fstype,
        "uuid": uuid,
        "fstab_line": line,
        "formats": formats,
    }


def _mounted_otherwise(device: BlockDevice, request: MountRequest) -> Iterator[Reason]:
    """It is in service, and not with the options that were asked for, as far as the kernel shows them."""
    mount = _mount_there(device, request)
    absent = not_in_force(mount, request.mount_options)
    if absent:
        title = f"{device.path} is in service on {mount.target} with {mount.options}, not with {','.join(absent)}"
        remedy = f"mount -o remount,{','.join(absent)} {shlex.quote(mount.target)}; then run this again"
        yield Reason("mounted-otherwise", title, remedy)


def _mount_there(device: BlockDevice, request: MountRequest) -> Mount:
    return next(m for m in reversed(device.own_mounts) if m.target == request.target)


def _entry_not_in_force(facts: HostFacts, device: BlockDevice, request: MountRequest) -> Iterator[Finding]:
    """It is in service, and not with the options of its entry."""
    mount = _mount_there(device, request)
    absent = not_in_force(mount, request.entry_options)
    if absent and not request.mount_options:
        title = f"{mount.target} is mounted without {','.join(absent)}, which its entry in {facts.fstab.path} has"
        yield Finding("mounted-otherwise", "warning", title, remedy=f"mount -o remount {shlex.quote(mount.target)}")


def _basis(facts: HostFacts, place: DiskPlace, device: Optional[BlockDevice]) -> tuple[str, ...]:
    """The disk, with what is mounted as it is (device), or what is made anew or destroyed (None)."""
    disk = facts.device(place.disk)
    if disk is None:
        return ()
    touched = (device,) if device else guard.related(facts, disk)
    return (*disk.basis, *(line for each in touched for line in each.contents_basis))


def _relabels(facts: HostFacts, options: str, uuid: str, *, makes: bool) -> bool:
    """Whether the root directory of the filesystem needs a context: opskit made it, and nobody gave it one yet.

    One that a mount option gives counts, and a filesystem that is mounted read-only takes none.
    """
    names = {option.partition("=")[0] for option in options.split(",")}
    fresh = makes or any(m.never_mounted and m.filesystem_uuid == uuid for m in facts.made)
    return facts.relabels and fresh and not names & {"context", "rootcontext", "ro"}


def _checks(
    facts: HostFacts, request: MountRequest, making: tuple[Step, ...], place: DiskPlace, device: Optional[BlockDevice]
) -> tuple[str, ...]:
    """What a script has to find as it was decided on: the disk, and what is on it."""
    disk = facts.device(place.disk)
    if disk is None:
        return ()
    checks = disk_checks(disk)
    if making and request.wipe:
        return checks + wipe_checks(facts, disk)
    if any(isinstance(step, CreatePartition) for step in making):
        return checks + blank_checks(shlex.quote(disk.path), disk)
    inside = device or next(iter(facts.partitions(disk)), disk)
    return checks + place_checks(place, inside, makes=bool(making))
