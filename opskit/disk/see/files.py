"""See fstab, its backups, and other text files: read from the host, nothing changed."""

from __future__ import annotations

import errno
import os
import stat

from opskit.core.files import kind_of, leftovers, room
from opskit.core.kernel import FS_APPEND_FL, FS_IMMUTABLE_FL, inode_flags
from opskit.core.reach import silence_at
from opskit.disk.fstab.text import BACKUP_MARK, decode
from opskit.disk.model import FileFact

# An fstab or crypttab is a few KiB; what is larger than this is none.
LIMIT = 4 * 1024 * 1024


def read_file_fact(path: str) -> FileFact:
    """A text file with what stands in the way of writing it. Never raises for what is at the path."""
    if why := silence_at(path):
        return FileFact(path, path, exists=True, problem=why)
    real = os.path.realpath(path)
    try:
        status = os.stat(real)
    except FileNotFoundError:
        return FileFact(path, real, exists=False, read_only=_read_only(real), directory_free=_directory_free(real))
    except OSError as error:
        return FileFact(path, real, exists=True, problem=_why(error))
    if not stat.S_ISREG(status.st_mode):
        return FileFact(path, real, exists=True, problem=f"it is {kind_of(status.st_mode)}, not a file")
    if status.st_size > LIMIT:
        return FileFact(path, real, exists=True, problem=f"it is larger than {LIMIT} bytes")
    text, problem, flags = _read(real)
    return FileFact(
        path,
        real,
        exists=True,
        text=text,
        problem=problem,
        immutable=bool((flags | _directory_flags(real)) & (FS_IMMUTABLE_FL | FS_APPEND_FL)),
        read_only=_read_only(real),
        directory_free=_directory_free(real),
        leftovers=tuple(leftovers(real)),
    )


def list_backups(path: str) -> tuple[str, ...]:
    """The backups that opskit made of a file, beside it, oldest first: their names begin with the time."""
    real = os.path.realpath(path)
    directory, mark = os.path.dirname(real), os.path.basename(real) + BACKUP_MARK
    try:
        names = sorted(name for name in os.listdir(directory) if name.startswith(mark))
    except OSError:
        return ()
    return tuple(os.path.join(directory, name) for name in names)


def _read(path: str) -> tuple[str, str, int]:
    """The text, why there is none, and the file's flags."""
    try:
        # Not to wait for ever, should the path have become a FIFO since it was looked at.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            flags = inode_flags(file.fileno())
            data = file.read(LIMIT + 1)
    except OSError as error:
        return "", _why(error), 0
    if b"\0" in data:
        return "", "it holds NUL bytes: not a text file", flags
    return decode(data), "", flags


def _directory_flags(path: str) -> int:
    """The flags of the directory that the file is in: a new file takes its place there. 0 if it cannot be read."""
    try:
        descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return inode_flags(descriptor)
    finally:
        os.close(descriptor)


def _read_only(path: str) -> bool:
    try:
        return bool(os.statvfs(os.path.dirname(path)).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _directory_free(path: str) -> int:
    """Bytes free for us where the file is written, -1 where unknown."""
    directory = os.path.dirname(path)
    try:
        status = os.statvfs(directory)
        if status.f_files and not status.f_ffree:
            return 0  # no inode left: no new file, however many bytes there are
        return room(directory)
    except OSError:
        return -1


def _why(error: OSError) -> str:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "it may not be read: that needs root"
    return f"it cannot be read ({error.strerror})"
