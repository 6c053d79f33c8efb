"""Files that are deleted but still open: they have no name left, and keep their blocks until the last holder lets go.

Read from /proc directly (proc(5)): psutil's open_files() leaves deleted files out, and says nothing of mapped ones.
A link is only followed where its text ends in " (deleted)", so that no mount which hangs is touched.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Optional

from opskit.core import procfs
from opskit.core.kernel import device_number
from opskit.core.mountinfo import MountLine, may_hang, mount_of, mounts_here, read_mountinfo
from opskit.core.systemd import control_group
from opskit.usage.df.deleted import DeletedFile, DeletedFiles, Holder
from opskit.usage.df.see.beneath import Beneath, beneath, has_name_below
from opskit.usage.df.see.held import see_held

MARK = " (deleted)"
# A line of maps, proc(5): addresses, permissions, offset, device in hexadecimal, inode, name.
_MAPPED = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ ([0-9a-f]+):([0-9a-f]+) \d+ +(.*) \(deleted\)$", re.MULTILINE)


@dataclass
class _OpenFile:
    """A deleted file while the processes are read: who has it by which descriptors, and who has it mapped."""

    status: os.stat_result
    path: str
    on: Beneath
    overlay: str
    namespace: int
    descriptors: dict[int, list[int]] = field(default_factory=dict)
    mapped: set[int] = field(default_factory=set)


class _Reader:
    """One look at all processes."""

    def __init__(self, proc: str) -> None:
        self.proc = proc
        self.mounts = mounts_here(proc)
        self.open_files: dict[tuple[int, int], _OpenFile] = {}
        self.namespaces: dict[str, Sequence[MountLine]] = {procfs.link(proc, "self", "ns", "mnt"): self.mounts}
        self.unseen = 0

    def process(self, pid: str) -> None:
        """Everything deleted that a process has. One that ended meanwhile has nothing; one of others is counted."""
        try:
            self._descriptors(pid)
            self._maps(pid)
        except PermissionError:
            self.unseen += 1
        except OSError:
            return

    def _descriptors(self, pid: str) -> None:
        for number in os.listdir(os.path.join(self.proc, pid, "fd")):
            path = procfs.link(self.proc, pid, "fd", number)
            if path.endswith(MARK):
                mount = procfs.mount_number(self.proc, pid, number)
                opened = self._file(pid, ("fd", number), path[: -len(MARK)], mount, "")
                if opened:
                    opened.descriptors.setdefault(int(pid), []).append(int(number))

    def _maps(self, pid: str) -> None:
        with open(os.path.join(self.proc, pid, "maps"), "rb") as file:
            maps = file.read()
        if MARK.encode() not in maps:
            return
        for begin, end, major, minor, name in _MAPPED.findall(maps):
            # The name in map_files has no leading zeros, and maps has octal escapes for newlines in a name.
            place = f"{int(begin, 16):x}-{int(end, 16):x}"
            device = f"{int(major, 16)}:{int(minor, 16)}"
            mapped = self._file(pid, ("map_files", place), os.fsdecode(name).replace("\\012", "\n"), 0, device)
            if mapped:
                mapped.mapped.add(int(pid))

    def _file(self, pid: str, place: tuple[str, str], path: str, number: int, device: str) -> Optional[_OpenFile]:
        """The file behind a link, if it is one without a name on a filesystem that is mounted somewhere."""
        mounts = self._mounts_of(pid)
        mount = next((m for m in mounts if m.number == number), None) or mount_of(path, mounts)
        if mount and may_hang(mount, mounts):
            return None
        try:
            status = os.stat(os.path.join(self.proc, pid, *place))
        except OSError:  # closed meanwhile; or mapped, and this is not root
            return None
        # A name can end in " (deleted)" by itself, and a file can have another name still.
        if status.st_nlink or not stat.S_ISREG(status.st_mode):
            return None
        # By its mount: on btrfs, st_dev is that of the subvolume, and mountinfo has another number.
        device = mount.device if mount and mount.number == number else device or device_number(status.st_dev)
        line, namespace = self._mount(pid, number, device)
        if line is None:  # memfd, System V shared memory: on a filesystem of the kernel's own
            return None
        return self._opened(line, namespace, path, status)

    def _opened(self, line: MountLine, namespace: int, path: str, status: os.stat_result) -> Optional[_OpenFile]:
        """The same file once, also where one process has it open through an overlay and one beneath it."""
        on = beneath(line, self.mounts)
        identity = (status.st_dev if on.device < 0 else on.device, status.st_ino)
        if identity not in self.open_files:
            overlay = line.fstype == "overlay"
            if overlay and has_name_below(line, path, status, self.mounts):
                return None
            namespace = namespace if on.mount is line else 0
            self.open_files[identity] = _OpenFile(status, path, on, line.target if overlay else "", namespace)
        return self.open_files[identity]

    def _mount(self, pid: str, number: int, device: str) -> tuple[Optional[MountLine], int]:
        """The mount of a file: ours by number or device, else one in the namespace of the process (a container)."""
        line = _pick(self.mounts, number, device)
        if line:
            return line, 0
        return _pick(self._mounts_of(pid), number, device), int(pid)

    def _mounts_of(self, pid: str) -> Sequence[MountLine]:
        """The mounts that a process sees; ours where nothing says."""
        namespace = procfs.link(self.proc, pid, "ns", "mnt")
        if namespace not in self.namespaces:
            self.namespaces[namespace] = read_mountinfo(pid, self.proc) or self.mounts
        return self.namespaces[namespace]

    def files(self) -> Iterator[DeletedFile]:
        """The files that were met, the largest first."""
        largest_first = sorted(self.open_files.items(), key=lambda item: (-item[1].status.st_blocks, item[0]))
        for (_, inode), file in largest_first:
            yield DeletedFile(
                device=file.on.mount.device,
                inode=inode,
                path=file.path,
                size=file.status.st_blocks * 512,
                apparent_size=file.status.st_size,
                mount_point=file.on.mount.target,
                holders=tuple(self._holder(pid, file) for pid in sorted({*file.descriptors, *file.mapped})),
                namespace=file.namespace,
                overlay=file.overlay,
            )

    def _holder(self, pid: int, file: _OpenFile) -> Holder:
        name = str(pid)
        return Holder(
            pid,
            command=procfs.text(self.proc, name, "comm").rstrip("\n"),
            user=procfs.owner_name(self.proc, name),
            descriptors=tuple(sorted(file.descriptors.get(pid, ()))),
            mapped=pid in file.mapped,
            cgroup=control_group(procfs.text(self.proc, name, "cgroup")),
        )


def see_deleted(proc: str = "/proc") -> DeletedFiles:
    """Every deleted file that a process of this host still has open or mapped, or that the kernel holds.

    As far as this user may see.

    Raises Missing without /proc.
    """
    reader = _Reader(proc)
    names = [name for name in os.listdir(proc) if name.isdigit()]
    if "1" not in names:  # /proc does not even name the processes of others (hidepid of proc(5))
        reader.unseen += 1
    for name in names:
        reader.process(name)
    return DeletedFiles(tuple(reader.files()), reader.unseen, see_held(reader.mounts, proc))


def _pick(mounts: Sequence[MountLine], number: int, device: str) -> Optional[MountLine]:
    """The mount with this number, else the nearest to the root of the whole filesystem with this device."""
    exact = next((m for m in mounts if m.number == number), None)
    same = [m for m in mounts if m.device == (exact.device if exact else device)]
    return min(same, key=lambda m: (len(m.root), len(m.target)), default=exact)
