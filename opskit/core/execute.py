"""Carry out a plan step by step, each one in the ledger before and after; on failure take back, last first."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Callable, NoReturn, Optional

from opskit.core.caller import machine_id, who
from opskit.core.errors import (
    Busy,
    CannotUndo,
    Failed,
    Interrupted,
    Missing,
    OpskitError,
    StillRunning,
    TakeBackFailed,
    TakenBack,
)
from opskit.core.finding import Finding, follow_up
from opskit.core.jsonable import to_json
from opskit.core.ledger import Ledger
from opskit.core.plan import Change, Plan, Record, Step
from opskit.core.runner import RecordingRunner, Runner
from opskit.core.text import masked

log = logging.getLogger("opskit.run")

# The runs that this process has begun: whatever fails after that tells of them.
begun_runs: list[str] = []

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Notes a signal instead of dying of it: a step that has begun is finished first."""

    def __init__(self) -> None:
        self.number = 0

    def _note(self, number: int, _frame: Optional[FrameType]) -> None:
        self.number = self.number or number

    @contextlib.contextmanager
    def held_back(self) -> Iterator[None]:
        """While this lasts, the signals of SIGNALS are only noted; one that is ignored stays so. Main thread only."""
        heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, self._note) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass
class _Done:
    number: int
    step: Step
    record: Record
    outcome: str = ""


def _on_record(change: Change) -> dict[str, Any]:
    """A change as the ledger keeps it: passwords are masked. An undo goes by the step's fields, not by this."""
    values: dict[str, Any] = to_json(change)
    texts = {key: masked(value) for key, value in values.items() if isinstance(value, str)}
    return {**values, **texts, "commands": [masked(line) for line in change.commands]}


@dataclass
class Execution:
    """The carrying out of one plan as one run of the ledger.

    plan_token: the plan's PlanToken as text, by which the ledger knows what was carried out.
    undoes: the run that this one takes back; such a run goes on after a step that fails, and is not taken back itself.
    on_step: told each step as it starts (for progress). release: called once, when the first step that must
    not be under the plan's device lock is due. warnings: what failed without harm to what was asked for.
    """

    plan: Plan
    runner: Runner
    ledger: Ledger
    run: str
    command: tuple[str, ...] = ()
    plan_token: str = ""
    undoes: str = ""
    on_step: Callable[[Step], None] = lambda _step: None
    release: Callable[[], None] = lambda: None
    warnings: list[Finding] = field(default_factory=list)
    _done: list[_Done] = field(default_factory=list)
    _broken: list[Exception] = field(default_factory=list)
    _kept_because: str = ""  # in a run that undoes another: why every step from here on is kept

    def carry_out(self) -> None:
        """Do every step; the ledger has how it went.

        Raises TakenBack, TakeBackFailed, Busy or Interrupted; a run that undoes another Failed or Interrupted.
        """
        interrupts = Interrupts()
        log.info("run %s: %s: begins", self.run, self.plan.title)
        with interrupts.held_back():
            begun_runs.append(self.run)
            self.ledger.append(
                "begin",
                self.run,
                title=self.plan.title,
                command=list(self.command),
                host=machine_id(),
                user=who(),
                pid=os.getpid(),
                plan=self.plan_token,
                changes=[_on_record(change) for change in self.plan.changes],
                undoes=self.undoes,
                hold=self.plan.hold,
            )
            try:
                self._steps(interrupts)
                self.ledger.append("end", self.run, outcome="done")
                log.info("run %s: %s: done", self.run, self.plan.title)
            except Exception as error:  # noqa: BLE001 - whatever it was, the host must not stay half-changed
                if self.undoes:
                    self._fail_undo(error, interrupts)
                self._fail(error, interrupts)
        if interrupts.number:  # during the last step, which was finished
            back = follow_up("undo", self.run)
            raise Interrupted(interrupts.number, state=f"Every step is done. To take them back: {back}")

    @property
    def _history(self) -> str:
        return follow_up("history", "show", self.run)

    def _steps(self, interrupts: Interrupts) -> None:
        released = False
        for number, step in enumerate(self.plan.steps, 1):
            if interrupts.number:
                raise Interrupted(interrupts.number, state="")
            if step.under_lock and released:
                raise AssertionError(f"{step.kind} needs the device's lock, which was let go of before")
            if not step.under_lock and not released:
                self.release()
                released = True
            self.on_step(step)
            if self.undoes:
                self._attempt(number, step)
            else:
                self._carry_out_step(number, step)
        self._broken += [Failed(note.title, "", todo=note.remedy) for note in self.plan.leaves]
        if self._broken:
            first = self._broken[0]
            todo = first.todo if isinstance(first, OpskitError) else ""
            left = sum(done.outcome != "done" for done in self._done) + len(self.plan.leaves)
            of = len(self.plan.steps) + len(self.plan.leaves)
            why = f"{left} of {of} steps could not be taken back: {str(first).removesuffix(': ')}"
            raise Failed(self.plan.title, why, todo=todo) from first

    def _attempt(self, number: int, step: Step) -> None:
        """One step of a run that takes another back: one that fails does not stop the others."""
        if self._kept_because:
            self._keep(number, step)
            return
        try:
            self._carry_out_step(number, step)
        except CannotUndo as error:  # kept, for a reason that the ledger has
            if error.keeps_earlier:
                self._kept_because = f"{_name(step)} was not possible, and what is left may depend on this"
                self._broken.append(Failed(_name(step), error.why, todo=error.todo))
        except Exception as error:
            if isinstance(error, (Busy, Missing)) and number == 1:
                raise  # nothing was changed yet, and the rest without the first would be half an undo
            if isinstance(error, StillRunning):
                raise  # what it works on is not touched while it does
            self._broken.append(error)

    def _keep(self, number: int, step: Step) -> None:
        """A step that is kept may depend on every earlier one: those are kept too."""
        done = self._begin(number, step, {})
        self._stepped(done, "kept", RecordingRunner(self.runner), self._kept_because)

    def _begin(self, number: int, step: Step, record: Record) -> _Done:
        values = {"fields": to_json(step), "change": _on_record(step.change), "record": record}
        self.ledger.append("step", self.run, number=number, kind=step.kind, **values)
        done = _Done(number, step, record)
        self._done.append(done)
        return done

    def _carry_out_step(self, number: int, step: Step) -> None:
        recording = RecordingRunner(self.runner)
        record = step.remember(recording)
        done = self._begin(number, step, record)
        try:
            done.record = {**record, **step.apply(recording, record)}
            step.verify(recording, done.record)
        except Exception as error:
            done.record = {**done.record, **getattr(error, "record", {})}
            outcome, text = ("kept", error.why) if isinstance(error, CannotUndo) else ("failed", str(error))
            with contextlib.suppress(OpskitError):  # a full disk must not hide the cause
                self._stepped(done, outcome, recording, text)
            raise
        recording.warnings += step.warnings(done.record)
        self._stepped(done, "done", recording)

    def _stepped(self, done: _Done, outcome: str, recording: RecordingRunner, error: str = "") -> None:
        done.outcome = outcome
        self.warnings += recording.warnings
        values: dict[str, Any] = {"outcome": outcome, "record": done.record, "error": masked(error)}
        values["commands"] = [result.as_json() for result in recording.results]
        self.ledger.append("stepped", self.run, number=done.number, **values)

    def _fail(self, cause: Exception, interrupts: Interrupts) -> NoReturn:
        if isinstance(cause, StillRunning):
            self._leave(cause)
        kept, broken = self._take_back()
        outcome = "take-back-failed" if broken or kept else "taken-back"
        state = _state(kept, broken)
        self._end(outcome, cause, state)
        what = cause.what if isinstance(cause, OpskitError) else self.plan.title
        why = cause.why if isinstance(cause, OpskitError) else str(cause)
        todo = cause.todo if isinstance(cause, OpskitError) else ""
        if not isinstance(cause, (OpskitError, OSError)):
            why = f"a fault in opskit: {type(cause).__name__}: {cause}"
            todo = "the same command with --debug shows where; please report it"
        if broken:
            todo = f"{self._history} has each step; put right by hand what is named below"
            raise TakeBackFailed(what, why, todo=todo, state=state) from cause
        if isinstance(cause, Interrupted):
            raise Interrupted(interrupts.number, state=state) from cause
        if kept:
            raise TakeBackFailed(what, why, todo=todo, state=state) from cause
        if isinstance(cause, Busy):
            cause.state = cause.state or state
            raise cause
        raise TakenBack(what, why, todo=todo, state=state) from cause

    def _leave(self, cause: StillRunning) -> NoReturn:
        """Take nothing back: a program that cannot be ended is still at work on what the steps made."""
        names = [_name(done.step) for done in self._done]
        done, begun = "; ".join(names[:-1]) or "nothing", "".join(names[-1:])
        cause.state = f"Nothing is taken back while it runs. Done: {done}. Begun: {begun}."
        cause.todo = f"{cause.todo}; once it has ended: {follow_up('undo', self.run)}"
        self._end("take-back-failed", cause, cause.state)
        raise cause

    def _fail_undo(self, cause: Exception, interrupts: Interrupts) -> NoReturn:
        """Say which steps a run that takes another back has done, kept and not done."""
        outcomes = {done.number: done.outcome for done in self._done}
        names: dict[str, list[str]] = {"done": [], "kept": [], "failed": []}
        for number, step in enumerate(self.plan.steps, 1):
            names.get(outcomes.get(number, ""), names["failed"]).append(_name(step))
        lines = [f"NOT done: {'; '.join(names['failed'])}."] if names["failed"] else []
        lines += [f"Done: {'; '.join(names['done']) or 'nothing'}."]
        lines += [f"Left as it was: {'; '.join(names['kept'])}."] if names["kept"] else []
        state = " ".join(lines)
        self._end("failed", cause, state)
        if isinstance(cause, Interrupted):
            raise Interrupted(interrupts.number, state=state) from cause
        if isinstance(cause, (Busy, Missing, StillRunning)):
            cause.state = state
            raise cause
        if isinstance(cause, OpskitError):
            todo = cause.todo or f"{self._history} has each step"
            raise Failed(cause.what, cause.why, todo=todo, state=state) from cause
        raise cause

    def _end(self, outcome: str, cause: Exception, state: str) -> None:
        """Keep in ledger and log how a run that failed ended."""
        level = logging.WARNING if isinstance(cause, Interrupted) else logging.ERROR
        log.log(level, "run %s: %s: %s: %s. %s", self.run, self.plan.title, outcome, cause, state)
        with contextlib.suppress(OpskitError):  # a full disk must not hide the cause
            self.ledger.append("end", self.run, outcome=outcome, error=masked(str(cause)))

    def _take_back(self) -> tuple[list[str], list[str]]:
        """Undo what was begun, last first; one that fails does not stop the others."""
        kept, broken = [], []
        for done in reversed(self._done):
            recording = RecordingRunner(self.runner)
            name = _name(done.step)
            outcome, text = "undone", ""
            try:
                done.step.undo(recording, done.record)
            except CannotUndo as error:
                outcome, text = "kept", error.why
                kept.append(f"{name} ({error.why})")
            except Exception as error:  # noqa: BLE001 - one that fails does not stop the others
                outcome, text = "failed", str(error)
                broken.append(f"{name} ({error})")
            commands = [result.as_json() for result in recording.results]
            with contextlib.suppress(OpskitError):
                self.ledger.append(
                    "undone", self.run, number=done.number, outcome=outcome, error=text, commands=commands
                )
        return kept, broken


def _name(step: Step) -> str:
    return f"{step.change.action} {step.change.target}"


def _state(kept: list[str], broken: list[str]) -> str:
    lines = []
    if broken:
        lines.append("NOT taken back: " + "; ".join(broken) + ".")
    if kept:
        lines.append("Kept, and cannot be taken back: " + "; ".join(kept) + ".")
    lines.append("Everything else was taken back." if kept or broken else "What had been done was taken back.")
    return " ".join(lines)
