"""What the commands of `opskit yum` answer with --json: types alone (core/results.py). Sizes are in bytes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Optional, TypedDict

from opskit.core.jsonable import Moment, Shape
from opskit.core.results import planned
from opskit.yum.model import DOWNLOAD, FCNTL, METADATA, PID, TRANSACTION, Activity
from opskit.yum.state import BROKEN, CLEAR, CONTINUE, FREE, INTERRUPT, NOTHING, TAKEN, WAIT
from opskit.yum.why.model import AGENT, CLOUD_INIT, CRON, SERVICE, TIMER

State = Annotated[str, Shape(words=(FREE, *TAKEN, *BROKEN))]
Advice = Annotated[str, Shape(words=(WAIT, CONTINUE, INTERRUPT, CLEAR, NOTHING))]
Phase = Annotated[str, Shape(words=("", METADATA, DOWNLOAD, TRANSACTION))]


class RelativeRow(TypedDict):
    """A parent or child of a process."""

    pid: int
    name: str
    command: str
    state: str


class ProcessRow(TypedDict):
    """A package manager that runs, or the holder of a lock.

    explained_by: what started it
    state: the letter of proc(5)
    inner_pid: its pid in its own pid namespace; null when that is ours
    activity: what it did in the time of --sample
    """

    pid: int
    name: str
    command: str
    user: str
    tty: str
    unit: Optional[str]
    explained_by: str
    started: Optional[Moment]
    state: str
    wchan: str
    rss_bytes: int
    inner_pid: Optional[int]
    activity: Optional[Activity]
    parents: list[RelativeRow]
    children: list[RelativeRow]


class LockRow(TypedDict):
    """A lock.

    phase: what its holder does, "" where that is not known
    content: its first bytes, a character each
    since: when it was taken
    safe_commands: the lines that are safe, best first
    """

    path: str
    tool: str
    mechanism: Annotated[str, Shape(words=(PID, FCNTL))]
    state: State
    phase: Phase
    pid: Optional[int]
    content: str
    holder: Optional[ProcessRow]
    since: Optional[Moment]
    advice: Advice
    why: str
    safe_commands: list[str]


class LockAnswer(TypedDict):
    """Every lock. tools: the package managers on this host; processes: those that run."""

    root: str
    tools: list[str]
    locks: list[LockRow]
    processes: list[ProcessRow]


class WaitAnswer(TypedDict):
    """No lock is held. wakeups: how often something was looked at."""

    free: Literal[True]
    waited_seconds: float
    wakeups: int


class TakenRow(TypedDict):
    """A lock that is not free."""

    path: str
    state: State
    advice: Advice


class UnlockResult(TypedDict):
    """The locks that are not free."""

    locks: list[TakenRow]


class AutorunRow(TypedDict):
    """What runs the package manager by itself.

    next: when; null when it is not known
    when: the same in words
    keep_out: the command that keeps it out, "" for none
    """

    name: str
    kind: Annotated[str, Shape(words=(TIMER, SERVICE, CRON, CLOUD_INIT, AGENT))]
    command: str
    state: str
    next: Optional[Moment]
    when: str
    keep_out: str


class WhyAnswer(TypedDict):
    """What runs the package manager by itself. systemd: whether it runs this host; held_until: the end of a --hold."""

    systemd: bool
    held_until: Optional[Moment]
    autoruns: list[AutorunRow]


class HoldResult(TypedDict):
    """What --hold keeps out, and for how long."""

    units: list[str]
    seconds: int


RESULTS: dict[str, tuple[Any, ...]] = {
    "yum lock": (LockAnswer,),
    "yum wait": (WaitAnswer,),
    "yum unlock": planned(UnlockResult),
    "yum why": (WhyAnswer, *planned(HoldResult)),
}
