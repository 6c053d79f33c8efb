"""Mounts and swap areas as the kernel has them: /proc/PID/mountinfo (proc(5)), /proc/swaps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Optional

from opskit.core import kernel, mountinfo, procfs
from opskit.core.mountinfo import MountLine, unescape
from opskit.core.reach import doubtful_mount
from opskit.core.text import masked
from opskit.core.units import KIB
from opskit.disk.model import SYSTEM_TARGETS, BlockDevice, Mount, SwapArea, named_by
from opskit.disk.see.sysfs import read_text

PROC = "/proc"


def own_mounts(proc: str = PROC) -> tuple[Mount, ...]:
    """The mounts of this process's namespace, as in_order(). Raises Missing where the kernel does not tell of any."""
    return tuple(with_device_number(_mount(line)) for line in in_order(mountinfo.mounts_here(proc)))


def in_order(lines: Sequence[MountLine]) -> Iterator[MountLine]:
    """Each mount behind what it is mounted on.

    The kernel has them by when they were made, and `mount --move` takes an earlier one onto a later one, which would
    seem to hide it then.
    """
    numbers = {line.number for line in lines}
    waiting: dict[int, list[MountLine]] = {}
    done: set[int] = set()
    for line in lines:
        if line.parent in numbers and line.parent not in done and line.parent != line.number:
            waiting.setdefault(line.parent, []).append(line)
            continue
        now = [line]
        while now:
            each = now.pop(0)
            done.add(each.number)
            yield each
            now = [*waiting.pop(each.number, ()), *now]
    for left in waiting.values():  # of a list that changed while it was read
        yield from left


def _mount(line: MountLine, namespace: int = 0) -> Mount:
    return Mount(line.device, line.target, masked(line.source), line.fstype, masked(line.options), namespace)


def mounted_at(target: str) -> Optional[Mount]:
    """The uppermost mount at this path in our namespace."""
    return next((m for m in reversed(own_mounts()) if m.target == target), None)


def targets_of(number: str) -> list[str]:
    """Where the device with this major:minor is mounted in our namespace."""
    return [m.target for m in own_mounts() if m.device == number]


def with_device_number(mount: Mount) -> Mount:
    """Btrfs shows an anonymous device number (0:N); the number of its source is the one that counts.

    Of any other filesystem with such a number the source is only a word: who mounts a tmpfs says which.
    """
    if not mount.device.startswith("0:") or mount.fstype != "btrfs":
        return mount
    number = device_number(mount.source)
    return Mount(number, mount.target, mount.source, mount.fstype, mount.options, mount.namespace) if number else mount


def device_number(path: str) -> str:
    """The major:minor of a block device, or of the filesystem that a file is on; "" when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    device = status.st_rdev or status.st_dev
    return kernel.device_number(device)


def other_namespaces(proc: str = PROC) -> tuple[Mount, ...]:
    """The mounts of every other mount namespace, each read once, named by one pid in it. Needs root to see all."""
    namespaces = {_namespace(proc, "self")}
    mounts: list[Mount] = []
    for pid in sorted(procfs.pids(proc)):
        namespace = _namespace(proc, str(pid))
        if namespace and namespace not in namespaces:
            namespaces.add(namespace)
            mounts += [_mount(line, pid) for line in mountinfo.read_mountinfo(str(pid), proc)]
    return tuple(with_device_number(mount) for mount in mounts)


def _namespace(proc: str, pid: str) -> str:
    return procfs.link(proc, pid, "ns", "mnt")


def swap_numbers(proc: str = PROC) -> frozenset[str]:
    """The device numbers under every swap area in use; for a swap file that of the filesystem it is on."""
    lines = read_text(proc, "swaps").splitlines()[1:]
    paths = [unescape(line.split()[0]) for line in lines if line.split()]
    # What is on a server is on no disk of this host.
    return frozenset(filter(None, (device_number(path) for path in paths if not doubtful_mount(path))))


def swap_areas(proc: str = PROC) -> tuple[SwapArea, ...]:
    """The swap in use: /proc/swaps (proc(5)) has sizes in KiB, and a blank in a name escaped."""
    lines = (line.split() for line in read_text(proc, "swaps").splitlines()[1:])
    return tuple(SwapArea(unescape(x[0]), x[1], int(x[2]) * KIB, int(x[3]) * KIB) for x in lines if len(x) > 3)


def swap_files(proc: str = PROC) -> dict[str, str]:
    """The swap files in use, each with the number of the device that its filesystem is on."""
    words = (line.split() for line in read_text(proc, "swaps").splitlines()[1:])
    paths = [unescape(line[0]) for line in words if line[1:2] == ["file"]]
    return {path: device_number(path) for path in paths if not doubtful_mount(path)}


def exported(proc: str = PROC) -> tuple[str, ...]:
    """The paths that the kernel's NFS server holds for its clients: it has no process with a file open.

    The lines are PATH, a tab, CLIENT(OPTIONS); those that begin with # are of no path, or say that there is none
    (linux: net/sunrpc/cache.c, c_show; fs/nfsd/export.c, svc_export_show).
    """
    lines = read_text(proc, "net", "rpc", "nfsd.export", "content").splitlines()
    return tuple(dict.fromkeys(unescape(line.partition("\t")[0]) for line in lines if line.startswith("/")))


def root_argument(proc: str = PROC) -> str:
    """The root= of the kernel's command line, "" without one."""
    words = read_text(proc, "cmdline").split()
    return next((word[len("root=") :] for word in reversed(words) if word.startswith("root=")), "")


def luks_arguments(proc: str = PROC) -> tuple[str, ...]:
    """What the kernel's command line says of encrypted volumes, in systemd's words (luks.…) and in dracut's."""
    words = read_text(proc, "cmdline").split()
    return tuple(word for word in words if word.startswith(("luks", "rd.luks", "rd_LUKS_UUID=")))


def system_reasons(
    devices: Iterable[BlockDevice], mounts: Iterable[Mount], swaps: frozenset[str], root: str
) -> dict[str, tuple[str, ...]]:
    """For each device (by kernel name) that the system lives on: why. Walks down through slaves and partitions."""
    all_devices = {device.name: device for device in devices}
    reasons: dict[str, list[str]] = {}

    def mark(device: BlockDevice, why: str) -> None:
        marks = reasons.setdefault(device.name, [])
        if why in marks:
            return
        marks.append(why)
        for name in (*device.slaves, device.disk):
            if name in all_devices:
                mark(all_devices[name], why)

    targets = {mount.device: mount.target for mount in reversed(list(mounts)) if mount.target in SYSTEM_TARGETS}
    for device in all_devices.values():
        for mount in mounts:
            if mount.device == device.number and mount.target in SYSTEM_TARGETS:
                mark(device, mount.target)
        if device.number in swaps and device.number not in targets:
            mark(device, "swap")
        if named_by(root, device):
            mark(device, "root= of the kernel's command line")
    return {name: tuple(marks) for name, marks in reasons.items()}
