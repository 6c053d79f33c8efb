"""Files that are deleted but still open, and what frees them. No I/O; nothing of it is ever run."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from opskit.core.record import dataclass
from opskit.core.systemd import outermost_unit

TRUNCATE_RISK = (
    "the content is lost to the program that has it open, which can fail or, if it does not append, leave a hole"
)
# Units that systemctl restart does not do, or not without harm: auditd refuses it (auditd.service(8)), and the
# system's bus takes every session with it.
EXCEPTIONS = {
    "auditd.service": "service auditd restart",
    "dbus.service": "reboot: the bus cannot be restarted under a running system",
    "dbus-broker.service": "reboot: the bus cannot be restarted under a running system",
}
_CONTAINER = re.compile(
    r"(?:^|/)(?:(libpod|docker)-([0-9a-f]{12})[0-9a-f]{52}\.scope|docker/([0-9a-f]{12})[0-9a-f]{52})"
)


@dataclass(frozen=True)
class Holder:
    """A process that keeps a deleted file.

    descriptors: those it has open on the file
    mapped: whether it has mapped the file
    cgroup: its path in the hierarchy of systemd (/proc/PID/cgroup), "" without one
    """

    pid: int
    command: str
    user: str
    descriptors: tuple[int, ...]
    mapped: bool
    cgroup: str = ""


@dataclass(frozen=True)
class DeletedFile:
    """A deleted file that is still open or mapped.

    device: major:minor of the filesystem that it takes space on, as mountinfo has it
    size: the bytes allocated, which are freed with it
    apparent_size: its length
    mount_point: in our mount namespace, or in that of the process with the pid `namespace`
    namespace: a pid, 0 for our own mount namespace
    overlay: the mount point of the overlay that it is open through, "" without one
    """

    device: str
    inode: int
    path: str
    size: int
    apparent_size: int
    mount_point: str
    holders: tuple[Holder, ...]
    namespace: int = 0
    overlay: str = ""


@dataclass(frozen=True)
class KernelFile:
    """A deleted file that no process has open, but the kernel: the image of a loop device, or a swap file.

    device: as of a DeletedFile
    holder: the loop device, or "swap"
    most: bytes that it can take; how many of them an image has, nothing says any more
    frees: the command, or what to do in words
    """

    path: str
    device: str
    mount_point: str
    holder: str
    most: int
    frees: str


@dataclass(frozen=True)
class DeletedFiles:
    """Every deleted file that this user may see. unseen: how many processes could not be looked at."""

    files: tuple[DeletedFile, ...] = ()
    unseen: int = 0
    kernel: tuple[KernelFile, ...] = ()

    @property
    def size(self) -> int:
        """The bytes that the files of processes keep."""
        return sum(file.size for file in self.files)

    def on(self, devices: Collection[str]) -> DeletedFiles:
        """Those that take space on these (major:minor)."""
        files = tuple(file for file in self.files if file.device in devices)
        return DeletedFiles(files, self.unseen, tuple(file for file in self.kernel if file.device in devices))


@dataclass(frozen=True)
class Total:
    """What deleted files keep on one filesystem: bytes."""

    mount_point: str
    size: int
    namespace: int = 0


def frees(holder: Holder) -> str:
    """The command that makes this holder let go; where no command does, what to do in words."""
    if holder.pid == 1:
        return "systemctl daemon-reexec"
    container = _CONTAINER.search(holder.cgroup)
    if container:
        program = "podman" if container.group(1) == "libpod" else "docker"
        return f"{program} restart {container.group(2) or container.group(3)}"
    unit, of_user = outermost_unit(holder.cgroup)
    if unit in EXCEPTIONS:
        return EXCEPTIONS[unit]
    if unit.endswith(".service"):
        return f"systemctl --user restart {unit} (as {holder.user})" if of_user else f"systemctl restart {unit}"
    return f"end or restart {holder.command} (pid {holder.pid})"


def truncate(file: DeletedFile) -> str:
    """The line that empties the file through /proc; "" where it is mapped: who has mapped it would die of SIGBUS."""
    if any(holder.mapped for holder in file.holders):
        return ""
    return next((f"truncate -s 0 /proc/{h.pid}/fd/{h.descriptors[0]}" for h in file.holders if h.descriptors), "")


def totals(files: Sequence[DeletedFile]) -> tuple[Total, ...]:
    """For each filesystem, the largest sum first."""
    sums: dict[tuple[str, int], int] = {}
    for file in files:
        key = (file.mount_point, file.namespace)
        sums[key] = sums.get(key, 0) + file.size
    return tuple(Total(point, size, ns) for (point, ns), size in sorted(sums.items(), key=lambda i: (-i[1], i[0])))
