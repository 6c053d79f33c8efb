"""What broke a service: `opskit service why`. Each cause is a finding, the most telling first. Pure."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace

from opskit.core.exit_status import RESULTS, START_LIMITS, STEPS, usual_meaning, wait_text
from opskit.core.finding import Finding, follow_up
from opskit.core.text import times
from opskit.service.lines import FULL, MISSING, READ_ONLY, TAKEN, matching
from opskit.service.model import (
    FAILED,
    RUNNING,
    SILENT,
    STARTING,
    STOPPED,
    Around,
    Container,
    PidFile,
    ServiceFacts,
    Unit,
    UnitCommand,
    Verdict,
)
from opskit.service.policy import NEVER
from opskit.service.scripts import GONE, OTHER, REUSED, ZOMBIE, pid_file_state
from opskit.service.supervisor import cannot_spawn, control_line
from opskit.service.units import ended_text

LINES_SHOWN = 3
EXEC = 203
# "was skipped because of an unmet condition check (…)"; before 249 "Condition check resulted in … being skipped".
_CONDITION = re.compile(r"(?i)condition check|start condition failed")
# "New main PID 7 does not exist or is a zombie"; 219: "PID 7 read from file … does not exist or is a zombie".
_DEAD_PID = re.compile(r"PID (\d+) .*does not exist or is a zombie")
# "Start request repeated too quickly."; 219: "start request repeated too quickly for x.service".
_LIMIT = re.compile(r"(?i)start request repeated too quickly")
# What engines exit with for the program of a container that they could not start (podman-run(1), docker run).
_ENGINES = {
    125: "the engine itself failed",
    126: "its program cannot be executed",
    127: "its program is not in the image",
}
# What engines have for the start of a container that has not had one.
_NEVER = "0001-01-01"


def causes(facts: ServiceFacts, verdict: Verdict, around: Around) -> list[Finding]:
    """Why it does not run; none for one that runs."""
    if verdict.state == RUNNING:
        return []
    found = [
        *_not_startable(facts, around),
        *_needs(facts, around),
        *_program(facts, around),
        *_missing(around),
        *_port(around),
        *_disk(around),
        *_selinux(around),
        *_memory(facts, verdict, around),
        *_pid_file(facts, around),
        *_time(facts, around),
        *_health(facts),
        *_supervised(facts),
        *_ends(facts, verdict, around),
        *_gave_up(facts, around),
    ]
    return found or [_nothing_known(facts, verdict, around)]


def _evidence(lines: Iterable[str]) -> str:
    return "\n".join(tuple(lines)[-LINES_SHOWN:])


def _not_startable(facts: ServiceFacts, around: Around) -> Iterator[Finding]:
    """What keeps systemd from starting it at all."""
    unit, details = facts.unit, around.details
    if not unit or not details:
        return
    name = shlex.quote(unit.name)
    if unit.load == "masked":
        yield Finding("masked", "error", f"{unit.name} is masked, so that nothing can start it",
                      f"LoadState={unit.load}", f"systemctl unmask {name}")  # fmt: skip
    elif unit.load not in {"loaded", "not-found"} or details.error:
        title = f"systemd cannot load {unit.name}: {details.error or unit.load}"
        yield Finding("unit-invalid", "error", title, f"LoadState={unit.load}", f"systemd-analyze verify {name}")
    # systemd forgets an inactive unit that nothing refers to, its condition too: its last word is in the journal.
    said = [line for line in around.manager[-1:] if _CONDITION.search(line)]
    if unit.active == "inactive" and (details.unmet or said):
        title = f"a condition of {unit.name} does not hold, so systemd did not start it"
        remedy = f"systemctl cat {name}: Condition…= names what has to be so"
        yield Finding("condition-unmet", "error", title, _evidence(said) or "ConditionResult=no", remedy)
    elif (
        unit.active == "inactive"
        and not (details.started or around.manager)
        and unit.load == "loaded"
        and not unit.source
    ):
        enabled = details.enabled in {"enabled", "enabled-runtime", "static", "generated", "indirect", "alias"}
        why = "" if enabled else f", and it is {details.enabled or 'not enabled'}: a boot does not start it"
        remedy = f"systemctl start {name}" if enabled else f"systemctl enable --now {name}"
        # What it needs did not start: that is said by itself.
        if not any(need.active == "failed" or need.load == "not-found" for need in details.needs):
            title = f"no start of {unit.name} is known since the boot{why}"
            yield Finding("never-started", "error", title, f"UnitFileState={details.enabled}", remedy)


def _needs(facts: ServiceFacts, around: Around) -> Iterator[Finding]:
    for need in around.details.needs if around.details and facts.unit else ():
        if need.load == "not-found":
            title = f"it requires {need.name}, and there is no such unit"
            remedy = f"systemctl cat {shlex.quote(facts.unit.name if facts.unit else '')}: mend Requires= or BindsTo="
        elif need.active == "failed":
            title = f"it requires {need.name}, and that has failed ({need.result})"
            # A mount, a device or a target is no service.
            command = "opskit service why" if need.name.endswith(".service") else "systemctl status"
            remedy = f"{command} {shlex.quote(need.name)}"
        else:
            continue
        evidence = f"LoadState={need.load} ActiveState={need.active} Result={need.result}"
        yield Finding("dependency-failed", "error", title, evidence, remedy)


def _command_that_failed(around: Around) -> UnitCommand:
    """The command of the unit that ended otherwise than well; an empty one where none did."""
    commands = around.details.commands if around.details else ()
    failed = (each for each in commands if each.code in {"killed", "dumped"} or (each.code and each.status))
    return next(failed, UnitCommand("", ""))


def _program(facts: ServiceFacts, around: Around) -> Iterator[Finding]:
    """A program that could not be executed: systemd's 203/EXEC, a shell's or an engine's 126 and 127."""
    unit, container = facts.unit, facts.container
    if unit:
        failed = _command_that_failed(around)
        status = failed.status if failed.code == "exited" else unit.status if unit.code == "exited" else 0
        bad = [each for each in around.programs if not failed.path or each.path == failed.path]
        if status != EXEC:
            return
        for each in bad:
            yield Finding("cannot-execute", "error", f"{each.path} cannot be executed: {each.why}",
                          _evidence(around.lines), f"systemctl cat {shlex.quote(unit.name)}")  # fmt: skip
        if not bad:
            title = f"{failed.path or 'its program'} cannot be executed: exit status 203/EXEC"
            remedy = f"as its User=, by hand; ls -lZ {shlex.quote(failed.path)}; systemctl cat {shlex.quote(unit.name)}"
            yield Finding("cannot-execute", "error", title, _evidence(around.lines), remedy)
    elif container and facts.itself and _did_not_begin(container):
        title = f"container {container.name} did not come to run: {_ENGINES[container.exit_code]}"
        evidence = container.error or _evidence(around.lines) or f"exit status {container.exit_code}"
        remedy = f"{container.engine} container inspect {container.name}: Path and Args of its program"
        yield Finding("cannot-execute", "error", title, evidence, remedy)
    elif container and facts.itself and container.status in {"created", "configured", "initialized"}:
        title = f"container {container.name} has never run: nobody has started it, or its start failed"
        remedy = f"{container.engine} start {container.name} says why, when it fails"
        yield Finding("never-started", "error", title, container.error or f"it is {container.status}", remedy)


def _did_not_begin(container: Container) -> bool:
    """Whether the engine could not start its program. That can exit with the same, as a shell in it does with 127."""
    ran = container.started and not container.started.startswith(_NEVER)
    return container.status != "running" and container.exit_code in _ENGINES and not ran


def _missing(around: Around) -> Iterator[Finding]:
    lines = matching(MISSING, around.lines)
    # Of a program that is not there it is said already.
    for path in (each for each in around.missing if each not in {bad.path for bad in around.programs}):
        named = [line for line in lines if path in line]
        remedy = f"ls -ld {shlex.quote(os.path.dirname(path) or '/')}; put it there, or mend the path"
        yield Finding("file-missing", "error", f"{path} is not there, and its log names it", _evidence(named), remedy)


def _port(around: Around) -> Iterator[Finding]:
    lines = matching(TAKEN, around.lines)
    for taken in around.taken:
        whose = f"{taken.owner.text} listens on it" if taken.owner else "somebody listens on it"
        remedy = f"stop that, or give one of both another port: ss -lnp 'sport = :{taken.port}'"
        title = f"port {taken.port} ({taken.protocol}) is taken: {whose}"
        yield Finding("port-taken", "error", title, _evidence(lines), remedy)
    if lines and not around.taken:
        title = "an address that it wants was taken; who has it is not seen now"
        yield Finding("port-taken", "warning", title, _evidence(lines), "ss -lnp; start it again if it is free by now")


def _disk(around: Around) -> Iterator[Finding]:
    lines = [*matching(FULL, around.lines), *matching(READ_ONLY, around.lines)]
    for place in around.full:
        remedy = (
            f"findmnt -T {shlex.quote(place.path)}"
            if "read-only" in place.why
            else follow_up("df", "--why", place.path)
        )
        # A disk that nobody complains of is worth a word all the same.
        severity = "error" if lines else "warning"
        yield Finding("disk-full", severity, f"{place.path}: {place.why}", _evidence(lines) or "statvfs", remedy)
    if lines and not around.full:
        title = "it could not write: a disk was full or read-only, and none is now"
        yield Finding("disk-full", "warning", title, _evidence(lines), "opskit df; start it again")


def _selinux(around: Around) -> Iterator[Finding]:
    for denial in around.denials:
        target = f" on {denial.target}" if denial.target else ""
        title = f"SELinux denied {denial.program} {denial.access}{target}"
        evidence = f"{denial.source_type} to {denial.target_type} ({denial.target_class})"
        path = denial.target if denial.target.startswith("/") else ""
        remedy = f"restorecon -nv {shlex.quote(path)}; " if path else ""
        yield Finding("selinux-denied", "error", title, evidence, f"{remedy}ausearch -m avc -ts boot | audit2why")


def _memory(facts: ServiceFacts, verdict: Verdict, around: Around) -> Iterator[Finding]:
    container, unit = facts.container, facts.unit
    by_engine = bool(container and facts.itself and container.oom_killed)
    by_systemd = bool(unit and unit.result == "oom-kill")
    if not (around.kills or around.group_kills or by_engine or by_systemd):
        return
    victims = ", ".join(f"pid {kill.pid} ({kill.name})" for kill in around.kills[-LINES_SHOWN:])
    evidence = f"killed by the kernel: {victims}" if victims else ""
    if not evidence and around.group_kills:
        evidence = f"its control group counts {around.group_kills} of them"
    evidence = evidence or ("OOMKilled of the engine's inspect" if by_engine else "Result=oom-kill")
    limit = around.details.memory_limit if around.details else None
    if container:
        remedy = f"{container.engine} stats {container.name}; run it with a larger --memory"
    elif unit:
        how = (
            f"systemctl set-property {shlex.quote(unit.name)} MemoryMax=… (EL 7: MemoryLimit=)"
            if limit
            else "free -m; more memory or swap"
        )
        remedy = f"{how}; or let the program use less"
    else:
        remedy = "free -m; more memory or swap, or let the program use less"
    title = f"memory ran out, and the kernel killed a process of {verdict.name}"
    yield Finding("out-of-memory", "error", title, evidence, remedy)


def _pid_file(facts: ServiceFacts, around: Around) -> Iterator[Finding]:
    """The pid file that systemd waits for, of a unit of Type=forking."""
    unit, details = facts.unit, around.details
    if not unit or not details or details.pid_file is None or unit.type != "forking":
        return
    if unit.result not in {"timeout", "protocol", "resources"}:
        return
    file = details.pid_file
    said = [line for line in around.manager if "PID" in line]
    remedy = f"let PIDFile= of {unit.name} and the setting of the program name one file; Type=notify or exec need none"
    yield Finding(
        "pid-file", "error", _pid_file_text(facts, file, said), _evidence(said) or f"Result={unit.result}", remedy
    )


def _pid_file_text(facts: ServiceFacts, file: PidFile, said: Iterable[str]) -> str:
    # systemd removes the file of a start that failed: what was in it, it has told.
    told = next((int(match[1]) for line in said if (match := _DEAD_PID.search(line))), 0)
    file = file if file.pid else replace(file, pid=told)
    state = pid_file_state(file, facts.name, (facts.name,))
    process = file.process.text if file.process else ""
    return {
        GONE: f"{file.path} is left of an earlier run: pid {file.pid} is gone, and the start did not replace it",
        ZOMBIE: f"{file.path} names {process}, a zombie: the start did not replace it",
        OTHER: f"{file.path} names {process}, which is no process of this service",
        REUSED: f"{file.path} names {process}, which has the pid of an earlier run now",
    }.get(state, f"systemd waited for {file.path}, and the program did not write its pid there")


def _time(facts: ServiceFacts, around: Around) -> Iterator[Finding]:
    unit = facts.unit
    if not unit or unit.result not in {"timeout", "watchdog"}:
        return
    said = [line for line in around.manager if "timed out" in line or "Watchdog" in line]
    remedy = f"systemctl show {shlex.quote(unit.name)} -p TimeoutStartUSec,TimeoutStopUSec,WatchdogUSec,Type"
    if unit.result == "watchdog":
        title = "it did not report to its watchdog in time (WatchdogSec=), and systemd ended it: it hung"
    elif unit.type in {"notify", "notify-reload"}:
        title = "it did not say that it was ready in time (Type=notify), and systemd ended it"
    else:
        title = RESULTS["timeout"] + ", and systemd ended it"
    yield Finding("time-limit", "error", title, _evidence((*said[-1:], *around.lines[-2:])), remedy)


def _health(facts: ServiceFacts) -> Iterator[Finding]:
    container = facts.container
    if container and container.status == "running" and container.health == "unhealthy":
        remedy = f"{container.engine} container inspect {container.name}: Health; then restart what it checks"
        title = f"the health check of container {container.name} fails"
        yield Finding("health-check", "error", title, container.health_says or "it printed nothing", remedy)


def _supervised(facts: ServiceFacts) -> Iterator[Finding]:
    """What supervisord tells of its programs that it could not start, or starts no more."""
    supervisor = facts.supervisor
    if not supervisor:
        return
    if not supervisor.pid:
        title = "supervisord, which starts it, does not run"
        remedy = f"supervisord -c {shlex.quote(supervisor.config)}, or its unit: opskit service why supervisord"
        yield Finding("ended", "error", title, supervisor.config, remedy)
    for program in supervisor.programs:
        if path := cannot_spawn(program):
            title = f"{path} cannot be executed: {program.error}"
            remedy = f"ls -l {shlex.quote(path)}; {program.where}"
            yield Finding("cannot-execute", "error", title, f"supervisord of {program.full}", remedy)

        elif supervisor.pid and program.state == "STOPPED" and not program.started:
            title = f"no start of {program.full} is known since supervisord began: autostart=false, or it was stopped"
            yield Finding(
                "never-started", "error", title, program.where, control_line(facts, supervisor, "start", program.full)
            )


def _ends(facts: ServiceFacts, verdict: Verdict, around: Around) -> Iterator[Finding]:
    """How its processes ended, with the last lines."""
    unit, container = facts.unit, facts.container
    if unit and unit.result in {"timeout", "watchdog", "oom-kill"}:
        return  # said already; the signal was systemd's or the kernel's
    failed = _command_that_failed(around)
    names = [facts.name, *(os.path.basename(each.path) for each in (around.details.commands if around.details else ()))]
    evidence = _evidence(around.lines)
    if unit and failed.path and failed.setting != "ExecStart":
        text = _meant(failed.code, failed.status, [os.path.basename(failed.path)])
        yield Finding("ended", "error", f"its {failed.setting}={failed.path} {_verb(text)}", evidence, _look(facts))
    elif unit and verdict.ended and (verdict.ended != "exit status 0" or verdict.state in {FAILED, STARTING}):
        if unit.status == EXEC and unit.code == "exited":
            return
        # Stopped, it is left as its end was: a signal of systemctl stop is no fault.
        severity = "info" if verdict.state == STOPPED and unit.result == "success" else "error"
        yield Finding("ended", severity, f"it {_verb(_meant(unit.code, unit.status, names))}", evidence, _look(facts))
    elif container and facts.itself and verdict.ended and container.exit_code and not _did_not_begin(container):
        severity = "error" if verdict.state == FAILED else "info"
        meaning = usual_meaning(container.exit_code) if container.exit_code < 128 else ""
        text = f"{verdict.ended}{f': as a rule {meaning}' if meaning else ''}"
        yield Finding("ended", severity, f"it {_verb(text)}", evidence, _look(facts))
    elif facts.supervisor and verdict.ended:
        yield from _program_ends(facts, verdict, evidence)
    for zombie in verdict.zombies:
        if zombie.ended:
            status = zombie.ended >> 8 if not zombie.ended & 0x7F else 0
            meaning = usual_meaning(status, names)
            text = wait_text(zombie.ended) + (f": as a rule {meaning}" if meaning else "")
            yield Finding("ended", "error", f"{zombie.text} {_verb(text)}", evidence, _look(facts))


def _program_ends(facts: ServiceFacts, verdict: Verdict, evidence: str) -> Iterator[Finding]:
    """How the program of supervisord ended that the verdict tells of."""
    commands = [each.command for each in facts.supervisor.programs if each.command] if facts.supervisor else []
    names = [facts.name, *(os.path.basename(command[0]) for command in commands)]
    status = verdict.ended.rpartition("exit status ")[2]
    meaning = usual_meaning(int(status), names) if status.isdigit() else ""
    severity = "info" if verdict.state == STOPPED else "error"
    text = f"{verdict.ended}{f': as a rule {meaning}' if meaning else ''}"
    yield Finding("ended", severity, f"it {_verb(text)}", evidence, _look(facts))


def _verb(text: str) -> str:
    """How it ended, behind who did: "ended with exit status 1", "was killed by SIGKILL", "crashed with SIGSEGV"."""
    verb = {"exit": "ended with ", "killed": "was "}.get(text.split(" ", 1)[0], "")
    return f"{verb}{text}"


def _meant(code: str, status: int, programs: Iterable[str]) -> str:
    """How a process ended, with what its exit status means as a rule where systemd's own table does not say."""
    text = ended_text(code, status)
    meaning = usual_meaning(status, programs) if code == "exited" and status not in STEPS else ""
    return f"{text}: as a rule {meaning}" if meaning else text


def _look(facts: ServiceFacts) -> str:
    """Where more of it can be read."""
    if facts.unit:
        return f"journalctl -u {shlex.quote(facts.unit.name)} -n 50"
    if facts.supervisor:
        return control_line(facts, facts.supervisor, "tail", facts.supervisor.programs[0].full)
    if facts.container:
        return f"{facts.container.engine} logs --tail 50 {facts.container.name}"
    return f"tail -n 50 {shlex.quote(facts.script.logs[0])}" if facts.script and facts.script.logs else "its own log"


def _gave_up(facts: ServiceFacts, around: Around) -> Iterator[Finding]:
    """Its manager starts it no more by itself: it failed too often."""
    supervisor = facts.supervisor
    for program in supervisor.programs if supervisor else ():
        if supervisor and program.state == "FATAL" and not cannot_spawn(program):
            title = f"{program.full} ended too quickly {times(program.retries + 1)}, and supervisord gave up"
            evidence = f"startretries={program.retries} ({program.where_retries}); {program.error}"
            remedy = f"mend the cause, then {control_line(facts, supervisor, 'start', program.full)}"
            yield Finding("start-limit", "error", title, evidence, remedy)
    unit = facts.unit
    if not unit or unit.active != "failed":
        return
    if unit.result in START_LIMITS or _limit_reached(unit, around):
        burst = f" (StartLimitBurst={around.details.burst})" if around.details and around.details.burst else ""
        title = f"it failed too often in a short time, and systemd gave up{burst}"
        remedy = f"mend the cause, then systemctl reset-failed {shlex.quote(unit.name)}"
        evidence = f"Result={unit.result}, Restart={unit.restart}, NRestarts={unit.restarts or 0}"
        yield Finding("start-limit", "error", title, evidence, remedy)


def _limit_reached(unit: Unit, around: Around) -> bool:
    """Whether systemd refused a start of its own for the start limit: the Result is that of the program's end then.

    Restarts alone are none: with RestartPreventExitStatus= it ends, too. Where systemd's lines may not be read, it is
    so many restarts as the limit has starts.
    """
    if around.manager:
        return any(_LIMIT.search(line) for line in around.manager)
    burst = around.details.burst if around.details else 0
    return unit.restart not in NEVER and 0 < burst <= (unit.restarts or 0)


def _nothing_known(facts: ServiceFacts, verdict: Verdict, around: Around) -> Finding:
    """Where nothing is left that says why."""
    if verdict.state == SILENT and verdict.main and verdict.main[0].state in {"T", "t"}:
        title = "somebody has stopped it by a signal (SIGSTOP, or Ctrl-Z)"
        return Finding("ended", "error", title, verdict.why, f"kill -CONT {verdict.main[0].pid}")
    if facts.container and facts.container.status == "paused":
        title = f"somebody has paused container {facts.container.name}"
        return Finding("ended", "error", title, verdict.why, f"{facts.container.engine} unpause {facts.container.name}")
    if verdict.state == STARTING:
        return Finding("ended", "info", "it is being started", verdict.why, _look(facts))
    unit = facts.unit
    if verdict.state == STOPPED and (facts.itself or facts.supervisor or (unit and unit.result in {"", "success"})):
        title = f"{verdict.name} was stopped, or has ended by itself without an error"
        return Finding("ended", "info", title, verdict.ended or verdict.why, _look(facts))
    title = "nothing that is left says why: no exit status, no line of its log, no kill by the kernel"
    return Finding("cause-unknown", "warning", title, _evidence(around.lines) or verdict.why, _look(facts))
