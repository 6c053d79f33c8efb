"""Decide how the package manager is kept out of a maintenance window. Pure."""

from __future__ import annotations

from shlex import quote

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.core.units import seconds_text
from opskit.yum.why.model import AGENT, CLOUD_INIT, CRON, SERVICE, TIMER, Autorun, Autoruns
from opskit.yum.why.steps import Hold


def keep_out(autorun: Autorun) -> str:
    """The command that keeps this one out; a sentence where no command does."""
    if autorun.kind == TIMER:
        return f"systemctl stop {autorun.name}" if autorun.state == "active" else ""
    if autorun.kind == SERVICE:
        mask = "disable" if autorun.in_etc else "mask --runtime"
        return f"systemctl {mask} {autorun.name}" if autorun.state != "masked" else ""
    if autorun.kind == AGENT:
        return f"systemctl stop {autorun.name}" if autorun.state == "active" else ""
    if autorun.kind == CLOUD_INIT:
        return ""
    if autorun.name.startswith(("/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly")):
        return f"chmod -x {quote(autorun.name)}"
    return f"put a # before the line in {autorun.name}"


def decide_hold(autoruns: Autoruns, seconds: int, run: str) -> Decision:
    """Mask the timers and what is started on demand for so many seconds; the notes name what cannot be held."""
    title = f"keep the package manager from running by itself for {seconds_text(seconds)}"
    if not autoruns.systemd:
        why = "systemd does not run on this host: nothing here could bring the timers back"
        reason = Reason("no-systemd", why, "opskit yum why names the commands", exit_code=ExitCode.MISSING)
        return Refusal(title, (reason,))
    if autoruns.silent:
        why = f"systemd does not say what it will run: {autoruns.silent}"
        return Refusal(title, (Reason("systemd-silent", why, "systemctl list-timers"),))
    held = [autorun for autorun in autoruns.entries if _can_hold(autorun)]
    notes = tuple(_not_held(autorun) for autorun in autoruns.entries if _is_left(autorun) and keep_out(autorun))
    result = {"units": [autorun.name for autorun in held], "seconds": seconds}
    if not held:
        return Plan(title, notes=notes, result=result)
    timers = tuple(autorun.name for autorun in held if autorun.kind == TIMER)
    masked = tuple(autorun.name for autorun in held if not autorun.in_etc)
    step = Hold(masked, timers, seconds, f"opskit-yum-hold-{run.lower()}")
    return Plan(title, (step,), step.names, notes=notes, result=result)


def _can_hold(autorun: Autorun) -> bool:
    if autorun.kind == SERVICE:
        return autorun.state not in {"masked", ""} and not autorun.in_etc
    return autorun.kind == TIMER and autorun.state == "active"


def _is_left(autorun: Autorun) -> bool:
    return autorun.kind in {CRON, AGENT} or (autorun.kind == SERVICE and autorun.in_etc)


def _not_held(autorun: Autorun) -> Finding:
    title = f"{autorun.name} is not held: {autorun.command}"
    return Finding("not-held", "warning", title, autorun.when, keep_out(autorun))
