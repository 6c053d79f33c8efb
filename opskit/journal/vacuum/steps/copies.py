"""The step that copies journal files: a reflink where the filesystem can, else by sendfile; whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
from dataclasses import dataclass
from typing import ClassVar, Union

from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import sync_directory
from opskit.core.kernel import clone_data
from opskit.core.plan import Change, Record, Step
from opskit.core.runner import Runner
from opskit.core.units import size_text

_CHUNK = 1 << 24


@dataclass(frozen=True)
class Copied:
    """A file and its copy."""

    path: str
    copy: str


@dataclass(frozen=True)
class CopyJournals(Step):
    """Copy the files that go. bytes: on disk, of all of them; 0 when that is not known yet."""

    kind: ClassVar[str] = "journal.copy"
    place: str
    files: tuple[Copied, ...]
    bytes: int

    @property
    def change(self) -> Change:
        commands = [f"mkdir -p -m 700 -- {shlex.quote(directory)}" for directory in self._directories()]
        for file in self.files:
            pair = f"{shlex.quote(file.path)} {shlex.quote(file.copy)}"
            commands.append(f"cp --no-clobber --preserve=all --reflink=auto -- {pair}")
        after = f"copies of {files_text(len(self.files), self.bytes)}"
        return Change("copy-journals", self.place, "no copies", after, (*commands, "sync"), reversible=True)

    def _directories(self) -> list[str]:
        return list(dict.fromkeys([self.place, *(os.path.dirname(file.copy) for file in self.files)]))

    def remember(self, runner: Runner) -> Record:
        """Which directories are made."""
        return {"made": [path for path in self._directories() if not os.path.isdir(path)]}

    def apply(self, runner: Runner, record: Record) -> Record:
        for directory in self._directories():
            os.makedirs(directory, mode=0o700, exist_ok=True)
        for file in self.files:
            copy_journal(file.path, file.copy)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        """Each copy holds what the file holds."""
        for file in self.files:
            if not same_content(file.path, file.copy):
                raise Failed(file.copy, f"it is not the same as {file.path}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        commands = tuple(f"rm -- {shlex.quote(file.copy)}" for file in self.files)
        before = f"copies of {len(self.files)} files"
        return Change("remove-journal-copies", self.place, before, "no copies", commands, reversible=False)

    def undo(self, runner: Runner, record: Record) -> None:
        """Remove the copies of files that are there; a copy that is the only one left stays."""
        kept = [file.copy for file in self.files if os.path.lexists(file.copy) and not _is_copied(file)]
        gone = [file.copy for file in self.files if file.copy not in kept]
        for path in (*gone, *(unfinished(file.copy) for file in self.files)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        for directory in sorted(record.get("made", ()), key=len, reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
        if kept:
            raise CannotUndo(f"{len(kept)} copies are kept: their originals are missing or differ", keeps_earlier=False)


def files_text(count: int, size: int) -> str:
    """`3 files, 24M`; a size of 0 is not known and left out."""
    return f"{count} files" + (f", {size_text(size)}" if size else "")


def copy_journal(source: str, target: str) -> None:
    """As copy_file. Raises Failed."""
    try:
        copy_file(source, target)
    except OSError as error:
        raise Failed(source, f"it cannot be copied to {target} ({error.strerror})") from error


def _is_copied(file: Copied) -> bool:
    try:
        return same_content(file.path, file.copy)
    except OSError:
        return False


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
        clone_data(reading, writing)
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


def same_content(path: str, copy: str) -> bool:
    """Whether two regular files hold the same bytes. Raises OSError."""
    with open(path, "rb", buffering=0) as left, open(copy, "rb", buffering=0) as right:
        if os.fstat(left.fileno()).st_size != os.fstat(right.fileno()).st_size:
            return False
        while True:
            data = left.read(1 << 20)
            if data != right.read(1 << 20):
                return False
            if not data:
                return True
