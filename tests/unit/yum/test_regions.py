"""What is read from the regions of a Berkeley DB; tests/host/yum/test_database.py compares it with the library."""

from __future__ import annotations

import random
import struct

from opskit.yum.database.regions import MAGIC, is_berkeley, read_notes
from opskit.yum.model import Claim


def region(*, panic: int = 0, release: tuple[int, int] = (5, 3), state: int = 1, writes: int = 0) -> bytearray:
    """A first region with one thread (pid 4711) and one locker (pid 4712), as the library lays them out."""
    data = bytearray(4096)
    struct.pack_into("<4I", data, 0, MAGIC, panic, *release)
    locks, threads, buckets, thread, locker = 0x400, 0x200, 0x240, 0x300, 0x600
    struct.pack_into("<q", data, 0x48, locks)
    struct.pack_into("<q", data, 0x68, threads)
    struct.pack_into("<4Iq", data, threads, 1, 0, 8, 2, buckets)
    struct.pack_into("<2q", data, buckets, -1, 0)
    struct.pack_into("<2q", data, buckets + 16, thread - buckets - 16, 0)
    struct.pack_into("<IIqqq", data, thread, 4711, 0, 1, state, -1)
    struct.pack_into("<q", data, locks + 88, locker - locks - 88)
    struct.pack_into("<II", data, locker, 2, 4712)
    struct.pack_into("<I", data, locker + 32, writes)
    struct.pack_into("<q", data, locker + 104, -1)
    return data


def test_what_is_noted() -> None:
    assert read_notes(bytes(region())) == (False, frozenset())
    assert read_notes(bytes(region(panic=1))) == (True, frozenset())
    assert read_notes(bytes(region(state=2))) == (False, {Claim(4711)})
    assert read_notes(bytes(region(state=3))) == (False, frozenset())  # it waits for a lock: cleared away by rpm
    assert read_notes(bytes(region(writes=1))) == (False, {Claim(4712, writes=True)})


def test_of_another_release_only_the_panic_is_known() -> None:
    assert read_notes(bytes(region(release=(6, 0), state=2, writes=1))) == (False, frozenset())
    assert read_notes(bytes(region(release=(4, 8), panic=1))) == (True, frozenset())


def test_what_is_no_region_says_nothing() -> None:
    assert read_notes(b"") is None
    assert read_notes(bytes(4096)) is None  # it is being made
    for cut in range(0, 0x700, 8):
        read_notes(bytes(region(state=2, writes=1)[:cut]))


def test_a_damaged_region_ends_nothing_and_takes_no_time() -> None:
    chance = random.Random(1)
    for _ in range(200):
        data = region(state=2, writes=1)
        for _ in range(20):
            data[chance.randrange(16, len(data))] = chance.choice((0, 1, 0x7F, 0xFF))
        read_notes(bytes(data))
    circle = region()
    struct.pack_into("<q", circle, 0x300 + 24, 0)
    struct.pack_into("<q", circle, 0x600 + 104, 0)
    assert read_notes(bytes(circle)) == (False, frozenset())


def test_a_berkeley_db_is_known_by_its_first_bytes() -> None:
    assert is_berkeley(bytes(12) + struct.pack("<I", 0x061561))
    assert is_berkeley(bytes(12) + struct.pack(">I", 0x053162))
    assert not is_berkeley(b"SQLite format 3\0")
    assert not is_berkeley(b"short")
