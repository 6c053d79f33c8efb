"""Files hidden under mount points: looked at through a bind mount that only a child of ours ever sees."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, Optional

from opskit.core.child import ask
from opskit.core.kernel import CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, checked, libc
from opskit.core.mountinfo import MountLine, mount_of
from opskit.usage.df.why import HiddenFiles
from opskit.usage.du.model import Scan, TreeEntry
from opskit.usage.mounts import within

# The view is put over one of these, in the child's namespace only: nothing is made on the host.
VIEWS = ("/mnt", "/media", "/tmp")  # noqa: S108
# A child that counts may take long: what ends it is the end of its work, or Ctrl-C.
SECONDS = 24 * 3600.0
# What is below some paths, one filesystem only, hard links once. It is told how deep directories are entries.
Measure = Callable[[Sequence[str], int], Scan]


class Hidden(NamedTuple):
    """What was looked at beneath all mounts.

    why: why nobody could look, "" when it was looked at
    directories: where a part of the filesystem is mounted in it twice: what du finds in it, counted once, as from
        its mount point on; None where du counts nothing twice, or nobody could look
    """

    files: tuple[HiddenFiles, ...] = ()
    why: str = ""
    unreadable: tuple[str, ...] = ()
    directories: Optional[tuple[TreeEntry, ...]] = None


def covered(mount: MountLine, lines: Sequence[MountLine]) -> list[str]:
    """The mount points that hide something of a filesystem; none below another one.

    What a bind mount in it shows is not hidden: podman and docker mount the folder of their storage over itself.
    """
    binds = _binds(mount, lines)
    points: list[str] = []
    for path in sorted(
        {line.target for line in lines if line.target != mount.target and within(line.target, mount.target)}
    ):
        place = _place(path, mount)
        shown = (bind for bind in binds if within(place, bind.root))
        at = ((bind, bind.target.rstrip("/") + place[len(bind.root.rstrip("/")) :]) for bind in shown)
        if any(mount_of(there.rstrip("/"), lines) is bind for bind, there in at):
            continue
        if not (points and within(path, points[-1])):
            points.append(path)
    return points


def counted_twice(mount: MountLine, lines: Sequence[MountLine]) -> list[str]:
    """Where a part of a filesystem is mounted in it at another place, for du counts that at both."""
    return [bind.target for bind in _binds(mount, lines) if bind.root != _place(bind.target, mount)]


def _binds(mount: MountLine, lines: Sequence[MountLine]) -> list[MountLine]:
    below = (line for line in lines if line.target != mount.target and within(line.target, mount.target))
    return [line for line in below if line.device == mount.device and _subvolume(line) == _subvolume(mount)]


def _subvolume(line: MountLine) -> str:
    """Which subvolume of a btrfs is mounted: all of them have one device, and du -x goes into no other one."""
    return next((word for word in line.options.split(",") if word.startswith("subvolid=")), "")


def _place(path: str, mount: MountLine) -> str:
    """Where in its filesystem a path on this mount is."""
    return mount.root.rstrip("/") + path[len(mount.target.rstrip("/")) :] or "/"


def see_hidden(mount: MountLine, lines: Sequence[MountLine], measure: Measure, depth: int) -> Hidden:
    """What is hidden below each mount point. depth: how deep directories are to be told of."""
    points, twice = covered(mount, lines), bool(counted_twice(mount, lines))
    if not (points or twice):
        return Hidden()
    if os.geteuid() != 0:
        return Hidden(why="only root can look under mount points")
    (answer,) = ask([lambda: _look(mount.target, points, measure, depth if twice else -1)], SECONDS)
    if answer.value is None:
        return Hidden(why=f"could not look under mount points: {answer.why}")
    sizes, unreadable, entries = answer.value
    files = tuple(HiddenFiles(path, size) for path, size in sizes if size)
    directories = tuple(TreeEntry(*entry) for entry in entries) if twice else None
    return Hidden(files, "", tuple(unreadable), directories)


def _look(mount_point: str, points: Sequence[str], measure: Measure, depth: int) -> list[Any]:
    """In the child: a mount namespace of its own, the filesystem alone over a folder, and a count there.

    depth: how deep directories of the whole filesystem are told of; -1 for none of it
    """
    view = next((path for path in VIEWS if os.path.isdir(path)), VIEWS[0])
    checked(libc().unshare(CLONE_NEWNS))
    checked(libc().mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    # Not recursive: what is mounted on the filesystem is not mounted in the view.
    checked(libc().mount(os.fsencode(mount_point), view.encode(), None, MS_BIND, None))
    # Below the view each path is as below the mount point.
    names = {view + "/" + point[len(mount_point.rstrip("/")) + 1 :]: point for point in points}

    def outside(path: str) -> str:
        return mount_point.rstrip("/") + path[len(view) :] or "/"

    # What is under the mount points first: the whole is then what it has beside that.
    there = [name for name in names if os.path.lexists(name)]
    scan = measure([*there, view] if depth >= 0 else there, max(0, depth))
    sizes = [[names[entry.path], entry.bytes] for entry in scan.entries if entry.path in names]
    inside = [entry for entry in scan.entries if not any(within(entry.path, name) for name in names)]
    entries = [[outside(entry.path), entry.bytes, entry.entries] for entry in inside if entry.kind == "directory"]
    return [sizes, [outside(item.path) for item in scan.unreadable], entries if depth >= 0 else []]
