"""A journal file, object by object: for what journalctl passes over in silence, and for the index alone.

By pread: a file that journald cuts off meanwhile would be a SIGBUS for who has it mapped.
"""

from __future__ import annotations

import errno
import os
import re
import struct
from array import array
from collections.abc import Iterator

from opskit.journal.files.header import HEADER_BYTES
from opskit.journal.files.layout import (
    ARRAY,
    ARRAY_OBJECT,
    DATA,
    DATA_OBJECT,
    ENTRY,
    ENTRY_OBJECT,
    FIELD,
    FIELD_OBJECT,
    KINDS,
    LEAST,
    OBJECT,
    REALTIME_MOST,
    hash_of,
    read_layout,
)
from opskit.journal.files.see.directories import open_unread

# A chain that is longer is not to be believed; of a field's values so many are looked at.
CHAIN_MOST, VALUES_MOST = 100_000, 4096
# What is read of an object at once: most are shorter.
_AT_ONCE = 512
_WINDOW = 1 << 20
_HEAD = re.compile(rb"(?=[\x01-\x07][\x00-\x07]\x00{6})")
_ITEM = struct.Struct("<QQ")


class DamagedObjectError(Exception):
    """An object is not what leads to it says that it is."""


class ObjectReader:
    """The objects of one file. To be closed. Raises OSError when it cannot be read, struct.error when it is too short.

    size: its bytes when it was opened
    """

    def __init__(self, path: str) -> None:
        self._descriptor = open_unread(path)
        try:
            self.size = os.fstat(self._descriptor).st_size
            self.layout = read_layout(os.pread(self._descriptor, HEADER_BYTES, 0), self.size)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._least = {**LEAST, DATA: self.layout.payload}
        self._item = "I" if self.layout.compact else "Q"  # of 4 bytes, of 8

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def read(self, at: int, count: int) -> bytes:
        """Bytes of the file, fewer at its end."""
        return os.pread(self._descriptor, count, at)

    def object(self, at: int, kind: int) -> bytes:
        """An object of this kind, whole. Raises DamagedObjectError."""
        if at % 8 or not self.layout.begins <= at < self.size:
            raise DamagedObjectError(f"{KINDS[kind]} at {at:#x}: no object can be there")
        data = self.read(at, _AT_ONCE)
        number, _, size = OBJECT.unpack_from(data) if len(data) >= OBJECT.size else (0, 0, len(data))
        if number != kind or not self._least[kind] < size <= self.size - at:
            raise DamagedObjectError(f"{KINDS[kind]} at {at:#x}: its type is {number}, its size {size}")
        return data[:size] if size <= len(data) else data + self.read(at + len(data), size - len(data))

    def find(self, payload: bytes) -> int:
        """Where the data object of `NAME=value` is, by the hash table as journalctl looks it up; 0 for none.

        Raises DamagedObjectError.
        """
        table, size = self.layout.data_table
        buckets = size // _ITEM.size
        if not buckets or not self.layout.begins < table <= self.size - size:
            raise DamagedObjectError("the hash table of data is not in the file")
        wanted = hash_of(payload, self.layout.key)
        at = _ITEM.unpack(self.read(table + wanted % buckets * _ITEM.size, _ITEM.size))[0]
        for _ in range(CHAIN_MOST):
            if not at:
                return 0
            data = self.object(at, DATA)
            digest, following, *_ = DATA_OBJECT.unpack_from(data)
            if digest == wanted and data[self.layout.payload :] == payload:
                return int(at)
            at = following
        raise DamagedObjectError("a chain of the hash table of data does not end")

    def fields(self) -> dict[bytes, int]:
        """The names of fields, and where the chain of each one's values begins. Raises DamagedObjectError."""
        table, size = self.layout.field_table
        if not self.layout.begins < table <= self.size - size or size > _WINDOW:
            raise DamagedObjectError("the hash table of fields is not in the file")
        heads = {}
        buckets = self.read(table, size // _ITEM.size * _ITEM.size)
        for bucket, _ in _ITEM.iter_unpack(buckets):
            at, steps = bucket, 0
            while at and steps < VALUES_MOST:
                data = self.object(at, FIELD)
                _, at, head = FIELD_OBJECT.unpack_from(data)
                heads[data[LEAST[FIELD] :]] = head
                steps += 1
        if self.layout.fields and len(heads) < self.layout.fields:
            raise DamagedObjectError(f"the hash table of fields leads to {len(heads)} of {self.layout.fields}")
        return heads

    def values(self, head: int, most: int = VALUES_MOST) -> Iterator[tuple[bytes, int, int]]:
        """The values of a field: `NAME=value`, where it is, and how many entries have it. Raises DamagedObjectError."""
        at = head
        for _ in range(most):
            if not at:
                return
            data = self.object(at, DATA)
            _, _, following, _, _, count = DATA_OBJECT.unpack_from(data)
            yield data[self.layout.payload :], at, count
            at = following

    def entries_of(self, at: int) -> array[int]:
        """Where the entries are that have this data object. Raises DamagedObjectError."""
        _, _, _, first, arrays, count = DATA_OBJECT.unpack_from(self.object(at, DATA))
        if count and not self.layout.begins <= first < self.size:
            raise DamagedObjectError(f"{KINDS[DATA]} at {at:#x}: it leads to where no entry can be")
        offsets = array(self._item, [first] if count else [])
        offsets.extend(self.chain(arrays, count - 1) if count > 1 else ())
        return offsets

    def chain(self, at: int, count: int) -> array[int]:
        """The items of a chain of entry arrays, so many. Raises DamagedObjectError."""
        offsets = array(self._item)
        if count * self.layout.item > self.size:
            raise DamagedObjectError(f"{count} entries are more than {self.size} bytes can hold")
        while len(offsets) < count:
            before = at
            items, at = self.array(at)
            offsets.extend(items[: count - len(offsets)])
            if len(offsets) < count and at <= before:
                raise DamagedObjectError(f"the chain of entry arrays ends after {len(offsets)} of {count}")
        if offsets and not self.layout.begins <= min(offsets) <= max(offsets) < self.size:
            raise DamagedObjectError("an entry array leads to where no entry can be")
        return offsets

    def array(self, at: int) -> tuple[array[int], int]:
        """The items of one entry array, and where the next one is. Raises DamagedObjectError."""
        data = self.object(at, ARRAY)
        items = data[LEAST[ARRAY] :]
        offsets: array[int] = array(self._item)
        offsets.frombytes(items[: len(items) // self.layout.item * self.layout.item])
        return offsets, ARRAY_OBJECT.unpack_from(data)[0]

    def entry(self, at: int) -> tuple[int, int, int, bytes, list[int]]:
        """seqnum, realtime, monotonic, id of the boot, where the data are. Raises DamagedObjectError."""
        data = self.object(at, ENTRY)
        seqnum, realtime, monotonic, boot = ENTRY_OBJECT.unpack_from(data)
        items = data[LEAST[ENTRY] :]
        if len(items) % self.layout.entry_item:
            raise DamagedObjectError(f"entry at {at:#x}: its size is {len(data)}")
        if not 0 < realtime < REALTIME_MOST or not seqnum:
            raise DamagedObjectError(f"entry at {at:#x}: its time is {realtime}, its number {seqnum}")
        layout = struct.Struct("<I" if self.layout.compact else "<Q8x")
        return seqnum, realtime, monotonic, boot, [number for (number,) in layout.iter_unpack(items)]

    def time_of(self, at: int) -> int:
        """The time of an entry. Raises DamagedObjectError."""
        return self.entry(at)[1]

    def walk_entries(self) -> Iterator[int]:
        """Where entries are, one object behind the other from the beginning; what is damaged is passed over.

        Behind a damaged one the next place counts where an object can begin that another one follows.
        """
        at = self.layout.begins
        while at < self.size:
            size = self._size(at)
            follows = size and (self._size(at + size) or at + size >= self.size or at == self.layout.tail)
            if size and self.read(at, 1)[0] == ENTRY and (follows or self._is_entry(at)):
                yield at
            at = at + size if follows else self._resync(at + 8)

    def _is_entry(self, at: int) -> bool:
        """Whether an entry is there that nothing else speaks for."""
        try:
            seqnum = self.entry(at)[0]
        except DamagedObjectError:
            return False
        first, last = self.layout.seqnums
        return first <= seqnum <= last

    def _size(self, at: int) -> int:
        """The bytes of the object there with what is between it and the next one; 0 when there is none."""
        head = self.read(at, OBJECT.size)
        if len(head) < OBJECT.size or not _HEAD.match(head):
            return 0
        kind, _, size = OBJECT.unpack(head)
        return -(-size // 8) * 8 if self._least[kind] <= size <= self.size - at else 0

    def _resync(self, at: int) -> int:
        """The next place where an object may begin."""
        while (at := self._behind_hole(at)) < self.size:
            window = self.read(at, _WINDOW)
            # Zeros take a hundred times as long to search as to compare.
            for match in _HEAD.finditer(window) if window != bytes(len(window)) else ():
                place = at + match.start()
                if place % 8 == 0 and self._size(place):
                    return place
            if len(window) < _WINDOW:
                break
            at += _WINDOW - OBJECT.size
        return self.size

    def _behind_hole(self, at: int) -> int:
        """The next place that has blocks: a file of gigabytes may be a hole, which reads as zeros."""
        try:
            return os.lseek(self._descriptor, at, os.SEEK_DATA)
        except OSError as error:
            return self.size if error.errno == errno.ENXIO else at
