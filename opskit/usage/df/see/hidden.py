"""Files hidden under mount points: looked at through a bind mount that only a child of ours ever sees."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Callable

from opskit.core.child import ask
from opskit.core.kernel import CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, checked, libc
from opskit.core.mountinfo import MountLine
from opskit.usage.df.why import HiddenFiles

# The view is put over one of these, in the child's namespace only: nothing is made on the host.
VIEWS = ("/mnt", "/media", "/tmp")  # noqa: S108
# A child that counts may take long: what ends it is the end of its work, or Ctrl-C.
SECONDS = 24 * 3600.0
# The bytes of each of some paths, one filesystem only, hard links once; and what could not be read.
MeasureEach = Callable[[Sequence[str]], tuple[dict[str, int], list[str]]]


def covered(mount_point: str, lines: Sequence[MountLine]) -> list[str]:
    """The mount points that cover something of the filesystem mounted here; none below another one."""
    above = mount_point.rstrip("/") + "/"
    below = sorted({line.target for line in lines if line.target.startswith(above) and line.target != mount_point})
    points: list[str] = []
    for path in below:
        if not (points and path.startswith(points[-1] + "/")):
            points.append(path)
    return points


def see_hidden(
    mount_point: str, lines: Sequence[MountLine], measure: MeasureEach
) -> tuple[tuple[HiddenFiles, ...], str, tuple[str, ...]]:
    """What is hidden below each mount point; why nobody could look ("" if it was looked at); what was unreadable."""
    points = covered(mount_point, lines)
    if not points:
        return (), "", ()
    if os.geteuid() != 0:
        return (), "only root can look under mount points", ()
    (answer,) = ask([lambda: _look(mount_point, points, measure)], SECONDS)
    if answer.value is None:
        return (), f"could not look under mount points: {answer.why}", ()
    sizes, unreadable = answer.value
    return tuple(HiddenFiles(path, size) for path, size in sizes if size), "", tuple(unreadable)


def _look(mount_point: str, points: Sequence[str], measure: MeasureEach) -> list[Any]:
    """In the child: a mount namespace of its own, the filesystem alone over a folder, and a count there."""
    view = next((path for path in VIEWS if os.path.isdir(path)), VIEWS[0])
    checked(libc().unshare(CLONE_NEWNS))
    checked(libc().mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    # Not recursive: what is mounted on the filesystem is not mounted in the view.
    checked(libc().mount(os.fsencode(mount_point), view.encode(), None, MS_BIND, None))
    # Below the view each path is as below the mount point.
    names = {view + "/" + point[len(mount_point.rstrip("/")) + 1 :]: point for point in points}
    sizes, unreadable = measure([name for name in names if os.path.lexists(name)])
    shown = [mount_point.rstrip("/") + text[len(view) :] for text in unreadable]
    return [[[names[name], size] for name, size in sizes.items() if name in names], shown]
