"""What forbids: each guard is a pure function of facts that gives its reasons. No flag gets past any of them.

Every reason is told, not only the first.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import follow_up
from opskit.core.packages import install_line
from opskit.core.plan import Reason
from opskit.disk.fstab.text import entries
from opskit.disk.model import (
    BUSY,
    SILENT,
    UNREAD,
    UNREADABLE,
    BlockDevice,
    HostFacts,
    Mount,
    Signature,
    is_tag,
    named_by,
    tagged_devices,
)
from opskit.disk.naming import name_in_list, name_of_device

# Kinds of device that a partition table or a filesystem may be made on.
FORMATTABLE = ("disk", "loop", "nbd")
# Members of something larger that libblkid does not count as "raid" or "crypto".
MEMBER_TYPES = frozenset(
    {
        "zfs_member",
        "bcache",
        "ceph_bluestore",
        "oracleasm",
        "drbd",
        "stratis",
        "vdo",
        "mpath_member",
        "BitLocker",
        "VMFS_volume_member",
    }
)
MEMBER_NAMES = {
    "LVM2_member": "an LVM physical volume",
    "LVM1_member": "an LVM physical volume",
    "linux_raid_member": "a member of a RAID array",
    "crypto_LUKS": "a LUKS encrypted volume",
    "zfs_member": "a member of a ZFS pool",
    "mpath_member": "a path of a multipath device",
}


def related(facts: HostFacts, disk: BlockDevice) -> tuple[BlockDevice, ...]:
    """The disk and its partitions."""
    return (disk, *facts.partitions(disk))


def filesystem_beside_table(facts: HostFacts, device: BlockDevice) -> bool:
    """Whether a disk shows a filesystem of its own and a partition table: one is stale, a mount would ruin the other.

    blkid says `dos` of many a boot sector, so that alone is no table.
    """
    return bool(device.signatures) and (bool(facts.partitions(device)) or device.table == "gpt")


def lost_table(facts: HostFacts, disk: BlockDevice) -> Iterator[Reason]:
    """The kernel shows partitions of a disk that has no table any more: after a reboot they would be gone."""
    partitions = facts.partitions(disk)
    if partitions and not (disk.table or disk.table_backup_only):
        if disk.contents in {UNREADABLE, SILENT}:  # the table may well be where it cannot be read
            yield _unreadable(disk)
            return
        names = ", ".join(p.path for p in partitions)
        title = f"the kernel still shows {names}, but {disk.path} no longer has a partition table"
        remedy = f"if it was removed on purpose: partx -d {disk.path}, then try again"
        yield Reason("stale-partitions", title, remedy)


def hidden(disk: BlockDevice) -> Iterator[Reason]:
    """The table on the disk is not the one that the kernel goes by: somebody wrote it since."""
    for partition in disk.hidden:
        where = f"partition {partition.number} at sector {partition.start // disk.sector_size}"
        title = f"the table of {disk.path} has {where}, but the kernel does not show it"
        yield Reason("table-not-read", title, f"sfdisk -d {disk.path}; if that table is right: partx -u {disk.path}")


def is_member(signature: Signature) -> bool:
    """Whether this signature says that the device is part of something larger."""
    known = signature.type in MEMBER_TYPES or signature.type in MEMBER_NAMES
    # What only wipefs saw has no usage, but in libblkid's names most members say so.
    return signature.usage in {"raid", "crypto"} or known or signature.type.endswith("_member")


def not_a_device(facts: HostFacts, path: str) -> Iterator[Reason]:
    """Why a path names no device that opskit could work on."""
    fact = facts.path(path)
    if facts.named(path) is not None:
        return
    linked = (d for d in facts.devices if path in d.links)
    claimed = [d.path for d in (tagged_devices(facts.devices, path) if is_tag(path) else linked)]
    if len(claimed) > 1:
        title = f"{path} is claimed by {' and '.join(claimed)}"
        yield Reason("ambiguous-name", title, "name one of these", exit_code=ExitCode.USAGE)
        return
    kind = fact.kind if fact and not is_tag(path) else "absent"
    remedy = f"{follow_up('disk', 'list')} shows the block devices"
    if kind in {"absent", "unknown", "below-a-file"}:
        disks = [d for d in facts.devices if d.kind == "disk" and not d.system]
        none = "" if disks else "this host has no data disk: attach one in the cloud console first; "
        meant = _meant(facts, path)
        none = f"did you mean {meant}? " if meant else none
        yield Reason("no-such-device", f"{path}: there is no such device", none + remedy, exit_code=ExitCode.USAGE)
    elif kind == "block":
        yield Reason("no-size", f"{path} is a block device without a size", remedy)
    else:
        names = {
            "directory": "a directory",
            "file": "a file",
            "character": "a character device",
            "symlink": "a symlink",
        }
        title = f"{path} is {names.get(kind, 'something else')}, not a block device"
        yield Reason("not-a-block-device", title, remedy, exit_code=ExitCode.USAGE)


def is_no_place(facts: HostFacts, path: str) -> bool:
    """Whether nothing is at a path that is one of a mount point, as far as its name tells, and not of a device."""
    fact = facts.path(path)
    absent = fact is not None and fact.kind in {"absent", "below-a-file"}
    return absent and path.startswith("/") and not path.startswith("/dev/") and not _meant(facts, path)


def no_such_mount(path: str) -> Reason:
    """What is neither a mount point nor a device."""
    remedy = f"{follow_up('disk', 'list')} shows what is mounted"
    return Reason("no-such-mount", f"{path}: no such mount point or device", remedy, exit_code=ExitCode.USAGE)


def _meant(facts: HostFacts, path: str) -> str:
    """The path of the device whose name was typed without the folder (vdb, vg/data); "" for none."""
    if facts.find(f"/dev/{path}"):
        return f"/dev/{path}"
    device = facts.device(path.rpartition("/")[2])
    return device.path if device else ""


def size_and_mode(disk: BlockDevice, *, read_only_is_fine: bool) -> Iterator[Reason]:
    """A disk without a size, or one that cannot be written."""
    if disk.size <= 0:
        yield Reason("no-size", f"{disk.path} has size 0", "check that it has a medium and that the disk is attached")
    if disk.read_only and not read_only_is_fine:
        yield Reason("read-only", f"{disk.path} is read-only", "the cloud console or `blockdev --getro` may say why")


def system(facts: HostFacts, disk: BlockDevice) -> Iterator[Reason]:
    """The disk the host lives on. There is no override."""
    why = tuple(dict.fromkeys(w for device in related(facts, disk) for w in device.system))
    if why:
        title = f"{disk.path} is a system disk: {', '.join(why)} is on it"
        remedy = f"name the data disk; {follow_up('disk', 'list')} shows the verdict on each"
        yield Reason("system-disk", title, remedy)


def in_use(facts: HostFacts, disk: BlockDevice, *, at: str = "", place: str = "") -> Iterator[Reason]:
    """Whoever uses the disk or a partition of it.

    at: a mount point where it is fine to be mounted already, of the device with the kernel name place.
    """
    explained = False
    for device in related(facts, disk):
        explained = explained or bool(device.mounts)
        # Once it is in service, its other mounts are copies: bind mounts, and what a service's namespace got of ours.
        in_service = device.name == place and device.is_mounted_on(at)
        if not in_service:
            yield from _mounts(device)
            for loop in facts.loops_over(device):
                explained = True
                title = f"{device.path} is held by {loop.path} (a loop device over a file on it: {loop.backing_file})"
                yield Reason("held", title, f"losetup -d {loop.path}")
        if device.swap:
            explained = True
            yield Reason("swap", f"{device.path} is swap space in use", f"swapoff {device.path}")
        for name in device.holders:
            explained = True
            holder = facts.device(name)
            what = f" ({holder.holder_of})" if holder and holder.holder_of else ""
            remedy = f"lsblk {device.path}"
            if holder and holder.kind == "loop":  # of which lsblk says nothing
                what, remedy = " (a loop device over it)", f"losetup -d /dev/{name}"
            path = name_in_list(facts, holder) if holder else f"/dev/{name}"
            yield Reason("held", f"{device.path} is held by {path}{what}", remedy)
        yield from _multipath(facts, device)
    busy = next((d for d in related(facts, disk) if d.exclusive == BUSY), None)
    if busy and not explained:
        title = f"{busy.path} is held open by another program, exclusively (O_EXCL)"
        yield Reason("held-exclusively", title, f"fuser -v {busy.path}; lsblk {busy.path}")


def _mounts(device: BlockDevice) -> Iterator[Reason]:
    """Where it is mounted. What services with a mount namespace of their own got of our mounts goes without saying."""
    own = {mount.target for mount in device.own_mounts}
    for mount in device.mounts:
        if not mount.namespace:
            remedy = follow_up("disk", "umount", mount.target)
            yield Reason("mounted", f"{name_of_device(device)} is mounted on {mount.target}", remedy)
        elif mount.target not in own:
            title = f"{device.path} is mounted on {mount.target} in the mount namespace of pid {mount.namespace}"
            yield Reason("mounted", title, f"systemctl status {mount.namespace} shows which service that is; stop it")


def covered(facts: HostFacts, path: str, mount: Mount) -> Optional[Reason]:
    """Why what is mounted cannot be reached at its mount point: something is mounted over it, or above."""
    target = shlex.quote(mount.target)
    top, above = facts.mount_on(mount.target), facts.mounted_above(mount)
    if top and top.device != mount.device:
        title = (
            f"{path} is mounted on {mount.target}, and {top.source} ({top.fstype}) over it: it cannot be reached there"
        )
        remedy = f"findmnt {target}; umount {target} takes the uppermost away"
        return Reason("mounted-over", title, remedy)
    if above:
        title = f"{path} is mounted on {mount.target}, and {above.source} ({above.fstype}) since then on {above.target}"
        at = shlex.quote(above.target)
        remedy = f"umount {at} {target}; mount {at}; then run this again"
        return Reason("mounted-over", f"{title}: it cannot be reached there", remedy)
    return None


def _multipath(facts: HostFacts, device: BlockDevice) -> Iterator[Reason]:
    if device.multipath:
        yield Reason("multipath", f"{device.path} is a path of a multipath device", "multipath -ll")
    if device.kind != "disk" or not device.wwn:
        return
    twins = [d.path for d in facts.devices if d.kind == "disk" and d.wwn == device.wwn and d.name != device.name]
    if twins:
        title = f"{device.path} and {', '.join(twins)} have the same WWN: two paths to one disk, or two copies of it"
        yield Reason("same-wwn", title, "set up multipath, or detach one")


def members(facts: HostFacts, disk: BlockDevice) -> Iterator[Reason]:
    """PV, RAID, crypt, multipath, ZFS and other members: never formatted, never wiped by opskit."""
    for device in related(facts, disk):
        for signature in device.signatures:
            if is_member(signature):
                what = MEMBER_NAMES.get(signature.type, f"a member ({signature.type})")
                remedy = f"remove it with its own tools first; wipefs {device.path} then shows what is left"
                yield Reason("member", f"{device.path} is {what}", remedy)
    for hidden in disk.hidden:
        types = [s.type for s in hidden.signatures if is_member(s)] + ["unclear"] * hidden.ambivalent
        for kind in types:
            what = MEMBER_NAMES.get(kind, f"a member ({kind})")
            title = f"partition {hidden.number} in the table of {disk.path}, which the kernel does not show, is {what}"
            yield Reason("member", title, f"partx -a {disk.path} shows it; remove it with its own tools first")


# What may be wiped although something else shows beside it: plain filesystems, swap, and what they leave.
PLAIN = frozenset(
    [
        "ext2",
        "ext3",
        "ext4",
        "jbd",
        "xfs",
        "xfs_external_log",
        "btrfs",
        "vfat",
        "exfat",
        "ntfs",
        "hfsplus",
        "f2fs",
        "udf",
        "iso9660",
        "squashfs",
        "reiserfs",
        "jfs",
        "swap",
        "swsuspend",
        "minix",
        "romfs",
        "cramfs",
        "erofs",
    ]
)


def unknown_signatures(facts: HostFacts, disk: BlockDevice) -> Iterator[Reason]:
    """Signatures that contradict each other, one of which opskit does not know: it may be of a member."""
    for device in related(facts, disk):
        strange = [s.type for s in device.signatures if s.type not in PLAIN and not is_member(s)]
        if device.ambivalent and strange:
            title = f"{device.path} has the signature {strange[0]}, which opskit does not know, beside another"
            yield Reason("unknown-signature", title, f"wipefs {device.path}; erase it by hand if it is stale")


def named_in_tables(facts: HostFacts, disk: BlockDevice) -> Iterator[Reason]:
    """Fstab or crypttab count on what is on the disk now."""
    hidden = (replace(disk, signatures=partition.signatures) for partition in disk.hidden)
    devices = (*related(facts, disk), *hidden)
    # The names that partitions of this disk have had or may get: /dev/vdb1, /dev/nvme0n1p1, /dev/disk/by-id/x-part1.
    names = "|".join(re.escape(name) for name in (disk.path, *disk.links))
    partition_name = re.compile(rf"(?:{names})(?:p|-part)?\d+")

    def counts_on_it(source: str) -> bool:
        return any(named_by(source, d) for d in devices) or partition_name.fullmatch(source) is not None

    tables = (facts.fstab, *filter(None, [facts.system_fstab]))
    for table in tables:
        for entry in entries(table.text):
            if counts_on_it(entry.source):
                title = f"{table.path} line {entry.number} uses {disk.path}: {entry.source} on {entry.target}"
                named = ("--fstab", table.path) if table is facts.system_fstab else ()
                umount = follow_up("disk", "umount", entry.target, *named)
                remedy = f"{umount} removes the entry" if entry.has_target else "remove the line"
                yield Reason("named-in-fstab", title, remedy)
    for table in (*tables, facts.crypttab):
        if table.exists and table.problem:
            title = f"cannot tell whether {table.path} uses {disk.path}: {table.problem}"
            yield Reason("table-unreadable", title, f"ls -l {table.path}")
    for line in facts.crypttab.text.splitlines():
        fields = line.split()
        if len(fields) > 1 and not fields[0].startswith("#") and counts_on_it(fields[1]):
            title = f"{facts.crypttab.path} uses {disk.path}: {fields[0]} is made of {fields[1]}"
            yield Reason("named-in-crypttab", title, "remove the line if it is no longer true")


def unreadable(facts: HostFacts, disk: BlockDevice) -> Iterator[Reason]:
    """A disk that fails is not put into service."""
    for device in related(facts, disk):
        inside = facts.device(device.disk)
        if inside and device.start + device.size > inside.size > 0:
            title = f"{device.path} ends beyond the end of {inside.path}: the disk was made smaller, or is another one"
            remedy = f"give the disk its old size back; if only the kernel has the partition: partx -d {inside.path}"
            yield Reason("beyond-disk-end", title, remedy)
        elif device.contents in {UNREADABLE, SILENT}:
            yield _unreadable(device)


def _unreadable(device: BlockDevice) -> Reason:
    if device.contents == SILENT:
        remedy = "dmesg | tail; dmsetup info shows a volume that is suspended, multipath -ll one without a path"
        return Reason("unreadable", f"{device.path} does not answer", remedy)
    return Reason("unreadable", f"{device.path} cannot be read in full", "dmesg | tail; is the disk failing?")


def unread(facts: HostFacts, disk: BlockDevice) -> Iterator[Reason]:
    """A disk whose bytes could not be read, or that nobody looked at, is never written."""
    yield from unreadable(facts, disk)
    if disk.contents == UNREAD and not any(d.mounts for d in related(facts, disk)):
        title = f"the contents of {disk.path} were not read"
        remedy = f"run it as root; for saved facts: sudo {follow_up('disk', 'facts')} > host.json"
        yield Reason("unread", title, remedy)


def backup_gpt(disk: BlockDevice, *, wipes: bool = True) -> Iterator[Reason]:
    """A damaged table: what the kernel still shows of its partitions is gone at the next boot.

    wipes: whether the command has --wipe.
    """
    if disk.table_backup_only:
        remedy = f"restore it (gdisk {disk.path}: r, b, w)"
        remedy += f", or, if it may be destroyed: --wipe {shlex.quote(disk.path)}" if wipes else ""
        yield Reason("backup-gpt", f"the GPT of {disk.path} is damaged: only its backup is left", remedy)


def missing_tool(facts: HostFacts, tool: str) -> Iterator[Reason]:
    """A program that the plan needs is not on the host."""
    if tool not in facts.tools:
        remedy = install_line(facts.package_manager, tool)
        yield Reason("missing-tool", f"{tool} is not on this host", remedy, exit_code=ExitCode.MISSING)


def duplicate_uuid(facts: HostFacts, device: BlockDevice, uuid: str) -> Iterator[Reason]:
    """Two filesystems with one UUID: a mount by UUID could mean either of them."""
    family = {device.name, device.disk, *device.holders, *device.slaves}
    for other in facts.devices:
        if other.name not in family and uuid and any(s.uuid == uuid for s in other.signatures):
            same = f"{device.path} and {other.path} have the same filesystem UUID {uuid}"
            path = shlex.quote(device.path)
            if any(s.type == "btrfs" for s in other.signatures):  # all its devices have the one UUID
                remedy = f"btrfs filesystem show {path}; if it lists both: btrfs device scan; mount {path} DIRECTORY"
                yield Reason("duplicate-uuid", f"{same}: one btrfs on both, or a copy", remedy)
                continue
            title = f"{same}: one is a copy of the other"
            remedy = "detach one, or give the copy its own UUID (xfs_admin -U generate, tune2fs -U random)"
            if any(s.type == "xfs" for s in other.signatures):
                remedy += "; xfs_admin refuses a dirty log: mount the copy with -o nouuid and umount it once before"
            yield Reason("duplicate-uuid", title, remedy)


def unchangeable(facts: HostFacts, disk: BlockDevice) -> Iterator[Reason]:
    """All that forbids making anything on a disk, --wipe or not. Nothing is said of a system disk: system() has."""
    if any(device.system for device in related(facts, disk)):
        return
    if disk.kind not in FORMATTABLE:
        kind = {"dm": "a device mapper volume", "md": "a RAID array", "rom": "a CD drive"}.get(
            disk.kind, f"of kind {disk.kind}"
        )
        yield Reason(
            "not-a-disk", f"{disk.path} is {kind}, not a raw disk", "opskit makes filesystems on raw disks only"
        )
    yield from members(facts, disk)
    yield from unknown_signatures(facts, disk)
    yield from named_in_tables(facts, disk)
    yield from unread(facts, disk)
