"""`opskit memcached status` as a table, and as one that is drawn anew."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Callable, Optional

from opskit.core.finding import Finding
from opskit.core.text import shown
from opskit.core.units import ceiling_text, seconds_text, size_text
from opskit.memcached.status.findings import WatchHistory, find, graph
from opskit.memcached.status.model import Instance, SlabClass, UnitState, figures, slab_classes
from opskit.ui.errors import note_findings
from opskit.ui.live import live_table
from opskit.ui.screen import Column, Screen, draw_table

GRAPH_WIDTH = 16
COLUMNS = [
    *(Column(title) for title in ("ADDRESS", "UNIT", "RELEASE")),
    *(Column(title, right=True) for title in ("PID", "UP", "USED", "LIMIT", "ITEMS", "HITS", "EVICTED", "FAILED")),
    *(Column(title, right=True) for title in ("CONN", "MAX", "REJECTED", "THREADS")),
]
SLAB_COLUMNS = [
    Column("ADDRESS"),
    *(Column(title, right=True) for title in ("CLASS", "ITEM", "ITEMS", "PAGES", "MEMORY", "FREE", "WASTE", "AGE")),
    *(Column(title, right=True) for title in ("EVICTED", "AT AGE", "UNUSED", "FAILED")),
]
GRAPHS = [Column("GETS/S", right=True), Column("GETS"), Column("MEMORY")]
# A terminal of so many columns has room for all; a narrower one does without these, and one of 80 without two more.
ROOM_FOR_ALL, ROOM_FOR_MOST = 150, 100
LESS = ("UNIT", "RELEASE", "UP", "ITEMS", "REJECTED", "THREADS", "MEMORY")
LEAST = (*LESS, "PID", "GETS/S")
FIRST_TO_GO = ("THREADS", "REJECTED", "RELEASE", "ITEMS", "UP", "LIMIT", "UNIT", "MAX", "PID", "CONN")
SLABS_LESS = ("UNUSED", "PAGES", "FREE", "AGE", "ITEMS", "AT AGE", "MEMORY", "WASTE")
NOBODY = "no memcached runs on this host"
See = Callable[[], tuple[tuple[Instance, ...], tuple[UnitState, ...]]]


def draw_status(
    screen: Screen,
    instances: Sequence[Instance],
    units: Sequence[UnitState],
    findings: Sequence[Finding],
    *,
    slabs: bool,
) -> None:
    """The table on stdout, one instance a line; findings and units that do not run beside it, on stderr.

    slabs: in place of it one line for each class of each instance
    """
    if instances and slabs:
        rows = [row for instance in instances for row in slab_rows(instance)]
        draw_table(screen, SLAB_COLUMNS, rows, less=SLABS_LESS)
    elif instances:
        draw_table(screen, COLUMNS, [cells(instance) for instance in instances], less=FIRST_TO_GO)
    else:
        screen.done(NOBODY)
    running = {instance.unit for instance in instances}
    for unit in units:
        if unit.name not in running:
            screen.note(f"unit {shown(unit.name)}: {unit.state}")
    note_findings(screen, findings)


def cells(instance: Instance) -> list[str]:
    """A row of the table."""
    counts = figures(instance)
    ratio = counts.hit_percent
    load = (counts.connections, counts.most_connections, counts.rejected, counts.threads)
    return [
        ",".join(listener.text.partition(" ")[2] for listener in instance.listeners) or instance.socket,
        instance.unit,
        instance.answer.version if instance.answer else "",
        str(instance.pid),
        "" if counts.uptime is None else seconds_text(counts.uptime, 1),
        _size(counts.used),
        _size(counts.limit),
        _count(counts.items),
        "" if ratio is None else f"{ratio:.1f}%",
        _count(counts.evictions),
        _count(counts.failed),
        *(_count(count) for count in load),
    ]


def slab_rows(instance: Instance) -> list[list[str]]:
    """The rows of its classes; one without figures of an instance that has stored nothing, or does not answer."""
    rows = [slab_cells(instance, each) for each in slab_classes(instance.answer)]
    return rows or [[instance.name, *[""] * (len(SLAB_COLUMNS) - 1)]]


def slab_cells(instance: Instance, each: SlabClass) -> list[str]:
    """A row of the table of classes."""
    return [
        instance.name,
        str(each.number),
        size_text(each.item_size),
        str(each.items),
        str(each.pages),
        _size(each.memory),
        _size(each.free),
        _size(each.waste),
        seconds_text(each.age, 1) if each.items else "",
        str(each.evicted),
        seconds_text(each.evicted_age, 1) if each.evicted else "",
        str(each.expired_unused),
        str(each.failed),
    ]


def _size(count: Optional[int]) -> str:
    return "" if count is None else ceiling_text(count)


def _count(count: Optional[int]) -> str:
    return "" if count is None else str(count)


def watch(screen: Screen, see: See, interval: float) -> None:
    """Draw the table anew every so many seconds, with graphs over time, until somebody interrupts it."""
    history = WatchHistory({}, {}, {})
    plain = "utf" not in (sys.stdout.encoding or "").lower()

    def frames() -> Iterator[tuple[list[list[str]], list[str]]]:
        while True:
            instances, units = see()
            history.take(instances, time.monotonic())
            lines = [] if instances else [NOBODY]
            lines += [f"{finding.severity}: {screen.title(finding)}" for finding in find(instances, units)]
            yield [[*cells(instance), *_graphs(instance, history, plain=plain)] for instance in instances], lines
            time.sleep(interval)

    columns = [*COLUMNS, *GRAPHS]
    kept = columns_for(shutil.get_terminal_size().columns)
    with live_table(screen, [columns[n] for n in kept]) as draw:
        for rows, lines in frames():
            draw([[shown(row[n]) or "-" for n in kept] for row in rows], [shown(line) for line in lines])


def columns_for(width: int) -> list[int]:
    """The numbers of the columns of a watch that a terminal of this width has room for, a graph among them."""
    without = () if width >= ROOM_FOR_ALL else LESS if width >= ROOM_FOR_MOST else LEAST
    return [number for number, column in enumerate([*COLUMNS, *GRAPHS]) if column.title not in without]


def _graphs(instance: Instance, history: WatchHistory, *, plain: bool) -> list[str]:
    gets, used = history.gets.get(instance.pid, []), history.used.get(instance.pid, [])
    rate = f"{gets[-1]:.0f}" if gets else ""
    return [rate, graph(gets, GRAPH_WIDTH, plain=plain), graph(used, GRAPH_WIDTH, plain=plain)]
