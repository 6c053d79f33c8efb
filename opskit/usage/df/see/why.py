"""What `opskit df --why` counts on a filesystem."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

from opskit.core.errors import Failed
from opskit.core.mountinfo import mount_of, read_mountinfo
from opskit.usage.df.see.beneath import beneath
from opskit.usage.df.see.deleted import see_deleted
from opskit.usage.df.see.filesystems import see
from opskit.usage.df.see.hidden import Hidden, counted_twice, see_hidden
from opskit.usage.df.see.own import own_bytes
from opskit.usage.df.see.places import see_places
from opskit.usage.df.why import WhyFacts
from opskit.usage.du.model import Scan

# So deep are the directories that may be named. /var/lib/docker/overlay2 is the fourth.
DEPTH = 4


class CountPaths(Protocol):
    """Counts what is below some paths on their own filesystem, hard links once."""

    def __call__(self, paths: Sequence[str], depth: int = 0) -> Scan:
        """depth: directories down to this one are entries of their own."""


def see_why(path: str, count: CountPaths, seconds: float) -> WhyFacts:
    """Count what fills the filesystem that a path is on.

    count: as `du -x` counts
    seconds: how long to wait for a mount that does not answer

    Raises Failed for a path that is not there, and for a mount without figures.
    """
    lines = read_mountinfo()
    (filesystem,) = see([path], seconds=seconds)
    if not filesystem.size:
        raise Failed(f"df --why {path}", filesystem.why or f"{filesystem.fstype} has no blocks")
    mount = mount_of(filesystem.mount_point, lines)
    if mount and mount.fstype == "overlay":  # its figures are those of the filesystem beneath
        mount = beneath(mount, lines).mount
        path = mount.target
        (filesystem,) = see([path], seconds=seconds)
    scan = count([filesystem.mount_point], DEPTH)
    deleted = see_deleted().on({filesystem.disk})
    hidden = see_hidden(mount, lines, count, DEPTH) if mount else Hidden()
    directories = tuple(entry for entry in scan.entries if entry.kind == "directory")
    total = scan.total_bytes
    if hidden.directories:
        directories = hidden.directories
        total = max(entry.bytes for entry in directories)
    own, own_how = own_bytes(filesystem)
    places = see_places(os.stat(filesystem.mount_point).st_dev, lambda paths: count(paths).total_bytes)
    # What was written before and during the count has its blocks by now: the figures are read again.
    (filesystem,) = see([path], seconds=seconds)
    return WhyFacts(
        filesystem=filesystem,
        root=mount.root if mount else "/",
        du=total,
        unreadable=tuple(dict.fromkeys((*(item.path for item in scan.unreadable), *hidden.unreadable))),
        deleted=deleted.size,
        deleted_files=len(deleted.files),
        unseen=deleted.unseen,
        hidden=hidden.files,
        hidden_why=hidden.why,
        own=own,
        own_how=own_how,
        places=places,
        kernel=deleted.kernel,
        directories=directories,
        twice=tuple(counted_twice(mount, lines)) if mount else (),
    )
