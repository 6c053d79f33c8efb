"""The names in a directory, and the attributes of many of them at once: by ctypes where that can be, else os.stat.

A reader fills columns: one value for each name. All readers give the same values.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import repeat
from operator import itemgetter
from typing import Any, Optional, Protocol

from opskit.core.kernel import (
    AT_FDCWD,
    AT_NO_AUTOMOUNT,
    AT_SYMLINK_NOFOLLOW,
    STATX_BASIC_STATS,
    STATX_BYTES,
    device_number,
    statx_function,
)

# What one call to a reader takes at most: 256 KiB of struct statx stay in the processor's cache.
BATCH = 1024
# In directories of more entries than these fts goes by their inode numbers (FTS_INODE_SORT_DIR_ENTRIES_THRESHOLD).
SORTED_FROM = 10_000

_MODE_HIGH = 29 if sys.byteorder == "little" else 28


class Columns:
    """What is known of a batch of names; each column has a value for each of `names`, in their order.

    kinds: the upper byte of st_mode, in which `stat.S_IFMT` is the upper half. blocks: of 512 bytes. mtimes: seconds.
    """

    names: Sequence[bytes]
    kinds: bytes
    nlinks: list[int]
    inodes: Sequence[int]
    devices: Sequence[int]
    sizes: Sequence[int]
    blocks: Sequence[int]
    mtimes: Sequence[int]
    owners: Sequence[int]

    def copy(self) -> Columns:
        """The same, beyond the next read."""
        return self


class Reader(Protocol):
    """Reads the names in a directory, and the attributes of at most BATCH names.

    follow: the attributes of a symbolic link are those of what it leads to
    failed: the names that could not be read, and why; one that is not there any more among them
    """

    follow: bool
    failed: list[tuple[bytes, OSError]]

    def names(self, directory: int) -> list[bytes]:
        """The names in an open directory, in the order of names_in_order(). Raises OSError."""
        ...

    def read(self, names: Sequence[bytes], directory: Optional[int]) -> Columns:
        """The columns of those names that could be read; the others are in `failed`, with why.

        directory: the descriptor that the names are in; None: the names are paths. The columns hold until the next
        read.
        """
        ...


class StatReader:
    """os.stat for each name: wherever Python runs."""

    def __init__(self, *, follow: bool = False) -> None:
        self.follow = follow
        self.failed: list[tuple[bytes, OSError]] = []

    def names(self, directory: int) -> list[bytes]:
        """See Reader.names."""
        return names_in_order(directory)

    def read(self, names: Sequence[bytes], directory: Optional[int]) -> Columns:
        """See Reader.read."""
        self.failed = []
        return _StatColumns(stat_each(names, directory, self))


def stat_each(names: Sequence[bytes], directory: Optional[int], reader: Reader) -> dict[bytes, os.stat_result]:
    """The attributes of each name that could be read; the others are added to reader.failed."""
    attributes = {}
    for name in names:
        try:
            attributes[name] = os.stat(name, dir_fd=directory, follow_symlinks=reader.follow)
        except OSError as error:  # noqa: PERF203 - each may fail
            reader.failed.append((name, error))
    return attributes


class _StatColumns(Columns):
    def __init__(self, attributes: dict[bytes, os.stat_result]) -> None:
        self.names = list(attributes)
        statuses = attributes.values()
        self.kinds = bytes(status.st_mode >> 8 for status in statuses)
        self.nlinks = [status.st_nlink for status in statuses]
        self.inodes = [status.st_ino for status in statuses]
        self.devices = [status.st_dev for status in statuses]
        self.sizes = [status.st_size for status in statuses]
        self.blocks = [status.st_blocks for status in statuses]
        self.mtimes = [int(status.st_mtime // 1) for status in statuses]
        self.owners = [status.st_uid for status in statuses]


class _Buffer:
    """Some struct statx, or struct stat, one after the other, as bytes and as whole numbers of 4 and 8 bytes."""

    def __init__(self, memory: Any) -> None:
        self.view = memoryview(memory).cast("B")
        self.words, self.longs, self.signed = (self.view.cast(kind) for kind in ("I", "Q", "q"))


class StatxReader:
    """statx(2) of each name into one buffer, whose columns are then read with a stride.

    Raises OSError where there is no statx: in the C library before 2.28, in the kernel before 4.11.
    """

    def __init__(self, *, follow: bool = False) -> None:
        self.follow = follow
        self.failed: list[tuple[bytes, OSError]] = []
        self._flags = AT_NO_AUTOMOUNT | (0 if follow else AT_SYMLINK_NOFOLLOW)
        self._statx = statx_function()
        memory = ctypes.create_string_buffer(STATX_BYTES * BATCH)
        # As arguments that are made once and not for each call.
        self._places = [ctypes.byref(memory, STATX_BYTES * number) for number in range(BATCH)]
        self._buffer = _Buffer(memory)
        if self._fill([b"/"], AT_FDCWD):
            raise OSError("the kernel has no statx")

    def _fill(self, names: Sequence[bytes], directory: int) -> int:
        """0 if every name could be read."""
        flags, mask = repeat(self._flags), repeat(STATX_BASIC_STATS)
        return sum(map(self._statx, repeat(directory), names, flags, mask, self._places))

    def names(self, directory: int) -> list[bytes]:
        """See Reader.names."""
        return names_in_order(directory)

    def read(self, names: Sequence[bytes], directory: Optional[int]) -> Columns:
        """See Reader.read."""
        self.failed = []
        place = AT_FDCWD if directory is None else directory
        while names and self._fill(names, place):
            names = list(stat_each(names, directory, self))
        return _StatxColumns(names, self._buffer) if names else _StatColumns({})


class _StatxColumns(Columns):
    """The columns of struct statx, by their offsets (statx(2)); those that few ask for are made when asked for."""

    def __init__(self, names: Sequence[bytes], buffer: _Buffer) -> None:
        self.names, self._buffer = names, buffer
        self._words, self._longs = 64 * len(names), 32 * len(names)
        self.kinds = bytes(buffer.view[_MODE_HIGH : STATX_BYTES * len(names) : STATX_BYTES])
        self.nlinks = buffer.words[4 : self._words : 64].tolist()

    def copy(self) -> Columns:
        return _StatxColumns(self.names, _Buffer(bytearray(self._buffer.view[: STATX_BYTES * len(self.names)])))

    @property
    def owners(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.words[5 : self._words : 64]

    @property
    def inodes(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.longs[4 : self._longs : 32]

    @property
    def sizes(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.longs[5 : self._longs : 32].tolist()

    @property
    def blocks(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.longs[6 : self._longs : 32].tolist()

    @property
    def mtimes(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.signed[14 : self._longs : 32]

    @property
    def devices(self) -> Sequence[int]:  # type: ignore[override]
        majors, minors = (self._buffer.words[at : self._words : 64].tolist() for at in (34, 35))
        return list(map(os.makedev, majors, minors))


def stat_function(*, follow: bool, library: Any = None) -> Any:
    """stat() or lstat() of the C library. Raises OSError where there is none.

    glibc before 2.33 has it only with the version of the layout as a first argument (_STAT_VER_LINUX of x86_64).
    library: the C library, for tests
    """
    library = library or ctypes.PyDLL(None)
    plain, versioned = ("stat", "__xstat") if follow else ("lstat", "__lxstat")
    try:
        return getattr(library, plain)
    except AttributeError:
        pass
    try:
        return partial(getattr(library, versioned), 1)
    except AttributeError:
        raise OSError(f"the C library has no {plain}") from None


class LstatReader:
    """lstat(2), or stat(2), of names in the working directory: with two arguments half as dear to call as statx(2).

    It makes each directory whose names it reads the working directory, so it is for a process that only reads. Raises
    OSError where the layout of struct stat is not the one it knows: that of x86_64 (bits/struct_stat.h of glibc).
    """

    BYTES = 144

    def __init__(self, *, follow: bool = False) -> None:
        self.follow = follow
        self.failed: list[tuple[bytes, OSError]] = []
        memory = ctypes.create_string_buffer(self.BYTES * BATCH)
        self._places = [ctypes.byref(memory, self.BYTES * number) for number in range(BATCH)]
        self._buffer = _Buffer(memory)
        self._at = -1  # the descriptor of the working directory
        if os.uname().machine != "x86_64" or sys.maxsize < 1 << 32:
            raise OSError("the layout of struct stat is not known here")
        self._stat = stat_function(follow=follow)
        if not all(map(self._agrees, (b"/dev/null", b"/proc/self", os.fsencode(os.__file__)))):
            raise OSError("the layout of struct stat is not known here")

    def _agrees(self, path: bytes) -> bool:
        """Whether it reads of a path what os.stat does."""
        if self._fill([path]):
            return False
        columns, status = _LstatColumns([path], self._buffer), os.stat(path, follow_symlinks=self.follow)
        places = (columns.devices, columns.inodes, columns.nlinks, columns.owners, columns.sizes, columns.blocks)
        expected = (*(status.st_dev, status.st_ino, status.st_nlink, status.st_uid, status.st_size, status.st_blocks),)
        return columns.kinds[0] == status.st_mode >> 8 and tuple(column[0] for column in places) == expected

    def _fill(self, names: Sequence[bytes]) -> int:
        """0 if every name could be read."""
        return sum(map(self._stat, names, self._places))

    def names(self, directory: int) -> list[bytes]:
        """See Reader.names."""
        self._at = -1
        try:
            os.fchdir(directory)
        except PermissionError:  # it may be read and not searched
            return names_in_order(directory)
        self._at = directory
        names = os.listdir(b".")
        return names if len(names) <= SORTED_FROM else names_in_order(directory)

    def read(self, names: Sequence[bytes], directory: Optional[int]) -> Columns:
        """See Reader.read. A directory is the one whose names were read last."""
        self.failed = []
        if directory is not None and directory != self._at:
            return _StatColumns(stat_each(names, directory, self))
        while names and self._fill(names):
            names = list(stat_each(names, directory, self))
        return _LstatColumns(names, self._buffer) if names else _StatColumns({})


class _LstatColumns(Columns):
    """The columns of struct stat; those that few ask for are made when asked for."""

    def __init__(self, names: Sequence[bytes], buffer: _Buffer) -> None:
        self.names, self._buffer = names, buffer
        self._words, self._longs = 36 * len(names), 18 * len(names)
        self.kinds = buffer.view[25 : 144 * len(names) : 144].tobytes()
        self.nlinks = buffer.longs[2 : self._longs : 18].tolist()

    def copy(self) -> Columns:
        return _LstatColumns(self.names, _Buffer(bytearray(self._buffer.view[: 144 * len(self.names)])))

    @property
    def owners(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.words[7 : self._words : 36]

    @property
    def inodes(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.longs[1 : self._longs : 18]

    @property
    def sizes(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.longs[6 : self._longs : 18].tolist()

    @property
    def blocks(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.longs[8 : self._longs : 18].tolist()

    @property
    def mtimes(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.signed[11 : self._longs : 18]

    @property
    def devices(self) -> Sequence[int]:  # type: ignore[override]
        return self._buffer.longs[0 : self._longs : 18]


READERS: dict[str, Any] = {"lstat": LstatReader, "statx": StatxReader, "stat": StatReader}


def make_reader(engine: str = "", *, follow: bool = False, own_process: bool = False) -> Reader:
    """The reader of that name, or the fastest that works here. Raises OSError when the one named does not.

    own_process: this process only reads; lstat changes the working directory, and is for such a one alone: another
        one has the next best, and tells beforehand whether lstat works
    """
    if engine == "lstat" and not own_process:
        LstatReader(follow=follow)
    elif engine:
        reader: Reader = READERS[engine](follow=follow)
        return reader
    for kind in (LstatReader, StatxReader) if own_process else (StatxReader,):
        with suppress(OSError):
            return kind(follow=follow)
    return StatReader(follow=follow)


def names_in_order(descriptor: int) -> list[bytes]:
    """The names in an open directory, in the order in which du meets them (gnulib's fts.c, fts_build).

    That is readdir's; in directories of more than 10,000 entries that of their inode numbers, a hundred thousand names
    at a time, except on filesystems where it would not help. Raises OSError.
    """
    names = os.listdir(descriptor)
    if len(names) > SORTED_FROM and _filesystem_type(descriptor) not in {"tmpfs", "nfs", "nfs4", "cifs"}:
        with os.scandir(descriptor) as entries:
            listed = [(entry.inode(), entry.name) for entry in entries]
        names = []
        for start in range(0, len(listed), 100_000):
            part = listed[start : start + 100_000]
            names += [name for _, name in (sorted(part, key=itemgetter(0)) if len(part) > SORTED_FROM else part)]
    # One call for all of them: no name holds a NUL.
    return os.fsencode("\0".join(names)).split(b"\0") if names else []


def _filesystem_type(descriptor: int) -> str:
    """The type of the filesystem of an open file, by /proc/self/mountinfo (proc(5)); "" where that does not tell."""
    device = os.fstat(descriptor).st_dev
    number = f" {device_number(device)} "
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return next((line.partition(" - ")[2].split(" ")[0] for line in file if number in line), "")
    except OSError:
        return ""
