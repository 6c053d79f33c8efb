"""What `opskit df --why` counts on a filesystem."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Callable

from opskit.core.errors import Failed
from opskit.core.mountinfo import read_mountinfo
from opskit.usage.df.see.deleted import see_deleted
from opskit.usage.df.see.filesystems import see
from opskit.usage.df.see.hidden import see_hidden
from opskit.usage.df.see.own import own_bytes
from opskit.usage.df.see.places import see_places
from opskit.usage.df.why import WhyFacts
from opskit.usage.du.model import Scan
from opskit.usage.mounts import mount_of

# Counts what is below some paths on their own filesystem, hard links once.
CountPaths = Callable[[Sequence[str]], Scan]


def see_why(path: str, count: CountPaths, seconds: float) -> WhyFacts:
    """Count what fills the filesystem that a path is on.

    count: as `du -x` counts
    seconds: how long to wait for a mount that does not answer

    Raises Failed for a path that is not there, and for a mount without figures.
    """
    (filesystem,) = see([path], seconds=seconds)
    if not filesystem.size:
        raise Failed(f"df --why {path}", filesystem.why or f"{filesystem.fstype} has no blocks")
    lines = read_mountinfo()
    mount = mount_of(filesystem.mount_point, lines)
    scan = count([filesystem.mount_point])
    deleted = see_deleted()
    files = [file for file in deleted.files if file.device == filesystem.device]

    def each(paths: Sequence[str]) -> tuple[dict[str, int], list[str]]:
        below = count(paths)
        return {entry.path: entry.bytes for entry in below.entries}, [item.path for item in below.unreadable]

    hidden, hidden_why, unreadable = see_hidden(filesystem.mount_point, lines, each)
    own, own_how = own_bytes(filesystem)
    places = see_places(os.stat(filesystem.mount_point).st_dev, lambda paths: count(paths).total_bytes)
    # What was written before and during the count has its blocks by now: the figures are read again.
    (filesystem,) = see([path], seconds=seconds)
    return WhyFacts(
        filesystem=filesystem,
        root=mount.root if mount else "/",
        du=scan.total_bytes,
        unreadable=(*(item.path for item in scan.unreadable), *unreadable),
        deleted=sum(file.size for file in files),
        deleted_files=len(files),
        unseen=deleted.unseen,
        hidden=hidden,
        hidden_why=hidden_why,
        own=own,
        own_how=own_how,
        places=places,
    )
