"""Decide how the package manager is kept out of a maintenance window. Pure."""

from __future__ import annotations

from shlex import quote

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.yum.model import AGENT, CLOUD_INIT, CRON, SERVICE, TIMER, Autorun, Autoruns
from opskit.yum.why.steps import Hold


def keep_out(one: Autorun) -> str:
    """The command that keeps this one out; what to do in words where no command does."""
    if one.kind == TIMER:
        return f"systemctl stop {one.name}" if one.state == "active" else ""
    if one.kind == SERVICE:
        mask = "disable" if one.in_etc else "mask --runtime"
        return f"systemctl {mask} {one.name}" if one.state != "masked" else ""
    if one.kind == AGENT:
        return f"systemctl stop {one.name}" if one.state == "active" else ""
    if one.kind == CLOUD_INIT:
        return ""
    if one.name.startswith(("/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly")):
        return f"chmod -x {quote(one.name)}"
    return f"put a # before the line in {one.name}"


def decide_hold(autoruns: Autoruns, seconds: int, run: str) -> Decision:
    """Mask the timers and what is started by demand for so many seconds; what cannot be held is in the notes."""
    title = f"keep the package manager from running by itself for {seconds} s"
    if not autoruns.systemd:
        why = "systemd does not run on this host: nothing here could bring the timers back"
        reason = Reason("no-systemd", why, "opskit yum why names the commands", exit_code=ExitCode.MISSING)
        return Refusal(title, (reason,))
    if autoruns.silent:
        why = f"systemd does not say what it would run: {autoruns.silent}"
        return Refusal(title, (Reason("systemd-silent", why, "systemctl list-timers"),))
    held = [one for one in autoruns.found if _can_hold(one)]
    notes = tuple(_not_held(one) for one in autoruns.found if _is_left(one) and keep_out(one))
    result = {"units": [one.name for one in held], "seconds": seconds}
    if not held:
        return Plan(title, notes=notes, result=result)
    timers = tuple(one.name for one in held if one.kind == TIMER)
    masked = tuple(one.name for one in held if not one.in_etc)
    step = Hold(masked, timers, seconds, f"opskit-yum-hold-{run.lower()}")
    return Plan(title, (step,), step.names, notes=notes, result=result)


def _can_hold(one: Autorun) -> bool:
    if one.kind == SERVICE:
        return one.state not in {"masked", ""} and not one.in_etc
    return one.kind == TIMER and one.state == "active"


def _is_left(one: Autorun) -> bool:
    return one.kind in {CRON, AGENT} or (one.kind == SERVICE and one.in_etc)


def _not_held(one: Autorun) -> Finding:
    title = f"{one.name} is not held: {one.command}"
    return Finding("not-held", "warning", title, one.when, keep_out(one))
