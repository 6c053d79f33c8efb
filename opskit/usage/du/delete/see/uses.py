"""What processes and the kernel use: working directories, roots, programs, libraries, open files, swap, images."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import NamedTuple, Optional

from opskit.core import procfs
from opskit.core.mountinfo import MountLine, may_hang, mount_of, mounts_here, read_mountinfo, unescape

# A line of maps: device in hexadecimal, inode, and the name.
_MAPPED = re.compile(rb"^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) ([1-9]\d*) +(/.*)$", re.MULTILINE)
_LINKS = {"cwd": "works in it", "root": "has it as its root", "exe": "runs it"}
READS, WRITES, HOLDS = "reads it", "has it open for writing", "has it mapped"


class Use(NamedTuple):
    """How a process uses something.

    process: in words
    how: a verb with its object
    ended_by: what ends it, "" for the end of the process
    """

    process: str
    how: str
    ended_by: str = ""

    @property
    def only_reads(self) -> bool:
        """Whether the process goes on without its name."""
        return self.how == READS


@dataclass
class Uses:
    """All that is used.

    of: by device and inode
    mapped: the same of mapped files by their names, as this process sees the mounts: btrfs gives them another device
    unseen: processes that this user may not look at
    namespaces: the mounts of each mount namespace, and the pid of a process in it
    """

    of: dict[tuple[int, int], list[Use]] = field(default_factory=dict)
    mapped: dict[str, Use] = field(default_factory=dict)
    unseen: int = 0
    namespaces: dict[str, tuple[int, Sequence[MountLine]]] = field(default_factory=dict)


def see_uses(proc: str = "/proc") -> Uses:
    """What every process of this host uses, as far as this user may see. Raises Missing without /proc."""
    own = mounts_here(proc)
    uses = Uses(namespaces={procfs.link(proc, "self", "ns", "mnt"): (os.getpid(), own)})
    for pid in procfs.pids(proc):
        _process(uses, proc, pid)
    for path, use in kernel_uses(proc):
        _add(uses, path, use, own, path)
    return uses


def kernel_uses(proc: str = "/proc") -> Iterator[tuple[str, Use]]:
    """The files that no process has open and the kernel uses: swap, and images of loop devices."""
    for line in procfs.text(proc, "swaps").split("\n")[1:]:
        if line.startswith("/"):
            path = unescape(re.split(r"[ \t]", line, maxsplit=1)[0])
            yield path, Use("the kernel", "swaps to it", f"swapoff {quote(path)}, or leave it")
    for folder in glob.glob("/sys/block/loop*/loop"):
        path = procfs.text(folder, "backing_file").rstrip("\n")
        if path:
            device = f"/dev/{folder.split('/')[3]}"
            ended_by = f"leave it, or umount what is on {device} first, and then: losetup -d {device}"
            yield path, Use(device, "has it as its image", ended_by)


def _process(uses: Uses, proc: str, pid: int) -> None:
    try:
        _uses_of(uses, proc, pid)
    except PermissionError:
        uses.unseen += 1
    except OSError:  # it has ended
        return


def _uses_of(uses: Uses, proc: str, pid: int) -> None:
    name = str(pid)
    namespace = procfs.link(proc, name, "ns", "mnt")
    if namespace not in uses.namespaces:
        uses.namespaces[namespace] = (pid, read_mountinfo(name, proc))
    mounts = uses.namespaces[namespace][1]
    process = f"{procfs.text(proc, name, 'comm').strip() or '?'} (pid {pid})"
    for link, how in _LINKS.items():
        _add(uses, os.path.join(proc, name, link), Use(process, how), mounts)
    own_namespace = next(iter(uses.namespaces))
    for major, minor, inode, path in set(_MAPPED.findall(os.fsencode(procfs.text(proc, name, "maps")))):
        use = Use(process, HOLDS)
        identity = os.makedev(int(major, 16), int(minor, 16)), int(inode)
        uses.of.setdefault(identity, []).append(use)
        if namespace == own_namespace:
            uses.mapped[os.fsdecode(path)] = use
    if pid == os.getpid():
        return  # what opskit itself has open it closes
    for number in os.listdir(os.path.join(proc, name, "fd")):
        how = WRITES if _writes(procfs.text(proc, name, "fdinfo", number)) else READS
        _add(uses, os.path.join(proc, name, "fd", number), Use(process, how), mounts)


def _add(uses: Uses, link: str, use: Use, mounts: Sequence[MountLine], path: str = "") -> None:
    """Note a use of what a link of proc leads to, or of this path."""
    path = path or procfs.link(link)
    mount: Optional[MountLine] = mount_of(path, mounts) if path.startswith("/") else None
    if mount is None or may_hang(mount, mounts):
        return
    try:
        status = os.stat(link)
    except OSError:
        return
    uses.of.setdefault((status.st_dev, status.st_ino), []).append(use)


def _writes(info: str) -> bool:
    """Whether a descriptor is open for writing, by its fdinfo: the flags of open(2) in octal."""
    match = re.search(r"^flags:\s+([0-7]+)$", info, re.MULTILINE)
    return bool(match and int(match[1], 8) & os.O_ACCMODE)
