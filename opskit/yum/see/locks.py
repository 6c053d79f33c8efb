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

from opskit.core import procfs
from opskit.yum.model import DNF, FCNTL, LIBDNF, PID_MAX, YUM, LockFile, LockPlace

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


def read_lock(place: LockPlace) -> LockFile:
    """The lock as it is now. Never blocks and raises nothing: kind and why say what stopped it."""
    # O_NONBLOCK: a FIFO in its place must not block us. Anything but a regular file is not opened at all.
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


def _not_read(place: LockPlace, error: OSError) -> LockFile:
    """A lock that is absent (also one that vanished just now), or that cannot be read."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return LockFile(place)
    if error.errno == errno.ELOOP:
        return LockFile(place, "symlink")
    return LockFile(place, "unreadable", why=error.strerror or str(error))


def _read(place: LockPlace, descriptor: int, status: os.stat_result) -> LockFile:
    content = os.read(descriptor, READ_BYTES)
    locked, pid = ("", parse_pid(place, content))
    if place.mechanism == FCNTL:
        locked, pid = ask_lock(descriptor)
    text = content.decode("latin-1")
    group = place.tool == YUM and pid is not None and -PID_MAX <= pid < -1 and _group_lives(-pid)
    return LockFile(
        place, "regular", text, status.st_mtime, status.st_dev, status.st_ino, locked=locked, pid=pid, group=group
    )


def _group_lives(group: int) -> bool:
    """Whether a process group exists, which kill(2) with a negative pid asks for."""
    return any(_group_of(pid) == group for pid in procfs.pids())


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def parse_pid(place: LockPlace, content: bytes) -> Optional[int]:
    """The pid in a pid file, read as its tool reads it; None when that is not a number.

    dnf: int() of the first 20 bytes; yum: int() of the first line; PackageKit and microdnf: strtoull(),
    whatever follows the digits (libdnf, dnf-lock.cpp).
    """
    if place.mechanism == FCNTL:
        return None
    text = {DNF: content[:DNF_READS], YUM: content.split(b"\n", 1)[0]}.get(place.tool, content)
    after = rb"" if place.tool in LIBDNF else rb"[ \t\r\n\f\v]*\Z"
    match = re.match(rb"[ \t\r\n\f\v]*([+-]?[0-9]+)" + after, text)
    return int(match.group(1)) if match else None


def ask_lock(descriptor: int) -> tuple[str, Optional[int]]:
    """Which lock would block a write lock of ours on the whole file ("", "read" or "write"), and the pid that has it.

    By F_GETLK of fcntl(2).

    pid 0: a holder outside our pid namespace; -1: a lock of an open file description. Raises OSError.
    """
    question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    if kind == fcntl.F_UNLCK:
        return "", None
    return ("write" if kind == fcntl.F_WRLCK else "read"), pid
