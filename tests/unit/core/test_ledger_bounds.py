"""What a command reads of the ledger does not grow with it; what is older is found by an index, which may be lost."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opskit.core import ledger as ledger_module
from opskit.core import ledger_index, ledger_lines
from opskit.core.ledger import Ledger
from opskit.core.ledger_index import FEW, open_index
from opskit.core.ledger_lines import line_of

CHANGE = {"action": "make", "target": "x", "before": "", "after": "", "commands": [], "reversible": True}
MANY = 3000


def name(number: int) -> str:
    return f"20260101T{number:06}Z-{number:06x}"


def lines_of(number: int, uuid: str = "") -> bytes:
    """The lines of a run that made the filesystem `uuid-N` on the disk `disk-N`, of some 3 kB."""
    uuid = uuid or f"uuid-{number}"
    fields = {"uuid": uuid, "place": {"disk_identity": f"disk-{number}", "partition_uuid": f"PART-{number}"}}
    output = {"argv": ["mkfs"], "status": 0, "seconds": 1.0, "input": "", "stdout": "x" * 2000, "stderr": ""}
    entries: list[dict[str, Any]] = [
        {"entry": "begin", "title": "t", "command": [], "user": "root", "pid": 1, "plan": f"plan:{number}"},
        {"entry": "step", "number": 1, "kind": "fake.step", "fields": fields, "change": CHANGE, "record": {}},
        {"entry": "stepped", "number": 1, "outcome": "done", "commands": [output]},
        {"entry": "end", "outcome": "done"},
    ]
    common = {"schema": 1, "run": name(number), "time": "2026-01-01T00:00:00Z"}
    keys = enumerate(entries, 1)
    return b"".join(line_of({"schema": 1, "entry": entry["entry"], **common, "line": n, **entry}) for n, entry in keys)


def put(folder: Path, *numbers: int, uuid: str = "") -> Ledger:
    folder.mkdir(exist_ok=True)
    (folder / "ledger.jsonl").write_bytes(b"".join(lines_of(number, uuid) for number in numbers))
    return Ledger(str(folder))


def append(ledger: Ledger, number: int) -> None:
    """A whole run, as it is written."""
    run = f"20270101T000000Z-{number:06x}"
    ledger.append("begin", run, title="t", command=[], user="root", pid=1)
    ledger.append("step", run, number=1, kind="fake.step", fields={"uuid": f"new-{number}"}, change=CHANGE, record={})
    ledger.append("stepped", run, number=1, outcome="done")
    ledger.append("end", run, outcome="done")


@pytest.fixture(name="bytes_read")
def _bytes_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """How many bytes of the ledger and its index something reads."""
    counts = [0]

    class Counting(ledger_lines.FileIO):
        def read(self, size: int | None = -1) -> Any:
            data = super().read(size)
            counts[0] += len(data or b"")
            return data

        def readinto(self, buffer: Any) -> Any:
            size = super().readinto(buffer)
            counts[0] += size or 0
            return size

    pread = os.pread

    def counting_pread(descriptor: int, size: int, offset: int) -> bytes:
        counts[0] += size
        return pread(descriptor, size, offset)

    monkeypatch.setattr(ledger_lines, "FileIO", Counting)
    monkeypatch.setattr(ledger_index.os, "pread", counting_pread)

    def count(call: Callable[[], object]) -> int:
        counts[0] = 0
        call()
        return counts[0]

    return count


LOOKS: dict[str, Callable[[Ledger], object]] = {
    "history --limit 5": lambda ledger: ledger.read(newest=5),
    "undo last": lambda ledger: ledger.read(since=ledger.find("last").id),
    "disk mount": lambda ledger: ledger.about(["uuid-2", "disk-2", "PART-2", "nothing of the kind"]),
    "--only-plan": lambda ledger: ledger.runs_of("plan:1"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_as_much_is_read_whatever_lies_behind(look: str, tmp_path: Path, bytes_read: Any) -> None:
    few, many = put(tmp_path / "few", *range(150)), put(tmp_path / "many", *range(MANY))
    for ledger in (few, many):
        append(ledger, 0)
        assert os.path.exists(ledger.path + ledger_index.SUFFIX)
    reads = [bytes_read(lambda ledger=ledger: LOOKS[look](ledger)) for ledger in (few, many)]
    assert os.path.getsize(many.path) > 19 * os.path.getsize(few.path)
    # A search through the index takes some steps more: a page each.
    assert reads[1] <= reads[0] * 1.2 + 20 * 4096, reads


def test_a_run_is_found_by_each_key_in_the_index_and_after_it(tmp_path: Path) -> None:
    ledger = put(tmp_path, *range(150))
    append(ledger, 0)
    append(ledger, 1)
    index = open_index(ledger.path)
    assert index is not None
    assert 0 < index.covered < os.path.getsize(ledger.path)
    index.close()
    for number in (0, 1, 77, 149):
        for key in (f"uuid-{number}", f"disk-{number}", f"part-{number}", f"PART-{number}", f"plan:{number}"):
            assert [run.id for run in ledger.about([key])] == [name(number)], key
    assert [run.id[-6:] for run in ledger.about(["new-0", "new-1", "uuid-5", ""])] == ["000005", "000000", "000001"]
    assert ledger.about(["no-such-uuid"]) == []
    (run,) = ledger.about(["uuid-77"])
    assert run == ledger.find(name(77))


def test_all_of_it_is_found_again_as_the_ledger_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "TAIL", 4000)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    ledger = Ledger(str(tmp_path))
    for number in range(60):
        append(ledger, number)
    index = open_index(ledger.path)
    assert index is not None
    assert index.records == len(set(index.all_records())) > 40
    index.close()
    assert all(len(ledger.about([f"new-{number}"])) == 1 for number in range(60))


def test_of_a_key_with_very_many_runs_the_first_and_the_last_are_given(tmp_path: Path) -> None:
    ledger = put(tmp_path, *range(150), uuid="same")
    append(ledger, 0)
    runs = [run.id for run in ledger.about(["same"])]
    assert runs == [name(number) for number in (*range(FEW), *range(150 - FEW, 150))]


def damaged(data: bytes, chance: random.Random) -> bytes:
    how = chance.randrange(3)
    if how == 0:
        return data[: chance.randrange(len(data))]
    if how == 1:
        return chance.randbytes(chance.randrange(300))
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def test_a_damaged_index_hides_nothing_and_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    ledger = put(tmp_path, *range(150))
    append(ledger, 0)
    path = Path(ledger.path + ledger_index.SUFFIX)
    sound = path.read_bytes()
    for seed in range(20):
        chance = random.Random(seed)
        path.write_bytes(damaged(sound, chance))
        number = chance.randrange(150)
        assert [run.id for run in ledger.about([f"uuid-{number}"])] == [name(number)]
    path.write_bytes(sound[:-5])
    with Path(ledger.path).open("ab") as file:
        file.write(b"".join(lines_of(number) for number in range(150, 300)))
    append(ledger, 1)
    index = open_index(ledger.path)
    assert index is not None
    assert (index.covered, len(index.all_records())) == (os.path.getsize(ledger.path), index.records)
    index.close()


def test_an_index_of_another_ledger_is_not_gone_by(tmp_path: Path) -> None:
    ledger = put(tmp_path, *range(150))
    append(ledger, 0)
    put(tmp_path, *range(200, 350))
    assert open_index(ledger.path) is None
    assert [run.id for run in ledger.about(["uuid-222"])] == [name(222)]
    assert ledger.about(["uuid-2"]) == []
    Path(ledger.path).write_bytes(b"")
    assert (ledger.about(["uuid-222"]), open_index(ledger.path)) == ([], None)


def test_no_index_can_be_written_and_the_run_is_kept(tmp_path: Path) -> None:
    ledger = put(tmp_path, *range(150))
    Path(ledger.path + ledger_index.SUFFIX).mkdir()
    append(ledger, 0)
    assert ledger.find("last").outcome == "done"
    assert [run.id for run in ledger.about(["uuid-3"])] == [name(3)]


def test_a_small_ledger_has_no_index(tmp_path: Path) -> None:
    ledger = put(tmp_path, 1, 2)
    append(ledger, 0)
    assert os.listdir(tmp_path) == ["ledger.jsonl"]
    assert [run.id for run in ledger.about(["uuid-2"])] == [name(2)]
