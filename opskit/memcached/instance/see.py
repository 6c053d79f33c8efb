"""See: what start meets on this host, and which process stop is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from opskit.core.command import Runner
from opskit.memcached.instance.request import StartFacts, StartRequest, StopFacts, build
from opskit.memcached.line.effect import effect_of, effect_of_process
from opskit.memcached.line.parse import parse
from opskit.memcached.model import Process
from opskit.memcached.see import proc
from opskit.memcached.see.host import USERS, read_pid, roots_own, see_host, see_program, usual_users
from opskit.memcached.see.proc import instances


def see_start(runner: Runner, request: StartRequest) -> StartFacts:
    """The memcached of this host, what the line meets here, and who of its name runs already."""
    program = see_program(runner)
    root = os.geteuid() == 0
    line = build(request, program.release, root=root, users=usual_users() or USERS[:1])
    host = see_host(effect_of(parse(line, program.release)), program=program)
    return StartFacts(program, host, tuple(one for one in instances() if proc.same_network(one.pid)))


def see_stop(what: str, port: Optional[int], socket: str, pidfile: str) -> StopFacts:
    """The process that was named in one of three ways, with the program that it runs."""
    facts = _facts(what, port, socket, pidfile)
    exe = proc.program_of(facts.found.pid) if facts.found else ""
    return replace(facts, exe=exe if roots_own(exe) else "")


def _facts(what: str, port: Optional[int], socket: str, pidfile: str) -> StopFacts:
    if pidfile:
        pidfile = os.path.abspath(pidfile)
        pid = read_pid(pidfile)
        found = proc.process(pid) if pid else None
        if found is not None and found.name != "memcached":
            return StopFacts(what, other=found, pid_file=pidfile, pid=pid)
        return StopFacts(what, found, pid_file=pidfile, pid=pid)
    if socket:
        return _named(what, _with_socket(socket))
    taken = proc.taken([port or 0])
    holders = {one.holder.pid: one.holder for one in taken if one.holder is not None}
    ours = [one for one in holders.values() if one.name == "memcached"]
    other = next((one for one in holders.values() if one.name != "memcached"), None)
    if ours:
        return _named(what, ours)
    return StopFacts(what, other=other, unseen=bool(taken) and other is None)


def _named(what: str, found: Sequence[Process]) -> StopFacts:
    """One address each is enough to have the same port: which one is meant, only a person can tell."""
    if len(found) > 1:
        return StopFacts(what, several=tuple(found))
    return StopFacts(what, found[0] if found else None)


def _with_socket(path: str) -> list[Process]:
    """The instances that have this UNIX socket, by their lines."""
    wanted = os.path.abspath(path)
    found = [(one, effect_of_process(one.line).socket) for one in instances()]
    return [one for one, given in found if given and proc.absolute(one.pid, given) == wanted]
