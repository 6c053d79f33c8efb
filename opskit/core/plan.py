"""What will be done, before it is done: changes, the steps that make them, the plan, or a refusal."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

from opskit.core.command import Command, Runner
from opskit.core.errors import CannotUndo, ExitCode, UsageFault
from opskit.core.files import sha256
from opskit.core.finding import Finding
from opskit.core.jsonable import to_json
from opskit.core.record import dataclass
from opskit.core.text import counted, shown

if TYPE_CHECKING:
    from opskit.core.results import PlanName

# What a step leaves in the ledger for its own undo: plain JSON.
Record = dict[str, Any]

# The run of no host: what is decided for it has every name that a real run's id would be in, and is the same each time.
NO_RUN = "00000000T000000Z-000000"
# A pattern of the id of a run (ledger.new_run_id); with re.ASCII.
RUN_ID = r"\d{8}T\d{6}Z-[0-9a-f]{6}"
_TOKEN = re.compile(rf"({RUN_ID}):([0-9a-f]{{16}}-(?:[0-9a-f]{{3}})+)(?:@([0-9a-f]{{6}}(?:[0-9a-f]{{6}})?))?", re.ASCII)
# How many digits of a fingerprint stand for all of it, and how many for each of its parts.
_WHOLE, _PART = 16, 3


@dataclass(frozen=True)
class Change:
    """What a person is told, and what a fingerprint is made of.

    commands: the exact shell lines a careful person would type, in order, under `set -eu`.
    reversible: whether `opskit undo` can take it back.
    """

    action: str
    target: str
    before: str
    after: str
    commands: tuple[str, ...]
    reversible: bool


class Step(ABC):
    """One change, carried out, checked and taken back. A subclass is a frozen dataclass of plain values.

    Its fields go into the ledger, and `kind` ("area.name") finds the class again for an undo: neither may be renamed.
    A step writes what it adds to this class: a step that only runs programs needs `kind`, `change` and `commands`.
    under_lock: whether the plan's device lock is held while it runs.
    whole: whether its undo puts back all of its target, and with it what later runs changed there: those come first.
    """

    kind: ClassVar[str]
    under_lock: ClassVar[bool] = False
    whole: ClassVar[bool] = False

    if TYPE_CHECKING:  # at run time a subclass with a field `change` would get the property as its default

        @property
        @abstractmethod
        def change(self) -> Change:
            """What this step changes, in words and commands."""

    @property
    def essence(self) -> Change:
        """What a fingerprint is made of: the change, without what follows from the state of something else.

        A step that edits a file which others edit too leaves its commands out: they have the numbers of lines.
        """
        return self.change

    @property
    def checks(self) -> tuple[str, ...]:
        """Shell lines that stop a script before its first change when what this touches is another (core/checks.py)."""
        return ()

    @property
    def commands(self) -> tuple[Command, ...]:
        """What apply runs; `change` shows the same commands (shell_lines), so that the two cannot differ."""
        return ()

    @property
    def late_modules(self) -> tuple[str, ...]:
        """What only apply and undo import. act loads them before it asks: opskit may be upgraded then."""
        return ()

    def remember(self, runner: Runner) -> Record:
        """Read what an undo will need, beyond the fields. Changes nothing; written to the ledger before apply."""
        return {}

    def apply(self, runner: Runner, record: Record) -> Record:
        """Make the change. Returns what became known only by it (added to the record)."""
        for command in self.commands:
            runner.run(command)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        """Raise Failed if the host does not show the change."""

    def warnings(self, record: Record) -> Iterable[Finding]:
        """What a person should know of the change once it is made, and what is no failure of it."""
        return ()

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        """What undo runs; undo_change shows the same commands."""
        return ()

    def undo_change(self, record: Record) -> Union[Change, str]:
        """What taking it back changes, or the reason why it is kept, whatever the host looks like."""
        return "it cannot be taken back"

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """What undo would change on the host as it is now; None where nothing of the step is left. Changes nothing.

        Raises CannotUndo when the step must be kept as it is.
        """
        change = self.undo_change(record)
        if isinstance(change, str):
            raise CannotUndo(change)
        return change

    def undo(self, runner: Runner, record: Record) -> None:
        """Take it back. Works on a step that was only half done or never began, and a second time.

        Raises CannotUndo when it must be kept as it is, or any other error when taking back was tried and failed.
        """
        change = self.undo_change(record)
        if isinstance(change, str):
            raise CannotUndo(change)
        for command in self.undo_commands(record):
            runner.run(command)


@dataclass(frozen=True)
class Plan:
    """Ordered steps, with what the decision stands on.

    title: what is done, as the command line put it.
    basis: the identity of what is acted on (name, size, serial number, UUID …); part of the fingerprint.
    hold: the block device whose flock is held while steps with under_lock run; empty for none.
    checks: shell lines for as_shell() that stop the script if the host is not as decided on, beside those of the steps.
    notes: what a person should know beside the changes.
    result: what --json answers about the outcome.
    leaves: what of an undo the host as it is now does not let go: the rest is done, and the run is no success.
    """

    title: str
    steps: tuple[Step, ...] = ()
    basis: tuple[str, ...] = ()
    hold: str = ""
    checks: Iterable[str] = ()
    notes: tuple[Finding, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    leaves: tuple[Finding, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes of the steps, in order."""
        return tuple(step.change for step in self.steps)

    @property
    def fingerprint(self) -> str:
        """Equal for two plans that do the same to the same things: 16 digits for all, then 3 for each part.

        The parts are the basis and each change; by them differences() tells what another plan has else. Of a plan for
        NO_RUN it is the one that lasts.
        """
        parts = [list(self.basis), *(to_json(step.essence) for step in self.steps)]
        texts = [json.dumps(part, sort_keys=True).encode() for part in parts]
        digests = [sha256(text) for text in texts]
        whole = sha256(b"[" + b", ".join(texts) + b"]")[:_WHOLE]
        return f"{whole}-{''.join(digest[:_PART] for digest in digests)}"

    def as_json(self) -> dict[str, Any]:
        """The plan for --json: what would be done, and to what."""
        return {"title": self.title, "basis": list(self.basis), "changes": to_json(self.changes), **self.result}

    def as_shell(self) -> str:
        """A script that does the same by hand."""
        lines = ["#!/bin/sh", f"# {shown(self.title)}", "set -eu", "umask 022"]
        if not self.steps:
            lines.append("# nothing to do")
            return "\n".join(lines) + "\n"
        # Several steps may touch the same file.
        checks = (*self.checks, *dict.fromkeys(line for step in self.steps for line in step.checks))
        if checks:
            stopped = "stopped: the host is not as it was when this script was made; nothing was changed"
            lines += [f"trap 'echo \"{stopped}\" >&2' EXIT", *checks, "trap - EXIT"]
        for change in self.changes:
            lines += ["", f"# {change.action}: {shown(change.target)}", *change.commands]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class PlanToken:
    """The name of a plan that lasts, for --only-plan.

    run: what its new UUIDs and the names of its backups follow from.
    fingerprint: that of the plan for NO_RUN.
    machine: the mark of the machine that it was made on (caller.machine_mark): two can look the same in all that a plan
        acts on. "" for one of saved facts, and of opskit 0.1.0.
    """

    run: str
    fingerprint: str
    machine: str = ""

    @property
    def text(self) -> str:
        """As it is typed: RUN:FINGERPRINT@MACHINE."""
        return f"{self.run}:{self.fingerprint}" + (f"@{self.machine}" if self.machine else "")

    def as_json(self) -> PlanName:
        """For --json."""
        return {"run": self.run, "fingerprint": self.fingerprint, "token": self.text}

    @classmethod
    def parse(cls, text: str) -> PlanToken:
        """The token of this text. Raises UsageFault."""
        match = _TOKEN.fullmatch(text)
        if match is None:
            todo = "copy it from the last line of a dry run, or result.plan.token of --json"
            raise UsageFault("--only-plan", f"{text!r} is not the token of a plan", todo=todo)
        return cls(*match.groups(default=""))


def differences(fingerprint: str, now: Plan, lasting: Plan) -> Iterator[str]:
    """What a plan has that the one with this fingerprint did not have, a sentence each.

    Whether two plans differ is not told by this but by the whole fingerprint: two parts that have the same digits by
    chance (1 in 4096) leave a difference without its sentence, and never name one that is none.

    now: the plan, as a person sees it
    lasting: the same for NO_RUN
    """
    then, current = _parts(fingerprint), _parts(lasting.fingerprint)
    if then[0] != current[0]:
        yield f"what it acts on is not the same: it is now {', '.join(now.basis) or 'nothing'}"
    if len(then) != len(current):
        yield f"the plan had {_counted(len(then) - 1)}, and has {_counted(len(current) - 1)} now"
    for number, (change, digits) in enumerate(zip(now.changes, current[1:]), 1):
        if digits not in then[1:]:
            yield f"change {number} is new: {change.action} {change.target}: {change.before} -> {change.after}"


def _parts(fingerprint: str) -> list[str]:
    digits = fingerprint.partition("-")[2]
    return [digits[at : at + _PART] for at in range(0, len(digits), _PART)]


def _counted(changes: int) -> str:
    return counted(changes, "change") if changes else "no changes"


@dataclass(frozen=True, init=False)
class Reason(Finding):
    """A finding that stands in the way of a plan, with the exit code that a refusal for it alone has."""

    exit_code: int = ExitCode.REFUSED

    def __init__(
        self, ident: str, title: str, remedy: str = "", evidence: str = "", exit_code: int = ExitCode.REFUSED
    ) -> None:
        severity = "critical" if exit_code == ExitCode.REFUSED else "error"
        super().__init__(ident, severity, title, evidence, remedy)
        object.__setattr__(self, "exit_code", exit_code)


@dataclass(frozen=True)
class Refusal:
    """A decision not to act, with every reason found; the first decides the exit code."""

    title: str
    reasons: tuple[Reason, ...]

    @property
    def exit_code(self) -> int:
        """The exit code of the first reason."""
        return self.reasons[0].exit_code


Decision = Union[Plan, Refusal]


@dataclass(frozen=True)
class Outcome:
    """How the carrying out of a plan ended.

    token: the plan's.
    run: its id in the ledger; None when nothing was to do.
    warnings: what failed without harm to what was asked for.
    """

    plan: Plan
    token: PlanToken
    run: Optional[str] = None
    warnings: tuple[Finding, ...] = ()

    @property
    def result(self) -> dict[str, Any]:
        """What --json answers of a run that was no dry run."""
        done = {"changed": self.run is not None, "run": self.run, "dry_run": False}
        return {**self.plan.result, "plan": self.token.as_json(), **done}
