"""What of the figures of an instance a person should know, and the figures themselves. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opskit.core.finding import Finding
from opskit.core.units import size_text
from opskit.memcached.line.listen import is_everywhere, is_loopback
from opskit.memcached.status.model import Figures, Instance, UnitState, figures

# From so many percent of -c on.
NEAR_LIMIT = 80
# A hit ratio says nothing before so many gets.
GETS_FOR_RATIO = 1000
LOW_RATIO = 50


def find(instances: Sequence[Instance], units: Sequence[UnitState]) -> tuple[Finding, ...]:
    """What is wrong, instance by instance."""
    found = []
    for one in instances:
        found += _exposed(one)
        if one.answer is None:
            severity = "info" if "not asked" in one.why else "error"
            title = f"{one.name} (pid {one.pid}): no answer"
            found.append(Finding("not-answering", severity, title, one.why, f"opskit memcached lint --pid {one.pid}"))
        found += _figures(one, figures(one))
    for unit in units:
        if unit.state == "failed":
            remedy = f"journalctl -u {unit.name} -n 20; opskit memcached lint --unit {unit.name}"
            found.append(Finding("unit-failed", "error", f"{unit.name} has failed", unit.state, remedy))
    return tuple(found)


def _exposed(one: Instance) -> list[Finding]:
    beyond = [listener for listener in one.listeners if not is_loopback(listener.address)]
    if not beyond:
        return []
    udp = any(listener.protocol == "udp" for listener in beyond)
    where = "every address" if any(is_everywhere(listener.address) for listener in beyond) else "other hosts"
    title = f"{one.name} (pid {one.pid}) can be reached from {where}" + (", over UDP too" if udp else "")
    evidence = ", ".join(listener.text for listener in beyond)
    remedy = "-l 127.0.0.1" + (" -U 0" if udp else "") + ", or a firewall"
    return [Finding("exposed", "critical" if udp else "error", title, evidence, remedy)]


def _figures(one: Instance, seen: Figures) -> list[Finding]:
    found = []
    if seen.evictions:
        of = f" of {size_text(seen.limit)}" if seen.limit else ""
        title = f"{one.name}: {seen.evictions} items were evicted to make room"
        evidence = f"{size_text(seen.used or 0)}{of} used, {seen.items} items, up {seen.uptime} s"
        found.append(Finding("evictions", "warning", title, evidence, "a larger -m, if there is memory for it"))
    if seen.rejected:
        title = f"{one.name}: connections were turned away {seen.rejected} times"
        evidence = f"{seen.connections} of {seen.most_connections} connections now"
        severity = "warning"
        if one.answer and one.answer.version.startswith("1.5."):
            # Mended in 1.6.0 (its release notes); which release of 1.5 began with it, they do not say.
            severity, evidence = "info", f"{evidence}; some releases of 1.5 count every new connection as rejected"
        found.append(Finding("rejected-connections", severity, title, evidence, "a larger -c, or fewer clients"))
    if seen.connections and seen.most_connections:
        share = 100 * seen.connections // seen.most_connections
        if share >= NEAR_LIMIT:
            title = f"{one.name}: {share} % of the connections are in use"
            evidence = f"{seen.connections} of {seen.most_connections}"
            found.append(Finding("connections-near-limit", "warning", title, evidence, "a larger -c"))
    ratio = seen.hit_percent
    if ratio is not None and (seen.gets or 0) >= GETS_FOR_RATIO and ratio < LOW_RATIO:
        title = f"{one.name}: only {ratio:.0f} % of the gets find something"
        found.append(Finding("low-hit-ratio", "info", title, f"{seen.hits} of {seen.gets}", "see what is asked for"))
    return found


def instance_json(one: Instance) -> dict[str, Any]:
    """An instance in the result of `status --json`; sizes in bytes, null where there is no figure."""
    seen = figures(one)
    return {
        "name": one.name,
        "pid": one.pid,
        "user": one.user,
        "unit": one.unit or None,
        "release": one.answer.version if one.answer else None,
        "line": list(one.line),
        "listeners": [listener.text for listener in one.listeners],
        "socket": one.socket or None,
        "answered": one.answer is not None,
        "why": one.why or None,
        "uptime_seconds": seen.uptime,
        "rss_bytes": one.rss,
        "used_bytes": seen.used,
        "limit_bytes": seen.limit,
        "items": seen.items,
        "gets": seen.gets,
        "hits": seen.hits,
        "hit_percent": round(seen.hit_percent, 2) if seen.hit_percent is not None else None,
        "evictions": seen.evictions,
        "connections": seen.connections,
        "connections_limit": seen.most_connections,
        "rejected": seen.rejected,
        "threads": seen.threads,
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
class History:
    """What a watch remembers of each instance: gets a second and memory used, look by look."""

    gets: dict[int, list[float]]
    used: dict[int, list[float]]
    last: dict[int, tuple[float, int]]

    def take(self, instances: Sequence[Instance], now: float) -> None:
        """Note the figures of one look. now: seconds of any clock that only goes forward."""
        for one in instances:
            seen = figures(one)
            if seen.gets is None:
                continue
            before, count = self.last.get(one.pid, (now, seen.gets))
            rate = max(0, seen.gets - count) / (now - before) if now > before else 0.0
            self.last[one.pid] = (now, seen.gets)
            self.gets.setdefault(one.pid, []).append(rate)
            self.used.setdefault(one.pid, []).append(float(seen.used or 0))
