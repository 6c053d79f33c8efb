"""Who keeps a filesystem busy: processes by their open files, directories and programs; mounts and swap below."""

from __future__ import annotations

import os
from collections.abc import Iterator

from opskit.core.kernel import device_number
from opskit.disk.model import Mount, UsingProcess
from opskit.disk.see.mounts import PROC


def users_of(mount: Mount) -> tuple[UsingProcess, ...]:
    """The processes that use the filesystem of a mount, by its device number. Needs root to see all."""
    import psutil  # noqa: PLC0415 - 20 ms that only a busy mount point needs

    users = []
    own = os.getpid()
    for process in psutil.process_iter():
        what = next(_uses(process.pid, mount.device), "") if process.pid != own else ""
        if not what:
            continue
        try:
            with process.oneshot():
                words = process.cmdline() or [process.name()]
                users.append(UsingProcess(process.pid, " ".join(words), process.username(), what))
        except psutil.NoSuchProcess:
            continue
    return tuple(users)


def _uses(pid: int, device: str) -> Iterator[str]:
    """How a process uses a device: by device number, since a path says nothing in another namespace or chroot."""
    folder = f"{PROC}/{pid}"
    for name, what in (("cwd", "working directory"), ("root", "root directory"), ("exe", "program")):
        if _on(f"{folder}/{name}", device):
            yield what
    try:
        descriptors = os.listdir(f"{folder}/fd")
    except OSError:
        return
    for descriptor in descriptors:
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
