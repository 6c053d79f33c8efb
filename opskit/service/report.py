"""What of services goes into `opskit status` and `opskit check`. No I/O. Units that have failed are the journal's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from opskit.core.finding import Finding, follow_up
from opskit.core.report import Report
from opskit.core.text import counted, times
from opskit.service.containers import judge_container
from opskit.service.findings import find, reaping
from opskit.service.model import FAILED, RUNNING, SILENT, Container, Process, ServiceFacts, Unit
from opskit.service.thresholds import DEFAULTS

_PIDS_SHOWN = 5


def report_of(
    units: Sequence[Unit],
    containers: Sequence[Container],
    processes: Sequence[Process],
    now: float,
    unseen: Sequence[str] = (),
    thresholds: Mapping[str, int] = DEFAULTS,
) -> Report:
    """The report.

    units: those of systemd that are loaded
    processes: those that were there for the whole look: one that has just ended is a zombie for a moment
    now: seconds since 1970
    thresholds: of service.thresholds, all
    """
    states = [ServiceFacts(each.name, container=each, itself=True) for each in containers]
    verdicts = [judge_container(facts, each) for facts, each in zip(states, containers)]
    findings = [finding for unit in units for finding in _restarts(unit, now, thresholds)]
    for facts, verdict in zip(states, verdicts):
        if verdict.state in {FAILED, SILENT}:
            findings += [each for each in find(facts, verdict) if each.id.startswith("not-")]
    findings += _zombies(processes, containers, thresholds["zombies"])
    active = sum(unit.active == "active" for unit in units)
    lines = [f"{counted(active, 'service')} of systemd {_run(active)}"] if units else []
    if containers:
        running = sum(verdict.state == RUNNING for verdict in verdicts)
        lines.append(f"{running} of {counted(len(containers), 'container')} {_run(running)}")
    return Report(
        tuple(lines) or ("no service of systemd and no container is here",), tuple(findings), (), tuple(unseen)
    )


def _run(count: int) -> str:
    return "runs" if count == 1 else "run"


def _restarts(unit: Unit, now: float, thresholds: Mapping[str, int]) -> Iterator[Finding]:
    """What does not run well: it was started again by itself often, and not long ago."""
    waits = unit.sub.startswith("auto-restart")
    recent = unit.active in {"active", "activating"} and now - unit.since < thresholds["restarts_within"]
    if (unit.restarts or 0) < thresholds["restarts"] or not (waits or recent):
        return
    title = f"{unit.name} was started again by itself {times(unit.restarts or 0)}"
    evidence = f"Restart={unit.restart}, {unit.active} ({unit.sub})"
    yield Finding("restarts", "warning", title, evidence, follow_up("service", "why", unit.name))


def lasting(
    processes: Iterable[Process],
    before: Collection[tuple[int, int]],
    now: float,
    age: float = DEFAULTS["zombie_age"],
) -> list[Process]:
    """The processes without the zombies that say nothing of this host.

    before: pid and start of each zombie of a moment ago: what has just ended is one until its parent comes to it
    now: in seconds since 1970
    age: of a zombie, in seconds since it was started, for since when it is one the kernel does not tell
    """
    return [
        each
        for each in processes
        if not each.zombie or ((each.pid, each.start_ticks) in before and each.started <= now - age)
    ]


def _zombies(processes: Sequence[Process], containers: Sequence[Container], least: int) -> Iterator[Finding]:
    """A finding for each parent that has at least so many."""
    by_pid = {each.pid: each for each in processes}
    by_parent: dict[int, list[Process]] = {}
    for each in processes:
        if each.zombie:
            by_parent.setdefault(each.parent, []).append(each)
    for pid, zombies in sorted(by_parent.items()):
        if len(zombies) < least:
            continue
        parent = by_pid.get(pid)
        container = next((each for each in containers if pid and each.pid == pid), None)
        whose = parent.text if parent else f"pid {pid}"
        title = f"{counted(len(zombies), 'zombie')}: {whose} does not take the exit status of what has ended"
        named = ", ".join(each.text for each in zombies[:_PIDS_SHOWN])
        more = f" and {len(zombies) - _PIDS_SHOWN} more" if len(zombies) > _PIDS_SHOWN else ""
        remedy = f"{reaping(container, parent)}; ps --ppid {pid}"
        yield Finding("zombie", "warning", title, f"{named}{more}", remedy)
