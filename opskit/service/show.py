"""`opskit service status` as JSON and as text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Optional

from opskit.core.finding import Finding
from opskit.core.systemd import innermost_unit
from opskit.core.text import counted, shown, times
from opskit.core.units import epoch_text, local_epoch, size_text
from opskit.service.model import RUNNING, STATES, Around, CeleryPing, Process, ServiceFacts, Verdict
from opskit.ui.errors import draw_findings, note_findings
from opskit.ui.screen import Column, Screen, draw_table

if TYPE_CHECKING:
    from opskit.service.results import CeleryRow, ProcessRow, ServiceRow, WorkerRow

COLUMNS = [Column(title) for title in ("NAME", "KIND", "STATE")]
COLUMNS += [Column(title, right=True) for title in ("PID", "WORKERS", "RESTARTS", "MEMORY")]
COLUMNS += [Column("SINCE"), Column("CONTAINER"), Column("WHY")]
LINES = 10
Judged = Sequence[tuple[ServiceFacts, Verdict]]


def service_json(facts: ServiceFacts, verdict: Verdict) -> ServiceRow:
    """One service of the result: times RFC 3339, sizes in bytes, pids as the host numbers them."""
    container, supervisor = facts.container, facts.supervisor
    return {
        "name": verdict.name,
        "kind": verdict.kind,
        "state": verdict.state,
        "why": verdict.why,
        "main": [_process_json(each) for each in verdict.main],
        "workers": [_process_json(each) for each in verdict.workers],
        "zombies": [_process_json(each) for each in verdict.zombies],
        "since": epoch_text(verdict.since),
        "restarts": verdict.restarts,
        "memory_bytes": verdict.memory,
        "unit": facts.unit.name if facts.unit else _unit_of(verdict),
        "container": {"engine": container.engine, "name": container.name, "id": container.id} if container else None,
        "supervisor": {"config": supervisor.config, "pid": supervisor.pid or None} if supervisor else None,
        "celery": _celery_json(facts.celery) if facts.celery else None,
        "ended": verdict.ended or None,
        "log": list(facts.log),
        "evidence": list(verdict.claims),
    }


def _celery_json(ping: CeleryPing) -> CeleryRow:
    workers: list[WorkerRow] = [
        {"name": node.name, "pid": node.process.pid, "answers": node.answers} for node in ping.nodes
    ]
    return {"app": ping.app, "workers": workers, "others": list(ping.others), "why": ping.why or None}


def _process_json(process: Process) -> ProcessRow:
    return {
        "pid": process.pid,
        "inner_pid": process.inner or None,
        "parent": process.parent,
        "name": process.name,
        "command": " ".join(process.words),
        "state": process.state,
        "started": epoch_text(process.started),
        "rss_bytes": process.rss,
    }


def _unit_of(verdict: Verdict) -> Optional[str]:
    return next((unit for each in verdict.main if (unit := innermost_unit(each.group))), None)


def draw_status(screen: Screen, judged: Judged, findings: Sequence[Finding]) -> None:
    """On a terminal some lines for each service, the verdict first; elsewhere one line a service."""
    if not sys.stdout.isatty():
        if judged:
            draw_table(screen, COLUMNS, [_cells(facts, verdict) for facts, verdict in judged])
        note_findings(screen, findings)
        return
    for facts, verdict in judged:
        _draw(screen, facts, verdict)
    # What the verdict says is not said twice.
    draw_findings(screen, [each for each in findings if not each.id.startswith("not-")])
    for remedy in dict.fromkeys(each.remedy for each in findings if each.id.startswith("not-") and each.remedy):
        screen.line(f"to do: {shown(remedy)}")


def draw_why(
    screen: Screen, facts: ServiceFacts, verdict: Verdict, around: Around, findings: Sequence[Finding]
) -> None:
    """The verdict, its causes, what would keep it running, and what it logged last; the same in a pipe."""
    _draw(screen, replace(facts, log=()), replace(verdict, claims=()))
    draw_findings(screen, findings)
    lines = (*around.lines, *(() if around.lines else around.manager))[-LINES:]
    if lines and verdict.state != RUNNING:
        screen.line("what it logged last:")
    for line in lines:
        screen.line(f"    | {shown(line)}")


def _cells(facts: ServiceFacts, verdict: Verdict) -> list[str]:
    return [
        verdict.name,
        verdict.kind,
        verdict.state,
        ",".join(str(each.pid) for each in verdict.main),
        str(len(verdict.workers)) if verdict.main else "",
        "" if verdict.restarts is None else str(verdict.restarts),
        size_text(verdict.memory) if verdict.memory else "",
        local_epoch(verdict.since),
        facts.container.name if facts.container else "",
        verdict.why,
    ]


def _draw(screen: Screen, facts: ServiceFacts, verdict: Verdict) -> None:
    where = f" in {facts.container.name}" if facts.container and not facts.itself else ""
    color = "green" if verdict.state == RUNNING else "red"
    state = screen.styled(STATES[verdict.state], color, sys.stdout)
    screen.line(f"{shown(verdict.name)} ({verdict.kind}{shown(where)}): {state}")
    screen.line(screen.sentence(f"    {shown(verdict.why)}", sys.stdout, " " * 6))
    parts = [f"since {local_epoch(verdict.since)}"] if verdict.since else []
    parts += [counted(len(verdict.workers), "worker")] if verdict.workers else []
    parts += [f"{size_text(verdict.memory)} of memory"] if verdict.memory else []
    parts += [f"started again {times(verdict.restarts)}"] if verdict.restarts else []
    if parts:
        screen.line(screen.sentence(f"    {', '.join(parts)}", sys.stdout, " " * 6))
    if verdict.state == RUNNING:
        return
    for claim in verdict.claims:
        screen.line(f"    {shown(claim.source)}: {shown(claim.says)}")
    for line in facts.log:
        screen.line(f"    | {shown(line)}")
