"""The ledger: what was written is read again, whatever a crash left at its end."""

from __future__ import annotations

import errno
import json
import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from opskit.core import ledger as module
from opskit.core.errors import Failed, UsageFault
from opskit.core.ledger import Ledger, new_run_id

CHANGE = {"action": "make", "target": "/dev/vdb1", "before": "", "after": "", "commands": [], "reversible": True}


def begin(ledger: Ledger, run: str, **more: Any) -> None:
    values = {"title": "t", "command": ["opskit"], "user": "root", "pid": 1, "fingerprint": "", "changes": []}
    ledger.append("begin", run, **{**values, **more})


def step(ledger: Ledger, run: str, number: int) -> None:
    ledger.append("step", run, number=number, kind="fake.x", fields={}, change=CHANGE, record={"before": number})


def stepped(ledger: Ledger, run: str, number: int, outcome: str = "done") -> None:
    commands = [{"argv": ["mkfs"], "status": 0}]
    ledger.append("stepped", run, number=number, outcome=outcome, record={"made": 1}, commands=commands, error="")


def test_reading_without_a_ledger_makes_nothing(tmp_path: Path) -> None:
    assert Ledger(str(tmp_path / "state")).runs() == []
    assert not (tmp_path / "state").exists()


def test_a_whole_run(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a", undoes="z")
    step(ledger, "a", 1)
    stepped(ledger, "a", 1)
    ledger.append("end", "a", outcome="done")
    (run,) = ledger.runs()
    assert (run.id, run.outcome, run.user, run.pid, run.command, run.undoes) == (
        "a",
        "done",
        "root",
        1,
        ("opskit",),
        "z",
    )
    assert run.began.endswith("Z")
    assert run.ended.endswith("Z")
    (record,) = run.steps
    assert (record.number, record.kind, record.outcome, record.change) == (1, "fake.x", "done", CHANGE)
    assert record.record == {"before": 1, "made": 1}
    assert record.commands == ({"argv": ["mkfs"], "status": 0},)


def test_a_run_that_crashed_is_unfinished_and_so_is_its_step(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1)
    stepped(ledger, "a", 1)
    step(ledger, "a", 2)
    (run,) = ledger.runs()
    assert run.outcome == "unfinished"
    assert [step.outcome for step in run.steps] == ["done", "unfinished"]


def test_a_step_taken_back_keeps_the_commands_of_both_ways(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1)
    stepped(ledger, "a", 1)
    ledger.append("undone", "a", number=1, outcome="undone", error="", commands=[{"argv": ["wipefs"], "status": 0}])
    (record,) = ledger.runs()[0].steps
    assert record.outcome == "undone"
    assert [command["argv"] for command in record.commands] == [["mkfs"], ["wipefs"]]


@pytest.mark.parametrize(("outcome", "left"), [("done", "done"), ("failed", "kept"), ("", "kept")])
def test_a_step_that_was_done_and_is_kept_is_still_done(tmp_path: Path, outcome: str, left: str) -> None:
    """A filesystem that was finished is not unfinished because the run that made it took the rest back."""
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1)
    if outcome:
        stepped(ledger, "a", 1, outcome)
    ledger.append("undone", "a", number=1, outcome="kept", error="it stays", commands=[])
    (record,) = ledger.runs()[0].steps
    assert (record.outcome, record.error) == (left, "it stays")


@pytest.mark.parametrize("outcome", ["undone", "failed"])
def test_a_step_that_was_done_and_taken_back_is_not_done(tmp_path: Path, outcome: str) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1)
    stepped(ledger, "a", 1)
    ledger.append("undone", "a", number=1, outcome=outcome, error="", commands=[])
    assert ledger.runs()[0].steps[0].outcome == outcome


def test_the_host_of_a_run_and_of_one_that_an_older_opskit_kept(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a", host="0123abcd")
    begin(ledger, "b")
    assert [run.host for run in ledger.runs()] == ["0123abcd", ""]


def test_a_symlink_in_place_of_the_ledger_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious\n")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / module.FILE_NAME).symlink_to(elsewhere)
    with pytest.raises(Failed, match="cannot be written"):
        begin(Ledger(str(tmp_path / "state")), "a")
    assert elsewhere.read_text() == "precious\n"


def test_runs_are_oldest_first_also_when_their_entries_mix(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    for name in ("b", "a"):
        begin(ledger, name)
    for name in ("a", "b"):
        ledger.append("end", name, outcome="done")
    assert [(run.id, run.outcome) for run in ledger.runs()] == [("b", "done"), ("a", "done")]


@pytest.mark.parametrize("torn", [b'{"schema": 1, "entry": "beg', b"\0\0\0", b'{"schema": 1}\xff'])
def test_a_torn_line_is_passed_over_and_swallows_nothing(tmp_path: Path, torn: bytes) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    with Path(ledger.path).open("ab") as file:
        file.write(torn)
    begin(ledger, "b")
    assert [run.id for run in ledger.runs()] == ["a", "b"]


def test_the_directory_and_the_file_are_their_owners_only(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "deep" / "state"))
    begin(ledger, "a")
    assert (tmp_path / "deep" / "state").stat().st_mode & 0o777 == 0o700
    assert Path(ledger.path).stat().st_mode & 0o777 == 0o600


def test_each_entry_is_one_line_and_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(module.os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_size), fsync(fd)))
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a", title="two\nlines \udcff")
    text = Path(ledger.path).read_bytes()
    assert len(text) in synced
    assert text.count(b"\n") == 1
    assert json.loads(text)["title"] == "two\nlines \udcff"


def test_a_write_that_is_cut_short_is_taken_out_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    before = Path(ledger.path).read_bytes()
    write = os.write
    calls = count()

    def cut_short(descriptor: int, data: bytes) -> int:
        """Some bytes, and no more of them: a limit for the size of files (setrlimit(2))."""
        if next(calls) % 2:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return write(descriptor, data[:10])

    monkeypatch.setattr(module.os, "write", cut_short)
    with pytest.raises(Failed, match="File too large") as caught:
        begin(ledger, "b")
    assert caught.value.state == "Nothing was changed."
    with pytest.raises(Failed, match="File too large") as caught:
        ledger.append("step", "a")
    assert caught.value.state == ""
    assert Path(ledger.path).read_bytes() == before


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match="cannot be written"):
        begin(Ledger(str(tmp_path / "file")), "a")


def test_a_line_of_a_newer_opskit_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    with Path(ledger.path).open("a") as file:
        file.write('{"schema": 2, "entry": "begin", "run": "n"}\n')
    begin(ledger, "b")
    reading = ledger.read()
    assert [run.id for run in reading.runs] == ["a", "b"]
    (damage,) = reading.damage
    assert (damage.line, "its schema is 2, not 1" in damage.what) == (2, True)


def test_find(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    for name in ("20260101-aa", "20260101-ab", "2026", "20270101-x"):
        begin(ledger, name)
    assert ledger.find("last").id == "20270101-x"
    assert ledger.find("20260101-ab").id == "20260101-ab"
    assert ledger.find("2026").id == "2026", "a whole id is not ambiguous"
    assert ledger.find("2027").id == "20270101-x"


@pytest.mark.parametrize(("name", "why"), [("20260101", "2 runs begin so"), ("x", "no such run"), ("", "no such run")])
def test_find_nothing_or_too_much(tmp_path: Path, name: str, why: str) -> None:
    ledger = Ledger(str(tmp_path))
    for run in ("20260101-aa", "20260101-ab"):
        begin(ledger, run)
    with pytest.raises(UsageFault, match=why):
        ledger.find(name)


def test_last_of_an_empty_ledger(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="no such run"):
        Ledger(str(tmp_path)).find("last")


def test_run_ids_sort_by_time_and_differ() -> None:
    first, two = new_run_id(), new_run_id()
    assert first != two
    assert first[8] == "T"
    assert first[15:17] == "Z-"


def whole(ledger: Ledger, *names: str) -> None:
    for name in names:
        begin(ledger, name)
        step(ledger, name, 1)
        stepped(ledger, name, 1)
        ledger.append("end", name, outcome="done")


def test_each_gives_the_runs_one_by_one_the_newest_first(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    assert list(ledger.each()) == []
    whole(ledger, "a", "b", "c")
    assert list(ledger.each()) == ledger.runs()[::-1]
    with Path(ledger.path).open("ab") as file:
        file.write(Path(ledger.path).read_bytes().splitlines(keepends=True)[1])
    assert [run.id for run in ledger.each()] == ["a", "c", "b", "a"], "a line that stands apart is a piece of its own"


def test_runs_that_are_dropped_are_gone_and_nothing_else_is_touched(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    whole(ledger, "a", "b", "c")
    path = Path(ledger.path)
    lines = [
        *path.read_bytes().splitlines(keepends=True),
        b"garbage\n",
        b'{"run": "b", broken\n',
        b'{"run": "c", broken',
    ]
    path.write_bytes(b"".join(lines))
    assert ledger.drop(["b", "no such run"]) == sum(map(len, [*lines[4:8], lines[13]]))
    assert path.read_bytes() == b"".join([*lines[:4], *lines[8:13], lines[14]])
    assert path.stat().st_mode & 0o777 == 0o600
    whole(ledger, "d")
    assert [run.id for run in ledger.runs()] == ["a", "c", "d"]


def test_a_ledger_that_cannot_be_written_anew_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(str(tmp_path))
    whole(ledger, "a", "b")
    before = Path(ledger.path).read_bytes()

    def torn(_names: object) -> Any:
        yield before[:100]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger, "_lines_without", torn)
    with pytest.raises(Failed, match="cannot be written anew") as caught:
        ledger.drop(["a"])
    assert caught.value.state == "It is as it was."
    assert (Path(ledger.path).read_bytes(), os.listdir(tmp_path)) == (before, ["ledger.jsonl"])
