"""What an overlay is on: its files are on the filesystem of its upper folder, and take space there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from opskit.core.mountinfo import MountLine, may_hang, mount_of
from opskit.usage.mounts import layers

# An overlay can be on an overlay (a container in a container); the kernel allows two (FILESYSTEM_MAX_STACK_DEPTH).
DEEPEST = 3


class Beneath(NamedTuple):
    """Where the files of a mount take space. mount: of that filesystem; device: st_dev of its files, -1: as seen."""

    mount: MountLine
    device: int = -1


def beneath(line: MountLine, lines: Sequence[MountLine]) -> Beneath:
    """The mount that holds what is written on this one: itself, or for an overlay the one its upper folder is on.

    lines: our own mounts; where the upper folder is not to be found by its name there, the overlay itself stands for it
    """
    on = Beneath(line)
    for _ in range(DEEPEST):
        upper = layers(on.mount)[0] if on.mount.fstype == "overlay" else ""
        mount = mount_of(upper, lines) if upper else None
        if mount is None or may_hang(mount, lines):
            return on
        try:
            real, device = os.path.realpath(upper), os.stat(upper).st_dev
        except OSError:  # of another mount namespace
            return on
        on = Beneath(mount_of(real, lines) or mount, device)
    return on


def has_name_below(line: MountLine, path: str, status: os.stat_result) -> bool:
    """Whether a file that is deleted in an overlay is one that a lower folder of it still has: no space is freed then.

    path: as it was, from / on
    status: of the open file. What was copied up and not changed since looks the same: it is taken for the lower one.
    """
    inside = path[len(line.target.rstrip("/")) :]
    for lower in layers(line)[1]:
        try:
            below = os.lstat(lower + inside)
        except OSError:  # not in this one, or of another mount namespace
            continue
        if (below.st_size, below.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
            return True
    return False
