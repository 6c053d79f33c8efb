"""What the commands of `opskit journal` answer with --json: types alone (core/results.py). Sizes are in bytes."""

from __future__ import annotations

from typing import Annotated, Any, Optional, TypedDict

from opskit.core.jsonable import Moment, Shape
from opskit.core.results import planned
from opskit.core.systemd import FailedUnit
from opskit.journal.errors.groups import PRIORITIES
from opskit.journal.errors.kernel import KINDS
from opskit.journal.errors.model import WithoutPriority

Priority = Annotated[str, Shape(words=PRIORITIES)]
IncidentKind = Annotated[str, Shape(words=tuple(KINDS))]


class DamagedRow(TypedDict):
    """A damaged file, and what is wrong with it."""

    name: str
    why: str


class LimitRow(TypedDict):
    """A limit in force. value: bytes, files, or seconds for the names that end in Sec; source: where it comes from."""

    name: str
    value: int
    source: str


class DirectoryRow(TypedDict):
    """A directory of journals.

    namespace: "" for the host's own
    problem: why it cannot be read, "" when it can
    active_files: that journald writes to
    """

    path: str
    machine_id: str
    namespace: str
    problem: str
    active_files: int
    archived_files: int
    active_bytes: int
    bytes: int
    oldest: Optional[Moment]
    newest: Optional[Moment]
    damaged: list[DamagedRow]
    limits: list[LimitRow]


class UsageAnswer(TypedDict):
    """What the journal takes."""

    directories: list[DirectoryRow]
    bytes: int


class DamagedFile(TypedDict):
    """A damaged file. entries: that it has; lost: those that cannot be read; null where that cannot be told."""

    path: str
    why: str
    entries: Optional[int]
    lost: Optional[int]


class VerifyAnswer(TypedDict):
    """What can be told of the files.

    files, sound: how many
    in_use: a process writes to them
    sealed: their seals were not checked, without a key
    seal_broken: their seals do not fit the key
    newer: of a newer systemd
    never_closed: sound, but a crash or a copy left them open
    """

    files: int
    sound: int
    in_use: list[str]
    sealed: list[str]
    seal_broken: list[str]
    newer: list[str]
    never_closed: list[str]
    damaged: list[DamagedFile]


class DeletionRow(TypedDict):
    """A file that goes. entries: null where it is damaged."""

    path: str
    bytes: int
    oldest: Optional[Moment]
    newest: Optional[Moment]
    entries: Optional[int]


class SurvivorRow(TypedDict):
    """A file that is older than the limit of time, or holds entries that are, and stays all the same."""

    path: str
    bytes: int
    oldest: Optional[Moment]
    reason: str


class VacuumResult(TypedDict):
    """What a vacuum deletes.

    newer_entries_lost: entries that are newer than the limit, in the files that go
    systemd: the release that decides
    limit: what is older goes; null without a span
    """

    deletes: list[DeletionRow]
    freed_bytes: int
    newer_entries_lost: int
    survives: list[SurvivorRow]
    systemd: str
    limit: Optional[Moment]


class RetainResult(TypedDict):
    """A limit for journald.

    drop_in: the file
    settings: as journald.conf has them
    deletes: what the restart of journald deletes
    restarts: whether journald is restarted
    """

    drop_in: str
    settings: dict[str, str]
    deletes: list[DeletionRow]
    freed_bytes: int
    restarts: bool


class Vacuumed(TypedDict):
    """What was deleted. gone: paths; as_predicted: whether they are those that were shown before."""

    gone: list[str]
    freed_bytes: int
    as_predicted: bool


class GroupRow(TypedDict):
    """Messages of a unit that are alike.

    priority: the worst, null without one
    per_hour: null where one moment is all there is
    example: the first message
    trace_lines: how many lines the stack traces behind them have
    catalog: what systemd's catalogue says of it
    """

    unit: str
    identifier: str
    priority: Optional[Priority]
    pattern: str
    count: int
    first: Optional[Moment]
    last: Optional[Moment]
    per_hour: Optional[float]
    example: str
    trace_lines: int
    cursor: str
    message_id: Optional[str]
    catalog: Optional[str]


class FailureRow(TypedDict):
    """What is known of a unit that failed.

    result: as systemd names it (exit-code, timeout …)
    process: which one ended: main, control, mount or swap
    ended: how: exited, killed or dumped
    status: its exit status, or the number of its signal
    gave_up: systemd starts it no more
    path: the mount point or device of the unit
    lines: its last lines
    """

    unit: str
    result: Optional[str]
    cause: Optional[str]
    process: Optional[str]
    ended: Optional[str]
    status: Optional[int]
    gave_up: bool
    path: Optional[str]
    lines: list[str]


class IncidentRow(TypedDict):
    """What is told of one subject. amount: messages lost, where that is known."""

    subject: str
    unit: str
    count: int
    amount: int
    first: Optional[Moment]
    last: Optional[Moment]
    example: str


class KernelRow(IncidentRow):
    """The same of the kernel."""

    kind: IncidentKind


class LossRow(TypedDict):
    """What of a file cannot be read. entries, lost: null where that cannot be told."""

    path: str
    entries: Optional[int]
    lost: Optional[int]
    partial: int
    first: Optional[Moment]
    last: Optional[Moment]
    why: str


class ErrorsAnswer(TypedDict):
    """What is wrong.

    since, until, boot, units, priority: as they were asked for
    entries: how many were looked at
    groups_total: how many groups there are, without --top
    """

    since: Optional[str]
    until: Optional[str]
    boot: Optional[str]
    units: list[str]
    priority: Priority
    entries: int
    groups_total: int
    groups: list[GroupRow]
    units_failed: list[FailedUnit]
    failures: list[FailureRow]
    oom_kills: list[IncidentRow]
    core_dumps: list[IncidentRow]
    disk_errors: list[IncidentRow]
    units_failed_before: list[IncidentRow]
    messages_lost: list[IncidentRow]
    kernel: list[KernelRow]
    without_priority: WithoutPriority
    damaged: list[LossRow]


class NewGroup(TypedDict):
    """With --follow: an envelope for each new group."""

    group: GroupRow


RESULTS: dict[str, tuple[Any, ...]] = {
    "journal usage": (UsageAnswer,),
    "journal verify": (VerifyAnswer,),
    "journal vacuum": planned(VacuumResult, done=Vacuumed),
    "journal retain": planned(RetainResult, done=Vacuumed),
    "journal errors": (ErrorsAnswer, NewGroup),
}
