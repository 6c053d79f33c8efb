"""Why a mount, mkfs or resize failed, and what mends it: from what the kernel said in these seconds. Pure.

Each form of words was made happen (tests/host/disk/test_causes.py, kernel 6.18), or is that of a source: in brackets.
A disk is called failing only where the kernel reports an I/O error of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple, Optional

from opskit.core.record import dataclass
from opskit.core.text import shown

# The block layer's words for a command that the device did not carry out (block/blk-core.c, fs/buffer.c).
_IO_ERROR = re.compile(r"(?:I/O|critical (?:medium|target)) error,? (?:on )?dev(?:ice)? ")


@dataclass(frozen=True)
class Attempt:
    """What was tried.

    name: the kernel's name of the device; "" for a trial, on whatever loop device. disk: of the disk that it is on.
    known: whether the kernel has this type of filesystem.
    held: whether somebody else holds the device exclusively.
    errors: whether its ext filesystem is marked as having errors.
    no_room_for: the file of a loop device whose own filesystem has no room left for it, "" for none.
    too_small: for the filesystem that was to be made: why, "" if it is not.
    """

    name: str
    path: str
    disk: str = ""
    fstype: str = ""
    options: str = ""
    target: str = ""
    known: bool = True
    held: bool = False
    read_only: bool = False
    errors: bool = False
    no_room_for: str = ""
    too_small: str = ""


class Cause(NamedTuple):
    """Why, and what mends it."""

    why: str
    todo: str


class _Words(NamedTuple):
    """Words of the kernel; why and todo can have the fields of an Attempt, and the groups of the pattern.

    options: whether they are about mount options, and not about the device or what is on it.
    """

    pattern: str
    why: str
    todo: str
    options: bool = False


_REPAIR = {"xfs": "xfs_repair {path}", "btrfs": "btrfs check {path}"}
_NO_REPLAY = {"xfs": "ro,norecovery", "btrfs": "ro,nologreplay"}
_OPTION = "leave it out of --mount-options, or of the entry in fstab (man {fstype}, mount(8))"
# The first that fits counts.
_TABLE = (
    _Words(
        r"mount because of unsupported optional features|Superblock has unknown incompatible features",
        "its {fstype} has a feature that this kernel does not know",
        "mount it with a newer kernel (here: uname -r); {features} names its features",
    ),
    _Words(
        r"mount RDWR because of unsupported optional features|unknown read-only compatible features",
        "its {fstype} has a feature with which this kernel can read it only",
        "--mount-options ro mounts it; a newer kernel mounts it writable",
    ),
    _Words(
        r"recovery required on read-?only|write access unavailable|replaying journal.*read-only",
        "its journal has to be replayed first, and the device is read-only",
        "make the device writable and mount it once; --mount-options {no_replay} shows what was before the last writes",
    ),
    _Words(
        r"marked as having an external log",
        "its log is on another device",
        "name that device: --mount-options logdev=DEVICE",
    ),
    _Words(
        r"external journal|journal device|failed to open journal|journal UUID does not match|open journal inode device",
        "its journal is on another device, which is not here",
        "attach that device; dumpe2fs -h {path} shows its journal's UUID",
    ),
    _Words(
        r"devid \d+ uuid \S+ is missing|missing \d+ devices, max tolerance|too many missing devices",
        "it is on several devices, and one of them is not here",
        "attach that device; btrfs filesystem show {path} tells which are there; btrfs device scan; then run it again",
    ),
    _Words(
        r"(?:[Uu]nknown parameter|[Uu]nrecognized mount option|unknown mount option) *['\"\[](?P<option>[^'\"\]]*)",
        "{fstype} has no mount option {option}",
        _OPTION,
        options=True,
    ),
    _Words(
        r"Bad value for '(?P<option>[^']*)'|[Ii]nvalid (?P<option2>\w+) value",
        "the mount option {option} cannot have the value that it is given",
        "correct it in --mount-options, or in the entry in fstab (man {fstype}, mount(8))",
        options=True,
    ),
    _Words(
        r"[Qq]uota (?:support not available|format not specified|options|file)",
        "its quota options cannot be fulfilled here",
        "leave the quota options out, or give jqfmt=vfsv1 with usrjquota= and grpjquota= (ext4)",
        options=True,
    ),
    _Words(r"DAX unsupported|DAX .*not supported", "the device has no direct access (dax)", _OPTION, options=True),
    _Words(
        r"[Ff]ilesystem has duplicate UUID (?P<uuid>\S+)",
        "a filesystem with the same UUID is mounted: one of the two is a copy",
        "detach the copy, or give it another UUID: xfs_admin -U generate {path} (if its log is dirty: mount -o nouuid"
        " and umount it once before)",
    ),
    _Words(
        r"exceeds size of device|last sector read failed|beyond end of device|file system too large",
        "the filesystem is larger than its device, which was made smaller or is not all here",
        "give the disk or the partition its old size back (sfdisk -d {disk_path}); do not repair the filesystem before",
    ),
    _Words(
        r"(?:[Bb]ad block ?size|[Ii]nvalid log block size|[Bb]locksize \d+|Only pagesize)",
        "its block size is larger than the pages of this kernel, or damaged",
        "mount it on a host with larger pages; if it was made here, {repair}",
    ),
    _Words(
        r"find (?:an? )?\w+ filesystem|Invalid superblock magic|bad magic number",
        "there is no {fstype} on it",
        "blkid -p {path} shows what is on it",
    ),
    _Words(
        r"[Cc]orrupt|CRC error|SB validate failed|[Cc]hecksum(?! algorithm)|error -?117|bad superblock|recovery failed",
        "the filesystem is damaged",
        "save what is on it first (ddrescue, a snapshot); then {repair}",
    ),
)
# blkid's name: what EL has of it.
_DRIVERS = {
    "ntfs": "ntfs-3g, of EPEL, mounts it: yum install epel-release ntfs-3g",
    "exfat": "exfat is in the kernel since EL9",
    "btrfs": "EL has no btrfs since EL8: mount it on another host and copy it",
    "zfs_member": "ZFS has tools of its own: zpool import",
}


def cause_of(attempt: Attempt, words: Sequence[str]) -> Optional[Cause]:
    """The cause of a failure; None where nothing is known.

    words: the messages of the kernel since it was tried.
    """
    ours = [line for line in words if _is_about(attempt, line)]
    if not attempt.name:  # of a new image of opskit's nothing else is worth telling: it is gone by then
        return _from_table(attempt, ours, [entry for entry in _TABLE if entry.options])
    if any(_IO_ERROR.search(line) for line in ours):
        return _io_error(attempt)
    if attempt.fstype and not attempt.known:
        remedy = _DRIVERS.get(attempt.fstype, f"modprobe {attempt.fstype}; else mount it on a host that has it")
        return Cause(f"this kernel has no filesystem {attempt.fstype}", remedy)
    if attempt.held:
        return Cause(f"another program holds {attempt.path}", f"lsblk {attempt.path}; fuser -v {attempt.path}")
    if attempt.too_small:
        return Cause(attempt.too_small, f"lsblk {attempt.path}; a larger disk")
    return _from_table(attempt, ours, _TABLE) or _from_state(attempt)


def _from_state(attempt: Attempt) -> Optional[Cause]:
    """The cause by what is known of the device, where the kernel says nothing of it."""
    if attempt.no_room_for:  # of many errors at once the kernel tells of a few only
        return _io_error(attempt)
    if attempt.errors and attempt.target:
        why = "the filesystem is marked as having errors, so it does not grow while it is mounted"
        away = f"umount {shlex.quote(attempt.target)}; e2fsck {shlex.quote(attempt.path)}"
        return Cause(why, f"{away}; then run the same command again")
    if attempt.errors:
        return Cause("the filesystem is marked as having errors", f"e2fsck {attempt.path}")
    if attempt.read_only:
        return Cause(f"{attempt.path} is read-only", f"--mount-options ro; or blockdev --setrw {attempt.path}")
    return None


def _io_error(attempt: Attempt) -> Cause:
    if attempt.no_room_for:
        why = f"no room is left on the filesystem of {attempt.no_room_for}, which {attempt.path} is made of"
        return Cause(why, f"df {shlex.quote(attempt.no_room_for)}; make room there, then run the same command again")
    name = attempt.disk or attempt.name
    why = f"the kernel reports an I/O error of {attempt.path}: the disk may be failing"
    return Cause(why, f"dmesg | grep {name}; smartctl -a /dev/{name}; save what is on it first")


def _from_table(attempt: Attempt, ours: Sequence[str], table: Sequence[_Words]) -> Optional[Cause]:
    """The first cause in the table that one of these messages tells."""
    for entry in table:
        for line in ours:
            match = re.search(entry.pattern, line)
            if match:
                return _filled(entry, attempt, match)
    return None


def _is_about(attempt: Attempt, line: str) -> bool:
    """Whether a message names the device, or none but the type of the filesystem."""
    # A trial has a loop device that nobody knows before.
    names = "|".join(re.escape(name) for name in (attempt.name, attempt.disk) if name) or "loop[0-9]+"
    driver = re.escape(attempt.fstype) or "-"
    family = r"|EXT4-fs" if attempt.fstype.startswith("ext") else ""
    return bool(re.search(rf"(?<![\w-])(?:{names})(?![\w-])", line) or re.match(rf"(?i:{driver}{family}): ", line))


def _filled(entry: _Words, attempt: Attempt, match: re.Match[str]) -> Cause:
    groups = {key: value for key, value in match.groupdict().items() if value}
    option = shown(groups.get("option") or groups.get("option2") or "")
    known = {
        "path": attempt.path,
        "disk_path": f"/dev/{attempt.disk or attempt.name}",
        "fstype": attempt.fstype,
        "target": attempt.target,
        "option": option,
        "features": "xfs_info" if attempt.fstype == "xfs" else f"dumpe2fs -h {attempt.path}",
        "no_replay": _NO_REPLAY.get(attempt.fstype, "ro,noload"),
        "repair": _REPAIR.get(attempt.fstype, "e2fsck {path}").format(path=attempt.path),
    }
    return Cause(entry.why.format(**known), entry.todo.format(**known))
