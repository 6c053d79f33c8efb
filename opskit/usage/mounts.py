"""Which mounts a walk comes to. By their names alone: nothing is asked of a filesystem whose server may be gone."""

from __future__ import annotations

import os
from collections.abc import Sequence

from opskit.core.mountinfo import MountLine
from opskit.usage.filesystems import ANSWERED_ELSEWHERE, DUMMY, is_remote, may_hang, mount_of

# What holds no files but shows the kernel's state, beside what df calls dummy.
KERNEL = frozenset(
    {"proc", "sysfs", "cgroup", "cgroup2", "tracefs", "securityfs", "bpf", "pstore", "configfs", "efivarfs", "nsfs"}
    | {"binfmt_misc", "selinuxfs", "hugetlbfs", "devtmpfs"}
)


def mounts_below(roots: Sequence[str], lines: Sequence[MountLine]) -> list[MountLine]:
    """The mounts below some absolute paths."""
    above = [root.rstrip("/") + "/" for root in roots]
    return [line for line in lines if any(line.target.startswith(start) and line.target != start for start in above)]


def may_wait(roots: Sequence[str], lines: Sequence[MountLine]) -> bool:
    """Whether a look at what these are on, or at a mount below them, can wait for ever."""
    on = [mount for mount in (mount_of(root, lines) for root in roots) if mount]
    return any(may_hang(line, lines) for line in (*on, *mounts_below(roots, lines)))


def no_part_of_a_disk(roots: Sequence[str], lines: Sequence[MountLine]) -> list[MountLine]:
    """The mounts below some absolute paths that a person who looks for space on a disk does not mean."""
    return [
        line
        for line in mounts_below(roots, lines)
        if line.fstype in KERNEL | DUMMY or is_remote(line) or line.fstype.startswith(ANSWERED_ELSEWHERE)
    ]


def absolute(root: bytes) -> str:
    """The name of a root from / on, links not resolved: that would be a look at what they lead through."""
    return os.path.abspath(os.fsdecode(root))
