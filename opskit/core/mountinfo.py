"""Mounts as the kernel tells them: /proc/PID/mountinfo (proc(5)); and what kind of mount one is, by its names alone."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple, Optional

from opskit.core.errors import Missing

# Not a NUL: no path has one.
_OCTAL = re.compile(rb"\\(?!000)([0-3][0-7]{2})")

# What df calls dummy (gnulib, lib/mountlist.c): nothing is stored there.
DUMMY = frozenset(
    {"autofs", "proc", "subfs", "debugfs", "devpts", "fusectl", "fuse.portal", "mqueue", "rpc_pipefs", "sysfs"}
    | {"devfs", "kernfs", "ignore", "none"}
)
# What df calls remote by its type alone (the same place); beside them: a source with a colon, and //server/share.
REMOTE = frozenset(["acfs", "afs", "coda", "auristorfs", "fhgfs", "gpfs", "ibrix", "ocfs2", "vxfs"])
# Kinds that somebody else than the kernel and its disks answers for; their calls can wait for ever.
ANSWERED_ELSEWHERE = ("nfs", "cifs", "smb", "fuse", "ceph", "9p", "afs", "lustre", "glusterfs", "beegfs", "orangefs")
# What holds no files but shows the kernel's state, beside what df calls dummy.
KERNEL = frozenset(
    {
        "proc",
        "sysfs",
        "cgroup",
        "cgroup2",
        "tracefs",
        "securityfs",
        "bpf",
        "pstore",
        "configfs",
        "efivarfs",
        "nsfs",
        "nfsd",
    }
    | {"binfmt_misc", "selinuxfs", "hugetlbfs", "devtmpfs"}
)
# What has no disk below it and no server behind it, beside these.
_OF_THIS_HOST = frozenset({"tmpfs", "ramfs", "rootfs", "overlay", "aufs", "btrfs", "bcachefs", "zfs", "fusectl"})


class MountLine(NamedTuple):
    """A line of mountinfo.

    device: major:minor. root: what of the filesystem is mounted. options: the mount's, then the filesystem's. parent:
    the number of the mount that it is mounted on.
    """

    number: int
    device: str
    root: str
    target: str
    fstype: str
    source: str
    options: str
    parent: int = 0


def unescape(text: str) -> str:
    r"""A field of mountinfo, fstab or swaps with `\ooo` undone: a byte each; those of one character join again."""
    if "\\" not in text:
        return text
    return os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match.group(1), 8)]), os.fsencode(text)))


def parse_mountinfo(text: str) -> tuple[MountLine, ...]:
    """The mounts in a mountinfo file, in its order. Mounts of a part of a filesystem (bind) are among them."""
    lines = []
    # The kernel escapes a newline in a name, but no other character that splitlines() takes for the end of a line.
    for line in text.split("\n"):
        left, _, right = line.partition(" - ")
        fields, rest = left.split(" "), right.split(" ")
        if len(fields) < 6 or len(rest) < 3:
            continue
        options = f"{fields[5]},{rest[2]}"
        root, target, source = unescape(fields[3]), unescape(fields[4]), unescape(rest[1])
        numbers = int(fields[0]), int(fields[1])
        fstype = unescape(rest[0])
        lines.append(MountLine(numbers[0], fields[2], root, target, fstype, source, options, numbers[1]))
    return tuple(lines)


def mounts_here(proc: str = "/proc") -> tuple[MountLine, ...]:
    """The mounts that this process sees. Raises Missing where the kernel does not tell: there is always one."""
    lines = read_mountinfo("self", proc)
    if not lines:
        raise Missing(proc, "it does not say what is mounted", todo=f"mount -t proc proc {proc}")
    return lines


def read_mountinfo(pid: str = "self", proc: str = "/proc") -> tuple[MountLine, ...]:
    """The mounts that a process sees; () when it is gone or may not be looked at."""
    try:
        with open(os.path.join(proc, pid, "mountinfo"), "rb") as file:
            return parse_mountinfo(os.fsdecode(file.read()))
    except OSError:
        return ()


def is_remote(line: MountLine) -> bool:
    """Whether df calls it remote."""
    shared = line.source.startswith("//") and line.fstype in {"smbfs", "smb3", "cifs"}
    return ":" in line.source or shared or line.fstype in REMOTE or line.source == "-hosts"


def is_answered_elsewhere(line: MountLine) -> bool:
    """Whether a server or a process answers for it, as far as its kind tells; yes for a kind that nobody knows."""
    if line.fstype in KERNEL or line.fstype in _OF_THIS_HOST or line.fstype == "autofs":
        return False
    if is_remote(line) or line.fstype.startswith(ANSWERED_ELSEWHERE):
        return True
    return not (line.source.startswith("/dev/") or line.fstype in DUMMY)


def may_hang(line: MountLine, lines: Sequence[MountLine]) -> bool:
    """Whether a look at this mount can wait for ever: by its kind, or for a mount that its path leads through."""
    return any(
        is_answered_elsewhere(other) and (other is line or line.target.startswith(other.target.rstrip("/") + "/"))
        for other in lines
    )


def mount_of(path: str, lines: Sequence[MountLine]) -> Optional[MountLine]:
    """The mount that an absolute path without symlinks is on by its name alone: the longest, and the last of these."""
    over = [m for m in lines if path == m.target or path.startswith(m.target.rstrip("/") + "/")]
    return max(reversed(over), key=lambda m: len(m.target), default=None)
