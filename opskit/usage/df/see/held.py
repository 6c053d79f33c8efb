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
    held = [*_images(lines, sys), *_swap_files(lines, proc)]
    return tuple(sorted(held, key=lambda file: (-file.most, file.path)))


def _images(lines: Sequence[MountLine], sys: str) -> Iterator[KernelFile]:
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
            on = [mount.target for mount in lines if mount.source == device or mount.source.startswith(f"{device}p")]
            frees = "; ".join([*(f"umount {quote(target)}" for target in reversed(on)), f"losetup -d {device}"])
            yield _file(path, line, lines, device, size, frees)


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
    """Swap files without a name; newer kernels do not let one that is in use be deleted."""
    for text in procfs.text(proc, "swaps").split("\n")[1:]:
        fields = text.split()
        path = unescape(fields[0]) if len(fields) > 2 and fields[1] == "file" else ""
        line = mount_of(path[: -len(MARK)], lines) if path.endswith(MARK) else None
        if line:
            frees = "reboot: swapoff finds it by no name any more"
            yield _file(path, line, lines, "swap", int(fields[2]) * 1024, frees)


def _file(path: str, line: MountLine, lines: Sequence[MountLine], holder: str, most: int, frees: str) -> KernelFile:
    on = beneath(line, lines).mount
    return KernelFile(path[: -len(MARK)], on.device, on.target, holder, most, frees)


def _number(folder: str, name: str) -> int:
    text = procfs.text(folder, name).strip()
    return int(text) if text.isdigit() else 0
