"""Who keeps a filesystem busy: processes by their open files, directories and programs; mounts and swap below."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Optional

from opskit.core import procfs
from opskit.core.child import ask
from opskit.core.kernel import device_number
from opskit.core.mountinfo import MountLine, may_hang, mount_of, read_mountinfo
from opskit.core.systemd import control_group, units_of
from opskit.disk.model import Mount, UsingProcess
from opskit.disk.see.mounts import PROC

# How long the processes are looked through: one can have its directory on a mount that is gone from every table.
SECONDS = 5.0


def users_of(mount: Mount) -> Optional[tuple[UsingProcess, ...]]:
    """The processes that use the filesystem of a mount, by its device number. Needs root to see all.

    None when they could not be looked through in time.
    """
    own = os.getpid()
    (answer,) = ask([lambda: _users(mount.device, own)], SECONDS)
    return None if answer.value is None else tuple(UsingProcess(*values) for values in answer.value)


def _users(device: str, own: int) -> list[list[Any]]:
    """In a child: pid, command line, user, kind of use and service of each process but our own.

    own: the pid of opskit
    """
    import psutil  # noqa: PLC0415 - 20 ms that only a busy mount point needs

    users = []
    mounts: dict[str, tuple[MountLine, ...]] = {}
    for process in psutil.process_iter():
        if process.pid in {own, os.getpid()}:
            continue
        namespace = procfs.link(PROC, str(process.pid), "ns", "mnt")
        if namespace not in mounts:
            mounts[namespace] = read_mountinfo(str(process.pid), PROC)
        what = next(_uses(process.pid, device, mounts[namespace]), "")
        if not what:
            continue
        try:
            with process.oneshot():
                words = process.cmdline() or [process.name()]
                users.append([process.pid, " ".join(words), process.username(), what, _service(process.pid)])
        except psutil.NoSuchProcess:
            continue
    return users


def _service(pid: int) -> str:
    """The service of the host that a process is in; what a user runs in a session of his own is in none."""
    try:
        with open(f"{PROC}/{pid}/cgroup", "rb") as file:
            units = units_of(control_group(os.fsdecode(file.read())))
    except OSError:
        return ""
    return units[0] if units and units[0].endswith(".service") and not units[0].startswith("user@") else ""


def _uses(pid: int, device: str, mounts: Sequence[MountLine]) -> Iterator[str]:
    """How a process uses a device: by device number, since a path says nothing in another namespace or chroot.

    mounts: those that the process sees; what is on one whose server may be gone is not asked
    """
    folder = f"{PROC}/{pid}"
    for name, what in (("cwd", "working directory"), ("root", "root directory"), ("exe", "program")):
        on = mount_of(procfs.link(folder, name), mounts)
        if not (on and may_hang(on, mounts)) and _on(f"{folder}/{name}", device):
            yield what
    try:
        descriptors = os.listdir(f"{folder}/fd")
    except OSError:
        return
    silent = {line.number for line in mounts if may_hang(line, mounts)}
    for descriptor in descriptors:
        if silent and procfs.mount_number(PROC, str(pid), descriptor) in silent:
            continue
        if _on(f"{folder}/fd/{descriptor}", device):
            yield "open file"
    yield from _maps(folder, device)


def _on(path: str, device: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return device_number(status.st_dev) == device


def _maps(folder: str, device: str) -> Iterator[str]:
    """A mapped file keeps its filesystem busy after its descriptor is closed (proc(5), maps: major:minor in hex)."""
    major, _, minor = device.partition(":")
    number = f"{int(major):02x}:{int(minor):02x}"
    try:
        with open(f"{folder}/maps", "rb") as file:
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return
    if any(line.split()[3:4] == [number] for line in lines):
        yield "mapped file"
