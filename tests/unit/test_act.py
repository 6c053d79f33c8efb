"""The road of a command that changes the host, where another opskit is on it too."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from opskit.act import Chore, act
from opskit.core.command import Runner
from opskit.core.config import Config
from opskit.core.errors import Busy, ExitCode, Failed, Missing, Refused, TakenBack, UsageFault
from opskit.core.ledger import Ledger, Run
from opskit.core.lock import host_lock
from opskit.core.plan import Change, Decision, Outcome, Plan, Reason, Record, Refusal, Step
from opskit.session import Session
from opskit.ui.screen import Screen

HELD = Refusal("mount", (Reason("held-exclusively", "somebody holds it"),))
MOUNTED = Plan("mount")


def session(state: Path, *, dry_run: bool = False) -> Session:
    screen = Screen("opskit disk mount", quiet=True)
    return Session(screen, str(state), Config(), dry_run=dry_run, changes=True)


def chore(*decisions: Decision) -> Chore[Decision]:
    """What is seen at each look is what is decided."""
    looks = iter(decisions)
    return Chore(lambda _runner: next(looks), lambda seen, _run: seen)


def locked_before(state: Path) -> None:
    with host_lock(str(state), 0):
        pass


def test_a_refusal_while_another_opskit_works_is_no_refusal_yet(tmp_path: Path) -> None:
    with host_lock(str(tmp_path), 0), pytest.raises(Busy, match="another opskit"):
        act(session(tmp_path), chore(HELD))


def test_a_refusal_is_decided_again_once_the_other_is_done(tmp_path: Path) -> None:
    locked_before(tmp_path)
    assert act(session(tmp_path), chore(HELD, MOUNTED)).run is None


def test_a_refusal_that_stays_one(tmp_path: Path) -> None:
    locked_before(tmp_path)
    with pytest.raises(Refused, match="somebody holds it"):
        act(session(tmp_path), chore(HELD, HELD))


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_refusal_writes_nothing_where_no_lock_was_ever_taken(tmp_path: Path, dry_run: bool) -> None:
    with pytest.raises(Refused):
        act(session(tmp_path / "state", dry_run=dry_run), chore(HELD))
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_waits_for_nobody(tmp_path: Path) -> None:
    with host_lock(str(tmp_path), 0), pytest.raises(Refused):
        act(session(tmp_path, dry_run=True), chore(HELD))


@dataclass(frozen=True)
class Noted(Step):
    """A step that writes its name into a file."""

    kind: ClassVar[str] = "test.noted"
    path: str
    name: str = "a"
    after: str = "on"
    fails: bool = False

    @property
    def change(self) -> Change:
        return Change("note", self.name, "off", self.after, (), True)

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{self.name}\n")
        if self.fails:
            raise Failed("note", "it failed")
        return {}

    def undo(self, runner: Runner, record: Record) -> None:
        """As if nothing had been."""


@dataclass
class Noting:
    """A host on which notes are taken: each act decides on the plan that it has now."""

    folder: Path
    plan: Decision

    @property
    def notes(self) -> list[str]:
        path = self.folder / "notes"
        return path.read_text().split() if path.exists() else []

    def act(self, only_plan: str = "", *, dry_run: bool = False, title: str = "") -> Outcome:
        made = session(self.folder / "state", dry_run=dry_run)
        made.yes, made.only_plan = True, only_plan
        plan = replace(self.plan, title=title) if title else self.plan
        return act(made, Chore(lambda _runner: plan, lambda seen, _run: seen))

    def runs(self) -> list[Run]:
        return Ledger(str(self.folder / "state")).runs()

    def token(self) -> str:
        return self.act(dry_run=True).token.text

    def stays(self, token: str, why: str) -> None:
        """The plan of this token is refused, and nothing changes."""
        notes, runs = self.notes, self.runs()
        for dry_run in (True, False):
            with pytest.raises(Refused, match=why) as refused:
                self.act(token, dry_run=dry_run)
            assert refused.value.exit_code == ExitCode.REFUSED
        assert (self.notes, self.runs()) == (notes, runs)


@pytest.fixture
def noting(tmp_path: Path) -> Noting:
    (tmp_path / "state").mkdir(mode=0o700)
    return Noting(tmp_path, Plan("note", (Noted(str(tmp_path / "notes")),), basis=("a disk",)))


def test_three_dry_runs_give_one_fingerprint_and_three_runs(noting: Noting) -> None:
    tokens = [noting.act(dry_run=True).token for _ in range(3)]
    assert len({token.fingerprint for token in tokens}) == 1
    assert len({token.run for token in tokens}) == 3


def test_the_plan_of_a_token_is_carried_out_once(noting: Noting) -> None:
    token = noting.token()
    outcome = noting.act(token)
    assert (outcome.token.text, outcome.run) == (token, token.partition(":")[0])
    (run,) = noting.runs()
    assert (run.id, run.plan, run.outcome) == (outcome.run, token, "done")
    # The host may look as it did, or in any other way: the ledger knows.
    for plan in (noting.plan, Plan("note"), replace(HELD, title="note")):
        noting.plan = plan
        for dry_run in (True, False):
            with pytest.raises(SystemExit) as done:
                noting.act(token, dry_run=dry_run)
            assert done.value.code == 0
    assert noting.notes == ["a"]
    assert len(noting.runs()) == 1


def test_a_run_without_the_option_has_a_token_in_the_ledger_too(noting: Noting) -> None:
    token = noting.act().token.text
    with pytest.raises(SystemExit):
        noting.act(token)


def test_another_plan_than_that_of_the_token_is_refused(noting: Noting, tmp_path: Path) -> None:
    token, step = noting.token(), Noted(str(tmp_path / "notes"))
    others = [
        (Plan("note", (step,), basis=("another disk",)), "what it acts on is not the same: it is now another disk"),
        (
            Plan("note", (step, Noted("", "b")), basis=("a disk",)),
            "had 1 change, and has 2 changes now; change 2 is new",
        ),
        (Plan("note", (Noted("", "b"),), basis=("a disk",)), "change 1 is new: note b: off -> on"),
        (Plan("note", (Noted("", after="up"),), basis=("a disk",)), "change 1 is new: note a: off -> up"),
        (Plan("note", basis=("a disk",)), "had 1 change, and has no changes now"),
        (HELD, "somebody holds it"),
    ]
    for plan, why in others:
        noting.plan = plan
        noting.stays(token, why)


def test_another_plan_whose_parts_have_the_same_digits_by_chance(noting: Noting) -> None:
    """The three digits of a part are those of another one in 4096."""
    run, _, fingerprint = noting.token().partition(":")
    whole, _, parts = fingerprint.partition("-")
    noting.stays(f"{run}:{whole[::-1]}-{parts}", "made: what it acts on, or one of its changes, is another")


def test_the_plan_of_another_machine_is_refused(noting: Noting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines can look the same in all that a plan is of: the token says for which it was made."""
    monkeypatch.setattr("opskit.act.machine_mark", lambda: "1" * 12)
    token = noting.token()
    assert token.endswith("@" + "1" * 12)
    for mark, why in (
        ("2" * 6, "machine-id or its host name"),
        ("2" * 12, "machine-id"),
        ("111111222222", "product_uuid"),
    ):
        monkeypatch.setattr("opskit.act.machine_mark", lambda mark=mark: mark)
        noting.stays(token, f"the plan was made on another machine: .*{why}.* is another")
        # Also where it would be refused for something else, or there is nothing to do.
        plan, noting.plan = noting.plan, Plan("note")
        noting.stays(token, "another machine")
        noting.plan = plan
    # A user who may not read all has planned it, opskit 0.1.0, or saved facts: it is one plan, and is done once.
    monkeypatch.setattr("opskit.act.machine_mark", lambda: "1" * 12)
    known = (token[:-6], token.partition("@")[0], token)
    assert noting.act(known[0]).token.text == known[0]
    for each in known:
        with pytest.raises(SystemExit):
            noting.act(each)
    assert noting.notes == ["a"]
    assert Ledger(str(noting.folder / "state")).find(token).id == token.partition(":")[0]


def test_what_changes_between_the_two_looks_is_refused(noting: Noting, tmp_path: Path) -> None:
    looks = iter((noting.plan, replace(noting.plan, basis=("another disk",))))
    made = session(tmp_path / "state")
    made.yes = True
    with pytest.raises(Refused, match="what it acts on is not the same"):
        act(made, Chore(lambda _runner: next(looks), lambda seen, _run: seen))
    assert noting.notes == []


def test_a_plan_that_was_taken_back_is_not_done_again(noting: Noting) -> None:
    """Whoever took it back had a reason, which a list of approved plans does not know."""
    token = noting.token()
    run = noting.act(token).run or ""
    made = session(noting.folder / "state")
    made.yes = True
    act(made, Chore(lambda _runner: noting.plan, lambda seen, _run: replace(seen, title="undo"), undoes=run))
    noting.stays(token, f"run {run} carried this plan out, and run .* took it back")


def test_a_plan_that_failed_and_took_itself_back_can_be_tried_again(noting: Noting, tmp_path: Path) -> None:
    noting.plan = Plan("note", (Noted(str(tmp_path / "notes"), fails=True),))
    token = noting.token()
    with pytest.raises(TakenBack):
        noting.act(token)
    noting.plan = Plan("note", (Noted(str(tmp_path / "notes")),))
    again = noting.act(token)
    assert again.run != token.partition(":")[0]
    assert [(run.plan, run.outcome) for run in noting.runs()] == [(token, "taken-back"), (token, "done")]
    ledger = Ledger(str(noting.folder / "state"))
    assert ledger.find(token).id == again.run
    with pytest.raises(UsageFault, match="no such run"):
        ledger.find(token.partition("@")[0][:-1])


def test_the_token_of_another_command(noting: Noting) -> None:
    token = noting.act().token.text
    with pytest.raises(UsageFault, match="another plan, 'note', which run"):
        noting.act(token, title="forget")


def test_the_ledger_of_another_host_says_nothing_of_this_one(noting: Noting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk image is copied with its state directory."""
    monkeypatch.setattr("opskit.core.execute.machine_id", lambda: "1" * 32)
    token = noting.act().token.text
    assert noting.act(token).run
    assert noting.notes == ["a", "a"]


def _others_write(state: Path) -> None:
    state.mkdir(mode=0o700)
    state.chmod(0o777)


def _a_file(state: Path) -> None:
    state.write_text("")


def _below_a_file(state: Path) -> None:
    state.parent.rmdir()
    state.parent.write_text("")


def _a_symlink_for_the_lock(state: Path) -> None:
    state.mkdir(mode=0o700)
    (state / "lock").symlink_to(state / "elsewhere")


@pytest.mark.parametrize("obstacle", [_others_write, _a_file, _below_a_file, _a_symlink_for_the_lock])
def test_a_dry_run_stops_at_what_a_real_run_stops_at(tmp_path: Path, obstacle: Callable[[Path], None]) -> None:
    """And the real one before it asks: there is nobody here to answer."""
    state = tmp_path / "var" / "state"
    state.parent.mkdir()
    obstacle(state)
    before = sorted(tmp_path.rglob("*"))
    plan = Plan("note", (Noted(str(tmp_path / "notes")),))
    errors = []
    for dry_run in (True, False):
        with pytest.raises(Failed) as failed:
            act(session(state, dry_run=dry_run), chore(plan))
        errors.append((str(failed.value), failed.value.todo, failed.value.state, failed.value.exit_code))
    assert errors[0] == errors[1]
    # The guard of the real run itself says the same.
    with pytest.raises(Failed) as failed, host_lock(str(state), 0):
        pass
    assert errors[0][0] == str(failed.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_says_that_another_opskit_is_at_work(noting: Noting) -> None:
    with host_lock(str(noting.folder / "state"), 0):
        for dry_run in (True, False):
            with pytest.raises(Busy, match=f"pid {os.getpid()} holds"):
                noting.act(dry_run=dry_run)
        waiting = session(noting.folder / "state", dry_run=True)
        waiting.lock_timeout = 60.0
        act(waiting, Chore(lambda _runner: noting.plan, lambda seen, _run: seen))
        # Nothing to do takes no lock, and a plan for another host nothing of this one.
        for plan, facts in ((MOUNTED, ""), (noting.plan, "host.json")):
            far = session(noting.folder / "state", dry_run=True)
            far.facts = facts
            outcome = act(far, Chore(lambda _runner: MOUNTED, lambda seen, _run: seen, load=lambda _path: noting.plan))
            assert outcome.plan == plan


def test_what_takes_root_is_shown_without(noting: Noting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "sudo", "sudo opskit note")
    for dry_run in (True, False):
        made = session(noting.folder / "state", dry_run=dry_run)
        chore = Chore(lambda _runner: noting.plan, lambda seen, _run: seen, root=True)
        if dry_run:
            (note,) = act(made, chore).plan.notes
            assert (note.id, note.remedy) == ("needs-privilege", "sudo opskit note")
        else:
            with pytest.raises(Missing, match="needs root"):
                act(made, chore)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "20261128T143855Z-1a367c",
        "../20261128T143855Z-1a367c:0123456789abcdef-000",
        "20261128T143855Z-1a367c:0123456789abcdef-00",
        "20261128T143855Z-1a367c:0123456789abcdef-000\n",
    ],
)
def test_what_is_no_token(noting: Noting, text: str) -> None:
    with pytest.raises(UsageFault, match="is not the token of a plan"):
        noting.act(text)


def test_saved_facts_that_a_command_cannot_load_are_refused(tmp_path: Path) -> None:
    """Else the plan for this host would pass for one of the host that the facts are of."""
    far = session(tmp_path, dry_run=True)
    far.facts = "host.json"
    with pytest.raises(UsageFault, match="saved facts"):
        act(far, chore(MOUNTED))
