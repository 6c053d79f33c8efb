"""Reading a lock without ever taking one: the file, and what the kernel says of it (F_GETLK of fcntl(2)).

A read lock on .rpm.lock, taken for a moment, makes an `rpm -i` of that moment fail: F_GETLK only asks.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import struct
from typing import Optional

from opskit.yum.model import DNF, FCNTL, PACKAGEKIT, YUM, LockFile, Place

# A pid file holds a few digits; dnf itself reads 20 bytes. dnf 5 writes some lines of TOML.
READ_BYTES = 4096
DNF_READS = 20
_KINDS = (
    (stat.S_ISREG, "regular"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISLNK, "symlink"),
)
# struct flock of fcntl.h on 64-bit Linux: type, whence, start, length, pid.
_FLOCK = "hhqqi4x"


def read_lock(place: Place) -> LockFile:
    """The lock as it is at this moment. Never blocks, and raises nothing: what stops it is in kind and why."""
    # O_NONBLOCK: a FIFO in its place must not hold us. What is no plain file is not opened at all.
    try:
        before = os.lstat(place.path)
        kind = next((name for test, name in _KINDS if test(before.st_mode)), "device")
        if kind != "regular":
            return LockFile(place, kind, modified=before.st_mtime, device=before.st_dev, inode=before.st_ino)
        descriptor = os.open(place.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return _not_read(place, error)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):  # exchanged in between
            return LockFile(place, "device", modified=status.st_mtime, device=status.st_dev, inode=status.st_ino)
        return _read(place, descriptor, status)
    except OSError as error:
        return _not_read(place, error)
    finally:
        os.close(descriptor)


def _not_read(place: Place, error: OSError) -> LockFile:
    """Absent (also when it vanished while it was looked at), or there and not to be read."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return LockFile(place)
    if error.errno == errno.ELOOP:
        return LockFile(place, "symlink")
    return LockFile(place, "unreadable", why=error.strerror or str(error))


def _read(place: Place, descriptor: int, status: os.stat_result) -> LockFile:
    content = os.read(descriptor, READ_BYTES)
    locked, pid = ("", parse_pid(place, content))
    if place.mechanism == FCNTL:
        locked, pid = ask_lock(descriptor)
    text = content.decode("latin-1")
    return LockFile(place, "regular", text, status.st_mtime, status.st_dev, status.st_ino, locked=locked, pid=pid)


def parse_pid(place: Place, content: bytes) -> Optional[int]:
    """The pid in a pid file, read as its tool reads it; None where that is no number.

    dnf: int() of the first 20 bytes; yum: int() of the first line; PackageKit: strtoull(), whatever follows the digits
    (libdnf, dnf-lock.cpp).
    """
    if place.mechanism == FCNTL:
        return None
    text = {DNF: content[:DNF_READS], YUM: content.split(b"\n", 1)[0]}.get(place.tool, content)
    after = rb"" if place.tool == PACKAGEKIT else rb"[ \t\r\n\f\v]*\Z"
    found = re.match(rb"[ \t\r\n\f\v]*([+-]?[0-9]+)" + after, text)
    return int(found.group(1)) if found else None


def ask_lock(descriptor: int) -> tuple[str, Optional[int]]:
    """Who would keep us from a write lock on the whole file: "", "read" or "write", and the pid (fcntl(2), F_GETLK).

    pid 0: a holder outside our pid namespace; -1: a lock of an open file description. Raises OSError.
    """
    question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    if kind == fcntl.F_UNLCK:
        return "", None
    return ("write" if kind == fcntl.F_WRLCK else "read"), pid
