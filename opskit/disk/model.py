"""What the disk area knows of a host: frozen dataclasses that turn into JSON and back (core/jsonable.py).

see/ fills them from the host; guard.py and the plans decide on them. Sizes and offsets are in bytes.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from dataclasses import field
from typing import Optional

from opskit.core.jsonable import Moment
from opskit.core.packages import YUM
from opskit.core.record import dataclass
from opskit.disk.lvm.model import LogicalVolume, PhysicalVolume, UnfinishedGrowth, VolumeGroup

SCHEMA = 1

# What the sampled bytes of a device say (probe.py).
ZERO = "zero"
DATA = "data"
UNREADABLE = "unreadable"
SILENT = "silent"  # no answer at all: a volume that is suspended, a path that is gone
UNREAD = "unread"  # not looked at: no root, or the decision needs no look

# What a device can be named by in place of a path: mount(8).
TAGS = ("UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=")

# Mount points without which the host is not the host.
SYSTEM_TARGETS = ("/", "/boot", "/boot/efi", "/efi", "/usr", "/var", "/etc", "/sysroot")

# Looked for on every occasion: what only writes fstab runs it, too.
RESTORECON = "restorecon"
# A version begins with these two numbers.
VERSION = re.compile(r"(\d+)\.(\d+)")
# util-linux releases (their ReleaseNotes): 2.26 sfdisk knows GPT and scripts, 2.29 --no-tell-kernel.
SFDISK_SCRIPTS = (2, 26)
SFDISK_NO_TELL_KERNEL = (2, 29)
UNSHARE_PROPAGATION = (2, 26)  # unshare --propagation: of the same package, so of the same version
# Measured: the wipefs of 2.38 sees a lone backup GPT, that of 2.23 does not (CentOS 7). Between them nobody looked.
WIPEFS_BACKUP_GPT = (2, 26)

# What a test open with O_EXCL says.
FREE = "free"
BUSY = "busy"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Signature:
    """A magic string on a device: a filesystem, a partition table, a swap area, a RAID or LVM member.

    usage is libblkid's: filesystem, raid, crypto, other, or partition-table.
    """

    type: str
    usage: str = ""
    uuid: str = ""
    label: str = ""
    version: str = ""


@dataclass(frozen=True)
class Mount:
    """A mount of a block device.

    namespace: the pid of a process in the other mount namespace, 0 for our own.
    """

    device: str  # major:minor
    target: str
    source: str
    fstype: str
    options: str
    namespace: int = 0

    @property
    def read_only(self) -> bool:
        """Whether it is mounted read-only."""
        return "ro" in self.options.split(",")


@dataclass(frozen=True)
class FilesystemSize:
    """How much of its device a filesystem covers, read from its superblock or its ioctl."""

    block_size: int
    blocks: int
    # The blocks that growing would give; the filesystem's own rounding is in it.
    blocks_possible: int
    # As many as its block numbers reach to (ext without the feature 64bit), 0 where no disk is larger.
    most_blocks: int = 0


@dataclass(frozen=True)
class HiddenPartition:
    """A partition in a disk's table that the kernel does not show there, with what is on it."""

    number: int
    start: int
    signatures: tuple[Signature, ...] = ()
    ambivalent: bool = False


@dataclass(frozen=True)
class BlockDevice:
    """A block device as sysfs, udev and a look at its bytes show it."""

    name: str  # the kernel's name: vdb, nvme0n1p1
    path: str  # /dev/vdb
    kind: str  # disk, partition, loop, dm, md, rom, ram, zram …
    number: str  # major:minor
    size: int
    links: tuple[str, ...] = ()  # /dev/disk/by-*/… and /dev/mapper/…
    sector_size: int = 512
    optimal_io: int = 0
    alignment_offset: int = 0
    read_only: bool = False
    removable: bool = False
    serial: str = ""
    wwn: str = ""
    model: str = ""
    backing_file: str = ""  # of a loop device
    identity_file: str = ""  # where sysfs has what `identity` says
    diskseq: int = 0  # counts up with each new disk behind a name (Linux 5.15), 0 where unknown
    # A partition:
    disk: str = ""  # kernel name of the disk it is on
    partition_number: int = 0
    start: int = 0
    partition_uuid: str = ""
    partition_name: str = ""
    partition_type: str = ""
    # A disk:
    table: str = ""  # gpt, dos, …
    table_uuid: str = ""
    table_backup_only: bool = False  # a GPT whose primary header is gone
    hidden: tuple[HiddenPartition, ...] = ()
    # What is on it:
    signatures: tuple[Signature, ...] = ()
    ambivalent: bool = False  # blkid exit 8: two signatures that contradict each other
    contents: str = UNREAD
    bytes_hash: str = ""  # of what was read of data: the same bytes are known again by it
    superblock_damaged: bool = False
    made_partly: bool = False  # a mkfs did not finish: xfs in progress, ext not valid and never mounted
    errors: bool = False  # ext itself is marked as having errors
    filesystem_size: Optional[FilesystemSize] = None
    # Who uses it:
    holders: tuple[str, ...] = ()  # kernel names from sysfs
    slaves: tuple[str, ...] = ()
    holder_of: str = ""  # what a dm or md device is: "LVM volume vg-data", "md0 (raid1)"
    exclusive: str = UNKNOWN
    swap: bool = False
    multipath: bool = False
    mounts: tuple[Mount, ...] = ()
    used: int = -1  # bytes in use of a mounted filesystem; -1 where unknown
    free: int = -1
    system: tuple[str, ...] = ()  # why it belongs to the system: "/", "/boot", "swap", "root="

    @property
    def filesystem(self) -> Optional[Signature]:
        """The one filesystem on it, if there is just one signature and that is a filesystem."""
        filesystems = [s for s in self.signatures if s.usage == "filesystem"]
        return filesystems[0] if len(filesystems) == 1 and len(self.signatures) == 1 and not self.ambivalent else None

    @property
    def own_mounts(self) -> tuple[Mount, ...]:
        """Where it is mounted in our own namespace, the last one last."""
        return tuple(m for m in self.mounts if m.namespace == 0)

    def is_mounted_on(self, target: str) -> bool:
        """Whether it is mounted on this mount point, in our own namespace."""
        return any(m.target == target for m in self.own_mounts)

    @property
    def basis(self) -> tuple[str, ...]:
        """What tells this disk from another one behind the same name, for Plan.basis; it lasts through a reboot.

        A file behind a loop device can be another one by the same name, and some disks say nothing of themselves: these
        are known only as long as the kernel numbers them the same.
        """
        known = (self.name, f"{self.size} bytes", self.identity or "no serial number")
        if self.wwn or self.serial:
            return known
        return (*known, f"device {self.number}", f"sequence {self.diskseq}")

    @property
    def contents_basis(self) -> tuple[str, ...]:
        """What tells of what is on it, for Plan.basis; empty for what is blank."""
        kinds = [f"{self.table} table {self.table_uuid}"] if self.table else []
        kinds += [f"{signature.type} {signature.uuid}".strip() for signature in self.signatures]
        where = f" at {self.start}" if self.disk else ""
        return tuple(f"{self.name}{where}: {kind}" for kind in kinds)

    @property
    def identity(self) -> str:
        """What tells this disk from another one of its name, and lasts through a reboot; "" if nothing does."""
        for key in ("wwn", "serial", "backing_file"):
            value = getattr(self, key)
            if value:
                return f"{key}:{value}"
        return ""


@dataclass(frozen=True)
class PathFact:
    """What is at a path: absent, directory, file, symlink, block, character, other, below-a-file or unknown.

    real: the path with every symlink resolved.
    unanswered: why nobody could look at it (a server that does not answer, an automount point), "" if it was looked at.
    unmakable: why nothing can be made at an absent path, "" if it can, as far as the filesystem above it tells.
    """

    path: str
    kind: str
    real: str
    empty: bool = False
    mounted: bool = False
    symlink_in: str = ""  # a symlink among its parents, or itself
    weak: str = ""  # what lets others than root put something else at this path (core/trust.py)
    unanswered: str = ""
    unmakable: str = ""


@dataclass(frozen=True)
class FileFact:
    """A text file that opskit edits or reads whole: fstab, crypttab.

    text: bytes that are not UTF-8 are surrogate escapes.
    problem: why it cannot be read, "" when it can.
    """

    path: str
    real: str
    exists: bool
    text: str = ""
    problem: str = ""
    immutable: bool = False  # it or its directory: chattr +i or +a
    read_only: bool = False  # its filesystem is mounted read-only
    directory_free: int = -1  # bytes free where it is written
    sha256: str = ""  # of the file itself, where passwords in the text are masked
    leftovers: tuple[str, ...] = ()  # temporary files beside it, of writes that were killed


@dataclass(frozen=True)
class DiskPlace:
    """Where a filesystem goes: a disk, and on it a partition (or, with partition_number 0, the whole disk).

    partition_uuid and partition_name are chosen before; a tool that cannot set the one sets the other.
    """

    disk: str  # kernel name
    disk_path: str
    disk_identity: str
    disk_size: int
    sector_size: int
    start: int
    size: int
    table: str = ""
    table_uuid: str = ""
    partition_number: int = 0
    partition_uuid: str = ""
    partition_name: str = ""


@dataclass(frozen=True)
class MadeRecord:
    """What the ledger says opskit began to make at a place: enough to know it again after a crash.

    never_mounted: no run of opskit put this filesystem into service yet.
    """

    run: str
    place: DiskPlace
    filesystem_uuid: str = ""
    mkfs_began: bool = False
    mkfs_done: bool = False
    never_mounted: bool = False
    left: str = ""  # the bytes_hash of what a mkfs that failed has left


@dataclass(frozen=True)
class UsingProcess:
    """A process that uses a filesystem.

    what: open file, working directory, root directory, program, mapped file.
    unit: the service of systemd that it belongs to, "" for none.
    """

    pid: int
    command: str
    user: str
    what: str
    unit: str = ""


@dataclass(frozen=True)
class SwapArea:
    """A line of /proc/swaps: swap in use.

    kind: file or partition (which is any block device).
    """

    path: str
    kind: str
    size: int
    used: int

    @property
    def is_zram(self) -> bool:
        """Whether it is compressed memory, and on no disk."""
        return self.path.startswith("/dev/zram")


@dataclass(frozen=True)
class HostFacts:
    """All that a decision of the disk area stands on."""

    schema: int
    taken: Moment
    host: str
    root: bool
    devices: tuple[BlockDevice, ...]
    fstab: FileFact
    crypttab: FileFact
    paths: tuple[PathFact, ...] = ()
    tools: dict[str, str] = field(default_factory=dict)  # tool -> version; an absent tool is not in it
    package_manager: str = YUM  # core/packages.py; facts without it were saved on a host of the EL family
    mounts: tuple[Mount, ...] = ()  # of every filesystem in our namespace
    systemd: bool = False
    systemd_release: int = 0  # 0 where unknown
    swap_files: dict[str, str] = field(default_factory=dict)  # in use: path -> major:minor of its filesystem
    swap_areas: tuple[SwapArea, ...] = ()  # in use: files and devices
    made: tuple[MadeRecord, ...] = ()
    system_fstab: Optional[FileFact] = None  # /etc/fstab, when another one is worked on (--fstab)
    users: tuple[UsingProcess, ...] = ()  # of the filesystem that is to be unmounted
    exported: tuple[str, ...] = ()  # what the kernel's NFS server holds for its clients; read with users
    volume_groups: tuple[VolumeGroup, ...] = ()  # of LVM; one with the name "" has what is in no group
    growths: tuple[UnfinishedGrowth, ...] = ()  # the newest run about each logical volume, where it was cut short
    luks_arguments: tuple[str, ...] = ()  # of the kernel's command line: luks.uuid=…, rd.luks.name=…
    may_resize: bool = True  # root has CAP_SYS_RESOURCE, without which the kernel makes no mounted ext larger
    unseen: tuple[str, ...] = ()  # what could not be looked at, and why

    @property
    def systemd_reads_fstab(self) -> bool:
        """Whether systemd runs here and makes its mount units from this very fstab."""
        return self.systemd and "/etc/fstab" in {self.fstab.path, self.fstab.real}

    @property
    def relabels(self) -> bool:
        """Whether what opskit writes or makes gets its SELinux context by restorecon: where that is on the host."""
        return RESTORECON in self.tools

    @property
    def relabels_fstab(self) -> bool:
        """Whether fstab is one of those: restorecon labels by path, and /mnt/sysimage/etc/fstab is none to the policy.

        Another fstab than the host's own keeps the context that it has.
        """
        return self.relabels and self.fstab.real == "/etc/fstab"

    def device(self, name: str) -> Optional[BlockDevice]:
        """The device with this kernel name."""
        return next((d for d in self.devices if d.name == name), None)

    def find(self, path: str) -> Optional[BlockDevice]:
        """The device at this path, or the only one that says this link is its own."""
        exact = next((d for d in self.devices if path == d.path), None)
        linked = [d for d in self.devices if path in d.links]
        return exact or (linked[0] if len(linked) == 1 else None)

    def named(self, path: str) -> Optional[BlockDevice]:
        """The device that a person means by this path: where a symlink leads counts, not who claims it as his.

        By UUID=…, LABEL=… and the like: the only one that has it.
        """
        if is_tag(path):
            tagged = tagged_devices(self.devices, path)
            return tagged[0] if len(tagged) == 1 else None
        fact = self.path(path)
        return self.find(fact.real if fact and fact.kind in {"symlink", "block"} else path)

    def disk_of(self, device: BlockDevice) -> BlockDevice:
        """The disk that a partition is on; any other device itself."""
        return self.device(device.disk) or device

    def mount_on(self, target: str) -> Optional[Mount]:
        """The uppermost mount on a mount point, in our own namespace."""
        return next((m for m in reversed(self.mounts) if m.target == target), None)

    def mounted_above(self, mount: Mount) -> Optional[Mount]:
        """What was mounted later on a directory above a mount point, and hides it: the mounts are in that order.

        Not `/`: what an initramfs mounts is moved there.
        """
        here = [i for i, m in enumerate(self.mounts) if (m.device, m.target) == (mount.device, mount.target)]
        later = self.mounts[here[-1] + 1 :] if here else ()
        return next((m for m in later if m.target != "/" and mount.target.startswith(m.target + "/")), None)

    def device_of(self, mount: Optional[Mount]) -> Optional[BlockDevice]:
        """The device of a mount, None for what is on none."""
        return next((d for d in self.devices if mount and d.number == mount.device), None)

    def loops_over(self, device: BlockDevice) -> tuple[BlockDevice, ...]:
        """The loop devices over files of the filesystem on this device."""
        loops = (d for d in self.devices if d.kind == "loop" and device.name in d.slaves)
        return tuple(d for d in loops if d.name not in device.holders)

    def volume_of(self, device: BlockDevice) -> Optional[tuple[VolumeGroup, LogicalVolume]]:
        """The logical volume that this device is, with its group."""
        volumes = ((group, volume) for group in self.volume_groups for volume in group.volumes)
        return next((each for each in volumes if each[1].device == device.name), None)

    def physical_on(self, device: BlockDevice) -> Optional[tuple[VolumeGroup, PhysicalVolume]]:
        """The physical volume on this device, with its group, whose name is "" when it is in none."""
        physical = ((group, physical) for group in self.volume_groups for physical in group.physical)
        return next((each for each in physical if each[1].device == device.name), None)

    def was_made(self, uuid: str) -> bool:
        """Whether the ledger tells that opskit made the filesystem with this UUID."""
        return any(m.mkfs_done and m.filesystem_uuid == uuid for m in self.made)

    def has_tool(self, tool: str, version: tuple[int, int]) -> bool:
        """Whether the tool is there in this version or a newer one."""
        match = VERSION.search(self.tools.get(tool, ""))
        return match is not None and (int(match.group(1)), int(match.group(2))) >= version

    def mounted_at(self, path: str) -> str:
        """The mount point of the filesystem that a path is on."""
        targets = {mount.target for mount in self.mounts}
        while path not in targets and path not in {"/", ""}:
            path = posixpath.dirname(path)
        return path

    def partitions(self, disk: BlockDevice) -> tuple[BlockDevice, ...]:
        """The partitions of a disk, by number."""
        partitions = [d for d in self.devices if d.disk == disk.name]
        return tuple(sorted(partitions, key=lambda d: d.partition_number))

    def path(self, path: str) -> Optional[PathFact]:
        """What is known of a path; None if nobody looked."""
        return next((p for p in self.paths if p.path == path), None)


def named_by(spec: str, device: BlockDevice) -> bool:
    """Whether a spec of root=, fstab or crypttab (UUID=…, LABEL=…, PARTUUID=…, a path) names this device."""
    key, _, value = spec.partition("=")
    value = value.strip("\"'")
    if key == "UUID":
        return bool(value) and any(value.lower() == s.uuid.lower() for s in device.signatures)
    if key == "LABEL":
        return bool(value) and any(value == s.label for s in device.signatures)
    if key == "PARTUUID":
        return bool(value) and value.lower() == device.partition_uuid.lower()
    if key == "PARTLABEL":
        return bool(value) and value == device.partition_name
    return bool(spec) and (spec == device.path or spec in device.links)


def is_share(text: str) -> bool:
    """Whether a person who types this means a share of the network, and no device: HOST:/EXPORT, //HOST/SHARE."""
    return text.startswith(("//", "\\\\")) or (":/" in text and not text.startswith("/") and not is_tag(text))


def is_tag(name: str) -> bool:
    """Whether a device is named by what it has (UUID=…), not by a path."""
    return name.startswith(TAGS)


def tagged_devices(devices: Sequence[BlockDevice], spec: str) -> tuple[BlockDevice, ...]:
    """The devices that a spec names (named_by). Members of something larger are left out when that is named too."""
    named = [device for device in devices if named_by(spec, device)]
    return tuple([device for device in named if not device.holders] or named)


def describe(user: UsingProcess) -> str:
    """One process for a message."""
    return f"pid {user.pid} ({user.command}, user {user.user}, {user.what})"


def ending(users: Sequence[UsingProcess]) -> str:
    """What makes these processes let go: their services are stopped, what is left is ended by hand."""
    services = dict.fromkeys(shlex.quote(user.unit) for user in users if user.unit)
    rest = " ".join(str(user.pid) for user in users if not user.unit)
    lines = [f"systemctl stop {' '.join(services)}"] if services else []
    lines += [f"end {rest}, or wait for them"] if services and rest else []
    return f"{'; '.join(lines)}; then try again" if lines else "end these, or wait for them, and try again"
