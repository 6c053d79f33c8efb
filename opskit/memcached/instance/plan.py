"""Decide: what `opskit memcached start` and `stop` will do, or why not. Pure functions of facts and the request."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.memcached.instance.request import (
    LOOPBACK,
    StartFacts,
    StartRequest,
    StopFacts,
    Wanted,
    build,
    pid_path,
    typed,
)
from opskit.memcached.instance.steps import MakeDirectory, RemovePidFile, StartMemcached, StopMemcached
from opskit.memcached.line.effect import effect_of
from opskit.memcached.line.lint import Judgement, judge
from opskit.memcached.line.listen import is_loopback, read_address
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import FIRST, NEWEST, release_text
from opskit.memcached.model import Host

if TYPE_CHECKING:
    from opskit.memcached.results import StartResult

# Findings about what stands in the way on the host; any other is a fault of what was typed.
ON_HOST = {
    "port-taken": ExitCode.BUSY,
    "socket-taken": ExitCode.BUSY,
    "not-built": ExitCode.MISSING,
    "user-unknown": ExitCode.MISSING,
}
GUARDED = (
    "exposed", "pid-file-foreign", "pid-file-unwritable", "user-root", "memory-over-host", "memory-over-cgroup",
    "address-missing", "socket-unwritable", "secret-unreadable", "certificate-unusable", "lock-limit",
    "memory-file-unusable",
)  # fmt: skip
# These do not keep anybody from starting it.
ONLY_NOTES = ("user-root", "pid-file-stale")


# What else `stats settings` has of an option that is given, in every release, as pymemcache hands it on: its name
# there, and its value where that is not the number that was given.
SETTINGS = {
    "M": ("evictions", "off"),
    "C": ("cas_enabled", "no"),
    "n": ("chunk_size", ""),
    "R": ("reqs_per_event", ""),
    "b": ("tcp_backlog", ""),
}


def decide_start(facts: StartFacts, request: StartRequest) -> Decision:
    """The plan that starts the instance, or every reason against it."""
    release, host = facts.program.release, facts.host
    line = build(request, release, root=host.root, users=host.users)
    title = f"start memcached {release_text(release)} on {place_of(request)}"
    program = facts.program.path
    same = [process for process in facts.running if process.line == (program, *line)]
    host, makes = _with_directory(host, request)
    if same:
        return Plan(title, result=_result(program, line, same[0].pid))
    judgement = judge(parse(line, release), host)
    reasons = [*guard(judgement, request), *judged_reasons(judgement)]
    if reasons:
        return Refusal(title, tuple(reasons))
    pid_file, user = judgement.effect.pid_file, judgement.effect.user
    start = StartMemcached((program, *line), pid_file, wanted(judgement), scope=facts.booted and host.root)
    steps: tuple[Step, ...] = (MakeDirectory(os.path.dirname(pid_file), user), start) if makes else (start,)
    return Plan(
        title,
        steps,
        basis=(program, release_text(release)),
        notes=(*notes(judgement, request), gone_after_reboot(request, booted=facts.booted)),
        result=_result(program, line, None),
    )


def _with_directory(host: Host, request: StartRequest) -> tuple[Host, bool]:
    """The host as it is once the usual directory of the pid file is there, and whether a step makes that.

    Root's is made by a step; that of an ordinary user is the state directory, which is there before any step.
    """
    file = host.pid_file
    if file is None or os.path.dirname(file.path) != request.directory or (host.root and file.directory):
        return host, False
    return host._replace(pid_file=file._replace(directory=True, writable=True)), host.root


def _result(program: str, line: Sequence[str], pid: Optional[int]) -> StartResult:
    return {"line": [program, *line], "pid": pid}


def wanted(judgement: Judgement) -> Wanted:
    """What the running instance has to show of what was asked for."""
    line, effect = judgement.line, judgement.effect
    settings = {
        # 1.4.15 tells only the low 32 bits of it (release notes of 1.4.16).
        "maxbytes": effect.max_bytes if line.release > FIRST else effect.max_bytes % 2**32,
        "maxconns": effect.connections,
        "num_threads": effect.threads,
        "item_size_max": effect.item_size,
    }
    if not effect.socket:
        settings |= {"tcpport": effect.port, "udpport": effect.udp}
    pairs = [(name, str(value)) for name, value in settings.items()]
    for letter, (name, value) in SETTINGS.items():
        option = line.last(letter)
        pairs += [(name, value or str(option.integer))] if option else []
    return Wanted(effect.listeners, effect.socket, tuple(pairs), effect.auth_file, effect.tls, effect.binary)


def guard(judgement: Judgement, request: StartRequest) -> list[Reason]:
    """Addresses beyond loopback that nobody exposed by name."""
    release, listeners = judgement.line.release, judgement.effect.listeners
    allowed = {read_address(address, release, alone=True).address for address in request.expose}
    beyond = sorted({listener.address for listener in listeners if not is_loopback(listener.address)} - allowed)
    return [
        Reason(
            "exposed",
            f"{address} can be reached from other hosts",
            f"--expose {address} if that is meant; without -l it listens on {LOOPBACK}",
            f"-l {address}",
        )
        for address in beyond
    ]


def judged_reasons(judgement: Judgement) -> list[Reason]:
    """Errors that lint finds, as reasons: what was typed wrongly (exit 2), what the host says no to (5, 6, 7)."""
    reasons = []
    for finding in judgement.findings:
        if finding.severity not in {"error", "critical"} or finding.id in {"exposed", *ONLY_NOTES}:
            continue
        code = ON_HOST.get(finding.id, ExitCode.REFUSED if finding.id in GUARDED else ExitCode.USAGE)
        reasons.append(Reason(finding.id, finding.title, finding.remedy, finding.evidence, code))
    return reasons


def notes(judgement: Judgement, request: StartRequest) -> tuple[Finding, ...]:
    """What a person should know of a line that is started all the same."""
    findings = [finding for finding in judgement.findings if finding.id != "exposed"]
    for finding in judgement.findings:
        if finding.id == "exposed":
            remedy = "a firewall rule that admits only those who need it"
            remedy += "; -U 0: only attackers have a use for UDP" if "UDP" in finding.title else ""
            title = f"{finding.title}, as --expose {' '.join(request.expose)} asks for"
            findings.append(Finding("exposed", "warning", title, finding.evidence, remedy))
    return tuple(findings)


def place_of(request: StartRequest) -> str:
    """`port 12000`, or the path of its socket."""
    sockets = [value for letter, value in request.options if letter == "s" and value]
    ports = [value for letter, value in request.options if letter == "p" and value]
    return sockets[-1] if sockets else f"port {ports[-1] if ports else 11211}"


def gone_after_reboot(request: StartRequest, *, booted: bool) -> Finding:
    """That nothing starts a daemon again, and the line that hands it to systemd."""
    name = os.path.basename(pid_path(request)).removeprefix("memcached-").removesuffix(".pid")
    kept = replace(request, options=tuple(option for option in request.options if option[0] not in "dP"))
    unit = f"memcached@{re.sub('[^A-Za-z0-9:_.-]', '-', name)}" if name != "11211" else "memcached"
    line = follow_up("memcached", "start", *typed(kept), "--unit", unit)
    title = "nothing starts it again after a reboot, or when it is killed"
    return Finding("gone-after-reboot", "info", title, "a daemon, not a unit", line if booted else "")


def decide_stop(facts: StopFacts) -> Decision:
    """The plan that stops the instance, or why not."""
    title = f"stop memcached at {facts.what}"
    if facts.unseen:
        text = f"who listens on {facts.what} cannot be seen: a process of another user, or in a container"
        return Refusal(
            title, (Reason("unseen", text, f"sudo {follow_up('memcached', 'stop')}", exit_code=ExitCode.MISSING),)
        )
    if facts.several:
        names = ", ".join(process.text for process in facts.several)
        text = f"{facts.what} is that of {len(facts.several)} instances: {names}"
        remedy = f"name one by its pid file: {follow_up('memcached', 'stop', '--pidfile', 'FILE')}"
        return Refusal(title, (Reason("several-instances", text, remedy),))
    if facts.other is not None:
        text = f"{facts.what} belongs to {facts.other.text}, which is not memcached"
        remedy = f"rm {facts.pid_file}, once you have seen why it names that process" if facts.pid_file else ""
        return Refusal(title, (Reason("not-memcached", text, remedy),))
    process = facts.process
    if process is None:
        stale = facts.pid and facts.pid_file
        return Plan(title, (RemovePidFile(facts.pid_file, facts.pid),) if stale else ())
    if process.unit:
        text = f"{process.text} belongs to {process.unit}: systemd may start it again"
        return Refusal(
            title, (Reason("belongs-to-unit", text, follow_up("memcached", "stop", "--unit", process.unit)),)
        )
    line = parse(process.line[1:], NEWEST)
    effect = effect_of(line)
    # A daemon is in /.
    file = facts.pid_file or (os.path.join("/", line.text("P")) if line.text("P") else "")
    step = StopMemcached(process, file, effect.daemon, facts.exe, effect.user, facts.scope, facts.socket)
    return Plan(title, (step,), basis=(str(process.pid), str(process.started)), result={"pid": process.pid})
