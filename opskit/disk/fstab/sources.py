"""What the source of an fstab entry means on this host: which devices, and how much the boot hangs on it. Pure."""

from __future__ import annotations

import re

from opskit.disk.fstab.text import FstabEntry, entries
from opskit.disk.model import BlockDevice, HostFacts, named_by

TAGS = ("UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=")
# Names that the kernel gives in the order in which it finds the disks.
UNSTABLE = re.compile(
    r"/dev/(?:(?:[hsv]d|xvd)[a-z]+[0-9]*|nvme[0-9]+n[0-9]+(?:p[0-9]+)?|mmcblk[0-9]+(?:p[0-9]+)?"
    r"|dm-[0-9]+|loop[0-9]+(?:p[0-9]+)?|nbd[0-9]+(?:p[0-9]+)?)"
)
# Filesystems over several devices, each of which carries the one UUID.
SHARED_UUID_TYPES = frozenset({"btrfs", "zfs_member", "bcachefs", "linux_raid_member"})
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
    """The devices that the source names. Members of something larger are left out when that is named too."""
    named = [d for d in facts.devices if named_by(entry.source, d)]
    whole = [d for d in named if not d.holders]
    return tuple(whole or named)


def missing(facts: HostFacts) -> tuple[FstabEntry, ...]:
    """The entries whose device is not on this host; not those of media that come and go (noauto)."""
    counted_on = (e for e in entries(facts.fstab.text) if not e.ignored and "noauto" not in e.option_list)
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


def waits_at_boot(entry: FstabEntry) -> bool:
    """Whether systemd ends in emergency mode when the device is absent: local-fs.target needs the mount.

    Not for swap, which swap.target only wants.
    """
    options = entry.option_list
    automount = any(o.startswith("x-systemd.automount") for o in options)
    return not (entry.is_swap or automount or {"nofail", "noauto"} & set(options))
