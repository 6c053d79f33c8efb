"""What an adversary, a bad disk or a crash does to the ledger: named by its line; no fault, no lost step unnamed."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from opskit.core.ledger import Damage, Ledger, Run
from opskit.core.ledger_lines import line_of, lines_from_end, open_to_read, parse_line
from tiers import Agree, ranges

CHANGE = {"action": "make", "target": "", "before": "", "after": "", "commands": [], "reversible": True}
COMMAND = {"argv": ["true"], "status": 0, "seconds": 0.1, "input": "", "stdout": "x", "stderr": ""}
STEPS = 3
RUNS = ("20260101T000000Z-00000a", "20260102T000000Z-00000b", "20260103T000000Z-00000c")


def change(number: int) -> dict[str, Any]:
    return {**CHANGE, "target": f"thing {number}"}


def write(folder: Path, *, numbered: bool = True) -> bytes:
    """A ledger of three runs, the last of which undoes the second; gives its bytes. numbered: not of 0.1.0."""
    ledger = Ledger(str(folder))
    for run in RUNS:
        undoes = RUNS[1] if run == RUNS[2] else ""
        changes = [change(number) for number in range(1, STEPS + 1)]
        values = {"title": f"title of {run}", "command": ["opskit", "x"], "user": "root", "pid": 1, "undoes": undoes}
        ledger.append("begin", run, host="h", fingerprint="f", changes=changes, hold="", **values)
        for number in range(1, STEPS + 1):
            kind = "history.undo" if undoes else "fake.step"
            fields = {"run": undoes, "number": STEPS + 1 - number} if undoes else {"name": str(number)}
            ledger.append("step", run, number=number, kind=kind, fields=fields, change=change(number), record={})
            ledger.append("stepped", run, number=number, outcome="done", record={}, error="", commands=[COMMAND])
        ledger.append("end", run, outcome="done")
    path = Path(ledger.path)
    if not numbered:
        old = [
            {k: v for k, v in json.loads(line).items() if k not in {"line", "sum"}}
            for line in path.read_bytes().splitlines()
        ]
        path.write_text("".join(json.dumps(entry) + "\n" for entry in old))
    return path.read_bytes()


def read(folder: Path, data: bytes) -> tuple[list[Run], tuple[Damage, ...]]:
    (folder / "ledger.jsonl").write_bytes(data)
    reading = Ledger(str(folder)).read()
    return list(reading.runs), reading.damage


def use(folder: Path) -> None:
    """What commands do with a ledger, beside reading all of it."""
    ledger = Ledger(str(folder))
    for run in ledger.read(newest=2).runs:
        assert ledger.find(run.id).id == run.id
        ledger.read(since=run.id)


def unnamed(runs: list[Run], damage: tuple[Damage, ...]) -> list[str]:
    """The steps of the three runs that are neither there, done and in order, nor named as lost or in damaged lines."""
    missing = []
    for name in RUNS:
        run = next((run for run in runs if run.id == name), None)
        if run is None:
            missing += [] if damage else [name]
            continue
        done = [step.number for step in run.steps if step.outcome == "done" and step.kind]
        lost = [step.number for step in run.lost]
        left = set(range(1, STEPS + 1)) - set(done) - set(lost)
        missing += [f"{name} {number}" for number in left] if not run.damage else []
        if lost:
            assert run.damage, "what is lost has its reason"
    return missing


@pytest.mark.parametrize("seeds", ranges(100, 200, 4000, 100))
def test_a_flipped_bit_is_named_and_loses_no_step_unnamed(seeds: range, tmp_path: Path, agree: Agree) -> None:
    sound = write(tmp_path)
    good = 0
    for seed in seeds:
        bit = random.Random(seed).randrange(len(sound) * 8)
        data = bytearray(sound)
        data[bit // 8] ^= 1 << bit % 8
        runs, damage = read(tmp_path, bytes(data))
        use(tmp_path)
        assert damage or bit // 8 == len(sound) - 1, f"bit {bit} is not named"
        assert all(1 <= each.line <= sound.count(b"\n") + 1 for each in damage if each.offset >= 0)
        good += not unnamed(runs, damage)
    agree("a bit of the ledger flipped: named, and no step lost unnamed", good, len(seeds))


@pytest.mark.parametrize("seeds", ranges(100, 200, 4000, 100))
def test_a_flipped_bit_of_a_ledger_of_0_1_0_is_no_fault(seeds: range, tmp_path: Path, agree: Agree) -> None:
    """It has no checksums: a changed word in it cannot be told, but a missing step can."""
    sound = write(tmp_path, numbered=False)
    for seed in seeds:
        bit = random.Random(seed).randrange(len(sound) * 8)
        data = bytearray(sound)
        data[bit // 8] ^= 1 << bit % 8
        runs, damage = read(tmp_path, bytes(data))
        use(tmp_path)
        for run in runs:
            numbers = [step.number for step in run.steps]
            assert numbers == list(range(1, len(numbers) + 1))
            assert damage or not run.lost
    agree("a bit of a ledger of 0.1.0 flipped: no fault", len(seeds), len(seeds))


VALUES: list[Any] = [None, True, False, 0, -1, 2, 10**9, 1e300, "", "x", [], [1], {}, {"a": 1}, [None], "\udcff", [[]]]


def mutated(entry: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The entry with a key removed, renamed or added, or with a value of another type, perhaps deep inside."""
    entry = json.loads(json.dumps(entry))
    place: Any = entry
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = chance.choice(keys)
        deeper = isinstance(place[key], (dict, list)) and place[key]
        if not deeper or chance.random() < 0.4:
            break
        place = place[key]
    how = chance.randrange(4)
    if how == 0 or (how > 1 and isinstance(place, list)):
        place[key] = chance.choice(VALUES)
    elif how == 1:
        del place[key]
    elif how == 2:
        place[chance.choice(["", "x", "entry", "run", "number", "sum", "line"])] = place.pop(key)
    else:
        place["a new key"] = chance.choice(VALUES)
    return entry


@pytest.mark.parametrize("sealed", [True, False, None], ids=["with its checksum", "as it was", "of 0.1.0"])
@pytest.mark.parametrize("seeds", ranges(50, 100, 1500, 50))
def test_changed_keys_and_types_are_no_fault(seeds: range, sealed: bool | None, tmp_path: Path, agree: Agree) -> None:
    """sealed: whether the changed line gets a checksum of its own; None: no line has one."""
    lines = write(tmp_path, numbered=sealed is not None).splitlines(keepends=True)
    for seed in seeds:
        chance = random.Random(seed)
        number = chance.randrange(len(lines))
        entry = mutated(json.loads(lines[number]), chance)
        if sealed:
            entry.pop("sum", None)
        line = line_of(entry) if sealed else json.dumps(entry).encode() + b"\n"
        runs, damage = read(tmp_path, b"".join([*lines[:number], line, *lines[number + 1 :]]))
        use(tmp_path)
        if sealed is False and line != lines[number]:
            assert damage, "a line that was changed is named"
            assert not unnamed(runs, damage)
    agree("keys and types of the ledger changed: no fault", len(seeds), len(seeds))


GARBAGE = [
    b"{}", b"[]", b"null", b"1", b'"x"', b'{"schema": 1}', b'{"schema": "1"}', b'{"schema": true, "entry": "begin"}',
    b"{" * 5000, b"[" * 50000, b"\0" * 100, b"\xff\xfe", b'{"schema": 1, "entry": "end", "run": ""}', b"9" * 6000,
    b'{"schema": 1, "entry": "step", "run": "x", "number": 1}', b'{"schema": 1, "entry": {"a": 1}, "run": "x"}',
    b'{"schema": 1, "entry": "stepped", "run": ["x"]}', b'{"schema": NaN}', b'{"line": 1}', b'{"sum": "00000000"}',
]  # fmt: skip


@pytest.mark.parametrize("seeds", ranges(len(GARBAGE), 100, 300, 20))
def test_garbage_lines_are_named_and_the_rest_is_read(seeds: range, tmp_path: Path, agree: Agree) -> None:
    lines = write(tmp_path).splitlines(keepends=True)
    good = 0
    for seed in seeds:
        chance = random.Random(seed)
        line = GARBAGE[seed] if seed < len(GARBAGE) else chance.randbytes(chance.randrange(1, 300)).replace(b"\n", b"")
        number = chance.randrange(len(lines))
        runs, damage = read(tmp_path, b"".join([*lines[:number], line + b"\n", *lines[number:]]))
        use(tmp_path)
        assert [run.id for run in runs] == list(RUNS)
        assert not unnamed(runs, damage)
        assert not any(run.lost for run in runs), "each run has all its lines"
        good += [each.line for each in damage] == [number + 1]
    agree("a line of garbage in the ledger: named by its number, nothing lost", good, len(seeds))


@pytest.mark.parametrize("part", ranges(1, 2, 40, 1))
def test_cut_off_at_any_byte_the_next_run_is_written_and_read(part: range, tmp_path: Path, agree: Agree) -> None:
    """A crash: what is cut has not begun. The run that was under way is unfinished, those before it are whole."""
    sound = write(tmp_path)
    sizes = range(part.start, len(sound), 40)
    for size in sizes:
        path = tmp_path / "ledger.jsonl"
        path.write_bytes(sound[:size])
        before = Ledger(str(tmp_path)).read()
        assert before.damage == ()
        complete = [entry for line in sound[:size].splitlines() if (entry := parse_line(line).entry)]
        begun = [entry["run"] for entry in complete if entry["entry"] == "begin"]
        whole = [entry["run"] for entry in complete if entry["entry"] == "end"]
        assert [run.id for run in before.runs] == begun
        assert [run.id for run in before.runs if run.outcome != "unfinished"] == whole
        ledger = Ledger(str(tmp_path))
        ledger.append("begin", "next", title="t", command=[], user="root", pid=1)
        after = ledger.read()
        assert (after.damage, after.runs[:-1], after.runs[-1].id) == ((), before.runs, "next")
    agree("the ledger cut off at a byte: nothing lost, the next run kept", len(sizes), len(sizes))


@pytest.mark.parametrize("step", [1, 2, STEPS])
@pytest.mark.parametrize("numbered", [True, False])
def test_a_step_whose_line_is_broken_is_named_lost_with_what_was_planned(
    step: int, numbered: bool, tmp_path: Path
) -> None:
    lines = write(tmp_path, numbered=numbered).splitlines(keepends=True)
    lines[2 * step - 1] = lines[2 * step - 1].replace(b'"step"', b'"stop"')
    runs, damage = read(tmp_path, b"".join(lines))
    assert [(each.run, each.line) for each in damage] == [(RUNS[0], 2 * step)]
    assert [(lost.number, lost.change["target"]) for lost in runs[0].lost] == [(step, f"thing {step}")]
    assert not any(run.lost or run.damage for run in runs[1:])


@pytest.mark.parametrize("numbered", [True, False])
def test_a_missing_line_is_a_gap(numbered: bool, tmp_path: Path) -> None:
    lines = write(tmp_path, numbered=numbered).splitlines(keepends=True)
    runs, damage = read(tmp_path, b"".join([*lines[:3], *lines[5:]]))  # both lines of step 2
    assert [lost.number for lost in runs[0].lost] == [2]
    (gap,) = damage
    assert (gap.run, gap.line, "missing" in gap.what) == (RUNS[0], 0, True)


def test_a_run_without_its_first_line_is_known_by_the_others(tmp_path: Path) -> None:
    lines = write(tmp_path).splitlines(keepends=True)
    for first in (0, 16):
        runs, damage = read(tmp_path, b"".join([*lines[:first], b"?" + lines[first][1:], *lines[first + 1 :]]))
        assert [(each.line, each.run) for each in damage] == [(first + 1, RUNS[first // 8])]
        run = runs[first // 8]
        assert (run.id, run.outcome, [step.outcome for step in run.steps]) == (RUNS[first // 8], "done", ["done"] * 3)
    assert run.undoes == RUNS[1], "its steps tell what it undoes"
    newest = Ledger(str(tmp_path)).read(newest=1)
    assert [run.id for run in newest.runs] == [RUNS[2]]


def test_a_line_twice_is_named_and_counts_once(tmp_path: Path) -> None:
    lines = write(tmp_path).splitlines(keepends=True)
    sound = read(tmp_path, b"".join(lines))[0]
    runs, damage = read(tmp_path, b"".join([*lines, lines[2]]))
    assert [(each.line, each.run, "again" in each.what) for each in damage] == [(len(lines) + 1, RUNS[0], True)]
    assert [run.steps for run in runs] == [run.steps for run in sound]
    newest = Ledger(str(tmp_path)).read(newest=1)
    assert [run.id for run in newest.runs] == [RUNS[2]]


def test_the_end_of_a_broken_run_leaves_no_step_unknown(tmp_path: Path) -> None:
    lines = write(tmp_path).splitlines(keepends=True)
    runs, damage = read(tmp_path, b"".join([*lines[:7], lines[7].replace(b"end", b"and"), *lines[8:]]))
    assert (runs[0].outcome, runs[0].lost, [each.line for each in damage]) == ("unfinished", (), [8])


def test_a_run_that_took_itself_back_has_no_more_steps_than_it_began(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    changes = [change(number) for number in range(1, 6)]
    ledger.append("begin", "r", title="t", command=[], user="root", pid=1, changes=changes)
    ledger.append("step", "r", number=1, kind="fake.step", fields={}, change=change(1), record={})
    ledger.append("stepped", "r", number=1, outcome="failed", record={}, error="e", commands=[])
    ledger.append("undone", "r", number=1, outcome="undone", error="", commands=[])
    ledger.append("end", "r", outcome="taken-back")
    lines = Path(ledger.path).read_bytes().splitlines(keepends=True)
    for number in range(1, 5):
        runs, damage = read(tmp_path, b"".join([*lines[:number], b"?\n", *lines[number + 1 :]]))
        assert [step.number for step in runs[0].steps] == [1]
        assert len(damage) == 1


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ledger.jsonl")
    with pytest.raises(OSError, match="no regular file"):
        Ledger(str(tmp_path)).runs()
    (tmp_path / "link").symlink_to("/dev/null")
    with pytest.raises(OSError, match="link"):
        open_to_read(str(tmp_path / "link"))


@pytest.mark.parametrize("block", [1, 2, 7, 64, 1 << 16])
def test_lines_from_the_end_are_the_lines(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.core.ledger_lines.BLOCK", block)
    path = tmp_path / "file"
    for data in (b"", b"\n", b"a", b"a\n", b"\n\na\n\nbcd\nlonger than a block of seven\n\n", b"x\nyyyyyyyyyyyyyyy"):
        path.write_bytes(data)
        lines = list(lines_from_end(str(path)))
        parts = data.split(b"\n")
        offsets = [sum(len(part) + 1 for part in parts[:number]) for number in range(len(parts))]
        last = len(parts) - 1
        expected = [(at, part, n < last) for n, (at, part) in enumerate(zip(offsets, parts)) if part]
        assert lines == expected[::-1]


def test_an_unknown_key_of_the_first_line_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.append("begin", "r", title="t", command=[], user="root", pid=1, of_tomorrow={"a": 1})
    (run,) = ledger.runs()
    assert (run.extra, run.damage) == ({"of_tomorrow": {"a": 1}}, ())


def test_the_numbers_go_on_where_another_process_appends(tmp_path: Path) -> None:
    Ledger(str(tmp_path)).append("begin", "r", title="t", command=[], user="root", pid=1)
    Ledger(str(tmp_path)).append("end", "r", outcome="done")
    assert [entry["line"] for entry in Ledger(str(tmp_path)).entries()] == [1, 2]


def test_a_line_is_sound_as_it_was_written() -> None:
    entry = {"schema": 1, "entry": "end", "run": "r\udcff", "time": "t", "line": 1, "outcome": "done"}
    assert parse_line(line_of(entry).rstrip(b"\n")).why == ""
    assert parse_line(line_of(entry)).entry is None, "a newline belongs to no line"
