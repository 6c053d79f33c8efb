"""What the commands of `opskit service` answer with --json: types alone (core/results.py). Sizes are in bytes."""

from __future__ import annotations

from typing import Annotated, Any, Optional, TypedDict

from opskit.core.jsonable import Moment, Shape
from opskit.core.results import planned
from opskit.service.model import CONTAINER, PROCESS, PROGRAM, SCRIPT, STATES, UNIT, Claim

State = Annotated[str, Shape(words=tuple(STATES))]


class ProcessRow(TypedDict):
    """A process.

    pid: as the host numbers it
    inner_pid: its pid in its container; null when that is the same
    state: the letter of proc(5)
    """

    pid: int
    inner_pid: Optional[int]
    parent: int
    name: str
    command: str
    state: str
    started: Optional[Moment]
    rss_bytes: int


class ContainerRow(TypedDict):
    """The container that a service is in."""

    engine: str
    name: str
    id: str


class SupervisorRow(TypedDict):
    """The supervisord that looks after a program. pid: null where it does not run."""

    config: str
    pid: Optional[int]


class WorkerRow(TypedDict):
    """A worker of Celery. answers: whether it has answered a ping."""

    name: str
    pid: int
    answers: bool


class CeleryRow(TypedDict):
    """What the workers of an app answered to a ping.

    others: the names of workers elsewhere that answered, too
    why: nobody did, or could be asked; null where somebody answered
    """

    app: str
    workers: list[WorkerRow]
    others: list[str]
    why: Optional[str]


class ServiceRow(TypedDict):
    """A service.

    why: a sentence
    main: its main processes
    workers: the others that live
    zombies: those that have ended and are not reaped
    restarts, memory_bytes: null where nobody counts them
    ended: how its process ended
    log: its last lines
    evidence: who says what
    """

    name: str
    kind: Annotated[str, Shape(words=(UNIT, SCRIPT, CONTAINER, PROCESS, PROGRAM))]
    state: State
    why: str
    main: list[ProcessRow]
    workers: list[ProcessRow]
    zombies: list[ProcessRow]
    since: Optional[Moment]
    restarts: Optional[int]
    memory_bytes: Optional[int]
    unit: Optional[str]
    container: Optional[ContainerRow]
    supervisor: Optional[SupervisorRow]
    celery: Optional[CeleryRow]
    ended: Optional[str]
    log: list[str]
    evidence: list[Claim]


class StatusAnswer(TypedDict):
    """The services that were named."""

    services: list[ServiceRow]


class WhyAnswer(TypedDict):
    """The service that was named."""

    service: ServiceRow


class EnsureResult(TypedDict):
    """The service, as it was before."""

    name: str
    state: State
    why: str


RESULTS: dict[str, tuple[Any, ...]] = {
    "service status": (StatusAnswer,),
    "service why": (WhyAnswer,),
    "service ensure": planned(EnsureResult),
}
