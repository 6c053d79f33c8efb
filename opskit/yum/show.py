"""`opskit yum lock` as JSON and as text."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from opskit.core.finding import Finding
from opskit.core.systemd import innermost_unit
from opskit.core.text import counted, shown
from opskit.core.units import epoch_text, local_epoch, seconds_text, size_text
from opskit.ui.errors import draw_findings
from opskit.ui.screen import Column, Screen, draw_table
from opskit.yum.explain import explain
from opskit.yum.findings import holder_text
from opskit.yum.model import Facts, ProcessFacts, Relative
from opskit.yum.state import FREE, NOTHING, LockVerdict

if TYPE_CHECKING:
    from opskit.yum.results import LockAnswer, LockRow, ProcessRow, RelativeRow

COLUMNS = [Column(title) for title in ("LOCK", "TOOL", "STATE", "PHASE", "PID", "USER", "SINCE", "WHO", "ADVICE")]
COLUMNS.append(Column("SAFE"))


def lock_json(facts: Facts, verdicts: Sequence[LockVerdict]) -> LockAnswer:
    """The result of `yum lock --json`: times RFC 3339, sizes in bytes."""
    return {
        "root": facts.root or "/",
        "tools": list(facts.tools),
        "locks": [verdict_json(verdict) for verdict in verdicts],
        "processes": [_process_json(process) for process in facts.processes if process.manager],
    }


def verdict_json(verdict: LockVerdict) -> LockRow:
    """One lock of the result."""
    return {
        "path": verdict.path,
        "tool": verdict.lock.place.tool,
        "mechanism": verdict.lock.place.mechanism,
        "state": verdict.state,
        "phase": verdict.phase,
        "pid": verdict.lock.pid,
        "content": verdict.lock.content,
        "holder": _process_json(verdict.holder) if verdict.holder else None,
        "since": epoch_text(verdict.since),
        "advice": verdict.advice,
        "why": verdict.why,
        "safe_commands": list(verdict.commands),
    }


def _process_json(process: ProcessFacts) -> ProcessRow:
    return {
        "pid": process.pid,
        "name": process.name,
        "command": process.command,
        "user": process.user,
        "tty": process.tty,
        "unit": innermost_unit(process.cgroup),
        "explained_by": explain(process),
        "started": epoch_text(process.started),
        "state": process.state,
        "wchan": process.wchan,
        "rss_bytes": process.rss,
        "inner_pid": process.inner_pid or None,
        "activity": process.activity,
        "parents": [_relative_json(relative) for relative in process.parents],
        "children": [_relative_json(relative) for relative in process.children],
    }


def _relative_json(relative: Relative) -> RelativeRow:
    return {"pid": relative.pid, "name": relative.name, "command": relative.command, "state": relative.state}


def draw_locks(screen: Screen, verdicts: Sequence[LockVerdict], findings: Sequence[Finding]) -> None:
    """On a terminal some lines for each lock that is taken; elsewhere one line a lock, and the findings on stderr."""
    if not sys.stdout.isatty():
        draw_table(screen, COLUMNS, [_cells(verdict) for verdict in verdicts])
        for finding in findings:
            screen.note(f"{finding.severity}: {screen.title(finding)} [{finding.id}]")
        return
    taken = [verdict for verdict in verdicts if verdict.state != FREE]
    drawn: set[int] = set()
    for verdict in taken:
        _draw_lock(screen, verdict, drawn)
    if not taken and not any(finding.id == "rpm-database-recovery" for finding in findings):
        screen.done(f"free: no package manager is locked ({counted(len(verdicts), 'place')} looked at)")
    others = [finding for finding in findings if not finding.id.startswith("lock-")]
    draw_findings(screen, others)


def _cells(verdict: LockVerdict) -> list[str]:
    holder = verdict.holder
    pid = str(holder.pid) if holder else "" if verdict.lock.pid is None else str(verdict.lock.pid)
    return [
        verdict.path,
        verdict.lock.place.tool,
        verdict.state,
        verdict.phase,
        pid if verdict.state != FREE else "",
        holder.user if holder else "",
        local_epoch(verdict.since),
        explain(holder) if holder else "",
        verdict.advice,
        "; ".join(verdict.commands),
    ]


def _draw_lock(screen: Screen, verdict: LockVerdict, drawn: set[int]) -> None:
    """drawn: the pids of the holders that were shown already."""
    color = "yellow" if verdict.advice in {"wait", "nothing"} else "red"
    phase = f", {verdict.phase}" if verdict.phase else ""
    head, state = f"{shown(verdict.path)} ({verdict.lock.place.tool}): ", verdict.state + phase
    text = screen.sentence(f"{head}{state}{_since(verdict.since)}", sys.stdout)
    before, found, after = text.rpartition(state)  # not found where it is folded itself
    screen.line(before + (screen.styled(found, color, sys.stdout) if found else "") + after)
    holder = verdict.holder
    if holder and holder.pid in drawn:
        screen.line(f"    pid {holder.pid}, as above")
    elif holder:
        drawn.add(holder.pid)
        _draw_holder(screen, holder)
    if verdict.why:
        screen.line(screen.sentence(f"    {shown(verdict.why)}", sys.stdout, " " * 6))
    if verdict.advice == NOTHING and not verdict.blocks:
        screen.line("    nothing to do")
        return
    advice = "inspect it" if verdict.advice == NOTHING else verdict.advice
    screen.line(f"    safe: {screen.styled(advice, 'bold', sys.stdout)}")
    for command in verdict.commands:
        screen.line(f"      {shown(command)}")


def _draw_holder(screen: Screen, holder: ProcessFacts) -> None:
    screen.line(f"    {shown(holder_text(holder))}")
    if not holder.hidden:
        screen.line(screen.sentence(f"    {shown(holder.command)}", sys.stdout, " " * 6))
        screen.line(f"    {shown(_doing(holder))}")
    for child in holder.children:
        screen.line(f"    child: pid {child.pid} {shown(child.command or child.name)} [{child.state}]")


def _since(moment: float) -> str:
    return f", since {local_epoch(moment)} ({seconds_text(max(0, int(time.time() - moment)), 2)})" if moment else ""


def _doing(process: ProcessFacts) -> str:
    """State, memory, and what it did during the sample."""
    text = f"state {process.state}, {size_text(process.rss)} of memory, started {local_epoch(process.started) or '?'}"
    acts = process.activity
    if acts:
        text += f"; in {acts.seconds:g} s: {acts.cpu_seconds:g} s of CPU"
        if acts.read_bytes is not None and acts.written_bytes is not None:
            text += f", {size_text(acts.read_bytes)} read, {size_text(acts.written_bytes)} written"
    return text
