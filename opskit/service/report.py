"""What of services goes into `opskit status` and `opskit check`. No I/O. Units that have failed are the journal's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from opskit.core.finding import Finding, follow_up
from opskit.core.report import Report
from opskit.core.text import counted, times
from opskit.service.containers import judge_container
from opskit.service.findings import find, reaping
from opskit.service.model import FAILED, RUNNING, SILENT, Container, Process, ServiceFacts, Unit

# A unit that was started again so often by itself, the last time within an hour, does not run well.
OFTEN = 3
RECENT = 3600.0
# So long ago a zombie has to have been started.
LASTING = 60.0
_PIDS_SHOWN = 5


def report_of(
    units: Sequence[Unit],
    containers: Sequence[Container],
    processes: Sequence[Process],
    now: float,
    unseen: Sequence[str] = (),
) -> Report:
    """The report.

    units: those of systemd that are loaded
    processes: those that were there for the whole look: one that has just ended is a zombie for a moment
    now: seconds since 1970
    """
    states = [ServiceFacts(each.name, container=each, itself=True) for each in containers]
    verdicts = [judge_container(facts, each) for facts, each in zip(states, containers)]
    findings = [finding for unit in units for finding in _restarts(unit, now)]
    for facts, verdict in zip(states, verdicts):
        if verdict.state in {FAILED, SILENT}:
            findings += [each for each in find(facts, verdict) if each.id.startswith("not-")]
    findings += _zombies(processes, containers)
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


def _restarts(unit: Unit, now: float) -> Iterator[Finding]:
    waits = unit.sub.startswith("auto-restart")
    recent = unit.active in {"active", "activating"} and now - unit.since < RECENT
    if (unit.restarts or 0) < OFTEN or not (waits or recent):
        return
    title = f"{unit.name} was started again by itself {times(unit.restarts or 0)}"
    evidence = f"Restart={unit.restart}, {unit.active} ({unit.sub})"
    yield Finding("restarts", "warning", title, evidence, follow_up("service", "why", unit.name))


def lasting(processes: Iterable[Process], before: Collection[tuple[int, int]], now: float) -> list[Process]:
    """The processes without the zombies that say nothing of this host.

    before: pid and start of each zombie of a moment ago: what has just ended is one until its parent comes to it
    now: in seconds since 1970; many programs, such as dpkg-deb, come to their children at their own end, so what has
        not even been started for a minute is left out: since when one is a zombie the kernel does not tell
    """
    return [
        each
        for each in processes
        if not each.zombie or ((each.pid, each.start_ticks) in before and each.started <= now - LASTING)
    ]


def _zombies(processes: Sequence[Process], containers: Sequence[Container]) -> Iterator[Finding]:
    """A finding for each parent."""
    by_pid = {each.pid: each for each in processes}
    by_parent: dict[int, list[Process]] = {}
    for each in processes:
        if each.zombie:
            by_parent.setdefault(each.parent, []).append(each)
    for pid, zombies in sorted(by_parent.items()):
        parent = by_pid.get(pid)
        container = next((each for each in containers if pid and each.pid == pid), None)
        whose = parent.text if parent else f"pid {pid}"
        title = f"{counted(len(zombies), 'zombie')}: {whose} does not take the exit status of what has ended"
        named = ", ".join(each.text for each in zombies[:_PIDS_SHOWN])
        more = f" and {len(zombies) - _PIDS_SHOWN} more" if len(zombies) > _PIDS_SHOWN else ""
        remedy = f"{reaping(container, parent)}; ps --ppid {pid}"
        yield Finding("zombie", "warning", title, f"{named}{more}", remedy)
