"""Which runs a prune takes out of the ledger, and which it never does."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.core.ledger import Damage, Run, StepRecord
from opskit.core.plan import Plan, Refusal
from opskit.history.prune import decide_prune, outline
from opskit.history.steps import PruneRuns

OLD, CUTOFF, NEW = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"


def step(number: int, outcome: str = "done", of: int = 0, *, reversible: bool = True) -> StepRecord:
    fields = {"number": of} if of else {}
    return StepRecord(number, "fake.step", fields, {"reversible": reversible}, {}, outcome)


def run(name: str, *steps: StepRecord, outcome: str = "done", began: str = OLD, **more: Any) -> Run:
    values: dict[str, Any] = {"title": f"title of {name}", "undoes": "", **more}
    return Run(name, began, "", "root", 1, command=(), outcome=outcome, steps=steps, **values)


def pruned(*runs: Run, everything: bool = False) -> list[str]:
    plan = decide_prune([outline(each) for each in runs], "/state", "1y", CUTOFF, everything=everything)
    assert isinstance(plan, Plan)
    (names,) = [each.runs for each in plan.steps if isinstance(each, PruneRuns)] or [()]
    return list(names)


def kept_because(*runs: Run, everything: bool = False) -> list[str]:
    plan = decide_prune([outline(each) for each in runs], "/state", "1y", CUTOFF, everything=everything)
    assert isinstance(plan, Plan)
    return [note.title for note in plan.notes]


def test_old_runs_of_which_nothing_is_left_go() -> None:
    forever = step(1, reversible=False)
    assert pruned(run("a", forever), run("b", step(1, "undone"), outcome="taken-back"), run("c")) == ["a", "b", "c"]
    assert pruned(run("a", forever, began=NEW), run("b", forever, began=CUTOFF)) == []
    assert pruned(run("a", forever, began="yesterday")) == []


def test_what_can_still_be_undone_stays_unless_all_are_named() -> None:
    runs = (run("a", step(1)), run("b", step(1, reversible=False), step(2)))
    assert pruned(*runs) == []
    assert kept_because(*runs) == ["2 older runs are kept: done, and can still be undone"]
    assert pruned(*runs, everything=True) == ["a", "b"]


def test_what_an_irreversible_step_keeps_cannot_be_undone() -> None:
    assert pruned(run("a", step(1), step(2, reversible=False))) == ["a"]


def test_an_unfinished_run_always_stays_until_it_is_finished_or_taken_back() -> None:
    crashed = run("a", step(1), step(2, "unfinished"), outcome="unfinished")
    for everything in (False, True):
        assert pruned(crashed, everything=everything) == []
    assert kept_because(crashed) == ["run a is kept: not finished"]
    again = run("b", step(1, reversible=False), title="title of a", began=NEW)
    assert pruned(crashed, again, everything=True) == ["a"]
    undo = run("u", step(1, of=2), step(2, of=1), undoes="a", began=NEW)
    assert pruned(crashed, undo) == ["a"]
    in_part = run("u", step(1, of=2), undoes="a", began=NEW)
    assert pruned(crashed, in_part, everything=True) == []


def test_a_decision_goes_through_the_runs_a_few_times_and_not_once_for_each() -> None:
    """100,000 runs took hours."""

    class Counted(list):  # type: ignore[type-arg]
        times = 0

        def __iter__(self) -> Any:
            Counted.times += 1
            return super().__iter__()

    runs = Counted(outline(run(f"{number}", step(1, "failed"), outcome="taken-back")) for number in range(50))
    plan = decide_prune(runs, "/state", "1y", CUTOFF, everything=False)
    assert isinstance(plan, Plan)
    assert plan.steps
    assert Counted.times < 10


def test_a_run_and_its_undo_go_together_and_an_undo_never_before_its_run() -> None:
    undo = run("u", step(1, of=1, reversible=False), undoes="a")
    assert pruned(run("a", step(1)), undo) == ["a", "u"]
    assert pruned(run("a", step(1), step(2)), undo) == []
    assert pruned(run("a", step(1), began=NEW), undo) == []
    assert pruned(undo) == ["u"], "the run that it undid is gone"


def test_a_damaged_run_stays_unless_all_are_named() -> None:
    damaged = run("a", step(1, reversible=False), damage=(Damage("a", "broken", 3, 100),))
    assert (pruned(damaged), pruned(damaged, everything=True)) == ([], ["a"])
    assert kept_because(damaged) == ["run a is kept: damaged in the ledger"]


def test_a_ledger_with_a_run_in_pieces_is_refused() -> None:
    decision = decide_prune([outline(run("a")), outline(run("a"))], "/state", "1y", CUTOFF, everything=False)
    assert isinstance(decision, Refusal)
    assert [reason.id for reason in decision.reasons] == ["ledger-damaged"]


@pytest.mark.parametrize("names", [("a",), ("a", "b")])
def test_another_set_of_runs_is_another_plan(names: tuple[str, ...]) -> None:
    runs = [outline(run(name)) for name in names]
    plan = decide_prune(runs, "/state", "1y", CUTOFF, everything=False)
    again = decide_prune([*runs, outline(run("n", began=NEW))], "/state", "1y", CUTOFF, everything=False)
    assert isinstance(plan, Plan)
    assert isinstance(again, Plan)
    assert plan.steps[0].change.reversible is False
    assert plan.basis == again.basis
    other = decide_prune([outline(run("x"))], "/state", "1y", CUTOFF, everything=False)
    assert isinstance(other, Plan)
    assert other.fingerprint != plan.fingerprint
