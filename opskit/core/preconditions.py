"""What has to hold before a run can begin: one list, by which a dry run and a real one stop at the same.

Nothing is changed here, and no lock is taken: another opskit that begins in this moment would meet it.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator

from opskit.core import procfs
from opskit.core.build import installed, package_path
from opskit.core.errors import Missing, OpskitError, Refused
from opskit.core.files import existing_part, room
from opskit.core.ledger import Ledger, no_room
from opskit.core.lock import busy, check_state_dir, lock_path, no_lock
from opskit.core.plan import Reason

# A flock in /proc/locks (proc(5)): pid, device and inode of the file.
_FLOCK = re.compile(r"^\d+: FLOCK +ADVISORY +WRITE (\d+) (\w+):(\w+):(\d+) ", re.MULTILINE)
# What begin, end and the log take; the steps come to it.
_ROOM = 32 * 1024


def obstacles(state_dir: str, *, sudo: str, waits: bool, size: int) -> Iterator[OpskitError]:
    """What keeps a run from beginning, each with what to do: root, the state directory, the lock, room for the ledger.

    sudo: the line to type where root is needed and missing, "" where it is not.
    waits: whether the run would wait for another opskit.
    size: of the plan's steps as JSON, in bytes.
    """
    if sudo:
        yield Missing("not root", "this needs root", todo=sudo, state="Nothing was changed.")
        return  # what else there is looks different to root
    directory = os.path.abspath(state_dir)
    try:
        place = _writable(directory)
        holder = 0 if waits else lock_holder(directory)
    except OpskitError as error:
        yield error
        return
    if holder:
        yield busy(directory, str(holder))
    # Each step is written before and after it.
    if 0 <= room(place) < _ROOM + 4 * size:
        yield no_room(Ledger(directory).path, errno.ENOSPC, changed=False)


def check_build(build: tuple[int, ...], title: str) -> None:
    """Raise Refused when opskit itself was upgraded or removed while the command waited for an answer, or a lock.

    What it has not loaded by then would come of the new one, and the two need not fit.

    build: what core/build.py said when the command began
    title: of the plan
    """
    if installed() == build:
        return
    why, remedy = "opskit was upgraded or removed while this command waited", "run the same command again"
    raise Refused(title, [Reason("opskit-replaced", why, remedy, evidence=package_path())])


def _writable(directory: str) -> str:
    """The state directory, or where it is to be made. Raises Failed, Missing."""
    place = existing_part(directory)
    if not os.path.isdir(place):
        raise no_lock(directory, errno.EEXIST if place == directory else errno.ENOTDIR)
    try:
        check_state_dir(directory)
    except OSError as error:  # below what this user may not look into
        raise no_lock(directory, error.errno or errno.EACCES) from error
    if not os.access(place, os.W_OK | os.X_OK):
        read_only = os.statvfs(place).f_flag & os.ST_RDONLY
        raise no_lock(directory, errno.EROFS if read_only else errno.EACCES)
    if os.path.islink(lock_path(directory)):
        raise no_lock(directory, errno.ELOOP)
    return place


def lock_holder(state_dir: str, locks: str = "/proc/locks") -> int:
    """The pid of the opskit that has the lock, 0 for none (or none that this process may see)."""
    try:
        status = os.stat(lock_path(state_dir))
        with open(lock_path(state_dir), encoding="ascii", errors="replace") as file:
            written = file.read(32).strip()
    except OSError:
        return 0
    device = (os.major(status.st_dev), os.minor(status.st_dev))
    for pid, major, minor, inode in _FLOCK.findall(procfs.text(locks)):
        # btrfs and overlay show another device there than stat does: the pid that the holder wrote stands for it.
        same = (int(major, 16), int(minor, 16)) == device or pid == written
        if int(inode) == status.st_ino and same:
            return int(pid)
    return 0
