"""What is at a path: a device, a directory to mount on, a symlink, nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Optional

from opskit.core.child import Answer
from opskit.core.files import room
from opskit.core.reach import AUTOMOUNT, Look, look_at
from opskit.core.trust import weak_spot
from opskit.disk.model import Mount, PathFact


def path_facts(paths: Iterable[str], own: Sequence[Mount]) -> tuple[PathFact, ...]:
    """What is at each path. Nothing is followed for its kind: a symlink is a symlink.

    Of a path on a mount that does not answer, and of one below an automount point, only the name is known.

    own: the mounts of this process
    """
    looks = [Look(path, partial(_look, path)) for path in paths]
    return tuple(_path_fact(look.path, answer, own) for look, answer in zip(looks, look_at(looks)))


def _look(path: str) -> list[Any]:
    """Its kind, the path without symlinks, whether it is an empty directory, and so on in the order of PathFact."""
    absolute = os.path.isabs(path)
    real = os.path.realpath(path) if absolute else path
    kind, empty = "absent", False
    try:
        kind = _kind(os.lstat(path).st_mode)
        empty = kind == "directory" and not os.listdir(path)
    except PermissionError:
        kind = kind if kind != "absent" else "unknown"
    except NotADirectoryError:
        kind = "below-a-file"
    except OSError:
        pass
    link = _first_symlink(os.path.normpath(path)) if absolute and kind not in {"block", "character"} else ""
    weak = weak_spot(path, itself=False) if absolute and kind in {"absent", "directory", "file"} else ""
    return [kind, real, empty, link, weak, _full_above(real) if absolute and kind == "absent" else ""]


def _path_fact(path: str, answer: Answer, own: Sequence[Mount]) -> PathFact:
    if answer.value is None:
        plain = os.path.normpath(path)
        mount = next((m for m in reversed(own) if m.target == plain), None)
        if mount and mount.fstype == AUTOMOUNT:  # a directory, and more is there only once somebody opens it
            return PathFact(path, "directory", plain, mounted=True)
        return PathFact(path, "unknown", plain, mounted=mount is not None, unanswered=answer.why)
    kind, real, empty, link, weak, unmakable = answer.value
    mounted = any(m.target == real for m in own)
    return PathFact(path, kind, real, empty, mounted, link, weak, unmakable=unmakable)


def _full_above(path: str) -> str:
    """Why nothing new can be made at this path, by the filesystem that it would be on; "" for nothing known."""
    above = os.path.dirname(path)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    try:
        status, free = os.statvfs(above), room(above)
    except OSError:
        return ""
    if status.f_flag & os.ST_RDONLY:
        return f"the filesystem of {above} is read-only"
    # Some have no number of inodes (btrfs): 0 of 0.
    if status.f_files and not status.f_ffree:
        return f"the filesystem of {above} has no inode left for it"
    return "" if free else f"the filesystem of {above} is full"


def in_the_way(target: str, mount: Optional[Mount]) -> str:
    """What a mount at this path would hide or be led away by, "" for nothing: mkfs took minutes since the plan.

    mount: what is mounted there.
    """
    real = os.path.realpath(target)
    if real != target:
        return f"a symlink in it now leads to {real}"
    if mount is not None:
        return f"{mount.source} is mounted there now"
    return "it is not empty now: its files would be hidden" if holds_something(target) else ""


def holds_something(path: str) -> bool:
    """Whether a directory has something in it; an absent one has not."""
    try:
        return bool(os.listdir(path))
    except OSError:
        return False


def _kind(mode: int) -> str:
    tests = (
        (stat.S_ISDIR, "directory"),
        (stat.S_ISLNK, "symlink"),
        (stat.S_ISREG, "file"),
        (stat.S_ISBLK, "block"),
        (stat.S_ISCHR, "character"),
    )
    return next((name for test, name in tests if test(mode)), "other")


def _first_symlink(path: str) -> str:
    """The first part of the path that is a symlink, "" if none is."""
    at = ""
    for part in path.strip("/").split("/"):
        at += "/" + part
        if os.path.islink(at):
            return at
    return ""
