"""How many entries of a file are newer than a moment, against what journalctl shows since then."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
from pathlib import Path

import pytest

from journals import SECOND, export, missing, write_journal
from opskit.journal.files.model import Header
from opskit.journal.files.see.directories import read_directory
from opskit.journal.files.see.entries import newer_than
from tiers import seeds


def shown_since(path: Path, moment: int) -> int:
    since = f"--since=@{moment // SECOND}.{moment % SECOND:06d}"
    argv = ["journalctl", f"--file={path}", since, "-q", "-o", "export", "--output-fields=PRIORITY"]
    return subprocess.run(argv, capture_output=True, check=True).stdout.count(b"__REALTIME_TIMESTAMP=")


def header_of(path: Path) -> Header:
    return next(file.header for file in read_directory(str(path.parent)).files if file.name == path.name)


@pytest.mark.parametrize("seed", seeds(3, 40, 400))
def test_newer_entries(tmp_path: Path, seed: int) -> None:
    if missing():
        pytest.skip(missing())
    rnd = random.Random(seed)
    first = 1_700_000_000 * SECOND + rnd.randrange(SECOND)
    times = [first]
    for _ in range(rnd.choice((0, 1, 6, 99, 1999))):
        times.append(times[-1] + rnd.choice((1, SECOND, 60 * SECOND)))
    path = tmp_path / "x.journal"
    # Long messages are compressed; a compact file has offsets of 32 bits.
    write_journal(path, export(times, text="x" * rnd.choice((1, 2000))), SYSTEMD_JOURNAL_COMPACT=str(seed % 2))
    header = header_of(path)
    assert header.compact == bool(seed % 2)
    last = times[-1]
    for moment in (first - 1, first, first + 1, last, last + 1, rnd.choice(times), rnd.choice(times) + 1):
        assert newer_than(str(path), header, moment) == shown_since(path, moment) == sum(at >= moment for at in times)


def test_a_damaged_file_is_not_counted(tmp_path: Path) -> None:
    if missing():
        pytest.skip(missing())
    path = tmp_path / "x.journal"
    times = [1_700_000_000 * SECOND + n * SECOND for n in range(300)]
    write_journal(path, export(times))
    header, whole = header_of(path), path.read_bytes()
    assert newer_than(str(path), header, times[150]) == 150
    assert newer_than(str(path), header, 0) == 300
    assert newer_than(str(path), header._replace(damage="none to be believed"), 0) is None
    rnd = random.Random(4)
    for _ in range(200):
        data = bytearray(whole[: rnd.choice((header.arrays, header.arrays + 30, len(whole)))])
        at = rnd.choice((header.arrays, header.arrays + 8, header.arrays + 16, header.arrays + 24))
        data[at : at + 8] = rnd.randbytes(8)
        path.write_bytes(data)
        newer = newer_than(str(path), header, times[150])
        assert newer is None or 0 <= newer <= 300
    os.unlink(path)
    assert newer_than(str(path), header, times[150]) is None


def test_who_may_read_a_file_without_being_its_owner_is_told_as_much() -> None:
    if os.geteuid() or missing():
        pytest.skip(missing() or "needs root, to be somebody else")
    times = [1_700_000_000 * SECOND + n * SECOND for n in range(300)]
    with tempfile.TemporaryDirectory() as place:  # what pytest makes is the user's alone
        path = Path(place, "x.journal")
        write_journal(path, export(times))
        path.chmod(0o644)
        Path(place).chmod(0o755)
        header = header_of(path)
        os.seteuid(65534)
        try:
            assert newer_than(str(path), header, times[150]) == 150
        finally:
            os.seteuid(0)
