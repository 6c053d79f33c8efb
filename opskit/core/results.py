"""What every command answers with --json: the envelope, and the result of a plan. Types alone, for opskit/schema.

What a command answers beside these is in the `results.py` of its area: a class for each object, and in RESULTS the
classes by command. They are imported by `opskit schema` only: elsewhere mypy holds the answers to them.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Optional, TypedDict

from opskit.core.finding import Severity
from opskit.core.plan import Change


class FindingAnswer(TypedDict):
    """Something a person should know.

    id: `opskit findings ID` says what it means
    remedy: a line to paste, "" for none
    """

    id: str
    severity: Severity
    title: str
    evidence: str
    remedy: str


class ErrorAnswer(TypedDict):
    """Why the command failed.

    what: that failed
    todo: what to do about it, "" for nothing
    state: the state that the host is in, "" where it does not matter
    """

    id: str
    exit_code: int
    what: str
    why: str
    todo: str
    state: str


class Envelope(TypedDict):
    """What every command answers with --json, also when it fails.

    ok: the exit code is 0, 3 or 4
    error: null where nothing failed
    """

    schema: Literal[1]
    ok: bool
    command: str
    result: Any
    findings: list[FindingAnswer]
    error: Optional[ErrorAnswer]


class PlanName(TypedDict):
    """The name of a plan that lasts. token: what --only-plan takes."""

    run: str
    fingerprint: str
    token: str


class ShownPlan(TypedDict):
    """A dry run: what would be done.

    basis: what the decision stands on
    """

    title: str
    basis: list[str]
    changes: list[Change]
    plan: PlanName
    dry_run: Literal[True]
    changed: Literal[False]


class DonePlan(TypedDict):
    """A run that was no dry run. run: its id in the ledger; null when nothing was to do."""

    plan: PlanName
    changed: bool
    run: Optional[str]
    dry_run: Literal[False]


class PlanOfBefore(TypedDict):
    """The plan of --only-plan was carried out before, in this run."""

    plan: PlanName
    changed: Literal[False]
    run: str
    dry_run: bool


class Merged(NamedTuple):
    """One object with the keys of all of these classes; a later one's stands in for an earlier one's."""

    classes: tuple[type, ...]


def planned(*results: type, done: Optional[type] = None) -> tuple[Any, ...]:
    """What a command with a plan answers.

    results: what it has beside the plan; several where it differs by what was asked for
    done: what is added once it was carried out
    """
    shown = tuple(Merged((ShownPlan, result)) for result in results)
    after = tuple(Merged((DonePlan, result)) for result in results)
    carried_out = tuple(Merged((DonePlan, result, done)) for result in results) if done else ()
    return (*shown, *after, *carried_out, PlanOfBefore)
