"""How a run stands after what later runs did to it."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.core.ledger import Run, StepRecord
from opskit.history.outcome import outcome_text, settle


def step(number: int, outcome: str = "done", of: int = 0) -> StepRecord:
    return StepRecord(number, "history.undo" if of else "fake.step", {"number": of} if of else {}, {}, {}, outcome)


def run(name: str, *steps: StepRecord, outcome: str = "done", **more: Any) -> Run:
    values = {"title": "mount a", "host": "h", "undoes": "", **more}
    return Run(name, "", "", "root", 1, command=(), outcome=outcome, steps=steps, **values)


def undo(name: str, *steps: StepRecord, outcome: str = "done") -> Run:
    return run(name, *steps, outcome=outcome, undoes="a", title="undo of a (mount a)")


def states(*runs: Run) -> list[str]:
    return [outcome_text(each) for each in settle(runs)]


def test_what_an_undo_took_back_is_taken_back() -> None:
    runs = (run("a", step(1), step(2)), undo("u", step(1, of=2), step(2, of=1)))
    assert states(*runs) == ["taken-back by u", "done"]
    assert [each.outcome for each in settle(runs)[0].steps] == ["undone", "undone"]


def test_an_undo_that_kept_a_step_took_back_a_part() -> None:
    runs = (run("a", step(1), step(2)), undo("u", step(1, of=2), step(2, "kept", of=1)))
    assert states(*runs) == ["done, in part taken back by u", "done"]
    assert [each.outcome for each in settle(runs)[0].steps] == ["done", "undone"]
    again = undo("v", step(1, of=1))
    assert states(*runs, again) == ["taken-back by v", "done", "done"]


def test_an_undo_that_failed_took_back_what_it_did_until_it_is_repeated() -> None:
    runs = (run("a", step(1), step(2)), undo("u", step(1, "failed", of=2), outcome="failed"))
    assert states(*runs) == ["done", "failed"]
    assert states(*runs, undo("v", step(1, of=2), step(2, of=1))) == ["taken-back by v", "finished by v", "done"]


def test_what_a_second_run_finished_is_finished() -> None:
    crashed = run("a", step(1), step(2, "unfinished"), outcome="unfinished")
    assert states(crashed, run("b", step(1))) == ["finished by b", "done"]
    assert states(crashed) == ["unfinished"]


@pytest.mark.parametrize("more", [{"title": "mount b"}, {"host": "another"}, {"outcome": "taken-back"}])
def test_another_run_or_one_that_failed_finishes_nothing(more: dict[str, Any]) -> None:
    crashed = run("a", step(1), outcome="unfinished")
    assert states(crashed, run("b", step(1), **more))[0] == "unfinished"


def test_a_run_before_it_finishes_nothing() -> None:
    assert states(run("b"), run("a", outcome="unfinished")) == ["done", "unfinished"]
