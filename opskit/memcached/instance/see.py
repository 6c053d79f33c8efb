"""See: what start meets on this host, and which process stop is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from opskit.core.command import Runner
from opskit.core.procfs import need_proc
from opskit.core.systemd import is_booted
from opskit.memcached.instance.request import USUAL_USERS, StartFacts, StartRequest, StopFacts, build
from opskit.memcached.line.effect import effect_of, effect_of_process
from opskit.memcached.line.parse import parse
from opskit.memcached.model import HostProcess
from opskit.memcached.see import proc
from opskit.memcached.see.host import read_pid, roots_own, see_host, see_program, usual_users
from opskit.memcached.see.proc import instances


def see_start(runner: Runner, request: StartRequest) -> StartFacts:
    """The memcached of this host, what the line meets here, and who of its name runs already."""
    need_proc()  # else whether it runs could not be told
    program = see_program(runner)
    root = os.geteuid() == 0
    line = build(request, program.release, root=root, users=usual_users() or USUAL_USERS[:1])
    host = see_host(effect_of(parse(line, program.release)), program=program)
    running = tuple(process for process in instances() if proc.same_network(process.pid))
    return StartFacts(program, host, running, is_booted())


def see_stop(runner: Runner, what: str, port: Optional[int], socket: str, pidfile: str) -> StopFacts:
    """The process that was named in one of three ways, with the program that it runs and the unit that runs it."""
    facts = _facts(what, port, socket, pidfile)
    process = facts.process
    if process is None:
        return facts
    exe = proc.program_of(process.pid)
    unit = proc.units_that_run(runner, {process.pid: process.unit})[process.pid]
    booted = is_booted() and os.geteuid() == 0
    path = proc.absolute(process.pid, effect_of_process(process.line).socket)
    return replace(
        facts,
        process=replace(process, unit=unit),
        exe=exe if roots_own(exe) else "",
        scope=booted,
        # In a container the path can be that of another socket here.
        socket=path if proc.socket_of(path, process.pid) else "",
    )


def _facts(what: str, port: Optional[int], socket: str, pidfile: str) -> StopFacts:
    if pidfile:
        pidfile = os.path.abspath(pidfile)
        pid = read_pid(pidfile)
        process = proc.process(pid) if pid else None
        if process is not None and process.name != "memcached":
            return StopFacts(what, other=process, pid_file=pidfile, pid=pid)
        return StopFacts(what, process, pid_file=pidfile, pid=pid)
    if socket:
        return _named(what, _with_socket(socket))
    taken = proc.taken([port or 0])
    holders = {port.holder.pid: port.holder for port in taken if port.holder is not None}
    memcached = [holder for holder in holders.values() if holder.name == "memcached"]
    other = next((holder for holder in holders.values() if holder.name != "memcached"), None)
    if memcached:
        return _named(what, memcached)
    return StopFacts(what, other=other, unseen=bool(taken) and other is None)


def _named(what: str, processes: Sequence[HostProcess]) -> StopFacts:
    """Instances on different addresses can share a port: which of them is meant, only a person can tell."""
    if len(processes) > 1:
        return StopFacts(what, several=tuple(processes))
    return StopFacts(what, processes[0] if processes else None)


def _with_socket(path: str) -> list[HostProcess]:
    """The instances that have this UNIX socket, by their lines."""
    path = os.path.abspath(path)
    sockets = [(process, effect_of_process(process.line).socket) for process in instances()]
    return [process for process, socket in sockets if socket and proc.absolute(process.pid, socket) == path]
