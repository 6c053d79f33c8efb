"""Which names are journals', and the header."""

from __future__ import annotations

import ctypes
import random
import struct
from datetime import datetime, timedelta, timezone

import pytest

from opskit.journal.files.header import HEADER_BYTES, read_header
from opskit.journal.files.model import ACTIVE, ARCHIVED, DISPOSED, ParsedName, moment_text
from opskit.journal.files.names import _two_numbers, classify, of_one_sequence

ID = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (f"system@{ID}-0000000000000001-0005fe2c3d4e5f60.journal", ParsedName(ARCHIVED, ID, 1, 0x5FE2C3D4E5F60)),
        (
            f"system@{ID.upper()}-0000000000000001-0005FE2C3D4E5F60.journal",
            ParsedName(ARCHIVED, ID, 1, 0x5FE2C3D4E5F60),
        ),
        (f"@{ID}-0000000000000001-0005fe2c3d4e5f60.journal", ParsedName(ARCHIVED, ID, 1, 0x5FE2C3D4E5F60)),
        (f"{ID}-0000000000000001-0005fe2c3d4e5f60.journal", ParsedName(ACTIVE)),
        (f"a@b@{ID}-0000000000000001-0005fe2c3d4e5f60.journal", ParsedName(ARCHIVED, ID, 1, 0x5FE2C3D4E5F60)),
        (f"system@{ID[:-1]}x-0000000000000001-0005fe2c3d4e5f60.journal", ParsedName(ACTIVE)),
        (f"system@{ID}-000000000000000g-0005fe2c3d4e5f60.journal", ParsedName(ACTIVE)),
        (f"system@{ID}-0000000000000001-0005zzzzzzzzzzzz.journal", ParsedName(ARCHIVED, ID, 1, 5)),
        (f"system@{ID}-0x00000000000001-   5fe2c3d4e5f60.journal", ParsedName(ARCHIVED, ID, 1, 0x5FE2C3D4E5F60)),
        ("system@0005fe2c3d4e5f60-00000000deadbeef.journal~", ParsedName(DISPOSED, realtime=0x5FE2C3D4E5F60)),
        ("@0005fe2c3d4e5f60-00000000deadbeef.journal~", ParsedName(DISPOSED, realtime=0x5FE2C3D4E5F60)),
        ("0005fe2c3d4e5f60-00000000deadbeef.journal~", ParsedName(ACTIVE)),
        ("system@0005fe2c3d4e5f60-zzzzzzzzdeadbeef.journal~", ParsedName(ACTIVE)),
        ("system.journal", ParsedName(ACTIVE)),
        ("user-1000.journal", ParsedName(ACTIVE)),
        (".journal", ParsedName(ACTIVE)),
        ("x.journal~", ParsedName(ACTIVE)),
        ("system.journal.zst", None),
        ("fss", None),
        ("\udcff.journal", ParsedName(ACTIVE)),
    ],
)
def test_what_a_name_says(name: str, wanted: ParsedName | None) -> None:
    assert classify(name) == wanted


@pytest.mark.parametrize(
    ("names", "one"),
    [
        ((), True),
        ((ParsedName(ACTIVE), ParsedName(ARCHIVED, ID, 1, 5), ParsedName(ARCHIVED, ID, 2, 3)), True),
        ((ParsedName(ARCHIVED, ID, 1, 5), ParsedName(ARCHIVED, ID[::-1], 2, 6)), False),
        ((ParsedName(ARCHIVED, ID, 1, 5), ParsedName(DISPOSED, realtime=6)), False),
        ((ParsedName(DISPOSED, realtime=5), ParsedName(DISPOSED, realtime=6)), False),
    ],
)
def test_the_names_alone_give_the_order_of_one_sequence(names: tuple[ParsedName, ...], one: bool) -> None:
    assert of_one_sequence(names) == one


def test_numbers_are_read_as_sscanf_reads_them() -> None:
    libc = ctypes.CDLL(None)
    first, second = ctypes.c_ulonglong(), ctypes.c_ulonglong()
    rnd = random.Random(5)
    read = 0
    for _ in range(20_000):
        text = "".join(rnd.choice("00112389abfFgxX +-\t") for _ in range(rnd.choice((16, 12, 3)))) + "-"
        text += "".join(rnd.choice("0123abfgx -+") for _ in range(16)) + ".journal"
        count = libc.sscanf(text.encode(), b"%16llx-%16llx.journal", ctypes.byref(first), ctypes.byref(second))
        wanted = (first.value, second.value) if count == 2 else None
        assert _two_numbers(text.encode()) == wanted, text
        read += count == 2
    assert read > 100


def header(**values: int) -> bytes:
    """The header of a sound file of 4096 bytes."""
    fields = {"incompatible": 0, "state": 2, "header_size": 264, "arena": 3832, "entries": 7, "head": 10, "tail": 20}
    fields.update(values)
    return struct.pack(
        "<8sII B7x 16s16s16s16s QQ 48x QQQQQQ 72x",
        b"LPKSHHRH", 0, fields["incompatible"], fields["state"], b"f" * 16, b"m" * 16, b"b" * 16, b"s" * 16,
        fields["header_size"], fields["arena"],
        fields["entries"], 107, 101, 4000, fields["head"], fields["tail"],
    )  # fmt: skip


def test_a_sound_header() -> None:
    read = read_header(header(), 4096)
    assert (read.damage, read.state, read.entries, read.head, read.tail) == ("", "archived", 7, 10, 20)
    assert (read.machine_id, read.seqnum_id) == ((b"m" * 16).hex(), (b"s" * 16).hex())
    assert (read.head_seqnum, read.arrays, read.compact) == (101, 4000, False)
    assert len(header()) == HEADER_BYTES
    assert read_header(header(incompatible=16), 4096).compact
    assert not read_header(header(entries=64), 4096).damage


@pytest.mark.parametrize(
    ("values", "size", "damage"),
    [
        ({"state": 9}, 4096, "state is 9"),
        ({"incompatible": 1 << 20}, 4096, "features"),
        ({"header_size": 8}, 4096, "claims 8"),
        ({}, 4000, "cut off"),
        ({"entries": 65}, 4096, "claims 65 entries"),
        ({"entries": (1 << 64) - 1}, 4096, "entries, more than 4096 bytes"),
    ],
)
def test_a_header_that_cannot_be_believed(values: dict[str, int], size: int, damage: str) -> None:
    read = read_header(header(**values), size)
    assert damage in read.damage
    assert read.entries == values.get("entries", 7)


@pytest.mark.parametrize("length", [0, 1, 151, 152, 159, 160, 199])
def test_a_file_shorter_than_a_header(length: int) -> None:
    read = read_header(header()[:length], length)
    assert "fewer" in read.damage
    assert read.entries == (7 if length >= 160 else 0)


def test_any_bytes_make_a_header() -> None:
    rnd = random.Random(1)
    for _ in range(500):
        read_header(rnd.randbytes(rnd.randrange(300)), rnd.randrange(1 << 40))


def test_a_moment_is_written_as_datetime_writes_it() -> None:
    rnd = random.Random(7)
    first = datetime(1970, 1, 1, tzinfo=timezone.utc)
    last = (datetime.max.replace(tzinfo=timezone.utc) - first) // timedelta(microseconds=1)
    for moment in (1, 999_999, 1_000_000, 86_400_000_000 - 1, last, *(rnd.randrange(last) for _ in range(300))):
        known = first + timedelta(microseconds=moment)
        assert moment_text(moment) == known.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert [moment_text(moment) for moment in (0, last + 1, (1 << 64) - 1)] == [None] * 3
