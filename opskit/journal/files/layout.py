"""The objects of a journal file, as systemd's libsystemd/sd-journal/journal-def.h lays them out, and their hashes."""

from __future__ import annotations

import struct

from opskit.core.record import dataclass
from opskit.journal.files.header import read_header
from opskit.journal.files.model import Header

DATA, FIELD, ENTRY, DATA_TABLE, FIELD_TABLE, ARRAY, TAG = range(1, 8)
KINDS = {
    DATA: "data object", FIELD: "field object", ENTRY: "entry", DATA_TABLE: "hash table of data",
    FIELD_TABLE: "hash table of fields", ARRAY: "entry array", TAG: "tag",
}  # fmt: skip
# The bytes that an object of each kind has at least; a data object's in a file that is not compact.
LEAST = {DATA: 64, FIELD: 40, ENTRY: 64, DATA_TABLE: 16, FIELD_TABLE: 16, ARRAY: 24, TAG: 64}
COMPACT_DATA = 72
OBJECT = struct.Struct("<BB6xQ")  # type, flags, size
DATA_OBJECT = struct.Struct("<16xQQQQQQ")  # hash, next of its bucket, next of its field, entry, entry array, entries
FIELD_OBJECT = struct.Struct("<16xQQQ")  # hash, next of its bucket, the first of its data
ENTRY_OBJECT = struct.Struct("<16xQQQ16s8x")  # seqnum, realtime, monotonic, id of the boot
ARRAY_OBJECT = struct.Struct("<16xQ")  # the next array
XZ, LZ4, ZSTD = 1, 2, 4  # the flags of a data object whose payload is compressed
# What VALID_REALTIME() takes for a time.
REALTIME_MOST = 1 << 55
_TABLES = struct.Struct(
    "<104xQQQQQQQQQQ"
)  # two tables, tail object, objects, entries, seqnum of the last and the first
_KEYED, _COMPACT = 1 << 2, 1 << 4
_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class FileLayout:
    """Where in a file the objects are, by its header.

    begins: where the first object is
    data_table, field_table: offset and bytes of the hash tables
    tail: where the last object is
    entries: how many there are
    seqnums: of the first and the last entry
    arrays: where the chain of entry arrays begins
    fields: how many fields there are; 0 when the header does not say
    key: of the hash, b"" for a file that has none
    """

    header: Header
    begins: int
    data_table: tuple[int, int]
    field_table: tuple[int, int]
    tail: int
    entries: int
    seqnums: tuple[int, int]
    arrays: int
    fields: int
    key: bytes
    compact: bool

    @property
    def payload(self) -> int:
        """Where in a data object its payload begins."""
        return COMPACT_DATA if self.compact else LEAST[DATA]

    @property
    def item(self) -> int:
        """The bytes of an item of an entry array."""
        return 4 if self.compact else 8

    @property
    def entry_item(self) -> int:
        """The bytes of an item of an entry, of which the first are the offset of its data."""
        return 4 if self.compact else 16


def read_layout(data: bytes, size: int) -> FileLayout:
    """The layout by the first bytes of a file of size bytes. Raises struct.error for too few."""
    data_at, data_size, field_at, field_size, tail, _, entries, last, first, arrays = _TABLES.unpack_from(data)
    (incompatible,) = struct.unpack_from("<I", data, 12)
    (begins,) = struct.unpack_from("<Q", data, 88)
    fields = struct.unpack_from("<Q", data, 216)[0] if begins >= 224 <= len(data) else 0
    return FileLayout(
        header=read_header(data, size),
        begins=begins,
        data_table=(data_at, data_size),
        field_table=(field_at, field_size),
        tail=tail,
        entries=entries,
        seqnums=(first, last),
        arrays=arrays,
        fields=fields,
        key=data[24:40] if incompatible & _KEYED else b"",
        compact=bool(incompatible & _COMPACT),
    )


def hash_of(payload: bytes, key: bytes) -> int:
    """The hash by which `NAME=value` is looked up: SipHash-2-4 with a key, else Jenkins' hashlittle2 (lookup3.c)."""
    return siphash24(payload, key) if key else jenkins64(payload)


def siphash24(data: bytes, key: bytes) -> int:
    """SipHash-2-4 (https://www.aumasson.jp/siphash/siphash.pdf). key: 16 bytes."""
    k0, k1 = struct.unpack("<QQ", key)
    v0, v1, v2, v3 = (
        k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573
    )  # fmt: skip

    def rounds(count: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(count):
            v0 = (v0 + v1) & _MASK
            v1 = ((v1 << 13 | v1 >> 51) & _MASK) ^ v0
            v0 = (v0 << 32 | v0 >> 32) & _MASK
            v2 = (v2 + v3) & _MASK
            v3 = ((v3 << 16 | v3 >> 48) & _MASK) ^ v2
            v0 = (v0 + v3) & _MASK
            v3 = ((v3 << 21 | v3 >> 43) & _MASK) ^ v0
            v2 = (v2 + v1) & _MASK
            v1 = ((v1 << 17 | v1 >> 47) & _MASK) ^ v2
            v2 = (v2 << 32 | v2 >> 32) & _MASK

    whole = len(data) // 8 * 8
    last = data[whole:].ljust(7, b"\0") + bytes((len(data) & 0xFF,))
    for (word,) in struct.iter_unpack("<Q", data[:whole] + last):
        v3 ^= word
        rounds(2)
        v0 ^= word
    v2 ^= 0xFF
    rounds(4)
    return int(v0 ^ v1 ^ v2 ^ v3)


def jenkins64(data: bytes) -> int:
    """Jenkins' hashlittle2 with both seeds 0, the first result above the second (systemd's lookup3.c)."""
    a = b = c = (0xDEADBEEF + len(data)) & 0xFFFFFFFF
    at = 0
    while len(data) - at > 12:
        x, y, z = struct.unpack_from("<III", data, at)
        a, b, c = _mix((a + x) & 0xFFFFFFFF, (b + y) & 0xFFFFFFFF, (c + z) & 0xFFFFFFFF)
        at += 12
    if at < len(data):
        x, y, z = struct.unpack("<III", data[at:].ljust(12, b"\0"))
        a, b, c = _final((a + x) & 0xFFFFFFFF, (b + y) & 0xFFFFFFFF, (c + z) & 0xFFFFFFFF)
    return c << 32 | b


def _rotated(value: int, count: int) -> int:
    return (value << count | value >> (32 - count)) & 0xFFFFFFFF


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for count in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & 0xFFFFFFFF) ^ _rotated(c, count)
        c = (c + b) & 0xFFFFFFFF
        a, b, c = b, c, a
    return a, b, c


def _final(a: int, b: int, c: int) -> tuple[int, int, int]:
    for count in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotated(b, count)) & 0xFFFFFFFF
        a, b, c = b, c, a
    # Seven turns of three are one too many.
    return c, a, b
