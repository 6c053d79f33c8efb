"""Reading directories of journals: which ones a journalctl looks at, names in readdir's order, attributes, headers.

Links are never followed. Nothing is written, and no access time is changed where the kernel lets that be (O_NOATIME:
root, or the owner).
"""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
from dataclasses import replace
from typing import Optional

from opskit.core.caller import machine_id, sudo_line
from opskit.core.errors import Missing, UsageFault
from opskit.core.kernel import FS_NOATIME_FL, Statx, inode_flags
from opskit.core.reach import check_answers
from opskit.core.record import dataclass
from opskit.journal.files.header import HEADER_BYTES, read_header
from opskit.journal.files.model import (
    DENIED,
    ROOTS,
    Header,
    JournalDirectory,
    JournalFile,
    ParsedName,
    Scope,
    valid_namespace,
)
from opskit.journal.files.names import classify, of_one_sequence
from opskit.journal.releases import Rules

# With --root all that was received from other hosts counts, too (sd-journal.c, add_search_paths).
REMOTE = "/var/log/journal/remote"
_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_UNREAD = _FLAGS | os.O_NOATIME
# The time of creation that journald itself keeps (journal-file.c): 64 bits, little-endian.
_CRTIME = "user.crtime_usec"
_U64 = struct.Struct("<Q")
_INFINITY = (1 << 64) - 1
_NO_HEADER = Header()


def read_directory(path: str, old: int = 0) -> JournalDirectory:
    """A directory with its journal files in readdir's order. Raises OSError when it cannot be read.

    old: from when on a file's age matters to who asks. Where its name says that it is older, and where the names alone
        give the order of all, its times are not read: they are 0.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        statx = Statx()
        flags = os.fstatvfs(descriptor).f_flag
        sticky = statx.status(descriptor).fixed
        noatime = bool(flags & os.ST_NOATIME)
        files, ignored = [], []
        with os.scandir(descriptor) as listing:  # in readdir's order
            named = [
                (entry.name, classify(entry.name) if _is_regular(entry) else None)
                for entry in listing
                if entry.name.endswith((".journal", ".journal~"))
            ]
        if old and not of_one_sequence(parsed for _, parsed in named if parsed):
            old = 0
        for name, parsed in named:
            file = _read_file(descriptor, name, parsed, statx, noatime=noatime, old=old) if parsed else None
            if file:
                files.append(file._replace(unremovable=True) if sticky else file)
            else:
                ignored.append(name)
        status = os.fstat(descriptor)
        return JournalDirectory(
            path,
            files=tuple(files),
            ignored=tuple(ignored),
            identity=f"{status.st_dev}:{status.st_ino}",
            read_only=bool(flags & os.ST_RDONLY),
            denied=not os.access(path, os.W_OK | os.X_OK, effective_ids=True),
        )
    finally:
        os.close(descriptor)


def _is_regular(entry: os.DirEntry[str]) -> bool:
    """By what readdir says of it: a pipe or a device is never opened."""
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


def _read_file(
    directory: int, name: str, parsed: ParsedName, statx: Statx, *, noatime: bool, old: int
) -> Optional[JournalFile]:
    """The facts of one file; None for what is no regular file, or gone meanwhile: a vacuum passes over it."""
    header, open_error, atime_stays = _NO_HEADER, "", noatime
    atime = ctime = mtime = birth = crtime = 0
    try:
        try:
            descriptor = open_unread(name, directory)
            try:
                if 0 < parsed.realtime < old:
                    mode, size, allocated, inode, links, fixed = statx.untimed(descriptor)
                    header = read_header(os.pread(descriptor, HEADER_BYTES, 0), size)
                else:
                    status = statx.status(descriptor)
                    mode, size, allocated, inode, links, atime, ctime, mtime, birth, fixed = status
                    header = read_header(os.pread(descriptor, HEADER_BYTES, 0), size)
                    crtime = _crtime(descriptor)
                    # The oldest of all times counts: of most files the first entry is older than any access.
                    oldest = min(mtime, parsed.realtime or header.head)
                    atime_stays = noatime or (atime < oldest and _keeps_atime(descriptor))
            finally:
                os.close(descriptor)
        except OSError as error:
            open_error = error.strerror or str(error)
            mode, size, allocated, inode, links, atime, ctime, mtime, birth, fixed = statx.status(directory, name)
    except OSError:
        return None
    if not stat.S_ISREG(mode):
        return None
    # By position, and past the constructor that NamedTuple makes: these are made by the thousand.
    values = (
        name, parsed, size, allocated, ctime, mtime, atime, birth, crtime, atime_stays, open_error, fixed, inode, links,
        header,
    )  # fmt: skip
    return tuple.__new__(JournalFile, values)


def open_unread(name: str, directory: Optional[int] = None) -> int:
    """A descriptor to read a file by, and no link; its access time stays where the kernel lets that be. Raises OSError.

    directory: an open one that name is in.
    """
    try:
        return os.open(name, _UNREAD, dir_fd=directory)
    except PermissionError:  # not the owner's
        return os.open(name, _FLAGS, dir_fd=directory)


def _crtime(descriptor: int) -> int:
    """The xattr with the time of creation, as systemd's fd_getcrtime takes it; 0 for none."""
    try:
        data = os.getxattr(descriptor, _CRTIME)
    except OSError as error:
        if error.errno in {errno.ENODATA, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES}:
            return 0
        raise
    value: int = _U64.unpack(data)[0] if len(data) == 8 else 0
    return 0 if value == _INFINITY else value


def _keeps_atime(descriptor: int) -> bool:
    """Whether the file has the attribute that keeps its access time (chattr +A)."""
    return bool(inode_flags(descriptor) & FS_NOATIME_FL)


def read_scope(scope: Scope, rules: Rules, machine_id: str, old: int = 0) -> tuple[JournalDirectory, ...]:
    """The directories with their files; one that cannot be read has the reason.

    old: as read_directory has it.

    Raises OSError for -D itself, and Failed for what a server keeps that does not answer.
    """
    if scope.directory:
        tops = [_Top(scope.directory, files=rules.roots or scope.everything)]
        os.close(os.open(scope.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    else:
        names = (*ROOTS, REMOTE) if scope.root else ROOTS
        tops = [_Top(scope.root + name, files=rules.roots or scope.everything) for name in names]
    check_answers(top.path for top in tops)
    local = not (scope.directory or scope.root or scope.everything)
    directories: dict[str, JournalDirectory] = {}
    for top in tops:
        if not os.path.isdir(top.path):
            continue
        if top.files or scope.directory:
            directories[top.path] = replace(_read(top.path, "", "", old), passed_over=not top.files)
        inside = [name for name in _names(top.path) if _ID.match(name) and _is_journal_directory(name)]
        check_answers(os.path.join(top.path, name) for name in inside)
        for name in inside:
            machine, _, namespace = name.partition(".")
            path = os.path.join(top.path, name)
            if not os.path.isdir(path):
                continue
            if local and not (_same_id(machine, machine_id) or top.path == ROOTS[0]):
                continue
            # journalctl ignores --namespace with -D and --root.
            option = "" if not scope.everything and (scope.directory or scope.root) else scope.namespace
            if not _wanted(namespace, option):
                continue
            directories[path] = _read(path, machine, namespace, old)
    return tuple(directories.values())


def namespaces(machine_id: str) -> tuple[str, ...]:
    """The namespaces of this host that have a journal of their own (LogNamespace= of systemd.exec(5))."""
    names = set()
    for top in ROOTS:
        for name in _names(top):
            machine, _, namespace = name.partition(".")
            if _is_journal_directory(name) and namespace and _same_id(machine, machine_id):
                names.add(namespace)
    return tuple(sorted(names))


@dataclass(frozen=True)
class _Top:
    path: str
    files: bool


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _is_journal_directory(name: str) -> bool:
    machine, dot, namespace = name.partition(".")
    if not _ID.fullmatch(machine):
        return False
    return not dot or valid_namespace(namespace)


def _same_id(left: str, right: str) -> bool:
    return left.replace("-", "").lower() == right.replace("-", "").lower()


def _wanted(namespace: str, option: str) -> bool:
    """Whether a directory of this namespace ("" for the default one) is meant by --namespace."""
    if option == "*":
        return True
    if option.startswith("+"):
        return namespace in {"", option[1:]}
    return namespace == option


def _read(path: str, machine: str, namespace: str, old: int) -> JournalDirectory:
    try:
        directory = read_directory(path, old)
    except OSError as error:
        directory = JournalDirectory(path, read_error=error.strerror or str(error))
    return replace(directory, machine_id=machine, namespace=namespace)


def read_directories(
    scope: Scope, rules: Rules, *, all_of_it: bool = True, old: int = 0
) -> tuple[JournalDirectory, ...]:
    """The directories of a scope. Raises UsageFault when -D is not there, Missing when it may not be read.

    all_of_it: also when something in it may not be read.
    old: as read_directory has it.
    """
    try:
        directories = read_scope(scope, rules, machine_id(), old)
    except PermissionError as error:
        raise Missing(scope.directory, "this user may not read it", todo=sudo_line()) from error
    except OSError as error:
        raise UsageFault(scope.directory, f"no directory to look at ({error.strerror})") from error
    if os.geteuid() != 0 and all_of_it:
        for directory in directories:
            if directory.read_error == DENIED or any(file.open_error == DENIED for file in directory.files):
                raise Missing(directory.path, "this user may not read it", todo=sudo_line())
    return directories
