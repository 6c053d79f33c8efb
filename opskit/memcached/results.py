"""What the commands of `opskit memcached` answer with --json: types alone (core/results.py). Sizes are in bytes."""

from __future__ import annotations

from typing import Any, Optional, TypedDict

from opskit.core.results import Merged, planned


class OptionRow(TypedDict):
    """An option of a release.

    value: its name in the manual, null for a flag
    since: null where it was always there
    changed: the releases in which its default or meaning changed
    needs: what memcached has to be built with
    """

    option: str
    long: Optional[str]
    value: Optional[str]
    meaning: str
    default: Optional[str]
    range: Optional[str]
    unit: Optional[str]
    does: Optional[str]
    since: Optional[str]
    changed: list[str]
    needs: Optional[str]


class ExtendedRow(TypedDict):
    """An option behind -o. least, most: that its value may be."""

    option: str
    value: Optional[str]
    meaning: str
    least: Optional[float]
    most: Optional[float]
    since: Optional[str]
    needs: Optional[str]


class FlagsAnswer(TypedDict):
    """Every option of a release."""

    release: str
    options: list[OptionRow]
    extended: list[ExtendedRow]


class ClientsRow(TypedDict):
    """How many clients are served at the same time."""

    least: int
    most: int


class EffectRow(TypedDict):
    """What comes of a line.

    exit_status: null where it starts
    why: it does not start
    memory_bytes: for items
    clients: null where it does not start
    """

    starts: bool
    exit_status: Optional[int]
    why: Optional[str]
    listeners: list[str]
    socket: Optional[str]
    memory_bytes: int
    connections: int
    clients: Optional[ClientsRow]
    threads: int
    user: Optional[str]
    pid_file: Optional[str]
    daemon: bool


class LineAnswer(TypedDict):
    """A line of memcached.

    origin: where the line is from
    corrected: a better one, null where only a person knows what is right
    """

    origin: str
    line: str
    release: str
    effect: EffectRow
    corrected: Optional[str]


class WordRow(TypedDict):
    """A word of the line. option: null where it is none; read_as: null where that is the value itself."""

    text: str
    option: Optional[str]
    meaning: str
    read_as: Optional[str]
    does: Optional[str]


class Words(TypedDict):
    """words: in the order of the line."""

    words: list[WordRow]


class StartResult(TypedDict):
    """An instance that is started. line: its words; pid: of one that runs already, else null."""

    line: list[str]
    pid: Optional[int]


class OptionalUnitResult(TypedDict, total=False):
    """settings_file: where its options are written."""

    settings_file: str


class UnitResult(OptionalUnitResult):
    """The same by systemd. settings_file: where its options are written, where they are."""

    line: list[str]
    unit: str


class NothingToStop(TypedDict):
    """There is no such instance."""


class StopResult(TypedDict):
    """An instance that is stopped."""

    pid: int


class StopUnitResult(TypedDict):
    """The same by systemd."""

    unit: str


SlabRow = TypedDict(
    "SlabRow",
    {  # one key is a word of Python's
        "class": int,
        "item_size_bytes": int,
        "pages": int,
        "memory_bytes": int,
        "free_bytes": int,
        "waste_bytes": Optional[int],
        "items": int,
        "age_seconds": int,
        "evicted": int,
        "evicted_age_seconds": int,
        "evicted_unused": int,
        "expired_unused": int,
        "failed": int,
    },
)


class InstanceRow(TypedDict):
    """A running memcached; null where there is no figure.

    line: its words
    answered: whether it did
    why: the reason that there is no answer
    failed_stores: because there was no memory
    too_large_stores: because the item was larger than -I
    """

    name: str
    pid: int
    user: str
    unit: Optional[str]
    release: Optional[str]
    line: list[str]
    listeners: list[str]
    socket: Optional[str]
    answered: bool
    why: Optional[str]
    uptime_seconds: Optional[int]
    rss_bytes: int
    used_bytes: Optional[int]
    limit_bytes: Optional[int]
    items: Optional[int]
    gets: Optional[int]
    hits: Optional[int]
    hit_percent: Optional[float]
    sets: Optional[int]
    failed_stores: Optional[int]
    too_large_stores: Optional[int]
    evictions: Optional[int]
    evictions_an_hour: Optional[float]
    evicted_unused: Optional[int]
    expired_unused: Optional[int]
    connections: Optional[int]
    connections_limit: Optional[int]
    rejected: Optional[int]
    threads: Optional[int]
    slabs: list[SlabRow]


class UnitRow(TypedDict):
    """A unit of memcached.

    state: as systemd has it: active, inactive, failed …
    result: of one that has failed, why
    """

    name: str
    state: str
    result: Optional[str]


class StatusAnswer(TypedDict):
    """Every memcached of the host."""

    instances: list[InstanceRow]
    units: list[UnitRow]


RESULTS: dict[str, tuple[Any, ...]] = {
    "memcached flags": (FlagsAnswer,),
    "memcached explain": (Merged((LineAnswer, Words)),),
    "memcached lint": (LineAnswer,),
    "memcached start": planned(StartResult, UnitResult),
    "memcached stop": planned(StopResult, StopUnitResult, NothingToStop),
    "memcached status": (StatusAnswer,),
}
