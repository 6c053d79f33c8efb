"""Decide: what `opskit memcached start` and `stop` will do, or why not. Pure functions of facts and the request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Callable, Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.memcached.instance.request import LOOPBACK, StartFacts, StartRequest, StopFacts, build
from opskit.memcached.instance.steps import MakeDirectory, RemovePidFile, StartMemcached, StopMemcached
from opskit.memcached.line.effect import Effect, effect
from opskit.memcached.line.getopt import Parsed, parse
from opskit.memcached.line.lint import Judged, judge
from opskit.memcached.line.listen import is_loopback, place
from opskit.memcached.line.numbers import atoi
from opskit.memcached.line.release import FIRST, NEWEST, Release, release_text
from opskit.memcached.model import Host, Wanted

# Findings about what stands in the way on the host; any other is a fault of what was typed.
ON_HOST = {"port-taken": ExitCode.BUSY, "not-built": ExitCode.MISSING, "user-unknown": ExitCode.MISSING}
GUARDED = ("exposed", "pid-file-foreign", "pid-file-unwritable", "user-root", "memory-over-host", "memory-over-cgroup")
# These do not keep anybody from starting it.
ONLY_NOTES = ("user-root", "pid-file-stale")


# What else `stats settings` has of an option that is given, in every release, as pymemcache hands it on.
TOLD: dict[str, tuple[str, Callable[[str], str]]] = {
    "M": ("evictions", lambda _: "off"),
    "C": ("cas_enabled", lambda _: "no"),
    "n": ("chunk_size", lambda value: str(atoi(value))),
    "R": ("reqs_per_event", lambda value: str(atoi(value))),
    "b": ("tcp_backlog", lambda value: str(atoi(value))),
}


def decide_start(facts: StartFacts, request: StartRequest) -> Decision:
    """The plan that starts the instance, or every reason against it."""
    release, host = facts.program.release, facts.host
    line = build(request, release, root=host.root, users=host.users)
    parsed = parse(line, release)
    title = f"start memcached {release_text(release)}"
    program = facts.program.path
    same = [one for one in facts.running if one.line == (program, *line)]
    host, makes = _with_directory(host, request)
    if same:
        return Plan(title, result=_result(program, line, same[0].pid))
    judged = judge(parsed, release, host)
    reasons = [*guard(judged, request), *problems(judged)]
    if reasons:
        return Refusal(title, tuple(reasons))
    found = judged.effect
    start = StartMemcached((program, *line), found.pid_file, wanted(found, parsed, release))
    directory = os.path.dirname(found.pid_file)
    steps: tuple[Step, ...] = (MakeDirectory(directory, found.user), start) if makes else (start,)
    return Plan(
        title,
        steps,
        basis=(program, release_text(release)),
        notes=notes(judged, request),
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


def _result(program: str, line: Sequence[str], pid: Optional[int]) -> dict[str, object]:
    return {"line": [program, *line], "pid": pid}


def wanted(found: Effect, parsed: Parsed, release: Release) -> Wanted:
    """What the running instance has to show of what was asked for."""
    settings = {
        # 1.4.15 tells only the low 32 bits of it (release notes of 1.4.16).
        "maxbytes": found.max_bytes if release > FIRST else found.max_bytes % 2**32,
        "maxconns": found.connections,
        "num_threads": found.threads,
        "item_size_max": found.item_size,
        "tcpport": found.port,
        "udpport": found.udp,
    }
    if found.socket:
        settings = {name: value for name, value in settings.items() if not name.endswith("port")}
    pairs = [(name, str(value)) for name, value in settings.items()]
    for letter, (name, text) in TOLD.items():
        value = parsed.last(letter)
        pairs += [(name, text(value))] if value is not None else []
    return Wanted(found.listeners, found.socket, tuple(pairs), found.auth_file, found.tls, found.binary)


def guard(judged: Judged, request: StartRequest) -> list[Reason]:
    """Addresses beyond loopback that nobody exposed by name."""
    allowed = {place(one, judged.release, alone=True).address for one in request.expose}
    beyond = sorted({one.address for one in judged.effect.listeners if not is_loopback(one.address)} - allowed)
    return [
        Reason(
            "exposed",
            f"{address} can be reached from other hosts",
            f"--expose {address} if that is meant; without -l it listens on {LOOPBACK}",
            f"-l {address}",
        )
        for address in beyond
    ]


def problems(judged: Judged) -> list[Reason]:
    """Errors that lint finds, as reasons: what was typed wrongly (exit 2), what the host says no to (5, 6, 7)."""
    found = []
    for one in judged.findings:
        if one.severity not in {"error", "critical"} or one.id in {"exposed", *ONLY_NOTES}:
            continue
        code = ON_HOST.get(one.id, ExitCode.REFUSED if one.id in GUARDED else ExitCode.USAGE)
        found.append(Reason(one.id, one.title, one.remedy, one.evidence, code))
    return found


def notes(judged: Judged, request: StartRequest) -> tuple[Finding, ...]:
    """What a person should know of a line that is started all the same."""
    found = [one for one in judged.findings if one.id != "exposed"]
    for one in judged.findings:
        if one.id == "exposed":
            remedy = "a firewall rule that lets in only those who need it"
            remedy += "; -U 0: UDP is of use to attackers only" if "UDP" in one.title else ""
            title = f"{one.title}, as --expose {' '.join(request.expose)} asks for"
            found.append(Finding("exposed", "warning", title, one.evidence, remedy))
    return tuple(found)


def decide_stop(facts: StopFacts) -> Decision:
    """The plan that stops the instance, or why not."""
    title = f"stop memcached at {facts.what}"
    if facts.unseen:
        text = f"somebody listens on {facts.what} who cannot be seen: one of another user, or in a container"
        return Refusal(title, (Reason("unseen", text, "sudo opskit memcached stop", exit_code=ExitCode.MISSING),))
    if facts.several:
        text = f"{facts.what} is that of {len(facts.several)} instances: {', '.join(one.text for one in facts.several)}"
        remedy = "name one by its pid file: opskit memcached stop --pidfile FILE"
        return Refusal(title, (Reason("several-instances", text, remedy),))
    if facts.other is not None:
        text = f"{facts.what} is not memcached's but {facts.other.text}'s"
        remedy = f"rm {facts.pid_file}, once you have seen why it names that process" if facts.pid_file else ""
        return Refusal(title, (Reason("not-memcached", text, remedy),))
    found = facts.found
    if found is None:
        stale = facts.pid and facts.pid_file
        return Plan(title, (RemovePidFile(facts.pid_file, facts.pid),) if stale else ())
    if found.unit:
        text = f"{found.text} belongs to {found.unit}: systemd may start it again"
        return Refusal(title, (Reason("belongs-to-unit", text, f"opskit memcached stop --unit {found.unit}"),))
    line = effect(parse(found.line[1:], NEWEST), NEWEST)
    named = line.values.get("P", "")
    file = facts.pid_file or (os.path.join("/", named) if named else "")  # a daemon is in /
    left: tuple[Finding, ...] = ()
    if line.socket:
        text = f"the socket {line.socket} stays behind; memcached replaces it when it starts"
        left = (Finding("socket-stays", "info", text),)
    step = StopMemcached(found, file, line.daemon, facts.exe, line.user)
    return Plan(title, (step,), basis=(str(found.pid), str(found.started)), notes=left, result={"pid": found.pid})
