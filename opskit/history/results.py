"""What `opskit history` and `opskit undo` answer with --json: types alone (core/results.py)."""

from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict

from opskit.core.jsonable import MomentOrNone
from opskit.core.ledger import Run
from opskit.core.ledger_runs import Damage, RunOutcome
from opskit.core.plan import Change
from opskit.core.results import Merged, PlanName, planned


class RunRow(TypedDict):
    """A run, without its steps.

    began, ended: "" where the ledger does not have it
    undoes: the run that it takes back, "" for none
    by: the later run that took it back, or finished it; "" for none
    plan: the token of the plan that it carries out
    extra: what else its first line has, by keys that this opskit does not know
    damage: its lines that are broken or missing
    """

    id: str
    began: MomentOrNone
    ended: MomentOrNone
    user: str
    pid: int
    title: str
    command: list[str]
    undoes: str
    outcome: RunOutcome
    error: str
    hold: str
    host: str
    plan: str
    by: str
    extra: dict[str, Any]
    damage: list[Damage]


class RunList(TypedDict):
    """The runs on this host, the newest last."""

    runs: list[RunRow]


class NoResult(TypedDict):
    """Nothing beside the plan."""


class Undone(TypedDict):
    """A run that was taken back."""

    title: str
    basis: list[str]
    changes: list[Change]
    plan: PlanName
    changed: bool
    run: Optional[str]
    dry_run: Literal[False]


RESULTS: dict[str, tuple[Any, ...]] = {
    "history": (RunList,),
    "history show": (Run,),
    "history prune": planned(NoResult),
    "undo": (*planned(NoResult), Merged((Undone,))),
}
