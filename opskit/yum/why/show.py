"""`opskit yum why` as JSON and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opskit.core.finding import Finding, follow_up
from opskit.core.units import epoch_text, local_epoch
from opskit.ui.errors import note_findings
from opskit.ui.screen import Column, Screen, draw_table
from opskit.yum.why.model import Autorun, Autoruns
from opskit.yum.why.plan import keep_out

if TYPE_CHECKING:
    from opskit.yum.results import AutorunRow, WhyAnswer

COLUMNS = [Column(title) for title in ("WHAT", "KIND", "STATE", "NEXT", "RUNS", "KEEP IT OUT WITH")]


def why_json(autoruns: Autoruns) -> WhyAnswer:
    """The result of `yum why --json`."""
    return {
        "systemd": autoruns.systemd,
        "held_until": epoch_text(autoruns.held_until),
        "autoruns": [_json(autorun) for autorun in autoruns.entries],
    }


def _json(autorun: Autorun) -> AutorunRow:
    return {
        "name": autorun.name,
        "kind": autorun.kind,
        "command": autorun.command,
        "state": autorun.state,
        "next": epoch_text(autorun.next),
        "when": autorun.when,
        "keep_out": keep_out(autorun),
    }


def not_read(autoruns: Autoruns) -> tuple[Finding, ...]:
    """What the answer lacks: each crontab or folder that this user cannot read, and systemd when it does not answer."""
    findings = [Finding("not-readable", "warning", f"{path}: only root can read it") for path in autoruns.unread]
    findings += [Finding("not-readable", "warning", text) for text in autoruns.unanswered]
    if autoruns.silent:
        findings.append(
            Finding("systemd-silent", "warning", f"systemd does not say what it will run: {autoruns.silent}")
        )
    return tuple(findings)


def draw_why(screen: Screen, autoruns: Autoruns) -> None:
    """One line each."""
    lacking = not_read(autoruns)
    note_findings(screen, lacking)
    if not autoruns.entries:
        more = ", as far as it could be read" if lacking else ""
        screen.done(f"nothing runs the package manager on this host by itself{more}")
        return
    rows = [_cells(autorun) for autorun in autoruns.entries]
    draw_table(screen, COLUMNS, rows, less=("KIND", "STATE", "RUNS"))
    if autoruns.held_until:
        until = local_epoch(autoruns.held_until)
        screen.note(f"held until {until}; undo ends it sooner, {follow_up('history')} has its run")
    elif autoruns.systemd:
        screen.note(f"to keep the timers out of a maintenance window: {follow_up('yum', 'why', '--hold', '2h')}")


def _cells(autorun: Autorun) -> tuple[str, ...]:
    when = local_epoch(autorun.next) or autorun.when
    return (autorun.name, autorun.kind, autorun.state, when, autorun.command, keep_out(autorun))
