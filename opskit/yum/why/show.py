"""`opskit yum why` as JSON and as text."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Optional

from opskit.core.finding import Finding
from opskit.core.text import shown
from opskit.core.units import time_text
from opskit.ui.screen import Column, Screen, draw_table
from opskit.yum.model import Autorun, Autoruns
from opskit.yum.why.plan import keep_out

COLUMNS = [Column(title) for title in ("WHAT", "KIND", "STATE", "NEXT", "RUNS", "KEEP IT OUT WITH")]


def why_json(autoruns: Autoruns) -> dict[str, Any]:
    """The result of `yum why --json`."""
    return {"systemd": autoruns.systemd, "autoruns": [_json(one) for one in autoruns.found]}


def _json(one: Autorun) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "command": one.command,
        "state": one.state,
        "next": _next(one),
        "when": one.when,
        "keep_out": keep_out(one),
    }


def _next(one: Autorun) -> Optional[str]:
    return time_text(datetime.fromtimestamp(one.next, timezone.utc)) if one.next else None


def not_read(autoruns: Autoruns) -> tuple[Finding, ...]:
    """What the answer lacks: each crontab or folder that this user may not read, and systemd where it is silent."""
    found = [Finding("not-readable", "warning", f"{path}: only root can read it") for path in autoruns.unread]
    if autoruns.silent:
        found.append(Finding("systemd-silent", "warning", f"what systemd runs is not known: {autoruns.silent}"))
    return tuple(found)


def draw_why(screen: Screen, autoruns: Autoruns) -> None:
    """One line each."""
    lacking = not_read(autoruns)
    for finding in lacking:
        screen.note(f"{finding.severity}: {shown(finding.title)} [{finding.id}]")
    if not autoruns.found:
        more = " as far as that could be read" if lacking else ""
        screen.done(f"nothing runs the package manager on this host by itself{more}")
        return
    rows = [
        (one.name, one.kind, one.state, _next(one) or one.when, one.command, keep_out(one)) for one in autoruns.found
    ]
    draw_table(screen, COLUMNS, rows)
    if autoruns.systemd:
        screen.note("to keep the timers out of a maintenance window: opskit yum why --hold 2h")
