"""What `opskit status` and `check` are told of services: restarts, containers, zombies. No init script is run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Sequence
from typing import Any

from opskit.core.command import Command
from opskit.core.errors import Failed, Missing, OpskitError
from opskit.core.procfs import need_proc
from opskit.core.report import Report, ReportRequest
from opskit.core.runner import Runner
from opskit.core.systemd import is_booted, parse_show
from opskit.service.model import Container, Unit
from opskit.service.report import lasting, report_of
from opskit.service.see.containers import container_of, with_kills
from opskit.service.see.processes import all_processes
from opskit.service.see.unit import PROPERTIES, SECONDS, unit_of
from opskit.service.thresholds import DEFAULTS

MOST_CONTAINERS = 200
# An engine that nobody uses is not asked: podman would make its folders.
USED = {
    "podman": ("/var/lib/containers/storage", "/etc/containers/storage.conf"),
    "docker": ("/run/docker.sock", "/var/run/docker.sock"),
}
# Without it the socket is systemd's, which would start it for who asks; or, with podman-docker, that of podman.
DOCKERD = "dockerd"


def check(runner: Runner, request: ReportRequest) -> Report:
    """The report. Raises OpskitError when systemd does not answer."""
    need_proc()
    processes = all_processes()
    before = {(each.pid, each.start_ticks) for each in processes if each.zombie}
    units = _units(runner)
    containers, unseen = _containers(runner, engines_in_use({each.name for each in processes}))
    limits = {**DEFAULTS, **request.thresholds}
    # Only one that was there before is judged: without any, nobody has to look again.
    there = lasting(all_processes() if before else processes, before, time.time(), limits["zombie_age"])
    return report_of(units, containers, there, time.time(), unseen, limits)


def _units(runner: Runner) -> list[Unit]:
    """The services that systemd has loaded."""
    if not is_booted():
        return []
    argv = ("systemctl", "show", "--no-pager", "-p", PROPERTIES, "--", "*.service")
    stdout = runner.run(Command(argv, mutates=False, timeout=SECONDS)).stdout
    zero = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    return [unit_of(properties, zero) for properties in parse_show(stdout)]


def engines_in_use(processes: Collection[str]) -> list[str]:
    """The engines that can be asked without a change to the host. processes: the names of those that run."""
    engines = [engine for engine, places in USED.items() if any(map(os.path.exists, places))]
    runs = any(name.startswith(DOCKERD) for name in processes)
    return [engine for engine in engines if engine != "docker" or runs]


def _containers(runner: Runner, engines: Sequence[str]) -> tuple[list[Container], list[str]]:
    """The containers of these engines (podman: root's), and what could not be looked at."""
    if engines and os.geteuid() != 0:
        return [], ["containers: only root sees those of the host"]
    containers: list[Container] = []
    unseen = []
    for engine in engines:
        try:
            containers += _containers_of(runner, engine)
        except Missing:  # noqa: PERF203 - two of them
            continue
        except OpskitError as error:
            unseen.append(f"containers of {engine}: {error.why.splitlines()[0] if error.why else 'no answer'}")
    return containers, unseen


def _containers_of(runner: Runner, engine: str) -> list[Container]:
    """Each of its containers. Raises Missing without the engine, OpskitError when it does not answer."""
    argv = (engine, "ps", "--all", "--quiet", "--no-trunc")
    ids = runner.run(Command(argv, mutates=False, timeout=SECONDS)).stdout.split()[:MOST_CONTAINERS]
    if not ids:
        return []
    # One that is gone by now makes the engine fail, and the others are told all the same.
    inspect = (engine, "container", "inspect", *ids)
    stdout = runner.run(Command(inspect, mutates=False, timeout=SECONDS, accept=(0, 1, 125))).stdout
    return with_kills([container_of(engine, json.dumps([entry])) for entry in _entries(engine, stdout)])


def _entries(engine: str, text: str) -> list[Any]:
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise Failed(f"{engine} container inspect", f"its answer cannot be read ({error})") from error
    return entries if isinstance(entries, list) else []
