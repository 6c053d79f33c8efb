"""`opskit yum lock` as JSON and as text."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Optional

from opskit.core.finding import Finding
from opskit.core.text import shown
from opskit.core.units import size_text, time_text
from opskit.ui.errors import draw_findings
from opskit.ui.screen import Column, Screen, draw_table
from opskit.yum.explain import explain, unit_of
from opskit.yum.findings import holder_text
from opskit.yum.model import Activity, Facts, Process, Relative
from opskit.yum.state import FREE, Verdict

COLUMNS = [Column(title) for title in ("LOCK", "TOOL", "STATE", "PHASE", "PID", "USER", "SINCE", "WHO", "ADVICE")]
COLUMNS.append(Column("SAFE"))


def lock_json(facts: Facts, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The result of `yum lock --json`: times RFC 3339, sizes in bytes."""
    return {
        "root": facts.root or "/",
        "tools": list(facts.tools),
        "locks": [verdict_json(one) for one in verdicts],
        "processes": [_process_json(one) for one in facts.processes if one.manager],
    }


def verdict_json(one: Verdict) -> dict[str, Any]:
    """One lock of the result."""
    return {
        "path": one.lock.place.path,
        "tool": one.lock.place.tool,
        "mechanism": one.lock.place.mechanism,
        "state": one.state,
        "phase": one.phase,
        "pid": one.lock.pid,
        "content": one.lock.content,
        "holder": _process_json(one.holder) if one.holder else None,
        "since": _when(one.since),
        "advice": one.advice,
        "why": one.why,
        "safe_commands": list(one.commands),
    }


def _process_json(process: Process) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "name": process.name,
        "command": process.command,
        "user": process.user,
        "tty": process.tty,
        "unit": unit_of(process),
        "explained_by": explain(process),
        "started": _when(process.started),
        "state": process.state,
        "wchan": process.wchan,
        "rss_bytes": process.rss,
        "inner_pid": process.inner_pid or None,
        "activity": _activity_json(process.activity),
        "parents": [_relative_json(one) for one in process.parents],
        "children": [_relative_json(one) for one in process.children],
    }


def _relative_json(one: Relative) -> dict[str, Any]:
    return {"pid": one.pid, "name": one.name, "command": one.command, "state": one.state}


def _activity_json(activity: Optional[Activity]) -> Optional[dict[str, Any]]:
    if activity is None:
        return None
    return {
        "seconds": activity.seconds,
        "cpu_seconds": activity.cpu_seconds,
        "read_bytes": activity.read_bytes,
        "written_bytes": activity.written_bytes,
    }


def _when(seconds: float) -> Optional[str]:
    return time_text(datetime.fromtimestamp(seconds, timezone.utc)) if seconds else None


def draw_locks(screen: Screen, verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> None:
    """On a terminal what is taken in a few lines each; elsewhere one line a lock, and the findings on stderr."""
    if not sys.stdout.isatty():
        draw_table(screen, COLUMNS, [_cells(one) for one in verdicts])
        for finding in findings:
            screen.note(f"{finding.severity}: {shown(finding.title)} [{finding.id}]")
        return
    taken = [one for one in verdicts if one.state != FREE]
    told: set[int] = set()
    for one in taken:
        _draw_lock(screen, one, told)
    free = [one.lock.place.path for one in verdicts if one.state == FREE]
    if free:
        screen.done(f"free: {shown(', '.join(free))}")
    others = [one for one in findings if not one.id.startswith("lock-")]
    draw_findings(screen, others)


def _cells(one: Verdict) -> list[str]:
    holder = one.holder
    pid = str(holder.pid) if holder else "" if one.lock.pid is None else str(one.lock.pid)
    return [
        one.lock.place.path,
        one.lock.place.tool,
        one.state,
        one.phase,
        pid if one.state != FREE else "",
        holder.user if holder else "",
        _when(one.since) or "",
        explain(holder) if holder else "",
        one.advice,
        "; ".join(one.commands),
    ]


def _draw_lock(screen: Screen, one: Verdict, told: set[int]) -> None:
    """told: the pids of the holders that were shown already."""
    color = "yellow" if one.advice in {"wait", "nothing"} else "red"
    phase = f", {one.phase}" if one.phase else ""
    head = f"{shown(one.lock.place.path)} ({one.lock.place.tool}): "
    screen.line(head + screen.styled(one.state + phase, color, sys.stdout) + _since(one.since))
    holder = one.holder
    if holder and holder.pid in told:
        screen.line(f"    pid {holder.pid}, as above")
    elif holder:
        told.add(holder.pid)
        _draw_holder(screen, holder)
    if one.why:
        screen.line(f"    {shown(one.why)}")
    screen.line(f"    safe: {screen.styled(one.advice, 'bold', sys.stdout)}")
    for command in one.commands:
        screen.line(f"      {shown(command)}")


def _draw_holder(screen: Screen, holder: Process) -> None:
    screen.line(f"    {shown(holder_text(holder))}")
    if not holder.hidden:
        screen.line(f"    {shown(holder.command)}")
        screen.line(f"    {shown(_doing(holder))}")
    for child in holder.children:
        screen.line(f"    child: pid {child.pid} {shown(child.command or child.name)} [{child.state}]")


def _since(moment: float) -> str:
    return f", since {_when(moment)} ({age_text(time.time() - moment)})" if moment else ""


def age_text(seconds: float) -> str:
    """A span of time for a person: `12 s`, `3 min`, `2 h 5 min`, `4 d`."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours < 48 else f"{hours // 24} d"


def _doing(process: Process) -> str:
    """State, memory, and what it did while it was watched."""
    text = f"state {process.state}, {size_text(process.rss)} of memory, started {_when(process.started) or '?'}"
    acts = process.activity
    if acts:
        text += f"; in {acts.seconds:g} s: {acts.cpu_seconds:g} s of CPU"
        if acts.read_bytes is not None and acts.written_bytes is not None:
            text += f", {size_text(acts.read_bytes)} read, {size_text(acts.written_bytes)} written"
    return text
