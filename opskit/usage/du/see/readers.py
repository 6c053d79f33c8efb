"""The attributes of many names of one directory at once: statx(2) by ctypes where it is there, else os.stat.

A reader fills columns: one value for each name. Both give the same values (st_dev is written otherwise by statx, so
devices are compared with those of the same reader only).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
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

# As lstat(2)
_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
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
    """Reads the attributes of at most BATCH names; links are never followed."""

    failed: list[tuple[bytes, OSError]]

    def read(self, names: Sequence[bytes], directory: Optional[int]) -> Columns:
        """The columns of those names that could be read; the others are in `failed`, with why.

        directory: the descriptor that the names are in; None: the names are paths. The columns hold until the next
        read.
        """
        ...


class StatReader:
    """os.stat for each name: wherever Python runs."""

    def __init__(self) -> None:
        self.failed: list[tuple[bytes, OSError]] = []

    def read(self, names: Sequence[bytes], directory: Optional[int]) -> Columns:
        """See Reader.read."""
        self.failed = []
        return _StatColumns(lstat_each(names, directory, self.failed))


def lstat_each(
    names: Sequence[bytes], directory: Optional[int], failed: list[tuple[bytes, OSError]]
) -> dict[bytes, os.stat_result]:
    """The attributes of each name that could be read; the others are added to failed."""
    attributes = {}
    for name in names:
        try:
            attributes[name] = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except OSError as error:  # noqa: PERF203 - each may fail
            failed.append((name, error))
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
    """Some struct statx one after the other, as bytes and as whole numbers of 4 and 8 bytes."""

    def __init__(self, memory: Any) -> None:
        self.view = memoryview(memory).cast("B")
        self.words, self.longs, self.signed = (self.view.cast(kind) for kind in ("I", "Q", "q"))


class StatxReader:
    """statx(2) of each name into one buffer, whose columns are then read with a stride.

    Raises OSError where there is no statx: in the C library before 2.28, in the kernel before 4.11.
    """

    def __init__(self) -> None:
        self.failed: list[tuple[bytes, OSError]] = []
        self._statx = statx_function()
        memory = ctypes.create_string_buffer(STATX_BYTES * BATCH)
        # As arguments that are made once and not for each call.
        self._places = [ctypes.byref(memory, STATX_BYTES * number) for number in range(BATCH)]
        self._buffer = _Buffer(memory)
        if self._fill([b"/"], AT_FDCWD):
            raise OSError("the kernel has no statx")

    def _fill(self, names: Sequence[bytes], directory: int) -> int:
        """0 if every name could be read."""
        return sum(map(self._statx, repeat(directory), names, repeat(_FLAGS), repeat(STATX_BASIC_STATS), self._places))

    def read(self, names: Sequence[bytes], directory: Optional[int]) -> Columns:
        """See Reader.read."""
        self.failed = []
        place = AT_FDCWD if directory is None else directory
        while names and self._fill(names, place):
            names = list(lstat_each(names, directory, self.failed))
        if not names:
            return _StatColumns({})
        return _StatxColumns(names, self._buffer)


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
        return self._buffer.longs[17 : self._longs : 32]


READERS: dict[str, Any] = {"statx": StatxReader, "stat": StatReader}


def make_reader(engine: str = "") -> Reader:
    """The reader of that name, or the fastest that works here. Raises OSError when the one named does not."""
    if engine:
        reader: Reader = READERS[engine]()
        return reader
    try:
        return StatxReader()
    except OSError:
        return StatReader()


def names_in_order(descriptor: int) -> list[bytes]:
    """The names in an open directory, in the order in which du meets them (gnulib's fts.c, fts_build).

    That is readdir's; in directories of more than 10,000 entries that of their inode numbers, a hundred thousand names
    at a time, except on filesystems where it would not help. Raises OSError.
    """
    names = os.listdir(descriptor)
    if len(names) > 10_000 and _filesystem_type(descriptor) not in {"tmpfs", "nfs", "nfs4", "cifs"}:
        with os.scandir(descriptor) as entries:
            listed = [(entry.inode(), entry.name) for entry in entries]
        names = []
        for start in range(0, len(listed), 100_000):
            part = listed[start : start + 100_000]
            names += [name for _, name in (sorted(part, key=itemgetter(0)) if len(part) > 10_000 else part)]
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
