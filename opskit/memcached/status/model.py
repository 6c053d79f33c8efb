"""The instances of a host, and their figures. Plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Optional

from opskit.core.record import dataclass
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
    """A unit of memcached, as systemd has it: active, inactive, failed.

    result: of one that has failed, why: exit-code, signal, oom-kill …
    """

    name: str
    state: str
    result: str = ""


@dataclass(frozen=True)
class InstanceFigures:
    """The figures of one instance; None for what its answer does not have.

    uptime: seconds
    used, limit: bytes
    failed: stores that failed because there was no memory
    too_large: stores that failed because the item was larger than -I
    evicted_unused, expired_unused: items that nobody had asked for when they were evicted, or expired
    """

    uptime: Optional[int] = None
    used: Optional[int] = None
    limit: Optional[int] = None
    items: Optional[int] = None
    gets: Optional[int] = None
    hits: Optional[int] = None
    sets: Optional[int] = None
    failed: Optional[int] = None
    too_large: Optional[int] = None
    evictions: Optional[int] = None
    evicted_unused: Optional[int] = None
    expired_unused: Optional[int] = None
    connections: Optional[int] = None
    most_connections: Optional[int] = None
    rejected: Optional[int] = None
    threads: Optional[int] = None

    @property
    def hit_percent(self) -> Optional[float]:
        """Hits of all gets, in percent; None without any."""
        return 100 * (self.hits or 0) / self.gets if self.gets else None

    @property
    def evictions_an_hour(self) -> Optional[float]:
        """The rate since it was started; None where that cannot be told."""
        return 3600 * self.evictions / self.uptime if self.uptime and self.evictions is not None else None


@dataclass(frozen=True)
class SlabClass:
    """The items of one size: memcached divides its memory into pages, and gives each page to one class.

    item_size: of the largest item that fits, bytes
    pages: that it has
    memory: of those pages that is divided into chunks, bytes
    free: of that memory, what no item is in
    waste: bytes that its items do not fill of their chunks; None where its release does not tell
    age: seconds since the last use of its oldest item
    evicted_age: seconds since the last use of the item that was evicted last
    failed: stores that found no memory
    """

    number: int
    item_size: int = 0
    pages: int = 0
    memory: int = 0
    free: int = 0
    items: int = 0
    waste: Optional[int] = None
    age: int = 0
    evicted: int = 0
    evicted_age: int = 0
    evicted_unused: int = 0
    expired_unused: int = 0
    failed: int = 0


def read_number(text: str) -> Optional[int]:
    """A figure. What is named memcached can answer anything: the largest of its figures have 64 bits."""
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) else None


def slab_classes(answer: Optional[StatsAnswer]) -> tuple[SlabClass, ...]:
    """The classes that have pages or have failed to get one, smallest items first: `stats slabs` and `stats items`."""
    if answer is None:
        return ()
    classes: dict[int, dict[str, int]] = {}
    for stats, pattern in ((answer.slabs, r"([0-9]{1,3}):(\w+)"), (answer.items, r"items:([0-9]{1,3}):(\w+)")):
        for name, text in stats.items():
            match, value = re.fullmatch(pattern, name), read_number(text)
            if match and value is not None:
                classes.setdefault(int(match[1]), {})[match[2]] = value
    return tuple(_slab_class(number, classes[number]) for number in sorted(classes))


def _slab_class(number: int, figures: Mapping[str, int]) -> SlabClass:
    size, used = figures.get("chunk_size", 0), figures.get("used_chunks", 0)
    requested = figures.get("mem_requested")
    return SlabClass(
        number,
        size,
        figures.get("total_pages", 0),
        size * figures.get("total_chunks", 0),
        size * (figures.get("free_chunks", 0) + figures.get("free_chunks_end", 0)),
        figures.get("number", 0),
        None if requested is None else max(0, size * used - requested),
        figures.get("age", 0),
        figures.get("evicted", 0),
        figures.get("evicted_time", 0),
        figures.get("evicted_unfetched", 0),
        figures.get("expired_unfetched", 0),
        figures.get("outofmemory", 0),
    )


def figures(instance: Instance) -> InstanceFigures:
    """The figures of `stats` and `stats settings`. Before 1.6 listen_disabled_num stands for rejected connections."""
    if instance.answer is None:
        return InstanceFigures()
    stats, settings = instance.answer.stats, instance.answer.settings

    def number(*names: str) -> Optional[int]:
        texts = [answer[name] for name in names for answer in (stats, settings) if name in answer]
        return read_number(texts[0]) if texts else None

    counts = [number(name) for name in ("rejected_connections", "listen_disabled_num")]
    rejected = [count for count in counts if count is not None]
    failed, classes = number("store_no_memory"), slab_classes(instance.answer)
    return InstanceFigures(
        uptime=number("uptime"),
        used=number("bytes"),
        limit=number("limit_maxbytes", "maxbytes"),
        items=number("curr_items"),
        gets=number("cmd_get"),
        hits=number("get_hits"),
        sets=number("cmd_set"),
        # Releases that do not count it for all have it by class (1.4.15 to 1.6.9).
        failed=sum(each.failed for each in classes) if failed is None and classes else failed,
        too_large=number("store_too_large"),
        evictions=number("evictions"),
        evicted_unused=number("evicted_unfetched"),
        expired_unused=number("expired_unfetched"),
        connections=number("curr_connections"),
        most_connections=number("max_connections", "maxconns"),
        rejected=max(rejected) if rejected else None,
        threads=number("threads", "num_threads"),
    )
