"""A file read with a limit; written so that a crash leaves the old one or the new one, never a piece of either."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterable

from opskit.core.trust import check_links


def sha256(data: bytes) -> str:
    """The hash by which a record knows whether a file is still as it was."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, which a command that only looks does without

    return hashlib.sha256(data).hexdigest()


# What is larger is no config file, unit or sysconfig file of anybody.
LIMIT = 64 * 1024**2
# As much as is read at once: Python makes room for all that it is asked for, before it looks how much there is.
PIECE = 1024**2


def read_bytes(path: str, limit: int = LIMIT) -> bytes:
    """The whole of a regular file.

    Raises OSError, also for what is none (a FIFO, whose writer may never come; a device, which a look can change), and
    for one that is larger than limit bytes: strerror says which.
    """
    check_regular(os.stat(path), path)
    # Should the path have become a FIFO since.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        check_regular(os.fstat(descriptor), path)
        pieces, left = [], limit + 1
        while left and (piece := file.read(min(left, PIECE))):
            pieces.append(piece)
            left -= len(piece)
    data = b"".join(pieces)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes", path)
    return data


def check_regular(status: os.stat_result, path: str) -> None:
    """Raise OSError for what is not a regular file; strerror says what it is."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"it is {kind_of(status.st_mode)}, not a file", path)


def kind_of(mode: int) -> str:
    """What something other than a file is, by its st_mode."""
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for test, name in kinds if test(mode)), "something else")


def write_atomic(path: str, data: bytes | Iterable[bytes], *, like: str = "", mode: int = 0o600) -> None:
    """Put data at path: a temporary file beside it, fsync, rename, fsync of the directory.

    data: the bytes, or the pieces of them, one after the other
    like: a file whose mode, owner and extended attributes (the SELinux context is one) the new file gets;
    without it the file gets mode. A symlink at path is followed: the file it names is what is replaced, but nothing
    other than a file: the link of a masked drop-in names /dev/null. Another user's symlink is not followed.
    What a write that was killed has left beside it is removed. Raises OSError; the temporary file is gone then and path
    is as it was.
    """
    target = _followed(path)
    if os.path.lexists(target) and not os.path.isfile(target):
        raise OSError(errno.EINVAL, "not a regular file", target)
    directory = os.path.dirname(target)
    for left in leftovers(target):
        with contextlib.suppress(OSError):
            os.unlink(left)
    descriptor, temporary = _make_temporary(target)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            if like:
                _copy_metadata(os.path.realpath(like), file.fileno())
            else:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_directory(directory)


def _make_temporary(target: str) -> tuple[int, str]:
    """A new file beside target, and its name. Its lock says that somebody writes it, as long as the process lives."""
    import tempfile  # noqa: PLC0415

    directory, name = os.path.split(target)
    while True:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.opskit-", dir=directory)
        # Nobody else can open it. Another opskit may have taken it for a leftover before it was locked.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, temporary
        os.close(descriptor)


def existing_part(path: str) -> str:
    """The path itself, or the nearest above it that is there (a dangling link is)."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def room(place: str) -> int:
    """Bytes that this process can still write on the filesystem of a file or directory, -1 where it does not fill.

    Root may write into what ext keeps for it, but not into the clusters that ext4 keeps for itself (2%, 16M at most):
    statvfs(2) counts these as free, and on a full disk they are all that it calls free.
    """
    status = os.statvfs(place)
    if not status.f_blocks:
        return -1  # a tmpfs without a limit
    if os.geteuid():
        return status.f_bavail * status.f_frsize
    return max(0, status.f_bfree - _kept_by_ext4(os.stat(place).st_dev)) * status.f_frsize


def _kept_by_ext4(device: int) -> int:
    """The blocks that the ext4 on this device lets no file have; 0 of any other filesystem."""
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
    try:
        with open(f"/sys/fs/ext4/{name}/reserved_clusters", "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def leftovers(path: str) -> list[str]:
    """What writes to this path that were killed have left beside it: temporary files of ours that nobody has locked.

    Also those of the copies that runs keep of it: no later run writes to a copy of that name again.
    """
    directory, name = os.path.split(os.path.realpath(path))
    return leftovers_in(directory, re.escape(name) + COPY)


# What the copy of a file that a run keeps beside it has behind the file's name: the run's id.
COPY = r"(?:\.opskit-[0-9TZ]+-[0-9a-f]+)?"


def leftovers_in(directory: str, name: str = ".+") -> list[str]:
    """The same of all that was written in a directory. name: a pattern of the names of what was written."""
    temporary = re.compile(rf"\.{name}\.opskit-[a-z0-9_]{{8}}")  # as tempfile makes them
    try:
        names = [inner for inner in sorted(os.listdir(directory)) if temporary.fullmatch(inner)]
    except OSError:
        return []
    return [path for path in (os.path.join(directory, inner) for inner in names) if is_left(path)]


def is_left(path: str) -> bool:
    """Whether this is a temporary file of ours that nobody has locked. Raises nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def _followed(path: str) -> str:
    """The path without symlinks. Raises OSError where one is another user's.

    What is no symlink now is none for what follows either, whoever puts one there in between.
    """
    check_links(path)
    if os.path.islink(path):
        return os.path.realpath(path)
    directory, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(directory), name)


def _copy_metadata(source: str, descriptor: int) -> None:
    status = os.stat(source)
    os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, status.st_mode & 0o7777)
    for name in os.listxattr(source):
        os.setxattr(descriptor, name, os.getxattr(source, name))


def sync_directory(path: str) -> None:
    """Make a rename, a new name or a removed one in this directory last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
