"""What `opskit fleet` answers with --json: types alone (core/results.py)."""

from __future__ import annotations

from typing import Annotated, Any, Optional, TypedDict

from opskit.core.jsonable import Shape
from opskit.fleet.model import FleetPlan, HostState


class FleetAnswer(TypedDict):
    """A run over many hosts.

    run: its id, null where there was nothing to do
    of: the run that it takes back, "" for none
    live: whether somebody carries it on just now
    left_out: hosts of the plan that were not asked, and why
    """

    run: Optional[str]
    kind: Annotated[str, Shape(words=("apply", "undo"))]
    of: str
    argv: list[str]
    live: bool
    hosts: dict[str, HostState]
    left_out: dict[str, str]


class LookAnswer(TypedDict):
    """What a command that only looks answered on each host."""

    argv: list[str]
    hosts: dict[str, HostState]


class PageAnswer(TypedDict):
    """The page that was written."""

    file: str


RESULTS: dict[str, tuple[Any, ...]] = {
    "fleet plan": (FleetPlan,),
    "fleet show": (FleetPlan,),
    "fleet apply": (FleetAnswer, FleetPlan),
    "fleet resume": (FleetAnswer, FleetPlan),
    "fleet undo": (FleetAnswer, FleetPlan),
    "fleet status": (FleetAnswer,),
    "fleet report": (PageAnswer,),
    "fleet run": (LookAnswer,),
    "fleet check": (LookAnswer,),
}
