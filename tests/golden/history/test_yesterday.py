"""What a run of an earlier release left is taken back by the code of today: its steps are found, with all they had.

A step's kind, its fields and what it remembered are in ledgers on production hosts. A name among them that is changed
makes an undo of yesterday's run impossible, and fails here.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
import pkgutil
from dataclasses import MISSING
from typing import Any

import pytest

import opskit
from ledgers import FOLDER, RELEASES, Sample, areas, sample, samples
from opskit.areas import load_step
from opskit.core.command import Command, Result
from opskit.core.jsonable import to_json
from opskit.core.ledger import Ledger, Run, StepRecord
from opskit.core.plan import Change, Plan, Refusal, Step
from opskit.history.model import StepLeft, UndoFacts
from opskit.history.plan import decide

# What an undo of a stopped memcached starts has to be a program of root's: on any machine this one is.
MEMCACHED, ROOTS = "/usr/bin/memcached", "/usr/bin/env"
PINS = [
    (release, pin)
    for release in RELEASES
    for pin in json.loads((FOLDER / f"ledgers-{release}" / "undo.json").read_text().replace(MEMCACHED, ROOTS))
]

# The fields of the kinds that no sample has yet ("disk.swap-on": "path size"): ledgers with them are on hosts all the
# the same. record.py records them before the release is made; then they go from here.
UNRECORDED: dict[str, str] = {}


def runs(area: str, release: str, tmp_path: Any) -> dict[str, Run]:
    lines = tuple(line.replace(MEMCACHED, ROOTS) for run in samples(release, area) for line in run.lines)
    Sample(lines).put(tmp_path / "state")
    return {run.id: run for run in Ledger(str(tmp_path / "state")).runs()}


def has(value: Any, earlier: Any) -> bool:
    """Whether a value has all that an earlier one had: a field may have come since."""
    if isinstance(earlier, dict):
        return isinstance(value, dict) and all(key in value and has(value[key], earlier[key]) for key in earlier)
    if isinstance(earlier, list):
        return isinstance(value, list) and len(value) == len(earlier) and all(map(has, value, earlier))
    return bool(value == earlier)


@pytest.mark.parametrize(
    ("release", "pin"), PINS, ids=lambda value: value["kind"] if isinstance(value, dict) else value
)
def test_a_step_of_then_is_read_and_undone_as_it_was_then(release: str, pin: dict[str, Any], tmp_path: Any) -> None:
    run = runs(pin["ledger"], release, tmp_path)[pin["run"]]
    (record,) = [step for step in run.steps if step.number == pin["number"]]
    assert record.kind == pin["kind"]
    step = load_step(record)
    assert has(to_json(step), record.fields)
    change = step.undo_change(record.record)
    if "stays" in pin:
        assert isinstance(change, str)
        return
    assert isinstance(change, Change)
    # The words for a person may become better; what is done to what may not change.
    assert [change.action, change.target, list(change.commands)] == [pin["action"], pin["target"], pin["commands"]]


@pytest.mark.parametrize("release", RELEASES)
def test_every_step_of_a_ledger_is_pinned(release: str) -> None:
    pinned = {(pin["ledger"], pin["run"], pin["number"]) for name, pin in PINS if name == release}
    steps = {
        (area, run.run, step["number"]): step["kind"]
        for area in areas(release)
        for run in samples(release, area)
        for step in run.steps()
        if step["kind"] != "history.undo"
    }
    assert set(steps) == pinned
    if release == "0.1.0":
        assert len(set(steps.values())) == 27, "as many kinds as 0.1.0 had"


def step_kinds() -> dict[str, type[Step]]:
    """The class of each kind of every area that has steps."""
    kinds: dict[str, type[Step]] = {}
    for module in pkgutil.iter_modules(opskit.__path__, "opskit."):
        steps = f"{module.name}.steps"
        if module.ispkg and importlib.util.find_spec(steps):
            kinds.update(importlib.import_module(steps).KINDS)
    return kinds


def test_every_kind_is_in_a_sample_or_its_fields_are_pinned() -> None:
    kinds = step_kinds()
    recorded = {pin["kind"] for _, pin in PINS}
    assert set(kinds) - recorded == set(UNRECORDED)
    for kind, names in UNRECORDED.items():
        fields = {field.name: field for field in dataclasses.fields(kinds[kind])}
        assert set(names.split()) <= set(fields), kind
        later = [field for name, field in fields.items() if name not in names.split()]
        assert all(field.default is not MISSING or field.default_factory is not MISSING for field in later), kind


@pytest.mark.parametrize("release", RELEASES)
def test_an_undo_of_then_is_known(release: str, tmp_path: Any) -> None:
    """Whole it has taken its run back; cut off it has taken back the steps that it names by their numbers."""
    undo = sample_of_undo(release)
    disk = runs("disk", release, tmp_path)
    original = disk[undo.run].undoes
    done = decide(original, as_it_was(disk, original))
    assert isinstance(done, Plan)
    assert [note.id for note in done.notes] == ["already-undone"]
    again = decide(undo.run, as_it_was(disk, undo.run))
    assert isinstance(again, Refusal)
    assert [reason.id for reason in again.reasons] == ["undo-of-undo"]
    # Without its end, and its last step.
    numbers = [step["number"] for step in undo.steps()]
    cut = Sample(tuple(line for line, entry in zip(undo.lines, undo.entries)
                       if entry["entry"] != "end" and entry.get("number") != numbers[-1]))  # fmt: skip
    others = tuple(line for run in samples(release, "disk") if run.run != undo.run for line in run.lines)
    Sample((*others, *cut.lines)).put(tmp_path / "state")
    left = decide(original, as_it_was({run.id: run for run in Ledger(str(tmp_path / "state")).runs()}, original))
    assert isinstance(left, Plan)
    assert [step.number for step in left.steps] == [1]  # type: ignore[attr-defined]


def as_it_was(runs: dict[str, Run], name: str) -> UndoFacts:
    """A host on which all that the steps of a run did is as it was."""
    left = {}
    for record in runs[name].steps:
        if record.kind != "history.undo":
            step = load_step(record)
            change = step.undo_change(record.record)
            left[record.number] = StepLeft(step, change) if isinstance(change, Change) else StepLeft(step, kept=change)
    return UndoFacts(tuple(runs.values()), {name: left})


def sample_of_undo(release: str) -> Sample:
    return next(run for run in samples(release, "disk") if any(step["kind"] == "history.undo" for step in run.steps()))


def test_a_name_that_was_changed_is_noticed() -> None:
    """Or the tests above could not fail."""
    entry = next(sample("0.1.0", "disk.mount").steps())
    renamed = {("was_" + key if key == "place" else key): value for key, value in entry["fields"].items()}
    with pytest.raises(LookupError):
        load_step(StepRecord(1, "disk.no-such-step", entry["fields"], {}, {}, "done"))
    with pytest.raises(Exception, match="was_place"):
        load_step(StepRecord(1, entry["kind"], renamed, {}, {}, "done"))
    assert not has({"a": {"c": 1}}, {"a": {"b": 1}})
    assert not has({"a": [1]}, {"a": [1, 2]})


class Notes:
    """A runner that notes what it is to run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def run(self, command: Command) -> Result:
        self.lines.append(command.as_shell())
        return Result(command, 0, "", "", 0.0)


@pytest.mark.parametrize("kind", ["yum.hold", "memcached.start-unit", "memcached.stop-unit"])
def test_systemd_is_asked_what_it_was_asked_then(kind: str, tmp_path: Any) -> None:
    """Where there is no systemd the undo itself cannot be tried."""
    for release, pin in PINS:
        if pin["kind"] == kind:
            run = runs(pin["ledger"], release, tmp_path)[pin["run"]]
            (record,) = [step for step in run.steps if step.number == pin["number"]]
            runner = Notes()
            load_step(record).undo(runner, record.record)  # type: ignore[arg-type]
            assert runner.lines == pin["commands"]
