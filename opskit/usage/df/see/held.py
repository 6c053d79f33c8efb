"""Deleted files that the kernel holds, and no process: images of loop devices (sysfs), swap files (/proc/swaps)."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Optional

from opskit.core import procfs
from opskit.core.kernel import loop_backing
from opskit.core.mountinfo import MountLine, mount_of, unescape
from opskit.usage.df.deleted import KernelFile
from opskit.usage.df.see.beneath import beneath

MARK = " (deleted)"
SECTOR = 512


def see_held(lines: Sequence[MountLine], proc: str = "/proc", sys: str = "/sys") -> tuple[KernelFile, ...]:
    """The deleted files that the kernel holds on filesystems that are mounted here, the largest first."""
    held = [*_images(lines, proc, sys), *_swap_files(lines, proc)]
    return tuple(sorted(held, key=lambda file: (-file.most, file.path)))


def _images(lines: Sequence[MountLine], proc: str, sys: str) -> Iterator[KernelFile]:
    swaps = [unescape(fields[0]) for fields in _swaps(proc) if fields[1] == "partition"]
    for folder in sorted(glob.glob(os.path.join(sys, "block/loop*/loop"))):
        path = procfs.text(folder, "backing_file").rstrip("\n")
        # A name can end so by itself.
        if not path.endswith(MARK) or os.path.lexists(path):
            continue
        name = os.path.basename(os.path.dirname(folder))
        line = _mount_of_image(path[: -len(MARK)], name, lines)
        if line:
            size = _number(folder, "../size") * SECTOR + _number(folder, "offset")
            device = f"/dev/{name}"
            on = [mount.target for mount in lines if _is_of(mount.source, device)]
            ways = [f"umount {quote(target)}" for target in reversed(on)]
            ways += [f"swapoff {quote(swap)}" for swap in swaps if _is_of(swap, device)]
            frees = "; ".join([*ways, f"losetup -d {device}"])
            yield _file(path, line, lines, device, size, frees)


def _is_of(device: str, loop: str) -> bool:
    """Whether it is this loop device, or a partition of it."""
    return device == loop or device.startswith(f"{loop}p")


def _mount_of_image(path: str, name: str, lines: Sequence[MountLine]) -> Optional[MountLine]:
    """The mount that the image was on: by the device that the loop device names (root only), else by the path."""
    try:
        descriptor = os.open(f"/dev/{name}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            device = loop_backing(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        device = ""
    return next((line for line in lines if line.device == device), None) or mount_of(path, lines)


def _swap_files(lines: Sequence[MountLine], proc: str) -> Iterator[KernelFile]:
    """Swap files without a name.

    Only old kernels have any: of 6.18 unlink(2) refuses one that is in use (EPERM), swapon(2) one without a name.
    """
    for fields in _swaps(proc):
        path = unescape(fields[0]) if fields[1] == "file" else ""
        line = mount_of(path[: -len(MARK)], lines) if path.endswith(MARK) else None
        if line:
            frees = "reboot: swapoff finds it by no name any more"
            yield _file(path, line, lines, "swap", int(fields[2]) * 1024, frees)


def _swaps(proc: str) -> list[list[str]]:
    """What is in use as swap: path, kind (file or partition), KiB, and so on, as in /proc/swaps."""
    lines = procfs.text(proc, "swaps").split("\n")[1:]
    return [fields for fields in map(str.split, lines) if len(fields) > 2]


def _file(path: str, line: MountLine, lines: Sequence[MountLine], holder: str, most: int, frees: str) -> KernelFile:
    on = beneath(line, lines).mount
    return KernelFile(path[: -len(MARK)], on.device, on.target, holder, most, frees)


def _number(folder: str, name: str) -> int:
    text = procfs.text(folder, name).strip()
    return int(text) if text.isdigit() else 0
