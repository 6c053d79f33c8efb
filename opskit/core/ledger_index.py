"""Where in the ledger the runs about a thing are: by the UUID of a filesystem, the identity of a disk, a plan's token.

The index stands beside the ledger and says nothing that the ledger does not: it covers the ledger up to a byte, and
what comes after that is read. Without an index, or with one that is damaged or of another ledger, all of it is read. It
is written anew, atomically, each time that TAIL bytes have come to the ledger since: a crash leaves the old one.

A header, then pages of records in order. A record is the CRC-32 of a key and the offset of the run's first line. Two
keys can have one CRC: who looks a key up reads the run, and sees.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from io import FileIO
from typing import Any, Optional

from opskit.core.files import write_atomic
from opskit.core.ledger_lines import Line, open_to_read

SUFFIX = ".index"
TAIL = 1 << 18
MAGIC = b"opskit ledger index 1\n"
# MAGIC, how many bytes of the ledger are covered, the CRC-32 of the last of those, how many records; then its own sum.
_HEADER = struct.Struct(">22sQIQ")
_CRC = struct.Struct(">I")
_HEADER_SIZE = _HEADER.size + _CRC.size
_LAST_BYTES = 4096
_KEY, _OFFSET = 4, 6
_RECORD = _KEY + _OFFSET
_ON_PAGE = 409
_PAGE = _ON_PAGE * _RECORD + _CRC.size
# Of a key that very many runs have, the first so many and the last so many.
FEW = 10
# What a run can be looked up by: the values of these fields of its steps, however deep, and the token of its plan.
KEY_FIELDS = {"uuid", "partition_uuid", "partition_name", "disk_identity"}


class Index:
    """An index that was opened for reading. Raises OSError; ValueError for a page that is damaged."""

    def __init__(self, file: FileIO, covered: int, records: int) -> None:
        self._file = file
        self.covered = covered
        self.records = records

    def offsets(self, key: str) -> list[int]:
        """Where the runs begin that may be about this key, in order; see FEW."""
        crc = _crc(key)
        first, last = self._bisect(crc), self._bisect(crc + b"\xff" * (_OFFSET + 1))
        positions = range(first, last)
        few = positions if len(positions) <= 2 * FEW else [*positions[:FEW], *positions[-FEW:]]
        return [int.from_bytes(self._record(position)[_KEY:], "big") for position in few]

    def _bisect(self, start: bytes) -> int:
        low, high = 0, self.records
        while low < high:
            middle = (low + high) // 2
            if self._record(middle) < start:
                low = middle + 1
            else:
                high = middle
        return low

    def _record(self, position: int) -> bytes:
        number, place = divmod(position, _ON_PAGE)
        return self.page(number)[place * _RECORD : (place + 1) * _RECORD]

    def page(self, number: int) -> bytes:
        """The records of a page. Raises OSError, or ValueError when it is damaged."""
        data = os.pread(self._file.fileno(), _PAGE, _HEADER_SIZE + number * _PAGE)
        body, crc = data[: -_CRC.size], data[-_CRC.size :]
        if not body or _CRC.pack(zlib.crc32(body)) != crc:
            raise ValueError("a page of the index is damaged")
        return body

    def all_records(self) -> list[bytes]:
        """Every record, in order."""
        pages = b"".join(self.page(number) for number in range(-(-self.records // _ON_PAGE)))
        return [pages[at : at + _RECORD] for at in range(0, len(pages), _RECORD)]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def open_index(ledger: str) -> Optional[Index]:
    """The index of the ledger at this path; None when there is none that fits it. The caller closes it."""
    try:
        file = open_to_read(ledger + SUFFIX)
    except OSError:
        return None
    try:
        header = file.read(_HEADER_SIZE)
        body, crc = header[: _HEADER.size], header[_HEADER.size :]
        if len(header) == _HEADER_SIZE and _CRC.pack(zlib.crc32(body)) == crc:
            magic, covered, last, records = _HEADER.unpack(body)
            if magic == MAGIC and last == _crc_before(ledger, covered):
                return Index(file, covered, records)
    except OSError:
        pass
    file.close()
    return None


def _crc_before(ledger: str, end: int) -> int:
    """The CRC-32 of the last bytes before an offset of the ledger; -1 when it is not so long."""
    with open_to_read(ledger) as file:
        size = min(end, _LAST_BYTES)
        data = os.pread(file.fileno(), size, end - size)
    return zlib.crc32(data) if len(data) == size else -1


def write_index(ledger: str, old: Iterable[bytes], lines: Iterable[Line], covered: int) -> None:
    """Write the index anew. Raises OSError.

    old: the records of the one there is
    lines: those that came since, in any order
    covered: up to which byte of the ledger they go
    """
    begins: dict[str, int] = {}
    keys: dict[str, set[bytes]] = {}
    for line in lines:
        if line.entry is not None:
            begins[line.run] = min(line.offset, begins.get(line.run, line.offset))
            keys.setdefault(line.run, set()).update(map(_crc, keys_of(line.entry)))
    new = (key + begins[run].to_bytes(_OFFSET, "big") for run in keys for key in keys[run])
    records = sorted([*old, *new])
    pages = [b"".join(records[at : at + _ON_PAGE]) for at in range(0, len(records), _ON_PAGE)]
    header = _HEADER.pack(MAGIC, covered, _crc_before(ledger, covered), len(records))
    parts = (part + _CRC.pack(zlib.crc32(part)) for part in (header, *pages))
    write_atomic(ledger + SUFFIX, b"".join(parts))


def plan_name(token: str) -> str:
    """The token of a plan without the machine (core/plan.py): it is one run, however much of that was known."""
    return token.partition("@")[0]


def keys_of(entry: dict[str, Any]) -> Iterator[str]:
    """What the run of this entry can be looked up by, in small letters: PARTUUIDs are written either way."""
    if entry.get("plan"):
        yield plan_name(str(entry["plan"])).lower()
    yield from _keys_within(entry.get("fields"))


def _keys_within(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in KEY_FIELDS and isinstance(inner, str) and inner:
                yield inner.lower()
            else:
                yield from _keys_within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys_within(inner)


def _crc(key: str) -> bytes:
    return _CRC.pack(zlib.crc32(key.lower().encode("utf-8", "surrogatepass")))
