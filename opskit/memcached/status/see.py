"""See: every memcached of this host, where it listens and what it says of itself, all asked at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, Optional

import psutil

from opskit.core.command import Runner
from opskit.core.errors import OpskitError
from opskit.core.systemd import is_booted, list_units
from opskit.memcached.line.effect import effect_of_process
from opskit.memcached.line.listen import Listener
from opskit.memcached.model import Answer, Target
from opskit.memcached.see import proc
from opskit.memcached.see.client import ask, read_secret, target_of
from opskit.memcached.status.model import Instance, UnitState


def see_instances(seconds: float) -> tuple[Instance, ...]:
    """Every instance. Those that do not answer within so many seconds hold nobody up."""
    found = _processes()
    answers: list[tuple[Optional[Answer], str]] = [(None, "no answer in time")] * len(found)

    def run(number: int) -> None:
        answers[number] = _ask(found[number], seconds)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(found))]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return tuple(
        Instance(**{**one.__dict__, "answer": answer, "why": why}) for one, (answer, why) in zip(found, answers)
    )


def _processes() -> list[Instance]:
    """The processes, by pid, with where they listen; without root only our own sockets are seen."""
    listening = proc.listeners()
    found = []
    for one in psutil.process_iter(["name"]):
        if one.info["name"] != "memcached":
            continue
        try:
            with one.oneshot():
                found.append(_process(one, listening))
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue  # it ended in this moment
    return sorted(found, key=lambda one: one.pid)


def _process(one: Any, listening: Sequence[tuple[Listener, str]]) -> Instance:
    line = tuple(one.cmdline())
    if not line:
        raise psutil.NoSuchProcess(one.pid)  # a zombie has none
    inodes = proc.inodes_of(one.pid)
    given = effect_of_process(line)
    seen = tuple(listener for listener, inode in listening if inode in inodes)
    apart = not proc.same_network(one.pid)
    return Instance(
        pid=one.pid,
        user=one.username(),
        unit=proc.unit_of(one.pid),
        line=line,
        # Without the right to look at its sockets, what its line says has to do.
        listeners=seen or (given.listeners if not (inodes or apart) else ()),
        socket=proc.absolute(one.pid, given.socket) if given.socket else "",
        rss=one.memory_info().rss,
        began=one.create_time(),
        apart=apart,
    )


def _ask(one: Instance, seconds: float) -> tuple[Optional[Answer], str]:
    """Its answer, or why there is none."""
    given = effect_of_process(one.line)
    if one.apart and not one.socket:
        return None, "in another network namespace: not asked"
    if given.binary:
        return None, "speaks the binary protocol only (SASL, or -B binary): not asked"
    secret = None
    if given.auth_file:
        secret = read_secret(given.auth_file, proc.owner(one.pid))
        if secret is None:
            return None, f"asks for a password, and {given.auth_file} cannot be read, or not by its user: not asked"
    tcp = [listener for listener in one.listeners if listener.protocol == "tcp"]
    if not (one.socket or tcp):
        return None, "listens on no TCP port and no UNIX socket"
    where = Target(socket=one.socket) if one.socket else target_of(tcp[0])
    target = Target(where.address, where.port, where.socket, secret, given.tls)
    try:
        return ask(target, seconds), ""
    except OpskitError as error:
        return None, error.why


def see_units(runner: Runner) -> tuple[UnitState, ...]:
    """The units of memcached that systemd knows; none where systemd does not run the host."""
    if not is_booted():
        return ()
    try:
        rows = list_units(runner, "--type=service", "memcached*", seconds=10)
    except OpskitError as error:  # the instances can be told all the same
        return (UnitState("memcached*", f"not known: {error.what}: {error.why}"),)
    return tuple(UnitState(row.name, row.active) for row in rows if row.load == "loaded")
