"""The decision of an undo: what of a run is left, and what of that can be taken back."""

# The fake steps have the parameters of Step, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Union

import pytest

from opskit.core.errors import CannotUndo
from opskit.core.jsonable import ShapeError, to_json
from opskit.core.ledger import Run, StepRecord
from opskit.core.plan import Change, Plan, Record, Refusal, Step
from opskit.core.runner import Runner
from opskit.history.model import UndoFacts
from opskit.history.plan import decide
from opskit.history.see import look
from opskit.history.steps import UndoStep


@dataclass(frozen=True)
class FakeStep(Step):
    kind: ClassVar[str] = "fake.step"
    under_lock: ClassVar[bool] = True
    undone: ClassVar[list[tuple[str, Record]]] = []

    name: str

    @property
    def change(self) -> Change:
        return Change("make", self.name, "", "", (), True)

    def remember(self, runner: Runner) -> Record:
        return {}

    def apply(self, runner: Runner, record: Record) -> Record:
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        pass

    def undo_change(self, record: Record) -> Union[Change, str]:
        return record.get("stays") or Change("unmake", self.name, "there", "gone", (f"rm {self.name}",), False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """As the record says that the host is."""
        if "kept" in record:
            missing = record.get("missing", "")
            keeps, todo = record.get("keeps_earlier", True), record.get("todo", f"see {self.name}")
            raise CannotUndo(record["kept"], keeps_earlier=keeps, todo=todo, missing=missing)
        return None if record.get("gone") else super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        self.undone.append((self.name, record))


def load(record: StepRecord) -> Step:
    if record.kind != "fake.step":
        raise LookupError(record.kind)
    if not record.fields:
        raise ShapeError("FakeStep: the field 'name' is absent")
    return FakeStep(record.fields["name"])


def step(number: int, outcome: str = "done", **more: Any) -> StepRecord:
    name = "abcdef"[number - 1]
    change = to_json(FakeStep(name).change)
    values = {"kind": "fake.step", "fields": {"name": name}, "change": change, "record": {"n": number}}
    return StepRecord(number=number, outcome=outcome, **{**values, **more})


def run(run_id: str, *steps: StepRecord, outcome: str = "done", undoes: str = "", host: str = "") -> Run:
    return Run(run_id, "", "", "root", 1, "work", ("opskit", "work"), undoes, outcome, host=host, steps=steps)


def facts(*runs: Run, name: str = "r") -> UndoFacts:
    (entry,) = [run for run in runs if run.id == name]
    runner: Any = None
    return look(runner, entry, runs, load)


def plan_of(*runs: Run, name: str = "r") -> Plan:
    decision = decide(name, facts(*runs, name=name))
    assert isinstance(decision, Plan)
    return decision


def refusal_of(*runs: Run, name: str = "r") -> Refusal:
    decision = decide(name, facts(*runs, name=name))
    assert isinstance(decision, Refusal)
    return decision


def targets(plan: Plan) -> list[str]:
    return [change.target for change in plan.changes]


@pytest.mark.parametrize("outcome", ["done", "take-back-failed", "unfinished"])
def test_the_newest_step_comes_first(outcome: str) -> None:
    plan = plan_of(run("q"), run("r", step(1), step(2), step(3), outcome=outcome), run("s"))
    assert targets(plan) == ["c", "b", "a"]
    assert plan.changes[0] == Change("unmake", "c", "there", "gone", ("rm c",), False)
    assert plan.notes == ()
    assert plan.title == "undo of r (work)"


@pytest.mark.parametrize(
    ("outcome", "left"), [("done", True), ("failed", True), ("unfinished", True), ("undone", False), ("kept", False)]
)
def test_which_steps_are_left(outcome: str, left: bool) -> None:
    plan = plan_of(run("r", step(1), step(2, outcome), outcome="take-back-failed"))
    assert targets(plan) == (["b", "a"] if left else ["a"])


def test_a_step_that_stays_is_a_note_with_its_reason() -> None:
    plan = plan_of(run("r", step(1), step(2, record={"stays": "it cannot be unmade"})))
    assert targets(plan) == ["a"]
    (note,) = plan.notes
    assert (note.id, note.severity) == ("cannot-undo", "warning")
    assert note.title == "make b is kept: it cannot be unmade"
    assert note.evidence == "step 2 of run r"


@pytest.mark.parametrize("more", [{"kind": "new.step"}, {"fields": {}}])
def test_a_step_that_this_opskit_does_not_know_stays(more: dict[str, Any]) -> None:
    plan = plan_of(run("r", step(1), step(2, **more)))
    assert targets(plan) == ["a"]
    assert "this opskit does not know the step" in plan.notes[0].title


def test_a_run_that_took_itself_back_has_nothing_left() -> None:
    plan = plan_of(run("r", step(1, "undone"), step(2, "kept"), outcome="taken-back"))
    assert plan.steps == ()
    assert (plan.notes[0].id, plan.notes[0].title) == (
        "already-taken-back",
        "run r failed, and took itself back then as far as it could",
    )


def test_a_run_already_undone_has_nothing_left() -> None:
    plan = plan_of(run("r", step(1)), run("s", step(1, fields={"number": 1}), undoes="r"))
    assert plan.steps == ()
    assert (plan.notes[0].id, plan.notes[0].title) == ("already-undone", "run s has taken run r back")


def test_an_undo_that_kept_something_can_be_tried_again() -> None:
    """What stood in its way may be gone by now; what it took back is not taken back twice."""
    part = run("s", step(1, "done", fields={"number": 2}), step(2, "kept", fields={"number": 1}), undoes="r")
    again = plan_of(run("r", step(1), step(2)), part)
    assert targets(again) == ["a"]
    assert again.notes == ()
    whole = run("t", step(1, "done", fields={"number": 1}), undoes="r")
    assert plan_of(run("r", step(1), step(2)), part, whole).notes[0].title == "run t has taken run r back"


@pytest.mark.parametrize(("made_on", "here", "refused"), [("x", "y", True), ("x", "x", False), ("", "y", False)])
def test_a_run_of_another_host_is_not_undone_here(made_on: str, here: str, refused: bool) -> None:
    """A ledger that came with a copied disk tells of another host's /dev/vdb."""
    decision = decide("r", facts(run("r", step(1), host=made_on)), here)
    assert isinstance(decision, Refusal) is refused
    if isinstance(decision, Refusal):
        assert ([reason.id for reason in decision.reasons], decision.exit_code) == (["another-host"], 5)
        assert "machine-id x" in decision.reasons[0].title


@pytest.mark.parametrize("outcome", ["failed", "unfinished"])
def test_after_an_undo_that_ended_half_way_only_the_rest_is_left(outcome: str) -> None:
    half = run(
        "s",
        step(1, "done", fields={"number": 3}),
        step(2, "failed", fields={"number": 2}),
        step(3, "unfinished", fields={"number": 1}),
        outcome=outcome,
        undoes="r",
    )
    other = run("t", step(1, "done", fields={"number": 1}), outcome="failed", undoes="q")
    assert targets(plan_of(run("r", step(1), step(2), step(3)), half, other)) == ["b", "a"]


def test_an_undo_is_not_undone() -> None:
    decision = refusal_of(run("q"), run("r", step(1), undoes="q"))
    assert decision.exit_code == 2
    assert decision.reasons[0].title == "run r is itself an undo, of q"
    assert decision.reasons[0].remedy == "run the original command again: opskit work"


def test_plans_of_two_runs_differ_even_when_they_do_the_same() -> None:
    assert plan_of(run("r", step(1))).fingerprint != plan_of(run("s", step(1)), name="s").fingerprint


def test_the_undo_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStep, "undone", [])
    (record,) = plan_of(run("r", step(1))).steps
    assert isinstance(record, UndoStep)
    assert json.loads(json.dumps(to_json(record)))["number"] == 1
    runner: Any = None
    assert record.apply(runner, record.remember(runner)) == {}
    record.verify(runner, {})
    assert FakeStep.undone == [("a", {"n": 1})]
    assert isinstance(record.undo_change({}), str)
    with pytest.raises(CannotUndo):
        record.undo(runner, {})


def undone(number: int, *numbers: int, of: str = "r") -> Run:
    """An undo that took these steps back."""
    steps = (step(at, fields={"number": taken}) for at, taken in enumerate(numbers, 1))
    return run(f"u{number}", *steps, undoes=of)


def test_what_is_gone_from_the_host_is_not_planned() -> None:
    plan = plan_of(run("r", step(1), step(2, record={"gone": True})))
    assert (targets(plan), plan.notes) == (["a"], ())
    nothing = plan_of(run("r", step(1, record={"gone": True})))
    assert (nothing.steps, [note.id for note in nothing.notes]) == ((), ["nothing-left"])


def test_nothing_taken_back_is_refused_with_what_to_do() -> None:
    """0 of 2 steps taken back is no success."""
    refusal = refusal_of(run("r", step(1), step(2, record={"kept": "something else is mounted"})))
    assert (refusal.exit_code, [reason.id for reason in refusal.reasons]) == (5, ["cannot-undo"] * 2)
    assert refusal.reasons[0].title == "make b is kept: something else is mounted"
    assert refusal.reasons[0].remedy == "see b"
    assert refusal.reasons[1].title == "make a is kept: make b is kept, and depends on it"
    grown = refusal_of(run("r", step(1, record={"stays": "it stays grown"})))
    assert grown.reasons[0].title == "make a is kept: it stays grown"


def test_what_the_host_does_not_let_go_makes_the_undo_no_success() -> None:
    plan = plan_of(run("r", step(1, record={"kept": "it was edited"}), step(2)))
    assert (targets(plan), [note.title for note in plan.leaves]) == (["b"], ["make a is kept: it was edited"])
    assert [note.severity for note in plan.leaves] == ["error"]


def test_a_left_over_is_tried_behind_other_steps_only() -> None:
    """A backup is of fstab again once the entry is taken out; a second undo does not try it for ever."""
    backup = step(1, record={"kept": "fstab differs", "keeps_earlier": False})
    first = run("r", backup, step(2))
    assert (targets(plan_of(first)), plan_of(first).leaves) == (["b", "a"], ())
    second = plan_of(first, undone(1, 2))
    assert (second.steps, [note.id for note in second.notes]) == ((), ["already-undone", "cannot-undo"])


def test_what_the_undo_of_a_later_run_brought_back_is_taken_back_again() -> None:
    mount, umount = run("r", step(1)), run("s", step(1))
    assert targets(plan_of(mount, umount, undone(1, 1), undone(2, 1, of="s"))) == ["a"]
    # What came after the undo of r is another matter.
    assert plan_of(mount, undone(1, 1), umount, undone(2, 1, of="s")).steps == ()


def removal(name: str, after: str = "absent", before: str = "8 MiB") -> dict[str, Any]:
    return to_json(Change("remove", name, before, after, (), False))


@pytest.mark.parametrize(
    ("missing", "change"),
    [("/swap", removal("/swap")), ("UUID=1a", removal("/dev/vdb", "blank", "UUID 1a"))],
)
def test_what_an_undo_removed_is_nothing_to_put_back(missing: str, change: dict[str, Any]) -> None:
    """A swap file is made, and taken out of use; the first run is taken back, and the file is gone with it."""
    made, off = run("m", step(2)), run("r", step(1, record={"kept": "it is gone", "missing": missing}))
    undo = run("u", step(1, fields={"number": 2}, change=change), undoes="m")
    plan = plan_of(made, off, undo)
    assert (plan.steps, [(note.id, note.remedy) for note in plan.notes]) == (
        (),
        [("nothing-left", "to have it again: opskit work")],
    )
    why = f"run u took run m back, and with it what this run needs ({missing})"
    assert plan.notes[0].title == f"{why}: nothing is left to put back"
    # Removed before this run, by somebody else, or only taken out of use: what this run needs is missing.
    off_only = run("u", step(1, fields={"number": 2}, change=removal(missing, "not in use")), undoes="m")
    for others in ((made, undo, off), (made, off), (made, off, off_only)):
        assert refusal_of(*others).exit_code == 5


def test_what_an_undo_put_back_on_a_whole_file_is_taken_out_by_the_run_that_had_put_it_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """mount, umount, fstab restore; the umount is taken back: only the undo of the mount makes fstab as it was."""
    monkeypatch.setattr(FakeStep, "whole", True)
    mount, umount = run("m", step(1)), run("o", step(1))
    restore = run("r", step(1, record={"kept": "it was changed since", "todo": ""}))
    remedies = [reason.remedy for reason in refusal_of(mount, umount, restore, undone(1, 1, of="o")).reasons]
    assert remedies == ["opskit undo m"]
    # Edited by hand, it is no matter of the mount.
    assert [reason.remedy for reason in refusal_of(mount, umount, restore).reasons] == [""]


def test_what_a_later_run_did_again_is_its_own() -> None:
    plan = plan_of(run("r", step(1)), run("s", step(1)))
    assert (plan.steps, [(note.id, note.remedy) for note in plan.notes]) == ((), [("nothing-left", "opskit undo s")])
    assert targets(plan_of(run("r", step(1)), run("s", step(1)), undone(1, 1, of="s"))) == ["a"]


def test_of_a_whole_file_the_later_change_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStep, "whole", True)
    other = step(1, change={**to_json(FakeStep("a").change), "after": "something else"})
    refusal = refusal_of(run("r", step(1)), run("s", other))
    assert (refusal.reasons[0].title, refusal.reasons[0].remedy) == (
        "make a is kept: run s has changed it since",
        "opskit undo s",
    )
    assert targets(plan_of(run("r", step(1)), run("s", other), undone(1, 1, of="s"))) == ["a"]
