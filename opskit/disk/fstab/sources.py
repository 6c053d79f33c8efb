"""What the source of an fstab entry means on this host: which devices, and how much the boot hangs on it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opskit.disk.fstab.boot import entry_at_boot, unit_at_boot
from opskit.disk.fstab.text import FstabEntry, entries
from opskit.disk.model import TAGS, BlockDevice, HostFacts, Mount, named_by, tagged_devices

# Names that the kernel gives in the order in which it finds the disks.
UNSTABLE = re.compile(
    r"/dev/(?:(?:[hsv]d|xvd)[a-z]+[0-9]*|nvme[0-9]+n[0-9]+(?:p[0-9]+)?|mmcblk[0-9]+(?:p[0-9]+)?"
    r"|dm-[0-9]+|loop[0-9]+(?:p[0-9]+)?|nbd[0-9]+(?:p[0-9]+)?)"
)
# Filesystems over several devices, each of which carries the one UUID.
SHARED_UUID_TYPES = frozenset({"btrfs", "zfs_member", "bcachefs", "linux_raid_member"})
# The ext4 driver mounts all three, and vfat and msdos are one format.
SAME_TYPES = {"ext4": ("ext2", "ext3"), "ext3": ("ext2",), "msdos": ("vfat",)}
# Drivers for a format that blkid calls by another name.
DRIVERS = {"ntfs-3g": "ntfs", "ntfs3": "ntfs", "fuseblk": "ntfs", "lowntfs-3g": "ntfs"}
# Options of mount(8) that the kernel shows of every mount, and those that take one back.
_SHOWN = frozenset({"ro", "noexec", "nosuid", "nodev", "noatime", "nodiratime", "sync", "dirsync"})
_TAKEN_BACK = {"rw": "ro", "exec": "noexec", "suid": "nosuid", "dev": "nodev", "async": "sync"}
# systemd's words for no.
_NO = frozenset({"0", "no", "n", "false", "f", "off"})
# Filesystems whose source is no block device, whatever it looks like.
VIRTUAL_TYPES = frozenset(
    {"tmpfs", "proc", "sysfs", "devpts", "devtmpfs", "overlay", "nfs", "nfs4", "cifs", "9p", "ceph"}
)


def names_a_device(entry: FstabEntry) -> bool:
    """Whether the source is meant for a block device: not one of a network or a virtual filesystem, or a bind mount."""
    options = set(entry.option_list)
    if entry.fstype in VIRTUAL_TYPES or entry.fstype.startswith("fuse") or options & {"bind", "rbind"}:
        return False
    return entry.source.startswith((*TAGS, "/dev/"))


def devices_of(facts: HostFacts, entry: FstabEntry) -> tuple[BlockDevice, ...]:
    """The devices that the source names; see tagged_devices."""
    return tagged_devices(facts.devices, entry.source)


def missing(facts: HostFacts) -> tuple[FstabEntry, ...]:
    """The entries whose device is not on this host; not those of media that come and go (noauto, not taken back)."""
    read = (e for e in entries(facts.fstab.text) if not e.ignored)
    counted_on = (e for e in read if "noauto" not in e.option_list or waits_at_boot(facts, e))
    return tuple(e for e in counted_on if names_a_device(e) and not devices_of(facts, e))


def what_and_where(entry: FstabEntry) -> str:
    """The source, and the mount point if it has one."""
    return f"{entry.source} for {entry.target}" if entry.has_target else entry.source


def unstable(source: str) -> bool:
    """Whether the source is a kernel name, which can be another disk's after a reboot."""
    return UNSTABLE.fullmatch(source) is not None


def by_uuid(device: BlockDevice) -> str:
    """`UUID=…` for the one filesystem or swap area on the device, "" when there is none."""
    uuids = [s.uuid for s in device.signatures if s.uuid and s.usage in {"filesystem", "other"}]
    return f"UUID={uuids[0]}" if len(uuids) == 1 else ""


def exact_source(source: str, device: BlockDevice) -> str:
    """The UUID= or PARTUUID= of a source in the letters that the device has it in; any other source as it is."""
    tag, equals, value = source.partition("=")
    plain = value.strip("\"'")
    uuids = [signature.uuid for signature in device.signatures] if tag == "UUID" else [device.partition_uuid]
    same = [uuid for uuid in uuids if uuid.lower() == plain.lower()]
    if tag not in {"UUID", "PARTUUID"} or plain in same or not same:
        return source
    return f"{tag}{equals}{same[0]}"


def shared_uuid_is_normal(device: BlockDevice) -> bool:
    """Whether other devices may well carry the same UUID."""
    return any(s.type in SHARED_UUID_TYPES for s in device.signatures)


def is_system(facts: HostFacts, device: BlockDevice) -> bool:
    """Whether the host lives on the device or on the disk it is on, so that it is there at every boot."""
    waiting, checked = [device.name], set()
    while waiting:
        name = waiting.pop()
        current = facts.device(name)
        if current is None or name in checked:
            continue
        checked.add(name)
        if current.system:
            return True
        waiting += [current.disk, *current.slaves]
    return False


def opened_by_hand(facts: HostFacts, device: BlockDevice) -> tuple[tuple[BlockDevice, BlockDevice], ...]:
    """The encrypted volumes that a device is, or lies on, which nothing opens at boot: each with its LUKS device.

    Those that crypttab or the kernel's command line names are opened. The initramfs opens those of the system, and has
    other ways to know of them. A crypttab that cannot be read is taken to name them all.
    """
    if facts.crypttab.problem or is_system(facts, device):
        return ()
    lines = [line.split() for line in facts.crypttab.text.splitlines()]
    named = [fields for fields in lines if len(fields) > 1 and not fields[0].startswith("#")]
    return tuple(
        (volume, below)
        for volume, below in _encrypted(facts, device)
        if not _named_by_kernel(facts.luks_arguments, below)
        and not any(
            f"/dev/mapper/{fields[0]}" in volume.links
            or volume.holder_of == f"encrypted volume {fields[0]}"
            or named_by(fields[1], below)
            for fields in named
        )
    )


def _named_by_kernel(arguments: tuple[str, ...], luks: BlockDevice) -> bool:
    """Whether the kernel's command line has the volume opened.

    systemd-cryptsetup-generator(8): luks.uuid=UUID and luks.name=UUID=NAME, and with rd. before them in the initramfs;
    dracut.cmdline(7): rd.luks.uuid= can be the beginning of a UUID, and rd_LUKS_UUID= is its older name. Both take
    `luks-` off a UUID, and neither opens one with rd.luks=0, nor systemd with luks=no.
    """
    said = dict(word.partition("=")[::2] for word in arguments if word.startswith(("luks=", "rd.luks=")))
    off = [name for name, value in said.items() if value.lower() in _NO]
    uuids = [s.uuid.lower() for s in luks.signatures if s.type == "crypto_LUKS" and s.uuid]
    for word in arguments:
        name, _, value = word.partition("=")
        value = value.removeprefix("luks-").lower()
        if not value or "luks" in off or ("rd.luks" in off and name.startswith("rd")):
            continue
        if name in {"rd.luks.uuid", "rd_LUKS_UUID"} and any(uuid.startswith(value) for uuid in uuids):
            return True
        if name in {"luks.uuid", "luks.name", "rd.luks.name"} and value.partition("=")[0] in uuids:
            return True
    return False


def _encrypted(facts: HostFacts, device: BlockDevice) -> Iterator[tuple[BlockDevice, BlockDevice]]:
    """The opened LUKS volumes among a device and all that is below it, each with the LUKS device."""
    waiting, checked = [device.name], set()
    while waiting:
        current = facts.device(waiting.pop())
        if current is None or current.name in checked:
            continue
        checked.add(current.name)
        waiting += [current.disk, *current.slaves]
        slaves = filter(None, map(facts.device, current.slaves))
        luks = next((slave for slave in slaves if any(s.type == "crypto_LUKS" for s in slave.signatures)), None)
        if luks and current.holder_of.startswith("encrypted volume "):
            yield current, luks


def crypttab_line(volume: BlockDevice, luks: BlockDevice) -> str:
    """The line of crypttab that opens a volume at boot, by its name of now."""
    name = volume.holder_of.partition("encrypted volume ")[2]
    uuid = next(s.uuid for s in luks.signatures if s.type == "crypto_LUKS")
    return f"{name} UUID={uuid} none nofail"


def waits_at_boot(facts: HostFacts, entry: FstabEntry) -> bool:
    """Whether the boot ends in emergency mode when the device is absent: local-fs.target requires its mount.

    Not for swap, which swap.target only wants, and not for what is mounted with the network.
    """
    unit = unit_at_boot(entry_at_boot(entry, facts.systemd_release))
    return unit is not None and unit.stops_boot


def fits_type(entry: FstabEntry, fstype: str) -> bool:
    """Whether the type in an entry mounts a filesystem that blkid calls fstype."""
    types = [DRIVERS.get(name, name) for name in entry.fstype.split(",")]
    return "auto" in types or fstype in types or any(fstype in SAME_TYPES.get(name, ()) for name in types)


def not_in_force(mount: Mount, options: str) -> list[str]:
    """Which of these options the mount does not have, of those that the kernel shows of every mount."""
    now = set(mount.options.split(","))
    return [o for o in options.split(",") if (o in _SHOWN and o not in now) or _TAKEN_BACK.get(o, "") in now]
