"""See: read the host into HostFacts. Changes nothing; without root it sees less and says what it could not see."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Optional

from opskit.core.caller import CAP_SYS_RESOURCE, has_capability, machine_id
from opskit.core.command import Command
from opskit.core.errors import CommandFailed, Failed, Missing, UsageFault
from opskit.core.files import read_bytes
from opskit.core.finding import follow_up
from opskit.core.jsonable import ShapeError, from_json
from opskit.core.packages import read_package_manager
from opskit.core.reach import Look, look_at
from opskit.core.runner import ENVIRONMENT, Runner
from opskit.core.systemd import installed_release, is_booted
from opskit.core.units import now, time_text
from opskit.disk.fstab.text import entries
from opskit.disk.lvm.model import UnfinishedGrowth, VolumeGoal, VolumeGroup
from opskit.disk.model import (
    RESTORECON,
    SCHEMA,
    SILENT,
    UNREAD,
    UNREADABLE,
    VERSION,
    ZERO,
    BlockDevice,
    DiskPlace,
    FileFact,
    HostFacts,
    MadeRecord,
    Mount,
    PathFact,
    UsingProcess,
    is_tag,
    tagged_devices,
)
from opskit.disk.see import lvm, mounts, probe, superblock, sysfs, udev
from opskit.disk.see.files import read_file_fact
from opskit.disk.see.paths import path_facts
from opskit.disk.see.sysfs import with_loop_slaves

if TYPE_CHECKING:
    from opskit.core.ledger import StepRecord

FSTAB = "/etc/fstab"
CRYPTTAB = "/etc/crypttab"
# What is memory has no bytes worth a look, and always answers.
_MEMORY = frozenset({"zram", "ram"})
# Kinds that are looked into for `opskit disk facts`, whatever is asked about.
LOOKED_INTO = ("disk", "partition", "loop", "nbd", "dm", "md")

# Only their presence counts.
PRESENT = ("mkfs.ext3", "mkfs.ext4", "mkfs.xfs", "parted", "growpart", "sgdisk", "resize2fs", "xfs_growfs", "lvm")
# What mount(8) calls for a share of the network.
CLIENTS = ("mount.nfs", "mount.cifs")
_Look = Callable[[BlockDevice, Runner], BlockDevice]


def see(
    runner: Runner,
    *,
    fstab: str = FSTAB,
    state_dir: str = "",
    devices: Sequence[str] = (),
    deep: bool = False,
    paths: Sequence[str] = (),
    users: str = "",
    blank: bool = False,
    groups: bool = False,
    claim: bool = False,
) -> HostFacts:
    """The facts of the disk area.

    fstab: its path.
    state_dir: where the ledger is; "" to leave it unread.
    devices: paths of those to look at closely, with their partitions.
    deep: look at every disk closely.
    paths: other paths to look at, beside the devices and the mount points in fstab.
    users: a mount point, or a device, whose processes are looked for.
    blank: look into disks without a signature, to tell a blank one.
    groups: ask LVM for its volume groups, and look closely at what their physical volumes lie on.
    claim: hold those devices for a moment, to tell whether a program has one for itself: for a plan that writes there.
    """
    root = os.geteuid() == 0
    unseen = [] if root else ["the bytes of devices and the mounts of other namespaces: that needs root"]
    own = mounts.own_mounts()
    ask = _Asked(tuple(devices), deep=deep, blank=blank, groups=groups or deep, claim=claim)
    all_devices, close, volume_groups = _devices(runner, own, unseen, ask, root=root)
    table, crypttab = read_file_fact(fstab), read_file_fact(CRYPTTAB)
    unseen += [f"{crypttab.path}: {crypttab.problem}"] if root and crypttab.problem else []
    return HostFacts(
        schema=SCHEMA,
        taken=time_text(now()),
        host=os.uname().nodename,
        root=root,
        devices=all_devices,
        fstab=table,
        crypttab=crypttab,
        system_fstab=None if table.real == os.path.realpath(FSTAB) else read_file_fact(FSTAB),
        paths=_paths([*devices, *paths, users, *_targets(table)], own, unseen),
        tools=read_tools(runner) if close else read_restorecon(),
        package_manager=read_package_manager(),
        mounts=own,
        systemd=is_booted(),
        systemd_release=installed_release(),
        swap_files=mounts.swap_files(),
        swap_areas=mounts.swap_areas(),
        made=read_made(state_dir, all_devices, unseen) if state_dir else (),
        users=_users(users, all_devices, own, unseen) if users else (),
        exported=mounts.exported() if users else (),
        volume_groups=volume_groups,
        growths=read_growths(state_dir, volume_groups, unseen) if state_dir else (),
        luks_arguments=mounts.luks_arguments(),
        may_resize=not root or has_capability(CAP_SYS_RESOURCE),
        unseen=tuple(unseen),
    )


@dataclass(frozen=True)
class _Asked:
    """What of the devices is asked for; see `see`."""

    paths: tuple[str, ...]
    deep: bool
    blank: bool
    groups: bool
    claim: bool


def _devices(
    runner: Runner, own: tuple[Mount, ...], unseen: list[str], ask: _Asked, *, root: bool
) -> tuple[tuple[BlockDevice, ...], frozenset[str], tuple[VolumeGroup, ...]]:
    """Every block device, the kernel names of those that were looked at closely, the volume groups; see `see`."""
    all_devices = with_loop_slaves(_block_devices())
    close = _wanted(all_devices, ask.paths, deep=ask.deep)
    tags = tuple(filter(is_tag, ask.paths))
    # Without udev's database blkid reads them all, and LVM does.
    everything = (
        ask.deep or ask.blank or bool(tags) or not udev.has_database() or (ask.groups and lvm.is_used(all_devices))
    )
    all_devices = _with_silence(all_devices, unseen, close, everything=everything) if root else all_devices
    silent = frozenset(device.name for device in all_devices if device.contents == SILENT)
    close -= silent
    zero = _all_zero(all_devices, own) if ask.blank and root else {}
    all_devices = tuple(zero.get(device.name, device) for device in all_devices)
    all_devices = _signed(all_devices, runner, unseen, root=root, leave=close | silent | frozenset(zero))
    close |= _wanted(all_devices, tags, deep=False) - silent  # who has a UUID is known only now
    volume_groups = lvm.look(runner, all_devices, unseen, root=root) if ask.groups else ()
    if ask.blank:
        close = _bare(all_devices, own)
    else:
        close |= lvm.below(volume_groups, all_devices) - silent
    others = mounts.other_namespaces() if root and close else ()
    swaps = mounts.swap_numbers()
    reasons = mounts.system_reasons(all_devices, own, swaps, mounts.root_argument())
    in_use = _with_room([_with_use(device, own + others, swaps, reasons) for device in all_devices])
    if root:
        in_use = tuple(_closely(d, runner, unseen, look_closely) if d.name in close and d.size else d for d in in_use)
    if root and ask.claim:
        wanted = {d.name for d in in_use if d.name in close and d.size and d.contents != SILENT}
        in_use = tuple(replace(d, exclusive=probe.exclusive(d.path)) if d.name in wanted else d for d in in_use)
    return in_use, close, volume_groups


def _with_silence(
    devices: tuple[BlockDevice, ...], unseen: list[str], close: frozenset[str], *, everything: bool
) -> tuple[BlockDevice, ...]:
    """The devices, with what does not answer marked as such: nothing reads that any more. It is named in unseen.

    close: the kernel names of those that will be looked at closely; everything: all will be read
    """
    read = {d.disk or d.name for d in devices if d.size and (everything or d.name in close)}
    silent = probe.silent([d.path for d in devices if d.name in read and d.kind not in _MEMORY])
    names = {d.name for d in devices if d.path in silent}
    unseen += [f"{d.path}: it did not answer within {probe.ANSWER_SECONDS:g} s" for d in devices if d.path in silent]
    return tuple(replace(d, contents=SILENT) if {d.name, d.disk} & names else d for d in devices)


def _closely(device: BlockDevice, runner: Runner, unseen: list[str], look: _Look) -> BlockDevice:
    """The device as this look shows it; one of which a program fails, or does not end, is named in unseen."""
    try:
        return look(device, runner)
    except Failed as error:
        unseen.append(f"{device.path}: {error}")
        return replace(device, contents=UNREADABLE if isinstance(error, CommandFailed) else SILENT)


def _paths(paths: Sequence[str], own: tuple[Mount, ...], unseen: list[str]) -> tuple[PathFact, ...]:
    facts = path_facts(dict.fromkeys(filter(None, paths)), own)
    unseen += [f"{fact.path}: {fact.unanswered}" for fact in facts if fact.unanswered]
    return facts


def _block_devices() -> tuple[BlockDevice, ...]:
    """Those of this host. Raises Missing where the kernel shows none, which is not a host without a data disk."""
    if not sysfs.names(sysfs.SYS, "class", "block"):
        why = "it shows no block device at all, so opskit cannot tell which disks there are"
        raise Missing(sysfs.SYS, why, todo=f"mount -t sysfs sysfs {sysfs.SYS}")
    return sysfs.block_devices()


def _users(
    path: str, devices: Sequence[BlockDevice], own: Sequence[Mount], unseen: list[str]
) -> tuple[UsingProcess, ...]:
    """Who uses the filesystem at a mount point, or of a device."""
    real = os.path.realpath(path)
    tagged = tagged_devices(devices, path) if is_tag(path) else ()
    numbers = {device.number for device in tagged or devices if tagged or real == device.path}
    mount = next((m for m in reversed(own) if m.target == real or m.device in numbers), None)
    from opskit.disk.see.busy import users_of  # noqa: PLC0415 - only an unmount asks

    users = users_of(mount) if mount else ()
    if users is None:
        unseen.append(f"who uses {path}: a process has something open on a mount that does not answer")
    return users or ()


def _signed(
    devices: tuple[BlockDevice, ...], runner: Runner, unseen: list[str], *, root: bool, leave: frozenset[str]
) -> tuple[BlockDevice, ...]:
    """The devices with their signatures: udev's, or blkid's where udev has no database.

    leave: the names of those that blkid is asked about later, and closely.
    """
    if udev.has_database():
        known = udev.udev_properties(device.number for device in devices)
        devices = tuple(
            udev.with_properties(device, known[device.number]) if device.number in known else device
            for device in devices
        )
        rest = {device.name for device in devices if device.number not in known}
    else:
        rest = {device.name for device in devices}
    if not root:
        if rest:
            unseen.append("signatures (udev has no database here, and blkid needs root)")
        return devices
    return tuple(
        _closely(device, runner, unseen, probe.with_signatures)
        if device.name in rest - leave and device.size and device.kind != "zram"
        else device
        for device in devices
    )


def _wanted(devices: tuple[BlockDevice, ...], paths: Sequence[str], *, deep: bool) -> frozenset[str]:
    """The kernel names of the devices to look at closely: those asked for, their disks, and all their partitions."""
    if deep:
        return frozenset(d.name for d in devices if d.kind in LOOKED_INTO)
    numbers = {mounts.device_number(path) for path in paths if not is_tag(path)}
    named = {d.name for d in devices if d.number in numbers}
    named |= {device.name for path in paths if is_tag(path) for device in tagged_devices(devices, path)}
    disks = named | {d.disk for d in devices if d.name in named and d.disk}
    return frozenset(d.name for d in devices if d.name in disks or d.disk in disks)


def _all_zero(devices: tuple[BlockDevice, ...], own: Sequence[Mount]) -> dict[str, BlockDevice]:
    """The devices that are zero wherever opskit looks, by name: no need to ask blkid and wipefs what is on them.

    That is enough for a list. A decision asks both all the same.
    """
    mounted = {m.device for m in own}
    blank = {}
    for device in devices:
        idle = (
            device.contents == UNREAD
            and device.kind in LOOKED_INTO
            and device.size
            and not device.holders
            and device.number not in mounted
        )
        if idle and probe.begins_with_zeros(device.path) and probe.contents(device.path, device.size) == ZERO:
            blank[device.name] = replace(device, contents=ZERO)
    return blank


def _bare(devices: tuple[BlockDevice, ...], own: Sequence[Mount]) -> frozenset[str]:
    """The kernel names of the devices on which nothing shows: they may be blank."""
    mounted = {m.device for m in own}
    bare = (
        d for d in devices if d.contents == UNREAD and not (d.signatures or d.table or d.holders or d.number in mounted)
    )
    return frozenset(d.name for d in bare if d.kind in LOOKED_INTO)


def _with_use(
    device: BlockDevice, all_mounts: tuple[Mount, ...], swaps: frozenset[str], reasons: dict[str, tuple[str, ...]]
) -> BlockDevice:
    return replace(
        device,
        mounts=tuple(m for m in all_mounts if m.device == device.number),
        swap=device.number in swaps and not any(m.device == device.number for m in all_mounts),
        system=reasons.get(device.name, ()),
        links=device.links or _links(device),
    )


def _mounted_on(device: BlockDevice) -> str:
    return next((m.target for m in device.own_mounts), "")


def _with_room(devices: Sequence[BlockDevice]) -> tuple[BlockDevice, ...]:
    """The devices, those that are mounted with their used and free space."""
    looks = [Look(target, partial(_room, target)) for target in map(_mounted_on, devices) if target]
    room_of = {look.path: answer.value for look, answer in zip(looks, look_at(looks)) if answer.value}
    room = [room_of.get(_mounted_on(device)) for device in devices]
    return tuple(replace(d, used=r[0], free=r[1]) if r else d for d, r in zip(devices, room))


def _room(target: str) -> list[int]:
    status = os.statvfs(target)
    return [(status.f_blocks - status.f_bfree) * status.f_frsize, status.f_bavail * status.f_frsize]


def look_closely(device: BlockDevice, runner: Runner) -> BlockDevice:
    """The device with what blkid, wipefs and its own bytes say."""
    target = _mounted_on(device)
    # What udev said may be old: for a decision the device itself is asked.
    bare = replace(device, signatures=(), table="", table_uuid="", ambivalent=False)
    device = probe.with_wipefs(probe.with_signatures(bare, runner), runner)
    filesystem = device.filesystem
    fstype = filesystem.type if filesystem else ""
    # wipefs counts a lone backup as a table; EL7's does not see it.
    maybe = device.table in {"", "gpt"}
    backup_only = maybe and superblock.gpt_backup_only(device.path, device.size, device.sector_size)
    ask = device.table and not device.disk
    hidden = probe.hidden_partitions(device, sysfs.read_partitions(device.name), runner) if ask else ()
    contents, bytes_hash = probe.look_at_bytes(device.path, device.size) if not device.mounts else (UNREAD, "")
    return replace(
        device,
        contents=contents,
        bytes_hash=bytes_hash,
        table_backup_only=backup_only,
        hidden=hidden,
        superblock_damaged=not (filesystem or device.table) and superblock.superblock_damaged(device.path),
        made_partly=bool(fstype) and superblock.made_partly(device.path, fstype),
        errors=superblock.has_errors(device.path, fstype),
        filesystem_size=superblock.filesystem_size(device.path, fstype, device.size, target) if fstype else None,
    )


def _links(device: BlockDevice) -> tuple[str, ...]:
    """Where udev gives no links: the names under /dev/disk and /dev/mapper that lead to the device."""
    links = []
    for folder in _LINK_FOLDERS:
        for name in sysfs.names(folder):
            path = os.path.join(folder, name)
            if os.path.islink(path) and mounts.device_number(path) == device.number:
                links.append(path)
    return tuple(links)


_LINK_KINDS = ("id", "path", "uuid", "label", "partuuid", "partlabel")
_LINK_FOLDERS = (*(f"/dev/disk/by-{kind}" for kind in _LINK_KINDS), "/dev/mapper")


def _targets(table: FileFact) -> list[str]:
    """The mount points and the swap files in fstab."""
    all_entries = entries(table.text)
    return [entry.target for entry in all_entries if entry.target.startswith("/")] + [
        entry.source for entry in all_entries if entry.is_swap_file
    ]


def read_made(state_dir: str, devices: Sequence[BlockDevice], unseen: list[str]) -> tuple[MadeRecord, ...]:
    """What the ledger tells of partitions and filesystems that opskit began to make on these, oldest first."""
    from opskit.core.ledger import Ledger  # noqa: PLC0415 - only a decision asks

    try:
        runs = Ledger(state_dir).about(key for device in devices for key in _ledger_keys(device))
    except PermissionError:
        unseen.append(f"the ledger in {state_dir}: that needs root")
        return ()
    except OSError as error:
        unseen.append(f"the ledger in {state_dir}: {error.strerror}")
        return ()
    here = machine_id()
    steps = [(run.id, step) for run in runs if run.host in {"", here} for step in run.steps]
    # How its mounts ended: one is only tried of a filesystem that was found to be whole.
    tried = [(step.fields.get("uuid"), step.outcome) for _, step in steps if step.kind == "disk.mount"]
    try:
        return tuple(_made(run, step, tried) for run, step in steps if step.kind in _MAKING)
    except (ShapeError, KeyError) as error:
        unseen.append(f"the ledger in {state_dir} has steps that this opskit does not know ({error})")
        return ()


def read_growths(state_dir: str, groups: Sequence[VolumeGroup], unseen: list[str]) -> tuple[UnfinishedGrowth, ...]:
    """What the newest run about each logical volume was to make of it, where that run was cut short."""
    from opskit.core.ledger import Ledger  # noqa: PLC0415 - only a decision asks

    uuids = [volume.uuid for group in groups for volume in group.volumes]
    try:
        runs = Ledger(state_dir).about(uuids) if uuids else []
    except OSError as error:
        unseen.append(f"the ledger in {state_dir}: {error.strerror}")
        return ()
    here = machine_id()
    newest: dict[str, UnfinishedGrowth] = {}
    for run in (run for run in runs if run.host in {"", here} and not run.undoes):
        try:
            goals = [from_json(VolumeGoal, step.fields["goal"]) for step in run.steps if "goal" in step.fields]
        except ShapeError as error:
            unseen.append(f"the ledger in {state_dir} has steps that this opskit does not know ({error})")
            continue
        for goal in goals:
            newest.pop(goal.uuid, None)
            if run.outcome in {"unfinished", "take-back-failed"}:
                newest[goal.uuid] = UnfinishedGrowth(run.id, goal)
    return tuple(newest.values())


def _ledger_keys(device: BlockDevice) -> tuple[str, ...]:
    """What the ledger has the runs about a device by."""
    uuids = (signature.uuid for signature in device.signatures)
    return (device.identity, device.partition_uuid, device.partition_name, *uuids)


_MAKING = ("disk.create-partition", "disk.make-filesystem")


def _made(run: str, step: StepRecord, tried: Sequence[tuple[Optional[str], str]]) -> MadeRecord:
    mkfs = step.kind == "disk.make-filesystem"
    outcomes = {outcome for uuid, outcome in tried if mkfs and uuid == step.fields["uuid"]}
    return MadeRecord(
        run=run,
        place=from_json(DiskPlace, step.fields["place"]),
        filesystem_uuid=step.fields["uuid"] if mkfs else "",
        mkfs_began=mkfs,
        mkfs_done=mkfs and (step.outcome == "done" or bool(outcomes)),
        never_mounted=mkfs and "done" not in outcomes,
        left=str(step.record.get("left", "")),
    )


def read_tools(runner: Runner) -> dict[str, str]:
    """Tool -> version ("1" where only its presence counts); an absent tool is not in it."""
    tools = {**read_restorecon(), **{tool: "1" for tool in (*PRESENT, *CLIENTS) if on_path(tool)}}
    if on_path("sfdisk"):
        result = runner.run(Command(("sfdisk", "--version"), mutates=False, accept=(0, 1)))
        match = VERSION.search(result.stdout)
        tools["sfdisk"] = match.group(0) if match else "1"
    return tools


def read_restorecon() -> dict[str, str]:
    """The same of restorecon alone: asks no program."""
    return {RESTORECON: "1"} if on_path(RESTORECON) else {}


def on_path(tool: str) -> bool:
    """Whether the runner would find this program."""
    return any(os.access(os.path.join(folder, tool), os.X_OK) for folder in ENVIRONMENT["PATH"].split(":"))


# What a shell writes for `<(ssh host opskit disk facts)`: a pipe that is meant.
_OPEN_ALREADY = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def _read_facts(path: str) -> str:
    """The text of saved facts. Raises OSError or ValueError."""
    if path == "-":
        return sys.stdin.read()
    if path.startswith(_OPEN_ALREADY):
        with open(path, encoding="utf-8") as file:
            return file.read()
    return read_bytes(path).decode()


def load(path: str) -> HostFacts:
    """Facts saved by `opskit disk facts`. Raises UsageFault for what is none, or of another version."""
    name = "standard input" if path == "-" else path
    todo = f"save them again on the host: {follow_up('disk', 'facts')} > host.json"
    try:
        data: Any = json.loads(_read_facts(path))
    except PermissionError:
        raise Missing(name, "this file may not be read") from None
    except RecursionError:
        raise UsageFault(name, "these are no facts (they are nested too deeply)", todo=todo) from None
    except OSError as error:
        raise UsageFault(name, f"these are no facts ({error.strerror})", todo=todo) from None
    except ValueError as error:
        raise UsageFault(name, f"these are no facts ({error})", todo=todo) from None
    if isinstance(data, dict) and "result" in data and "schema" in data:
        data = data["result"]  # an envelope: `opskit disk facts --json`
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UsageFault(name, f"facts of version {schema}, and this opskit reads version {SCHEMA}", todo=todo)
    try:
        return from_json(HostFacts, data)
    except ShapeError as error:
        raise UsageFault(name, f"these are no facts ({error})", todo=todo) from None
