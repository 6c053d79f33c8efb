"""Copying journal files whole: a reflink where the filesystem can, else by sendfile; on the disk before it counts."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os

from opskit.core.files import sync_directory

# FICLONE, see ioctl_ficlone of section 2 of the manual
_FICLONE = 0x40049409
_CHUNK = 1 << 24


def unfinished(target: str) -> str:
    """What a copy is called until it is whole."""
    return f"{target}.opskit-copy"


def copy_file(source: str, target: str) -> None:
    """Copy a regular file with its mode, owner, times and extended attributes, and wait until it is on the disk.

    target appears by a rename, whole. Raises OSError (FileExistsError when there is something by that name).
    """
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    temporary = unfinished(target)
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(reading)
        writing = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _copy_data(reading, writing, status.st_size)
            _copy_attributes(reading, writing, status)
            os.fsync(writing)
        finally:
            os.close(writing)
        _put(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    finally:
        os.close(reading)
    sync_directory(os.path.dirname(target))


def _put(temporary: str, target: str) -> None:
    """Give the file its name; unlike a rename a link never takes the place of something."""
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP}:  # a filesystem without links
            raise
        os.rename(temporary, target)
    else:
        os.unlink(temporary)


def _copy_data(reading: int, writing: int, size: int) -> None:
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError:
        _send(reading, writing, size)


def _send(reading: int, writing: int, size: int) -> None:
    """The data, and the holes as holes."""
    os.ftruncate(writing, size)
    at = 0
    while at < size:
        try:
            at = os.lseek(reading, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end
                return
            raise
        end = os.lseek(reading, at, os.SEEK_HOLE)
        os.lseek(writing, at, os.SEEK_SET)
        while at < end:
            sent = os.sendfile(writing, reading, at, min(end - at, _CHUNK))
            if not sent:
                raise OSError(errno.EIO, "it became shorter while it was copied")
            at += sent


def _copy_attributes(reading: int, writing: int, status: os.stat_result) -> None:
    """Mode, owner, times, and what extended attributes the other filesystem takes."""
    for name in os.listxattr(reading):
        with contextlib.suppress(OSError):
            os.setxattr(writing, name, os.getxattr(reading, name))
    os.fchown(writing, status.st_uid, status.st_gid)
    os.fchmod(writing, status.st_mode & 0o7777)
    os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))


def same_content(one: str, other: str) -> bool:
    """Whether two regular files hold the same bytes. Raises OSError."""
    with open(one, "rb", buffering=0) as left, open(other, "rb", buffering=0) as right:
        if os.fstat(left.fileno()).st_size != os.fstat(right.fileno()).st_size:
            return False
        while True:
            data = left.read(1 << 20)
            if data != right.read(1 << 20):
                return False
            if not data:
                return True
