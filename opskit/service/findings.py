"""What a person should know of a service, and the registry of this area's finding ids."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Optional

from opskit.core.finding import Finding, FindingKind
from opskit.core.text import times
from opskit.service.model import (
    CONTAINER,
    DEAD_LOCK_FILE,
    DEAD_PID_FILE,
    FAILED,
    RUNNING,
    SILENT,
    STARTING,
    STATES,
    STOPPED,
    UNKNOWN,
    Container,
    Process,
    ServiceFacts,
    Supervisor,
    Verdict,
)
from opskit.service.scripts import is_left
from opskit.service.supervisor import control_line

FINDINGS = (
    FindingKind("brought-back", ("critical",), "the service is being started already: somebody else brings it back"),
    FindingKind("cannot-execute", ("error",), "the program of the service cannot be executed, and why"),
    FindingKind("cause-unknown", ("warning",), "nothing that is left says why the service does not run"),
    FindingKind(
        "config-weak", ("critical",), "others than root can change the configuration that supervisorctl would go by"
    ),
    FindingKind("condition-unmet", ("error",), "a condition of the unit does not hold, so systemd did not start it"),
    FindingKind("container-halted", ("critical",), "the container that the service is in does not run"),
    FindingKind("dependency-failed", ("error",), "a unit that the service requires has failed, or is not there"),
    FindingKind(
        "disk-full", ("error", "warning"), "no room or inode is left where the service writes, or it is read-only"
    ),
    FindingKind("ended", ("error", "info"), "how the process of the service ended: exit status or signal, in words"),
    FindingKind("file-missing", ("error",), "a file that the service logged as missing is not there"),
    FindingKind("health-check", ("error",), "the health check of the container fails"),
    FindingKind("masked", ("critical", "error"), "the unit is masked, so that nothing can start it"),
    FindingKind("never-started", ("error",), "nobody has started the unit since the boot, or the container ever"),
    FindingKind("no-health-check", ("info",), "nothing checks whether the container works"),
    FindingKind("no-policy", ("critical",), "it is nothing that systemd could start again when it fails"),
    FindingKind("no-reaper", ("info",), "the first process of the container does not reap what ends in it"),
    FindingKind("no-such-service", ("error",), "nothing has the name of the service"),
    FindingKind("nobody-restarts", ("info",), "nothing starts the service again when it fails"),
    FindingKind("nobody-starts-it", ("critical",), "the service is known by its processes only: what starts it is not"),
    FindingKind("out-of-memory", ("error",), "memory ran out, and the kernel killed a process of the service"),
    FindingKind(
        "pid-file", ("error",), "systemd waits for a pid file that is stale, or that the program does not write"
    ),
    FindingKind("pid-of-another", ("critical",), "the pid file names an older process of another name"),
    FindingKind("port-taken", ("error", "warning"), "a port that the service wants to listen on is taken, and by whom"),
    FindingKind("still-lives", ("critical",), "the service lives and does not answer: a second one would not help"),
    FindingKind("not-running", ("error",), "the service is stopped, or has died"),
    FindingKind(
        "not-answering", ("error",), "the service lives and does nothing: stopped, paused, frozen or unhealthy"
    ),
    FindingKind(
        "not-known",
        ("warning", "critical"),
        "whether the service runs cannot be told: what is known contradicts itself",
    ),
    FindingKind("not-yet", ("warning",), "the service is being started"),
    FindingKind("restarts", ("warning",), "the service was started again by itself: it ends again and again"),
    FindingKind("runs-once", ("critical",), "the unit does its work once and ends: it is none that runs"),
    FindingKind("selinux-denied", ("error",), "SELinux has denied the service an access"),
    FindingKind("start-limit", ("error",), "the unit failed too often in a short time, and systemd gave up"),
    FindingKind(
        "time-limit", ("error",), "the unit took longer than its time limit, or did not report to its watchdog"
    ),
    FindingKind("supervisord-dead", ("critical", "warning"), "supervisord, which starts the program, does not run"),
    FindingKind("supervisord-silent", ("warning",), "supervisord lives and cannot be asked: its socket"),
    FindingKind("unit-invalid", ("error",), "systemd cannot load the file of the unit"),
    FindingKind("script-lies", ("warning",), "what the init script says of the service is not so"),
    FindingKind("zombie", ("warning",), "a process of the service has ended, and its parent does not reap it"),
)


def find(facts: ServiceFacts, verdict: Verdict) -> list[Finding]:
    """The findings on a service."""
    return [
        *_of_state(facts, verdict),
        *_of_script(facts, verdict),
        *_of_supervisor(facts, verdict),
        *_zombies(facts, verdict),
        *_restarts(verdict),
    ]


def _of_state(facts: ServiceFacts, verdict: Verdict) -> Iterator[Finding]:
    title = f"{verdict.name} is {STATES[verdict.state]}"
    why, remedy = verdict.why, _remedy(facts, verdict)
    if verdict.state == RUNNING:
        return
    if verdict.state == SILENT:
        yield Finding("not-answering", "error", title, why, remedy)
    elif verdict.state == UNKNOWN:
        yield Finding("not-known", "warning", title, why, remedy)
    elif verdict.state == STARTING:
        yield Finding("not-yet", "warning", title, why, remedy)
    else:
        yield Finding("not-running", "error", title, why, remedy)


def _remedy(facts: ServiceFacts, verdict: Verdict) -> str:
    container = facts.container
    if facts.celery and facts.celery.nodes and verdict.state == SILENT:
        ping = facts.celery.nodes[0].process
        return f"its log, and its broker: celery -A {facts.celery.app} status as its user, in /proc/{ping.pid}/cwd"
    if verdict.state == SILENT and verdict.main and not (facts.itself or (facts.unit and facts.unit.frozen)):
        if facts.script and not facts.unit and not all(each.state in {"T", "t"} for each in verdict.main):
            inside = (container.engine, "exec", container.name) if container else ()
            return f"{shlex.join((*inside, facts.script.path, 'status'))}, by hand: the process is not stopped"
        return f"see who stopped it, then: kill -CONT {verdict.main[0].pid}"
    if container and verdict.kind == CONTAINER:
        commands = {
            "paused": ("unpause", container.name),
            "running": ("logs", "--tail", "50", container.name),
            "restarting": ("logs", "--tail", "50", container.name),
        }
        return shlex.join(
            (container.engine, *commands.get((facts.after or container).status, ("start", container.name)))
        )
    if facts.supervisor:
        return _remedy_of_program(facts, facts.supervisor, verdict)
    if facts.unit and (verdict.state != STOPPED or not facts.script or facts.unit.active == "active"):
        steps = {FAILED: f"systemctl reset-failed {facts.unit.name}; systemctl start {facts.unit.name}"}
        # A start of what is active (exited) does nothing, and what leaves no process may be in order.
        verb = "restart" if is_left(facts) else "cat" if facts.unit.active == "active" else "start"
        steps[STOPPED] = f"systemctl {verb} {facts.unit.name}"
        steps[DEAD_PID_FILE] = steps[DEAD_LOCK_FILE] = steps[STOPPED]
        log = f"journalctl -u {facts.unit.name} -n 50"
        return "; ".join(part for part in (log, steps.get(verdict.state, "")) if part)
    if verdict.state in {SILENT, UNKNOWN, STARTING} or not facts.script:
        return f"{shlex.join(('opskit', 'service', 'status', verdict.name))} --json has the evidence"
    inside = (container.engine, "exec", container.name) if container else ()
    return shlex.join((*inside, facts.script.path, "start"))


def _remedy_of_program(facts: ServiceFacts, supervisor: Supervisor, verdict: Verdict) -> str:
    container = facts.container
    inside = (container.engine, "exec", container.name) if container else ()
    if not supervisor.pid:
        return shlex.join((*inside, "supervisord", "-c", supervisor.config))
    if supervisor.why:
        return f"{shlex.join(('opskit', 'service', 'status', facts.name))} --json has the evidence"
    dead = [each for each in supervisor.programs if each.state not in {"RUNNING", "STARTING"}]
    verbs = ("tail",) if verdict.state == STARTING else ("tail", "start")
    program = (dead or supervisor.programs)[0].full
    return "; ".join(control_line(facts, supervisor, verb, program) for verb in verbs)


def _of_supervisor(facts: ServiceFacts, verdict: Verdict) -> Iterator[Finding]:
    """What is wrong with supervisord itself, where its program lives."""
    supervisor = facts.supervisor
    if not supervisor or verdict.state != RUNNING:
        return
    if not supervisor.pid:
        title = f"{verdict.name} lives without supervisord: nobody starts it again, and a new supervisord a second one"
        yield Finding("supervisord-dead", "warning", title, verdict.why, f"stop it, then {_remedy(facts, verdict)}")
    elif supervisor.why:
        title = f"supervisord (pid {supervisor.pid}) lives and cannot be asked: {supervisor.why}"
        remedy = "as root; or, where the socket is gone, start supervisord again: that starts all its programs again"
        yield Finding("supervisord-silent", "warning", title, supervisor.config, remedy)


def _of_script(facts: ServiceFacts, verdict: Verdict) -> Iterator[Finding]:
    if verdict.lies and facts.script:
        says = "running" if facts.script.status == 0 else "not running"
        title = f"{facts.script.path} status says {says} (exit status {facts.script.status}), and that is not so"
        yield Finding("script-lies", "warning", title, verdict.why, "go by opskit service status, not by the script")


def _zombies(facts: ServiceFacts, verdict: Verdict) -> Iterator[Finding]:
    parents = {each.pid: each for each in facts.processes}
    for zombie in verdict.zombies:
        parent = parents.get(zombie.parent)
        whose = parent.text if parent else f"pid {zombie.parent}"
        title = f"{zombie.text} is a zombie: it has ended, and {whose} does not take its exit status"
        evidence = f"state {zombie.state} in /proc/{zombie.pid}/stat"
        yield Finding("zombie", "warning", title, evidence, reaping(facts.container, parent))


def reaping(container: Optional[Container], parent: Optional[Process]) -> str:
    """What ends the zombies of a parent.

    container: the one that it may be the first process of
    """
    if container and parent and parent.pid == container.pid:
        return f"run the container with {container.engine} run --init: its first process reaps then"
    if parent and parent.pid == 1:
        return "the first process of this host does not reap: where it is a container, run that with --init"
    return "restart its parent: a zombie goes when that ends"


def _restarts(verdict: Verdict) -> Iterator[Finding]:
    if verdict.restarts:
        yield Finding(
            "restarts",
            "warning",
            f"{verdict.name} was started again by itself {times(verdict.restarts)}",
            verdict.ended,
            "opskit journal errors",
        )
