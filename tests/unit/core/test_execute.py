"""The carrying out of a plan, on steps in memory: success, taking back, signals, and runs that undo another."""

# The fake steps have the parameters of Step, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, ClassVar

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import (
    Busy,
    CannotUndo,
    CommandFailed,
    Failed,
    Interrupted,
    OpskitError,
    TakeBackFailed,
    TakenBack,
)
from opskit.core.execute import Execution
from opskit.core.ledger import Ledger, Run
from opskit.core.plan import Change, Plan, Record, Step
from opskit.core.runner import Runner, missing_tool


class FakeRunner:
    def run(self, command: Command) -> Result:
        return Result(command, 0, "said\n", "", 0.25)


@dataclass(frozen=True)
class FakeStep(Step):
    """Writes what happens to it into `happened` (no field: the ledger does not see it)."""

    kind: ClassVar[str] = "fake.step"
    under_lock: ClassVar[bool] = True
    happened: ClassVar[list[str]] = []
    hooks: ClassVar[dict[str, Callable[[], None]]] = {}

    name: str

    @property
    def change(self) -> Change:
        return Change("make", self.name, "not there", "there", (f"make {self.name}",), True)

    def _do(self, what: str) -> None:
        self.happened.append(f"{what} {self.name}")
        self.hooks.get(f"{what} {self.name}", lambda: None)()

    def remember(self, runner: Runner) -> Record:
        self._do("remember")
        return {"before": self.name}

    def apply(self, runner: Runner, record: Record) -> Record:
        runner.run(Command(("make", self.name), mutates=True))
        self._do("apply")
        return {"made": self.name}

    def verify(self, runner: Runner, record: Record) -> None:
        assert record["made"] == self.name
        self._do("verify")

    def undo_change(self, record: Record) -> Change:
        return self.change

    def undo(self, runner: Runner, record: Record) -> None:
        assert record["before"] == self.name
        self._do("undo")


class LateStep(FakeStep):
    under_lock: ClassVar[bool] = False


def raises(error: BaseException) -> Callable[[], None]:
    def hook() -> None:
        raise error

    return hook


@dataclass
class Bench:
    ledger: Ledger
    happened: list[str]
    hooks: dict[str, Callable[[], None]]
    released: list[int] = field(default_factory=list)

    def carry_out(self, steps: Iterable[FakeStep], **more: Any) -> None:
        plan = Plan("work", tuple(steps))
        release = lambda: self.released.append(len(self.happened))  # noqa: E731
        Execution(plan=plan, runner=FakeRunner(), ledger=self.ledger, run="r", release=release, **more).carry_out()

    def undone(self) -> list[str]:
        return [line for line in self.happened if line.startswith("undo")]

    @property
    def run(self) -> Run:
        (run,) = self.ledger.runs()
        return run

    def outcomes(self) -> list[str]:
        return [step.outcome for step in self.run.steps]


ABC = (FakeStep("a"), FakeStep("b"), FakeStep("c"))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(FakeStep, "happened", [])
    monkeypatch.setattr(FakeStep, "hooks", {})
    return Bench(Ledger(str(tmp_path)), FakeStep.happened, FakeStep.hooks)


class Labelling(FakeStep):
    """Runs a command that may fail, in apply and in undo."""

    def apply(self, runner: Runner, record: Record) -> Record:
        self.label(runner)
        return super().apply(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        self.label(runner)
        super().undo(runner, record)

    def label(self, runner: Runner) -> None:
        runner.run(Command(("restorecon", self.name), mutates=True, may_fail=self.name != "c"))


class Failing(FakeRunner):
    """How restorecon ends: as the runner of a host says it."""

    def __init__(self, how: str) -> None:
        self.how = how

    def run(self, command: Command) -> Result:
        if command.argv[0] != "restorecon":
            return super().run(command)
        if self.how == "absent":
            raise missing_tool("restorecon")
        if self.how == "no end":
            raise Failed(command.line, "no end after 60 s; it was ended")
        raise CommandFailed(Result(command, 255, "", "no such policy\n", 0.1))


HOW = {
    "exit": (255, "no such policy"),
    "absent": (127, "this program is not on the host"),
    "no end": (-15, "no end after 60 s; it was ended"),
}


@pytest.mark.parametrize("how", list(HOW))
def test_a_command_that_may_fail_is_a_warning_and_on_record(
    bench: Bench, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    execution = Execution(Plan("work", (Labelling("a"), FakeStep("b"))), Failing(how), bench.ledger, "r")
    with caplog.at_level(logging.WARNING, "opskit"):
        execution.carry_out()
    status, expected = HOW[how]
    assert (bench.run.outcome, bench.outcomes()) == ("done", ["done", "done"])
    (warning,) = execution.warnings
    assert (warning.id, warning.severity) == ("command-failed", "warning")
    assert warning.title.startswith("restorecon a: ")
    assert expected in warning.title
    assert warning.remedy == "put that right, then restorecon a"
    assert [record.getMessage() for record in caplog.records] == [warning.title]
    first = bench.run.steps[0].commands[0]
    assert (first["argv"], first["status"]) == (["restorecon", "a"], status)
    assert expected in first["stderr"]


@pytest.mark.parametrize("how", list(HOW))
def test_a_command_that_may_fail_keeps_nothing_from_being_taken_back(bench: Bench, how: str) -> None:
    bench.hooks["apply b"] = raises(Failed("b", "broken"))
    with pytest.raises(TakenBack):
        Execution(Plan("work", (Labelling("a"), FakeStep("b"))), Failing(how), bench.ledger, "r").carry_out()
    assert bench.undone() == ["undo b", "undo a"]
    assert bench.outcomes() == ["undone", "undone"]


@pytest.mark.parametrize("how", list(HOW))
def test_another_command_that_fails_fails_its_step(bench: Bench, how: str) -> None:
    execution = Execution(Plan("work", (Labelling("c"),)), Failing(how), bench.ledger, "r")
    with pytest.raises(TakeBackFailed):
        execution.carry_out()
    assert execution.warnings == []


def test_success(bench: Bench) -> None:
    calls = []
    bench.carry_out(ABC, command=("opskit", "x"), on_step=lambda step: calls.append(step.change.target))
    assert bench.happened == [f"{what} {name}" for name in "abc" for what in ("remember", "apply", "verify")]
    assert calls == ["a", "b", "c"]
    assert (bench.run.outcome, bench.run.command, bench.run.pid) == ("done", ("opskit", "x"), os.getpid())
    assert bench.outcomes() == ["done"] * 3
    first = bench.run.steps[0]
    assert (first.kind, first.fields, first.record) == ("fake.step", {"name": "a"}, {"before": "a", "made": "a"})
    command = first.commands[0]
    assert (command["argv"], command["status"], command["seconds"], command["stdout"]) == (
        ["make", "a"],
        0,
        0.25,
        "said",
    )


def test_each_step_is_in_the_ledger_before_it_begins_and_after_it_ended(bench: Bench) -> None:
    seen = []

    def look() -> None:
        seen.append([(entry["entry"], entry.get("number")) for entry in bench.ledger.entries()])

    bench.hooks["apply b"] = look
    bench.carry_out(ABC)
    assert seen == [[("begin", None), ("step", 1), ("stepped", 1), ("step", 2)]]
    assert bench.ledger.entries()[3]["record"] == {"before": "b"}


def test_what_a_step_knows_of_its_failure_is_kept(bench: Bench) -> None:
    error = Failed("b", "no")
    error.record = {"left": "5e11"}
    bench.hooks["apply b"] = raises(error)
    with pytest.raises(TakenBack):
        bench.carry_out(ABC)
    assert [step.record.get("left") for step in bench.run.steps] == [None, "5e11"]


@pytest.mark.parametrize("where", ["apply c", "verify c"])
def test_a_failure_is_taken_back_last_first_with_the_step_that_failed(bench: Bench, where: str) -> None:
    bench.hooks[where] = raises(Failed("mkfs", "no room", todo="make room"))
    with pytest.raises(TakenBack) as caught:
        bench.carry_out(ABC)
    assert bench.undone() == ["undo c", "undo b", "undo a"]
    error = caught.value
    assert (error.exit_code, error.what, error.why, error.todo) == (8, "mkfs", "no room", "make room")
    assert error.state == "What had been done was taken back."
    assert (bench.run.outcome, bench.run.error) == ("taken-back", "mkfs: no room")
    assert bench.outcomes() == ["undone"] * 3


def test_a_step_that_never_began_is_not_taken_back(bench: Bench) -> None:
    bench.hooks["remember b"] = raises(OSError(5, "Input/output error"))
    with pytest.raises(TakenBack):
        bench.carry_out(ABC)
    assert bench.undone() == ["undo a"]


def test_an_undo_that_fails_does_not_stop_the_others(bench: Bench) -> None:
    bench.hooks["apply c"] = raises(Failed("c", "broken"))
    bench.hooks["undo b"] = raises(ValueError("stuck"))
    with pytest.raises(TakeBackFailed) as caught:
        bench.carry_out(ABC)
    assert bench.undone() == ["undo c", "undo b", "undo a"]
    assert caught.value.exit_code == 9
    assert caught.value.state == "NOT taken back: make b (stuck). Everything else was taken back."
    assert "opskit history show r" in caught.value.todo
    assert bench.run.outcome == "take-back-failed"
    assert bench.outcomes() == ["undone", "failed", "undone"]


def test_a_step_that_cannot_be_undone_is_kept_and_named(bench: Bench) -> None:
    bench.hooks["apply c"] = raises(Failed("c", "broken"))
    bench.hooks["undo b"] = raises(CannotUndo("made new"))
    with pytest.raises(TakeBackFailed) as caught:
        bench.carry_out(ABC)
    assert (caught.value.exit_code, bench.run.outcome) == (9, "take-back-failed")
    assert caught.value.state == ("Kept, and cannot be taken back: make b (made new). Everything else was taken back.")
    # b was done, and it still is; c failed.
    assert bench.outcomes() == ["undone", "done", "undone"]
    assert bench.run.steps[1].error == "made new"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_for_the_step_under_way(bench: Bench, number: int) -> None:
    bench.hooks["apply b"] = lambda: signal.raise_signal(number)
    with pytest.raises(Interrupted) as caught:
        bench.carry_out(ABC)
    assert caught.value.exit_code == 128 + number
    assert bench.happened[3:] == ["remember b", "apply b", "verify b", "undo b", "undo a"]
    assert caught.value.state == "What had been done was taken back."
    assert bench.run.outcome == "taken-back"


def test_a_signal_that_nohup_made_ignored_stays_so(bench: Bench) -> None:
    bench.hooks["apply b"] = lambda: signal.raise_signal(signal.SIGHUP)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        bench.carry_out(ABC)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert bench.run.outcome == "done"


def test_a_second_signal_does_not_disturb_the_taking_back(bench: Bench) -> None:
    bench.hooks["apply b"] = lambda: signal.raise_signal(signal.SIGINT)
    bench.hooks["undo b"] = lambda: signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted) as caught:
        bench.carry_out(ABC)
    assert caught.value.exit_code == 130
    assert bench.undone() == ["undo b", "undo a"]


def test_a_signal_in_the_last_step_is_too_late_and_is_said(bench: Bench) -> None:
    bench.hooks["apply c"] = lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(Interrupted, match="signal 2") as error:
        bench.carry_out(ABC)
    assert error.value.exit_code == 130
    assert "Every step is done" in error.value.state
    assert bench.run.outcome == "done"
    assert bench.undone() == []


def test_the_handlers_of_before_are_back_afterwards(bench: Bench) -> None:
    before = signal.getsignal(signal.SIGTERM)
    bench.hooks["apply a"] = raises(Failed("a", "b"))
    with pytest.raises(TakenBack):
        bench.carry_out(ABC)
    assert signal.getsignal(signal.SIGTERM) is before


def test_busy_stays_busy_when_nothing_is_left_changed(bench: Bench) -> None:
    bench.hooks["apply b"] = raises(Busy("disk", "in use"))
    with pytest.raises(Busy):
        bench.carry_out(ABC)
    assert bench.undone() == ["undo b", "undo a"]


def test_a_fault_of_opskit_is_taken_back_too(bench: Bench) -> None:
    bench.hooks["apply b"] = raises(KeyError("x"))
    with pytest.raises(TakenBack, match="a fault in opskit: KeyError: 'x'"):
        bench.carry_out(ABC)
    assert bench.undone() == ["undo b", "undo a"]


def test_a_ledger_that_cannot_be_written_begins_nothing(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench.ledger = Ledger(str(tmp_path / "file"))
    with pytest.raises(Failed):
        bench.carry_out(ABC)
    assert bench.happened == []


def test_a_ledger_that_fills_up_takes_back_and_keeps_the_cause(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Ledger.append

    def full(self: Ledger, entry: str, run: str, **values: Any) -> None:
        if entry != "begin" and len(bench.happened) >= 5:
            raise Failed("ledger", "no room")
        append(self, entry, run, **values)

    monkeypatch.setattr(Ledger, "append", full)
    with pytest.raises(TakenBack, match="no room"):
        bench.carry_out(ABC)
    assert bench.undone() == ["undo b", "undo a"]


def test_the_device_lock_is_let_go_of_once_before_the_first_step_that_may_not_have_it(bench: Bench) -> None:
    bench.carry_out((FakeStep("a"), LateStep("b"), LateStep("c")))
    assert bench.released == [3]


def test_the_log_has_the_failure_as_an_error(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.hooks["apply b"] = raises(Failed("mkfs", "no room"))
    with caplog.at_level(logging.INFO, "opskit"), pytest.raises(TakenBack):
        bench.carry_out(ABC)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "run r: work: taken-back: mkfs: no room. What had been done was taken back."


def test_a_run_that_undoes_goes_on_after_a_failure_and_says_what_is_left(bench: Bench) -> None:
    bench.hooks["apply a"] = raises(Failed("a", "stuck", todo="pull"))
    bench.hooks["apply b"] = raises(CannotUndo("it was changed since", keeps_earlier=False))
    with pytest.raises(Failed) as caught:
        bench.carry_out(ABC, undoes="z")
    assert bench.undone() == []
    error = caught.value
    assert (error.exit_code, error.what, error.todo) == (1, "work", "pull")
    assert error.why == "2 of 3 steps could not be taken back: a: stuck"
    assert error.state == "NOT done: make a. Done: make c. Left as it was: make b."
    assert (bench.run.outcome, bench.run.undoes) == ("failed", "z")
    assert bench.outcomes() == ["failed", "kept", "done"]
    assert [step.error for step in bench.run.steps] == ["a: stuck", "it was changed since", ""]


def test_a_run_that_undoes_is_done_when_steps_are_kept(bench: Bench) -> None:
    bench.hooks["apply b"] = raises(CannotUndo("it was changed since", keeps_earlier=False))
    bench.carry_out(ABC, undoes="z")
    assert bench.run.outcome == "done"
    assert bench.outcomes() == ["done", "kept", "done"]


def test_what_a_step_that_is_kept_stands_on_is_kept_too(bench: Bench) -> None:
    """A mount that stays needs its fstab entry and its mount point: the steps before it are not even begun."""
    bench.hooks["apply b"] = raises(CannotUndo("something else is mounted there now"))
    with pytest.raises(Failed) as caught:
        bench.carry_out((*ABC, FakeStep("d")), undoes="z")
    assert bench.happened == ["remember a", "apply a", "verify a", "remember b", "apply b"]
    assert "3 of 4 steps could not be taken back: make b: something else" in caught.value.why
    assert bench.run.outcome == "failed"
    assert bench.outcomes() == ["done", "kept", "kept", "kept"]
    errors = [step.error for step in bench.run.steps]
    assert errors == [
        "",
        "something else is mounted there now",
        *["make b was not possible, and what is left may depend on this"] * 2,
    ]


def test_a_failing_run_takes_back_the_rest_although_a_step_is_kept(bench: Bench) -> None:
    """Only a run that undoes another keeps what was before: a failing one must not leave an entry without a mount."""
    bench.hooks["apply c"] = raises(Failed("c", "broken"))
    bench.hooks["undo c"] = raises(CannotUndo("made new"))
    with pytest.raises(TakeBackFailed):
        bench.carry_out(ABC)
    assert bench.undone() == ["undo c", "undo b", "undo a"]
    assert bench.outcomes() == ["undone", "undone", "kept"]


def test_a_run_has_the_host_that_it_was_made_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.core.execute.machine_id", lambda: "0123abcd")
    bench.carry_out(ABC)
    assert bench.run.host == "0123abcd"


def test_a_run_that_undoes_and_is_interrupted_stays_where_it_is(bench: Bench) -> None:
    bench.hooks["apply a"] = lambda: signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted) as caught:
        bench.carry_out(ABC, undoes="z")
    assert bench.happened == ["remember a", "apply a", "verify a"]
    assert caught.value.exit_code == 143
    assert caught.value.state == "NOT done: make b; make c. Done: make a."
    assert bench.run.outcome == "failed"


def test_a_fault_of_opskit_in_a_run_that_undoes_is_a_failure_of_its_step(bench: Bench) -> None:
    bench.hooks["apply a"] = raises(KeyError("x"))
    with pytest.raises(OpskitError, match="1 of 3 steps"):
        bench.carry_out(ABC, undoes="z")
    assert bench.outcomes() == ["failed", "done", "done"]
