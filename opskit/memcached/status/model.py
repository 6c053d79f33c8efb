"""The instances of a host, and their figures. Plain data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from opskit.memcached.line.listen import Listener
from opskit.memcached.model import StatsAnswer


@dataclass(frozen=True)
class Instance:
    """A running memcached.

    rss: bytes of memory that it has
    began: seconds since the epoch
    apart: it is in another network namespace (a container's), where its addresses mean something else
    answer: None when it was not asked or did not answer
    why: the reason that there is no answer
    """

    pid: int
    user: str
    unit: str
    line: tuple[str, ...]
    listeners: tuple[Listener, ...]
    socket: str
    rss: int
    began: float
    apart: bool = False
    answer: Optional[StatsAnswer] = None
    why: str = ""

    @property
    def name(self) -> str:
        """Its first address, or its socket."""
        tcp = [listener for listener in self.listeners if listener.protocol == "tcp"]
        first = (tcp or list(self.listeners))[:1]
        return self.socket or (first[0].text.partition(" ")[2] if first else f"pid {self.pid}")


@dataclass(frozen=True)
class UnitState:
    """A unit of memcached, as systemd has it: active, inactive, failed."""

    name: str
    state: str


@dataclass(frozen=True)
class InstanceFigures:
    """The figures of one instance; None for what its answer does not have."""

    uptime: Optional[int] = None
    used: Optional[int] = None
    limit: Optional[int] = None
    items: Optional[int] = None
    gets: Optional[int] = None
    hits: Optional[int] = None
    evictions: Optional[int] = None
    connections: Optional[int] = None
    most_connections: Optional[int] = None
    rejected: Optional[int] = None
    threads: Optional[int] = None

    @property
    def hit_percent(self) -> Optional[float]:
        """Hits of all gets, in percent; None without any."""
        return 100 * (self.hits or 0) / self.gets if self.gets else None


def figures(instance: Instance) -> InstanceFigures:
    """The figures of `stats` and `stats settings`. Before 1.6 listen_disabled_num stands for rejected connections."""
    if instance.answer is None:
        return InstanceFigures()
    stats, settings = instance.answer.stats, instance.answer.settings

    def number(names: Sequence[str]) -> Optional[int]:
        texts = [answer[name] for name in names for answer in (stats, settings) if name in answer]
        # What is named memcached can answer anything: the largest of its figures have 64 bits.
        return int(texts[0]) if texts and re.fullmatch(r"[0-9]{1,20}", texts[0]) else None

    counts = [number([name]) for name in ("rejected_connections", "listen_disabled_num")]
    rejected = [count for count in counts if count is not None]
    return InstanceFigures(
        uptime=number(["uptime"]),
        used=number(["bytes"]),
        limit=number(["limit_maxbytes", "maxbytes"]),
        items=number(["curr_items"]),
        gets=number(["cmd_get"]),
        hits=number(["get_hits"]),
        evictions=number(["evictions"]),
        connections=number(["curr_connections"]),
        most_connections=number(["max_connections", "maxconns"]),
        rejected=max(rejected) if rejected else None,
        threads=number(["threads", "num_threads"]),
    )
