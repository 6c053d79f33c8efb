"""One object of a journal file damaged, of every kind: what is shown and what is named as lost is what was written."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from journal_entries import REMOTE, SECOND, START, entry, write_journal
from opskit.core.runner import HostRunner
from opskit.journal.errors.query import ErrorsRequest
from opskit.journal.errors.see.careful import CarefulReading
from opskit.journal.errors.see.entries import see_files
from opskit.journal.errors.select import Selection
from opskit.journal.files.layout import ARRAY, DATA, DATA_TABLE, ENTRY, FIELD, FIELD_TABLE, OBJECT, read_layout
from opskit.journal.files.model import Scope
from opskit.journal.files.see.objects import ObjectReader
from opskit.journal.see import running_version
from tiers import Agree, ranges

pytestmark = pytest.mark.skipif(
    not (os.path.exists(REMOTE) and shutil.which("journalctl")), reason="no systemd-journal-remote, or no journalctl"
)
KINDS = (DATA, FIELD, ENTRY, DATA_TABLE, FIELD_TABLE, ARRAY)
ENTRIES = 120
ERR = 3


class Sound(NamedTuple):
    """A journal file without damage. objects: of each kind, where each is and how long."""

    path: Path
    data: bytes
    objects: dict[int, list[tuple[int, int]]]


def sound(path: Path, *, compact: bool) -> Sound:
    """Entries of several units and priorities, among them what is asked for beside the errors, and long messages."""
    made = [
        entry(
            f"message {number} " + "long " * (number % 9 * 40),
            START + number * SECOND,
            PRIORITY=(2, 6, 4, 3, 5, 6)[number % 6],
            SYSLOG_IDENTIFIER=("app", "rsyslogd", "kernel")[number % 3],
            _TRANSPORT=("journal", "syslog", "kernel", "driver")[number % 4],
            _SYSTEMD_UNIT=f"unit{number % 4}.service",
            _PID=1 + number % 5,
        )
        for number in range(ENTRIES)
    ]
    os.environ["SYSTEMD_JOURNAL_COMPACT"] = os.environ["SYSTEMD_JOURNAL_KEYED_HASH"] = str(int(compact))
    try:
        write_journal(path, iter(made))
    finally:
        del os.environ["SYSTEMD_JOURNAL_COMPACT"], os.environ["SYSTEMD_JOURNAL_KEYED_HASH"]
    data = path.read_bytes()
    layout = read_layout(data[:272], len(data))
    objects: dict[int, list[tuple[int, int]]] = {}
    at = layout.begins
    while at <= layout.tail:
        kind, _, size = OBJECT.unpack_from(data, at)
        objects.setdefault(kind, []).append((at, size))
        at += -(-size // 8) * 8
    return Sound(path, data, objects)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sound, Sound]:
    """A file as it was until systemd 251, and a compact one."""
    return (
        sound(tmp_path_factory.mktemp("old") / "x.journal", compact=False),
        sound(tmp_path_factory.mktemp("new") / "x.journal", compact=True),
    )


def damage(file: Sound, seed: int) -> str:
    """Damage one object, of a kind by the seed: its beginning, or 16 bytes of it, zeroed or overwritten."""
    rnd = random.Random(seed)
    kind = KINDS[seed // 2 % len(KINDS)]
    at, size = rnd.choice(file.objects[kind])
    where = at + (0 if rnd.random() < 0.6 else rnd.randrange(0, min(size, 96), 8))
    count = min(16, at + size - where)
    what = bytes(count) if rnd.random() < 0.5 else rnd.randbytes(count)
    with file.path.open("r+b") as target:
        target.seek(where)
        target.write(what)
    return f"seed {seed}: kind {kind} at {at:#x}, {count} bytes at {where:#x}"


def restore(file: Sound) -> None:
    """Write the file's bytes where they may be damaged."""
    with file.path.open("r+b") as target:
        target.write(file.data)


def read(place: Path, limit: int) -> CarefulReading:
    """What opskit makes of the files in this directory."""
    scope = Scope(directory=str(place))
    runner = HostRunner()
    request = ErrorsRequest(scope, limit=limit)
    reading = CarefulReading(runner, request, running_version(runner), Selection(limit), see_files(scope))
    reading.read()
    return reading


@pytest.mark.parametrize("numbers", ranges(24, 120, 504, 12))
def test_one_damaged_object(files: tuple[Sound, Sound], numbers: range, agree: Agree) -> None:
    whole = errors = 0
    for seed in numbers:
        file = files[seed % 2]
        what = damage(file, seed)
        try:
            everything, err = read(file.path.parent, 7), read(file.path.parent, ERR)
        finally:
            restore(file)
        lost = sum(loss.lost for loss in everything.losses)
        assert everything.tally.chosen + lost == ENTRIES, (what, everything.losses)
        whole += 1
        chosen = ENTRIES // 3
        missing = chosen - err.tally.chosen
        assert missing <= sum(loss.lost for loss in err.losses), (what, err.losses)
        assert err.tally.chosen <= chosen + sum(loss.partial for loss in err.losses), (what, err.losses)
        errors += 1
    agree("files with one damaged object: shown and named as lost is what was written", whole, len(numbers))
    agree("the same of the errors alone", errors, len(numbers))


def test_a_hole_of_gigabytes_is_not_read(files: tuple[Sound, Sound], monkeypatch: pytest.MonkeyPatch) -> None:
    file, size = files[1], 1 << 30
    header_size = read_layout(file.data[:272], len(file.data)).begins
    at, _ = file.objects[ENTRY][3]
    reads: list[int] = []
    real = ObjectReader.read

    def counted(self: ObjectReader, at: int, count: int) -> bytes:
        reads.append(count)
        return real(self, at, count)

    monkeypatch.setattr(ObjectReader, "read", counted)
    os.truncate(file.path, size)
    try:
        with file.path.open("r+b") as target:
            target.seek(96)  # arena_size
            target.write((size - header_size).to_bytes(8, "little"))
            target.seek(at)
            target.write(bytes(16))
        reading = read(file.path.parent, 7)
    finally:
        os.truncate(file.path, len(file.data))
        restore(file)
    assert (reading.tally.chosen, [loss.lost for loss in reading.losses]) == (ENTRIES - 1, [1])
    assert sum(reads) < size // 16
