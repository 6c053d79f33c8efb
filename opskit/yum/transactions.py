"""The newest transaction in the history of dnf and dnf 5, from the pages of its SQLite file. Pure: bytes in.

SQLite itself is not asked: opening the file would write beside it and lock it, and its immutable mode leaves out the
write-ahead log, in which dnf leaves the end of its last transaction (dnf 4.14, observed). The layout is that of
sqlite.org/fileformat2.html. Of a log it takes what SQLite would recover: up to the last commit before a frame whose
checksum is wrong, as one is that a power cut tore.

Both dnf's (libdnf, swdb/sql/create_tables.sql; dnf 4.14 here) and dnf 5's (transaction/db/sql; read, not run) have a
table `trans` whose first columns are id, dt_begin and dt_end. The row is written when the transaction begins; dt_end is
0 or NULL until it ends, with or without an error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Callable, Optional, Union

from opskit.core.record import dataclass

_LOG_MAGIC = (0x377F0682, 0x377F0683)
_LOG_HEADER, _FRAME_HEADER = 32, 24
_TABLE_INTERIOR, _TABLE_LEAF = 5, 13
# The file has a header before its first page's own.
_FILE_HEADER = 100
# More pages than the schema of a history has; a broken file could name a page again and again.
_MOST_PAGES = 1000
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Value = Union[int, str, None]


@dataclass(frozen=True)
class Transaction:
    """A transaction of a history.

    number: its id, as `dnf history` shows it.
    began, ended: seconds since 1970; ended is 0 where it did not.
    """

    number: int
    began: int
    ended: int


def newest(read: Callable[[int, int], bytes], log: bytes) -> Optional[Transaction]:
    """The newest transaction; None without one. Raises ValueError for what is no such history, or is damaged.

    read: the bytes of the file from an offset on, at most so many.
    log: the write-ahead log beside it; b"" without one.
    """
    try:
        return _newest(_Pages(read, log))
    except IndexError as error:
        raise ValueError("it ends in the middle of a page") from error


def _newest(pages: _Pages) -> Optional[Transaction]:
    for number, offset in _leaves(pages, 1):
        kind, name, _, root = _row(pages.page(number), offset, 4)[1]
        if (kind, name) == ("table", "trans") and isinstance(root, int):
            break
    else:
        raise ValueError("no table trans")
    last = _last(pages, root)
    if last is None:
        return None
    rowid, (_, began, ended) = _row(pages.page(last[0]), last[1], 3)
    if isinstance(began, int) and isinstance(ended, (int, type(None))):
        return Transaction(rowid, began, ended or 0)
    raise ValueError("no times in table trans")


class _Pages:
    """The pages of a database as they are after the last commit in its log."""

    def __init__(self, read: Callable[[int, int], bytes], log: bytes) -> None:
        header = read(0, _FILE_HEADER)
        if header[:16] != b"SQLite format 3\0":
            raise ValueError("no database of SQLite")
        self._read, self._log = read, log
        self.size = _number(header, 16, 2)
        self.size = 65536 if self.size == 1 else self.size
        if self.size < 512:
            raise ValueError(f"pages of {self.size} bytes")
        # Whether it is in the mode that uses a log; a log of another mode's is none of this file's.
        self._logged = self._frames() if header[18] == 2 else {}

    def _frames(self) -> dict[int, int]:
        """Where in the log the newest version of each page is."""
        log = self._log
        if len(log) < _LOG_HEADER or _number(log, 0, 4) not in _LOG_MAGIC or _number(log, 8, 4) != self.size:
            return {}
        order = ">" if _number(log, 0, 4) & 1 else "<"
        sums = _checksum(log[:24], order, (0, 0))
        if sums != (_number(log, 24, 4), _number(log, 28, 4)):
            return {}
        committed: dict[int, int] = {}
        pending: dict[int, int] = {}
        for offset in range(_LOG_HEADER, len(log) - _FRAME_HEADER - self.size + 1, _FRAME_HEADER + self.size):
            page = offset + _FRAME_HEADER
            number = _number(log, offset, 4)
            if not number or log[offset + 8 : offset + 16] != log[16:24]:  # of an earlier use of the log
                break
            sums = _checksum(log[offset : offset + 8] + log[page : page + self.size], order, sums)
            if sums != (_number(log, offset + 16, 4), _number(log, offset + 20, 4)):
                break
            pending[number] = page
            if _number(log, offset + 4, 4):  # the last of a commit
                committed.update(pending)
                pending = {}
        return committed

    def page(self, number: int) -> bytes:
        """The page with this number, from 1 on."""
        offset = self._logged.get(number)
        if offset is not None:
            return self._log[offset : offset + self.size]
        return self._read((number - 1) * self.size, self.size)


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    """The checksum of a log, gone on with by these bytes: each frame's covers all that is before it.

    order: of the bytes in its words, ">" or "<"
    sums: what it is until there
    """
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for word, following in zip(words, words):
        first = (first + word + second) & 0xFFFFFFFF
        second = (second + following + first) & 0xFFFFFFFF
    return first, second


def _leaves(pages: _Pages, root: int) -> Iterator[tuple[int, int]]:
    """Each row of a table: the page it is on, and where there."""
    waiting = [root]
    for _ in range(_MOST_PAGES):
        if not waiting:
            return
        number = waiting.pop()
        page = pages.page(number)
        kind, pointers = _pointers(page, number)
        if kind == _TABLE_LEAF:
            yield from ((number, pointer) for pointer in pointers)
        else:
            waiting += [_number(page, pointer, 4) for pointer in pointers] + [_rightmost(page, number)]
    raise ValueError("too many pages")


def _last(pages: _Pages, root: int) -> Optional[tuple[int, int]]:
    """Where the row with the largest id is."""
    number = root
    for _ in range(_MOST_PAGES):
        page = pages.page(number)
        kind, pointers = _pointers(page, number)
        if kind == _TABLE_LEAF:
            return (number, pointers[-1]) if pointers else None
        number = _rightmost(page, number)
    raise ValueError("too many pages")


def _pointers(page: bytes, number: int) -> tuple[int, list[int]]:
    """The kind of a page of a table, and where its cells are."""
    start = _FILE_HEADER if number == 1 else 0
    kind = page[start]
    if kind not in {_TABLE_LEAF, _TABLE_INTERIOR}:
        raise ValueError(f"page {number} is none of a table")
    first = start + (8 if kind == _TABLE_LEAF else 12)
    return kind, [_number(page, first + 2 * index, 2) for index in range(_number(page, start + 3, 2))]


def _rightmost(page: bytes, number: int) -> int:
    return _number(page, (_FILE_HEADER if number == 1 else 0) + 8, 4)


def _row(page: bytes, offset: int, columns: int) -> tuple[int, tuple[Value, ...]]:
    """The id of a row and its first columns, all of which are on the page itself."""
    _, offset = _varint(page, offset)
    rowid, offset = _varint(page, offset)
    size, place = _varint(page, offset)
    body = offset + size
    values = []
    for _ in range(columns):
        if place >= offset + size:
            raise ValueError("a row has too few columns")
        kind, place = _varint(page, place)
        value, length = _value(page, body, kind)
        values.append(value)
        body += length
    return rowid, tuple(values)


def _value(page: bytes, offset: int, kind: int) -> tuple[Value, int]:
    """A value of a row by its serial type, and its length; of a blob or a float only that."""
    if kind in _INTEGER_BYTES:
        length = _INTEGER_BYTES[kind]
        return _number(page, offset, length, signed=True), length
    if kind in {8, 9}:
        return kind - 8, 0
    if kind >= 12:
        length = (kind - 12) // 2
        return (page[offset : offset + length].decode("utf-8", "replace") if kind % 2 else None), length
    return None, 8 if kind == 7 else 0


def _varint(page: bytes, offset: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for index in range(8):
        byte = page[offset + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset + index + 1
    return value << 8 | page[offset + 8], offset + 9


def _number(data: bytes, offset: int, length: int, *, signed: bool = False) -> int:
    if offset + length > len(data):
        raise IndexError
    return int.from_bytes(data[offset : offset + length], "big", signed=signed)
