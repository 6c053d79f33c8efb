"""What of the figures of an instance a person should know, and the figures themselves. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opskit.core.finding import SEVERITIES, Finding
from opskit.core.text import counted, times
from opskit.core.units import seconds_text, size_text
from opskit.memcached.line.listen import is_everywhere, is_loopback
from opskit.memcached.status.model import (
    Instance,
    InstanceFigures,
    SlabClass,
    UnitState,
    figures,
    read_number,
    slab_classes,
)
from opskit.memcached.thresholds import DEFAULTS

if TYPE_CHECKING:
    from opskit.memcached.results import InstanceRow, SlabRow

# A hit ratio says nothing before so many gets.
GETS_FOR_RATIO = 1000
# A rate by the hour says nothing before.
HOUR = 3600


def find(
    instances: Sequence[Instance], units: Sequence[UnitState], thresholds: Mapping[str, int] = DEFAULTS
) -> tuple[Finding, ...]:
    """What is wrong, the worst first, then instance by instance. thresholds: of memcached.thresholds, all."""
    findings = []
    for instance in instances:
        findings += _exposed(instance)
        if instance.answer is None:
            severity = "info" if "not asked" in instance.why else "error"
            title = f"{instance.name} (pid {instance.pid}): no answer"
            findings.append(
                Finding("not-answering", severity, title, instance.why, f"opskit memcached lint --pid {instance.pid}")
            )
        findings += _figures(instance, figures(instance), thresholds)
    for unit in units:
        if unit.state == "failed":
            findings.append(_failed(unit))
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))


def _failed(unit: UnitState) -> Finding:
    remedy = f"journalctl -u {unit.name} -n 20; opskit memcached lint --unit {unit.name}"
    title = f"{unit.name} has failed"
    if unit.result == "oom-kill":
        title += ": a process of it was killed for want of memory"
        remedy += "; a smaller -m, or more for it: systemctl show -p MemoryMax " + unit.name
    return Finding("unit-failed", "error", title, unit.result or unit.state, remedy)


def _exposed(instance: Instance) -> list[Finding]:
    beyond = [listener for listener in instance.listeners if not is_loopback(listener.address)]
    if not beyond:
        return []
    udp = any(listener.protocol == "udp" for listener in beyond)
    where = "at every address" if any(is_everywhere(listener.address) for listener in beyond) else "from other hosts"
    title = f"{instance.name} (pid {instance.pid}) can be reached {where}" + (", over UDP too" if udp else "")
    evidence = ", ".join(listener.text for listener in beyond)
    remedy = "-l 127.0.0.1" + (" -U 0" if udp else "") + ", or a firewall"
    return [Finding("exposed", "critical" if udp else "error", title, evidence, remedy)]


def _figures(instance: Instance, counts: InstanceFigures, thresholds: Mapping[str, int]) -> list[Finding]:
    findings = [*_stores(instance, counts, thresholds)]
    if counts.rejected and counts.rejected >= thresholds["rejected"]:
        title = f"{instance.name}: connections were turned away {times(counts.rejected)}"
        evidence = f"{counts.connections} of {counts.most_connections} connections now"
        severity = "warning"
        if instance.answer and instance.answer.version.startswith("1.5."):
            # Mended in 1.6.0 (its release notes); which release of 1.5 began with it, they do not say.
            severity, evidence = "info", f"{evidence}; some releases of 1.5 count every new connection as rejected"
        findings.append(Finding("rejected-connections", severity, title, evidence, "a larger -c, or fewer clients"))
    if counts.connections and counts.most_connections:
        share = 100 * counts.connections // counts.most_connections
        if share >= thresholds["connections_percent"]:
            title = f"{instance.name}: {share} % of the connections are in use"
            evidence = f"{counts.connections} of {counts.most_connections}"
            findings.append(Finding("connections-near-limit", "warning", title, evidence, "a larger -c"))
    ratio = counts.hit_percent
    if ratio is not None and (counts.gets or 0) >= GETS_FOR_RATIO and ratio < thresholds["hit_percent"]:
        title = f"{instance.name}: only {ratio:.0f} % of the gets find something"
        findings.append(
            Finding(
                "low-hit-ratio", "info", title, f"{counts.hits} of {counts.gets}", "see which keys the clients ask for"
            )
        )
    return findings


def _stores(instance: Instance, counts: InstanceFigures, thresholds: Mapping[str, int]) -> Iterator[Finding]:
    """What could not be stored, and what had to go for it."""
    of = f" of {size_text(counts.limit)}" if counts.limit else ""
    used = f"{size_text(counts.used or 0)}{of} used, {counted(counts.items or 0, 'item')}"
    classes = slab_classes(instance.answer)
    if counts.failed and counts.failed >= thresholds["failed_stores"]:
        title = f"{instance.name}: {counted(counts.failed, 'store')} failed, because there was no memory"
        evidence, remedy = used, "a larger -m"
        if instance.answer and instance.answer.settings.get("evictions") == "off":
            evidence, remedy = f"{used}; -M: nothing is evicted", "a larger -m, or without -M: old items make room then"
        which = ", ".join(f"{each.number} ({size_text(each.item_size)})" for each in classes if each.failed)
        evidence += f"; classes: {which}" if which else ""
        yield Finding("stores-fail", "error", title, evidence, remedy)
    if counts.too_large and counts.too_large >= thresholds["too_large"]:
        limit = read_number(instance.answer.settings.get("item_size_max", "") if instance.answer else "")
        title = f"{instance.name}: {counted(counts.too_large, 'item was', 'items were')} too large to store"
        evidence = f"-I {size_text(limit)}" if limit else ""
        yield Finding("items-too-large", "warning", title, evidence, "a larger -I, or smaller items")
    if _evicts(counts, thresholds):
        title = f"{instance.name}: {counted(counts.evictions or 0, 'item was', 'items were')} evicted to make room"
        rate = counts.evictions_an_hour
        ages = [each.evicted_age for each in classes if each.evicted]
        evidence = used + (f"; {rate:.0f} an hour" if rate and (counts.uptime or 0) >= HOUR else "")
        if ages:
            evidence += f"; the last ones {seconds_text(min(ages), 1) if min(ages) else '0s'} after their last use"
        yield Finding("evictions", "warning", title, evidence, "a larger -m, if there is memory for it")
    share = (counts.limit or 0) * thresholds["free_elsewhere_percent"]
    yield from _starving(instance, classes, share // 100)


def _evicts(counts: InstanceFigures, thresholds: Mapping[str, int]) -> bool:
    """Whether it evicts so much that it is told."""
    often = (counts.evictions_an_hour or 0) >= thresholds["evictions_an_hour"]
    return bool(counts.evictions) and (counts.evictions or 0) >= thresholds["evictions"] and often


def _starving(instance: Instance, classes: Sequence[SlabClass], least: int) -> Iterator[Finding]:
    """Classes that have no room while others have so many bytes of it."""
    for each in classes:
        free = sum(other.free for other in classes if other is not each)
        if not (each.evicted or each.failed) or each.free or free < least:
            continue
        size = size_text(each.item_size)
        title = f"{instance.name}: items up to {size} have no room, and {size_text(free)} is free for other sizes"
        gone = [f"{each.evicted} evicted"] * bool(each.evicted) + [f"{counted(each.failed, 'store')} failed"] * bool(
            each.failed
        )
        evidence = (
            f"class {each.number}: {counted(each.pages, 'page')}, {counted(each.items, 'item')}, {', '.join(gone)}"
        )
        remedy = "-o slab_reassign,slab_automove (on by default from 1.5.0 on) moves pages, in time; or start it anew"
        yield Finding("class-starves", "warning", title, evidence, remedy)


def slab_json(each: SlabClass) -> SlabRow:
    """A class in the result of `status --json`; sizes in bytes, times in seconds."""
    return {
        "class": each.number,
        "item_size_bytes": each.item_size,
        "pages": each.pages,
        "memory_bytes": each.memory,
        "free_bytes": each.free,
        "waste_bytes": each.waste,
        "items": each.items,
        "age_seconds": each.age,
        "evicted": each.evicted,
        "evicted_age_seconds": each.evicted_age,
        "evicted_unused": each.evicted_unused,
        "expired_unused": each.expired_unused,
        "failed": each.failed,
    }


def instance_json(instance: Instance) -> InstanceRow:
    """An instance in the result of `status --json`; sizes in bytes, null where there is no figure."""
    counts = figures(instance)
    rate = counts.evictions_an_hour
    return {
        "name": instance.name,
        "pid": instance.pid,
        "user": instance.user,
        "unit": instance.unit or None,
        "release": instance.answer.version if instance.answer else None,
        "line": list(instance.line),
        "listeners": [listener.text for listener in instance.listeners],
        "socket": instance.socket or None,
        "answered": instance.answer is not None,
        "why": instance.why or None,
        "uptime_seconds": counts.uptime,
        "rss_bytes": instance.rss,
        "used_bytes": counts.used,
        "limit_bytes": counts.limit,
        "items": counts.items,
        "gets": counts.gets,
        "hits": counts.hits,
        "hit_percent": round(counts.hit_percent, 2) if counts.hit_percent is not None else None,
        "sets": counts.sets,
        "failed_stores": counts.failed,
        "too_large_stores": counts.too_large,
        "evictions": counts.evictions,
        "evictions_an_hour": round(rate, 2) if rate is not None else None,
        "evicted_unused": counts.evicted_unused,
        "expired_unused": counts.expired_unused,
        "connections": counts.connections,
        "connections_limit": counts.most_connections,
        "rejected": counts.rejected,
        "threads": counts.threads,
        "slabs": [slab_json(each) for each in slab_classes(instance.answer)],
    }


GRAPH = "▁▂▃▄▅▆▇█"
PLAIN_GRAPH = "_.-=*#"


def graph(values: Sequence[float], width: int, *, plain: bool = False) -> str:
    """The last of these values as a small graph, each against the largest of them."""
    letters = PLAIN_GRAPH if plain else GRAPH
    last = list(values)[-width:]
    most = max(last, default=0)
    return "".join(letters[min(len(letters) - 1, int(value * len(letters) / most)) if most else 0] for value in last)


@dataclass
class WatchHistory:
    """What a watch remembers of each instance: gets a second and memory used, look by look."""

    gets: dict[int, list[float]]
    used: dict[int, list[float]]
    last: dict[int, tuple[float, int]]

    def take(self, instances: Sequence[Instance], now: float) -> None:
        """Note the figures of one look. now: seconds of any clock that only goes forward."""
        for instance in instances:
            counts = figures(instance)
            if counts.gets is None:
                continue
            before, gets = self.last.get(instance.pid, (now, counts.gets))
            rate = max(0, counts.gets - gets) / (now - before) if now > before else 0.0
            self.last[instance.pid] = (now, counts.gets)
            self.gets.setdefault(instance.pid, []).append(rate)
            self.used.setdefault(instance.pid, []).append(float(counts.used or 0))
