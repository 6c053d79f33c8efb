"""Who else could put something in the place of a file that root goes by, or write to it."""

from __future__ import annotations

import errno
import os
import stat
from typing import Optional

# As many symlinks as the kernel follows (path_resolution(7)).
MOST_LINKS = 40


def weak_spot(path: str, *, itself: bool = True) -> str:
    """What lets somebody beside root decide what is at this path, "" if nothing does. An ordinary user is not told.

    Every directory on the way is looked at, behind symlinks too. One that others can write to is in order when it is
    sticky and root's, as /tmp is, and what it holds of the path is root's, too (or is not there yet).

    path: need not be there
    itself: whether others may not write to what is there either
    """
    if os.geteuid() != 0:
        return ""
    place, links = "/", 0
    rest = [part for part in reversed(_absolute(path).split("/")) if part]
    here = os.stat(place)
    while rest:
        name = rest.pop()
        if name == ".":
            continue
        inner = os.path.dirname(place) if name == ".." else os.path.join(place, name)
        status = _lstat(inner)
        if name != ".." and _lets_others_replace(here, status):
            return _described(place, here)
        if status is None:
            return ""
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if links > MOST_LINKS:
                return ""  # whoever opens it is told
            target = os.readlink(inner)
            rest += [part for part in reversed(target.split("/")) if part]
            inner = "/" if target.startswith("/") else place
            status = os.stat(inner)
        place, here = inner, status
    open_to_others = here.st_uid != 0 or here.st_mode & 0o022
    return _described(place, here) if itself and open_to_others else ""


def _absolute(path: str) -> str:
    """The path from / on, with every `..` still in it: behind a symlink that is another directory."""
    return path if path.startswith("/") else os.path.join(os.getcwd(), path)


def check_links(path: str) -> None:
    """Raise OSError when a part of the path is a symlink of another user, who could mislead us with it."""
    place = "/"
    for name in os.path.abspath(path).split("/")[1:]:
        place = os.path.join(place, name)
        status = _lstat(place)
        if status is not None and stat.S_ISLNK(status.st_mode) and status.st_uid not in {0, os.geteuid()}:
            raise OSError(errno.ELOOP, f"{place} is a symlink of another user", path)


def _lstat(path: str) -> Optional[os.stat_result]:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # whoever opens it is told
        return None


def _lets_others_replace(directory: os.stat_result, inner: Optional[os.stat_result]) -> bool:
    """Whether somebody beside root can put something else in the place of inner."""
    if directory.st_uid != 0:
        return True
    if not directory.st_mode & 0o022:
        return False
    return not (directory.st_mode & stat.S_ISVTX and (inner is None or inner.st_uid == 0))


def _described(path: str, status: os.stat_result) -> str:
    return f"{path} (owner {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o})"
