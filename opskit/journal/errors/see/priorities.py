"""How many entries have no PRIORITY, by the indexes of the journal files alone: no entry is read.

Such entries (audit's always, programs that write to the journal themselves sometimes) fall under no `-p`. The index of
fields leads to each value of PRIORITY, and a value knows how many entries have it (journal-def.h, FieldObject and
DataObject): what is left of the file's entries has none.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from opskit.journal.errors.model import WithoutPriority
from opskit.journal.files.header import ENTRIES_AT
from opskit.journal.files.model import JournalDirectory
from opskit.journal.files.see.directories import open_unread

_TABLE = struct.Struct("<QQ")  # Header: offset and size of the hash table of fields, from 120 on
_TABLE_AT = 120
_ITEM = struct.Struct("<QQ")  # HashItem: the first and the last object of a bucket
_OBJECT = struct.Struct("<B7xQ")  # ObjectHeader: type, size
_FIELD = struct.Struct("<16x8xQQ")  # next_hash_offset, head_data_offset
_DATA = struct.Struct("<16x8x8xQ8x8xQ")  # next_field_offset, n_entries
_OBJECT_DATA, _OBJECT_FIELD = 1, 2
_FIELD_PAYLOAD, _DATA_PAYLOAD, _COMPACT_PAYLOAD = 40, 64, 72
# A table or a chain that is longer is not to be believed. The values of PRIORITY are eight.
_TABLE_MOST, _CHAIN_MOST, _VALUES_MOST = 1 << 20, 1000, 4096
_LONGEST = 64


def count_without_priority(directories: Sequence[JournalDirectory], since: int = 0) -> WithoutPriority:
    """Of the files that are sound and end after this time (microseconds since 1970)."""
    entries = audit = 0
    for directory in directories:
        for file in directory.files:
            if file.damage or file.header.tail < since:
                continue
            try:
                counts = _count(directory.path_of(file), compact=file.header.compact)
            except (OSError, OverflowError, struct.error):
                continue  # journalctl will have something to say of it
            entries += counts.entries
            audit += counts.audit
    return WithoutPriority(entries, audit)


def _count(path: str, *, compact: bool) -> WithoutPriority:
    descriptor = open_unread(path)
    try:
        total = struct.unpack("<Q", os.pread(descriptor, 8, ENTRIES_AT))[0]
        with_priority = audit = 0
        for name, head in _fields(descriptor):
            if name == b"PRIORITY":
                with_priority = sum(count for _, count in _values(descriptor, head, compact=compact))
            elif name == b"_TRANSPORT":
                values = _values(descriptor, head, compact=compact)
                audit = sum(count for value, count in values if value == b"_TRANSPORT=audit")
        without = max(0, total - with_priority)
        return WithoutPriority(without, min(audit, without))
    finally:
        os.close(descriptor)


def _fields(descriptor: int) -> Iterator[tuple[bytes, int]]:
    """The names of fields, and where the chain of their values begins."""
    at, size = _TABLE.unpack(os.pread(descriptor, _TABLE.size, _TABLE_AT))
    table = os.pread(descriptor, min(size, _TABLE_MOST), at)
    for head, _ in _ITEM.iter_unpack(table[: len(table) // _ITEM.size * _ITEM.size]):
        yield from _chain(descriptor, head, _Kind(_OBJECT_FIELD, _FIELD, _FIELD_PAYLOAD, _CHAIN_MOST))


def _values(descriptor: int, head: int, *, compact: bool) -> Iterator[tuple[bytes, int]]:
    """The values of a field, as `NAME=value`, each with the number of entries that have it."""
    payload = _COMPACT_PAYLOAD if compact else _DATA_PAYLOAD
    return _chain(descriptor, head, _Kind(_OBJECT_DATA, _DATA, payload, _VALUES_MOST))


class _Kind(NamedTuple):
    """A kind of object: its number, where its next one and its own figure are, where its payload is, how many."""

    number: int
    layout: struct.Struct
    payload: int
    most: int


def _chain(descriptor: int, offset: int, kind: _Kind) -> Iterator[tuple[bytes, int]]:
    """The payload and the figure of each object of a chain, up to one of another kind."""
    steps = 0
    while offset and steps < kind.most:
        data = os.pread(descriptor, kind.payload + _LONGEST, offset)
        number, length = _OBJECT.unpack_from(data)
        if number != kind.number:
            return
        following, figure = kind.layout.unpack_from(data)
        yield data[kind.payload : min(length, len(data))], figure
        offset, steps = following, steps + 1
