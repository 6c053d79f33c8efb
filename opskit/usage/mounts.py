"""What kind of mount something is on, or comes to, by names alone: nothing is asked of one whose server may be gone."""

from __future__ import annotations

import os
from collections.abc import Sequence

from opskit.core.mountinfo import ANSWERED_ELSEWHERE, DUMMY, KERNEL, MountLine, is_remote, may_hang, mount_of, unescape


def within(path: str, folder: str) -> bool:
    """Whether a path is this folder, or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def layers(line: MountLine) -> tuple[str, list[str]]:
    """Of an overlay: the folder that it writes to ("" for none), and those that it shows beside it.

    As the options of the mount name them, which is as whoever mounted it had typed them. What is relative is so to the
    folder above the layers: docker and podman mount that way, from there, where the options would be too long. Then the
    upper one is relative, too, and tells by where the overlay is: ID/diff is mounted at ID/merged.
    """
    options = dict(option.partition("=")[::2] for option in line.options.split(","))
    upper = unescape(options.get("upperdir", ""))
    if upper:
        upper = os.path.join(os.path.dirname(os.path.dirname(line.target)), upper)
    above = os.path.dirname(os.path.dirname(upper or line.target))
    lowers = [unescape(word) for word in options.get("lowerdir", "").split(":") if word]
    return upper, [os.path.join(above, lower) for lower in lowers]


def mounts_below(roots: Sequence[str], lines: Sequence[MountLine]) -> list[MountLine]:
    """The mounts below some absolute paths."""
    above = [root.rstrip("/") + "/" for root in roots]
    return [line for line in lines if any(line.target.startswith(start) and line.target != start for start in above)]


def may_wait(roots: Sequence[str], lines: Sequence[MountLine]) -> bool:
    """Whether a look at what these are on, or at a mount below them, can wait for ever."""
    on = [mount for mount in (mount_of(root, lines) for root in roots) if mount]
    return any(may_hang(line, lines) for line in (*on, *mounts_below(roots, lines)))


def silent_on(root: str, number: int, device: str, lines: Sequence[MountLine]) -> list[str]:
    """Mount points below a directory that are surely of other filesystems, and whose server may be gone.

    With -x nothing of them counts, so that nobody needs to look at them. Only what is mounted right on the directory's
    own mount, with nothing over it or above it, is sure.

    root: the directory, from / on
    number: the mount that the directory was opened through
    device: its st_dev, as major:minor
    """
    own = {device, *(line.device for line in lines if line.number == number)}
    below = mounts_below([root], lines)

    def silent(line: MountLine) -> bool:
        return line.device not in own and may_hang(line, lines)

    targets = []
    for line in below:
        if line.parent == number and silent(line):
            over = [other for other in below if f"{line.target}/".startswith(f"{other.target}/")]
            if all(other.target == line.target and silent(other) for other in over):
                targets.append(line.target)
    return targets


def no_part_of_a_disk(roots: Sequence[str], lines: Sequence[MountLine]) -> list[MountLine]:
    """The mounts below some absolute paths that a person who looks for space on a disk does not mean."""
    return [
        line
        for line in mounts_below(roots, lines)
        if line.fstype in KERNEL | DUMMY or is_remote(line) or line.fstype.startswith(ANSWERED_ELSEWHERE)
    ]


def absolute(root: bytes) -> str:
    """The name of a root from / on, links not resolved: that would be a look at what they lead through."""
    try:
        return os.path.abspath(os.fsdecode(root))
    except FileNotFoundError:  # the working directory is gone, and can still be looked at
        return "/proc/self/cwd/" + os.fsdecode(root)
