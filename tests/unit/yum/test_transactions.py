"""The newest transaction in a history: what SQLite itself says of the same files, whatever is in its log."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Optional, Union

import pytest

from opskit.yum.model import LockPlace
from opskit.yum.see.history import see_unended
from opskit.yum.transactions import Transaction, newest
from tiers import Agree, ranges

# As libdnf makes it (swdb/sql/create_tables.sql); what stands before it makes the schema longer than a page.
TRANS = """
CREATE TABLE trans (id INTEGER PRIMARY KEY AUTOINCREMENT, dt_begin INTEGER NOT NULL, dt_end INTEGER,
    rpmdb_version_begin TEXT, rpmdb_version_end TEXT, releasever TEXT NOT NULL, user_id INTEGER NOT NULL,
    cmdline TEXT, state INTEGER NOT NULL)
"""
INSERT = "INSERT INTO trans VALUES (NULL, ?, ?, ?, NULL, '9', 0, ?, 0)"
TIMES = (0, 1, 127, 128, 40_000, 9_000_000, 1_795_907_961, 2**31, 2**40, 2**60)


def read(path: Path) -> Optional[Transaction]:
    log = path.with_name(f"{path.name}-wal")
    data = path.read_bytes()
    return newest(lambda offset, size: data[offset : offset + size], log.read_bytes() if log.exists() else b"")


def by_sqlite(path: Path) -> Optional[Transaction]:
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT id, dt_begin, dt_end FROM trans ORDER BY id DESC LIMIT 1").fetchone()
    return Transaction(row[0], row[1], row[2] or 0) if row else None


@pytest.fixture
def connections() -> Iterator[list[sqlite3.Connection]]:
    opened: list[sqlite3.Connection] = []
    yield opened
    for connection in opened:
        connection.close()


def history(path: Path, chance: random.Random, opened: list[sqlite3.Connection]) -> None:
    """A history that grew over some time, and whose last user was killed: nothing wrote its log back."""
    connection = sqlite3.connect(path)
    opened.append(connection)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA page_size = {chance.choice((512, 1024, 4096, 65536))}")
    connection.execute(f"PRAGMA journal_mode = {chance.choice(('WAL', 'WAL', 'WAL', 'DELETE'))}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {chance.choice((0, 3, 1000))}")
    for number in range(chance.choice((0, 3, 40))):
        connection.execute(f"CREATE TABLE other{number} (a TEXT, b TEXT DEFAULT '{'x' * chance.randrange(900)}')")
    connection.execute(TRANS)
    connection.commit()
    for _ in range(chance.choice((0, 1, 2, 30, 300))):
        ended = chance.choice((None, *TIMES))
        words = "dnf install " + "w" * chance.choice((0, 10, 600, 9000))
        connection.execute(INSERT, (chance.choice(TIMES), ended, "v" * chance.randrange(65), words))
        if not chance.randrange(4):
            connection.commit()
        if not chance.randrange(40):
            connection.execute("DELETE FROM trans WHERE id = (SELECT max(id) FROM trans)")
            connection.commit()
            connection.execute(f"PRAGMA wal_checkpoint({chance.choice(('PASSIVE', 'RESTART', 'TRUNCATE'))})")
    connection.execute("UPDATE trans SET dt_end = ? WHERE id = (SELECT max(id) FROM trans)", (chance.choice(TIMES),))
    if chance.randrange(4):
        connection.commit()


@pytest.mark.parametrize("seeds", ranges(20, 100, 1000, 50))
def test_it_is_what_sqlite_says(
    seeds: range, tmp_path: Path, connections: list[sqlite3.Connection], agree: Agree
) -> None:
    same = 0
    for seed in seeds:
        path = tmp_path / f"{seed}.sqlite"
        history(path, random.Random(seed), connections)
        ours = read(path)
        # SQLite would write the log back: it is asked about a copy.
        copy = tmp_path / f"copy-{seed}.sqlite"
        for end in ("", "-wal"):
            if path.with_name(path.name + end).exists():
                copy.with_name(copy.name + end).write_bytes(path.with_name(path.name + end).read_bytes())
        same += ours == by_sqlite(copy)
    agree("newest transactions in histories of dnf, as SQLite has them", same, len(seeds))


def torn(data: bytes, chance: random.Random) -> bytes:
    """A log after a power cut: some of it was not written, and what was there before can be anything."""
    left = bytearray(data[: chance.randrange(len(data) + 1)] if chance.randrange(3) else data)
    for _ in range(chance.choice((0, 1, 1, 3)) if left else 0):
        at = chance.randrange(len(left))
        left[at : at + 512] = chance.choice((bytes(512), chance.randbytes(512), bytes([left[at] ^ 1])))
    return bytes(left)


@pytest.mark.parametrize("seeds", ranges(20, 100, 1000, 50))
def test_of_a_torn_log_it_takes_what_sqlite_recovers(
    seeds: range, tmp_path: Path, connections: list[sqlite3.Connection], agree: Agree
) -> None:
    tried = same = 0
    for seed in seeds:
        path = tmp_path / f"{seed}.sqlite"
        history(path, random.Random(seed), connections)
        log = path.with_name(f"{path.name}-wal")
        whole = log.read_bytes() if log.exists() else b""
        for number in range(4 if whole else 0):
            copy = tmp_path / f"torn-{seed}-{number}.sqlite"
            copy.write_bytes(path.read_bytes())
            copy.with_name(f"{copy.name}-wal").write_bytes(torn(whole, random.Random(f"{seed} {number}")))
            ours = outcome(copy)
            try:
                wanted = by_sqlite(copy)
            except sqlite3.DatabaseError:
                continue  # what was written back already is newer than what is left of the log: no power cut does that
            tried += 1
            same += ours == wanted
    assert tried
    agree("histories of dnf with a torn log, as SQLite recovers them", same, tried)


def outcome(path: Path) -> Union[Transaction, str, None]:
    try:
        return read(path)
    except ValueError as error:
        return str(error)


def test_a_damaged_history_says_nothing_and_ends(tmp_path: Path, connections: list[sqlite3.Connection]) -> None:
    path = tmp_path / "history.sqlite"
    history(path, random.Random(3), connections)
    place = LockPlace(f"{tmp_path}/rpmdb_lock.pid", "dnf", "pid", "transaction")
    whole = path.read_bytes()
    log = tmp_path / "history.sqlite-wal"
    for seed in range(100):
        chance = random.Random(seed)
        for file, data in ((path, whole), (log, log.read_bytes() if log.exists() else b"")):
            broken = bytearray(data[: chance.choice((len(data), chance.randrange(len(data) + 1)))])
            for _ in range(chance.randrange(20) if broken else 0):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            file.write_bytes(bytes(broken))
        assert len(list(see_unended([place, place]))) <= 1


def test_a_folder_or_a_pipe_in_place_of_the_history_is_passed_over(tmp_path: Path) -> None:
    place = LockPlace(f"{tmp_path}/rpmdb_lock.pid", "dnf", "pid", "transaction")
    (tmp_path / "history.sqlite").mkdir()
    assert list(see_unended([place])) == []
