"""What would keep a service running, where nothing does: the advice of `opskit service why`. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from opskit.core.finding import Finding, follow_up
from opskit.service.model import FAILED, Container, ServiceFacts, Supervisor, Unit, Verdict
from opskit.service.policy import NEVER

# Types of units that end when they have done their work, or that something else starts.
_NOT_KEPT = {"oneshot", "dbus", "idle"}


def advice(facts: ServiceFacts, verdict: Verdict) -> list[Finding]:
    """What to set up so that the next end of it is no outage, each a line to paste."""
    container = facts.container
    found: list[Finding] = []
    if facts.supervisor:
        found += _programs(facts.supervisor)
    elif container:
        found += _container(facts, verdict, container)
    elif facts.unit and not facts.unit.source:
        # One that was stopped, or never started, is not to come back by itself.
        found += _unit(facts.unit) if verdict.state == FAILED else []
    elif facts.script:
        title = f"nothing starts {verdict.name} again: an init script does so only when somebody runs it"
        remedy = "a unit of its own with Restart=on-failure and ExecStart= in the foreground, in place of the script"
        found.append(Finding("nobody-restarts", "info", title, facts.script.path, remedy))
    elif verdict.main or verdict.zombies:
        title = f"nothing is known that starts {verdict.name} again"
        remedy = "a unit of its own, with Restart=on-failure"
        found.append(Finding("nobody-restarts", "info", title, verdict.why, remedy))
    return found


def _programs(supervisor: Supervisor) -> Iterator[Finding]:
    for program in supervisor.programs:
        if program.restarts == "false":
            title = f"nothing starts {program.full} again when it fails"
            remedy = f"autorestart=unexpected in {program.where}; then supervisorctl update"
            yield Finding("nobody-restarts", "info", title, "autorestart=false", remedy)


def _unit(unit: Unit) -> Iterator[Finding]:
    if unit.restart in NEVER and unit.type not in _NOT_KEPT and unit.load == "loaded":
        title = f"nothing starts {unit.name} again when it fails"
        remedy = follow_up("service", "ensure", unit.name, "--restart-policy")
        yield Finding("nobody-restarts", "info", title, f"Restart={unit.restart or 'no'}", remedy)


def _container(facts: ServiceFacts, verdict: Verdict, container: Container) -> Iterator[Finding]:
    name, engine = container.name, container.engine
    if any(zombie.parent == container.pid for zombie in verdict.zombies) and not container.init:
        title = f"the first process of container {name} does not reap: what ends in it stays a zombie"
        remedy = f"{engine} run --init …, when it is made anew"
        yield Finding("no-reaper", "info", title, f"pid {container.pid} is not an init", remedy)
    if not facts.itself:
        title = f"nothing starts {verdict.name} again: {engine} looks after the first process of {name} only"
        remedy = "a container of its own for it, as its first process, with a restart policy"
        yield Finding("nobody-restarts", "info", title, f"in container {name}", remedy)
    elif not container.policy:
        # podman update has --restart from 5.1 on only.
        how = f"docker update --restart=on-failure:5 {shlex.quote(name)}"
        remedy = how if engine == "docker" else "podman run --restart=on-failure:5 …, when it is made anew"
        title = f"nothing starts container {name} again when it fails"
        yield Finding("nobody-restarts", "info", title, "its restart policy is no", remedy)
    if facts.itself and not container.checked:
        title = f"container {name} has no health check: that it hangs is noticed by nobody"
        remedy = f"{engine} run --health-cmd=… --health-interval=30s …, when it is made anew"
        yield Finding("no-health-check", "info", title, "no Healthcheck in its inspect", remedy)
