"""What `opskit status` and `opskit check` answer with --json: types alone (core/results.py)."""

from __future__ import annotations

from typing import Annotated, Any, Optional, TypedDict

from opskit.core.jsonable import Shape
from opskit.core.report import Measure
from opskit.core.results import planned


class AreaRow(TypedDict):
    """An area. exit_code: 0 in order, 4 with findings, 1 when it could not be looked at."""

    area: str
    exit_code: int


class LookRow(TypedDict):
    """What came of one look.

    failure: why there is no report
    lines: what a person sees of it
    measures: for monitoring
    unseen: what this user may not look at
    """

    area: str
    name: str
    failure: Optional[str]
    lines: list[str]
    finding_ids: list[str]
    measures: list[Measure]
    unseen: list[str]


class IgnoredRow(TypedDict):
    """A finding that a config file has ignored. until: the last day."""

    area: str
    id: str
    title: str
    reason: str
    until: Annotated[str, Shape("date")]


class HostAnswer(TypedDict):
    """The whole host; its findings are the envelope's."""

    areas: list[AreaRow]
    looks: list[LookRow]
    ignored: list[IgnoredRow]


class TimerResult(TypedDict):
    """The timer of --install-timer, and the files that are its."""

    unit: str
    files: list[str]


RESULTS: dict[str, tuple[Any, ...]] = {
    "status": (HostAnswer,),
    "check": (HostAnswer, *planned(TimerResult)),
}
