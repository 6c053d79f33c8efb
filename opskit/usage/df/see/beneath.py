"""What an overlay is on: its files are on the filesystem of its upper folder, and take space there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Callable, NamedTuple

from opskit.core.child import ask
from opskit.core.mountinfo import MountLine, may_hang, mount_of
from opskit.usage.mounts import layers

# An overlay can be on an overlay (a container in a container); the kernel allows two (FILESYSTEM_MAX_STACK_DEPTH).
DEEPEST = 3
SECONDS = 5.0  # that a layer has to answer


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
        layer = _ask(partial(_real, upper), lines)
        if not layer:  # of another mount namespace
            return on
        on = Beneath(mount_of(layer[0], lines) or mount, layer[1])
    return on


def has_name_below(line: MountLine, path: str, status: os.stat_result, lines: Sequence[MountLine]) -> bool:
    """Whether a file that is deleted in an overlay is one that a lower folder of it still has: no space is freed then.

    path: as it was, from / on
    status: of the open file. What was copied up and not changed since looks the same: it is taken for the lower one.
    """
    inside = path[len(line.target.rstrip("/")) :]
    same = [status.st_size, status.st_mtime_ns]
    return any(_ask(partial(_look, lower + inside), lines) == same for lower in layers(line)[1])


def _real(path: str) -> list[Any]:
    return [os.path.realpath(path), os.stat(path).st_dev]


def _look(path: str) -> list[Any]:
    status = os.lstat(path)
    return [status.st_size, status.st_mtime_ns]


def _ask(question: Callable[[], list[Any]], lines: Sequence[MountLine]) -> list[Any]:
    """The answer, [] for an OSError. By a child where anything may hang: a layer is named by whoever mounted it."""
    if any(may_hang(line, lines) for line in lines):
        return ask([question], SECONDS)[0].value or []
    try:
        return question()
    except OSError:
        return []
