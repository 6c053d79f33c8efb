"""See: every memcached of this host, where it listens and what it says of itself, all asked at the same time."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Optional

import psutil

from opskit.core.command import Runner
from opskit.core.errors import OpskitError
from opskit.core.reach import silence_at
from opskit.core.report import Report, ReportRequest
from opskit.core.sockets import socket_inodes
from opskit.core.systemd import failed_units, is_booted, list_units
from opskit.memcached.line.effect import effect_of_process
from opskit.memcached.line.listen import Listener
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import NEWEST
from opskit.memcached.model import StatsAnswer
from opskit.memcached.see import proc
from opskit.memcached.see.client import ask, read_secret, target_of
from opskit.memcached.status.model import Instance, UnitState
from opskit.memcached.status.report import report_of
from opskit.memcached.thresholds import DEFAULTS

# So long a look waits for instances that do not answer: a timer has it run at a low priority.
CHECK_SECONDS = 2.0


def see_instances(runner: Runner, seconds: float) -> tuple[Instance, ...]:
    """Every instance. Those that do not answer within so many seconds hold nobody up."""
    instances = _instances()
    units = proc.units_that_run(runner, {instance.pid: instance.unit for instance in instances})
    instances = [replace(instance, unit=units[instance.pid]) for instance in instances]
    silent = {instance.pid: why for instance in instances if (why := _silence(instance))}
    if instances:
        # Their time is not that of an import.
        importlib.import_module("pymemcache.client.base")
    answers: list[tuple[Optional[StatsAnswer], str]] = [(None, "no answer in time")] * len(instances)

    def run(number: int) -> None:
        # A thread in a system call that does not return would keep this process from ending.
        why = silent.get(instances[number].pid, "")
        answers[number] = (None, why) if why else _ask(instances[number], seconds)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(instances))]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return tuple(replace(each, answer=answer, why=why) for each, (answer, why) in zip(instances, answers))


def _instances() -> list[Instance]:
    """The instances that nobody has asked yet, by pid; without root only our own sockets are seen."""
    listening = proc.listeners()
    instances = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != "memcached":
            continue
        try:
            with process.oneshot():
                instances.append(_instance(process, listening))
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue  # it ended in this moment
    return sorted(instances, key=lambda instance: instance.pid)


def _instance(process: Any, listening: Sequence[tuple[Listener, str]]) -> Instance:
    line = tuple(process.cmdline())
    if not line:
        raise psutil.NoSuchProcess(process.pid)  # a zombie has none
    inodes = socket_inodes(process.pid)
    effect = effect_of_process(line)
    listeners = tuple(listener for listener, inode in listening if inode in inodes)
    apart = not proc.same_network(process.pid)
    return Instance(
        pid=process.pid,
        user=process.username(),
        unit=proc.unit_of(process.pid),
        line=line,
        # Without the right to look at its sockets, what its line says has to do.
        listeners=listeners or (effect.listeners if not (inodes or apart) else ()),
        socket=proc.absolute(process.pid, effect.socket) if effect.socket else "",
        rss=process.memory_info().rss,
        began=process.create_time(),
        apart=apart,
    )


def _silence(instance: Instance) -> str:
    """Why nobody may look at its socket and its file of users: which mount does not answer; "" where both may."""
    paths = (instance.socket, effect_of_process(instance.line).auth_file)
    return next((f"{path}: {why}" for path in paths if path and (why := silence_at(path))), "")


def _ask(instance: Instance, seconds: float) -> tuple[Optional[StatsAnswer], str]:
    """Its answer, or why there is none."""
    effect = effect_of_process(instance.line)
    if instance.apart and not instance.socket:
        return None, "in another network namespace: not asked"
    if effect.binary:
        return None, "speaks the binary protocol only (SASL, or -B binary): not asked"
    secret = read_secret(effect.auth_file, proc.owner(instance.pid)) if effect.auth_file else None
    if effect.auth_file and secret is None:
        return None, f"asks for a password, and {effect.auth_file} cannot be read, or not by its user: not asked"
    target = target_of(instance.socket, instance.listeners, secret, tls=effect.tls)
    if target is None:
        return None, "listens on no TCP port and no UNIX socket"
    try:
        # With -N the question is the end of many a release (NAPI_SHOWN), and which one it is nobody has told yet.
        napi = parse(instance.line[1:], NEWEST).has("N")
        return ask(target, seconds, settings=not napi), ""
    except OpskitError as error:
        return None, error.why


def see_units(runner: Runner) -> tuple[UnitState, ...]:
    """The units of memcached that systemd knows; none where systemd does not run the host."""
    if not is_booted():
        return ()
    try:
        rows = list_units(runner, "--type=service", "memcached*", seconds=10)
        failed = any(row.active == "failed" for row in rows)
        results = {unit.name: unit.result for unit in failed_units(runner)} if failed else {}
    except OpskitError as error:  # the instances can be shown all the same
        return (UnitState("memcached*", f"not known: {error.what}: {error.why}"),)
    return tuple(UnitState(row.name, row.active, results.get(row.name, "")) for row in rows if row.load == "loaded")


def check(runner: Runner, request: ReportRequest) -> Report:
    """What `opskit status` and `opskit check` are told."""
    return report_of(see_instances(runner, CHECK_SECONDS), see_units(runner), {**DEFAULTS, **request.thresholds})
