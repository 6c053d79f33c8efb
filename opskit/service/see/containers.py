"""Containers, by the command lines of podman and docker; their JSON only, never a table or a message."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Optional

from opskit.core.command import Command, Result
from opskit.core.errors import CommandFailed, Failed, Missing, OpskitError, UsageFault
from opskit.core.runner import Runner
from opskit.core.text import last_lines
from opskit.service.model import Container
from opskit.service.see.kernel import kernel_messages, kills_of

ENGINES = ("podman", "docker")
# What to do where an engine is on the host and does not work.
SILENT = {"podman": "podman info says what it lacks", "docker": "systemctl status docker says whether it runs"}
SECONDS = 15.0
LINES = 10
# What SIGKILL comes to, of docker stop or of the kernel.
KILLED = 137
# The kernel's clock and the engine's can differ by as much.
CLOCKS_DIFFER = 5.0
# What an engine itself exits with where it could not do what it was asked for.
ANY_STATUS = tuple(range(-64, 256))


def check_container_name(option: str, name: str) -> None:
    """Raise UsageFault for what no engine takes for a name: it could be an option of it. option: for the error."""
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", name, re.ASCII):
        raise UsageFault(option, f"{name!r} is no name or id of a container", todo="podman ps -a; docker ps -a")


def find_container(runner: Runner, name: str) -> Optional[Container]:
    """The container, by its name or id, in the first engine that has it; None where none has.

    Raises Missing where there is no engine, Failed where one does not answer and no other has it.
    """
    without: list[str] = []
    silent = None
    for engine in ENGINES:
        try:
            container = inspect(runner, engine, name)
        except Missing:
            continue
        except OpskitError as error:
            silent = error
            continue
        if container:
            return container
        without.append(engine)
    if silent:
        if without:  # a docker that is there and not in use is no reason to start it
            silent.todo = f"{without[0]} has no {name}: {without[0]} ps -a shows what it has; {silent.todo}"
        raise silent
    if not without:
        why = "neither podman nor docker is on the host"
        raise Missing("container engine", why, todo="run it on the host of the container")
    return None


def inspect(runner: Runner, engine: str, name: str) -> Optional[Container]:
    """The container as it is now; None where this engine has none of the name.

    Raises Missing without the engine, OpskitError where it does not answer.
    """
    try:
        result = _run(runner, engine, "container", "inspect", name)
    except CommandFailed as error:
        if _answers(runner, engine, name):
            return None
        error.todo = SILENT[engine]
        raise
    return with_kills([container_of(engine, result.stdout)])[0]


def with_kills(containers: Sequence[Container]) -> list[Container]:
    """The containers, with what the kernel says of those that SIGKILL has ended: podman does not always see an OOM."""
    suspects = {each.id for each in containers if each.exit_code == KILLED and each.pid == 0 and not each.oom_killed}
    if not suspects:
        return list(containers)
    offset = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + CLOCKS_DIFFER

    def killed(container: Container) -> bool:
        began = _moment(container.started)
        messages = kernel_messages(began - offset) if began else iter(())
        return any(container.id in kill.group for kill in kills_of(messages))

    return [replace(each, oom_killed=True) if each.id in suspects and killed(each) else each for each in containers]


def _moment(text: str) -> float:
    """A time in the words of an engine, in seconds since 1970; 0 for none. podman has +01:00, docker Z."""
    match = re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)? ?(Z|[+-]\d\d:?\d\d)", text)
    if not match or match[1] < "1970-01-02":
        return 0.0
    from datetime import datetime  # noqa: PLC0415 - of what SIGKILL has ended alone

    return datetime.strptime("T".join(match.groups()[:2]) + match[3], "%Y-%m-%dT%H:%M:%S%z").timestamp()


def _answers(runner: Runner, engine: str, name: str) -> bool:
    """Whether the engine works, so that a failed inspect says that there is no such container.

    Both exit for that as for any other failure: podman has a command that tells, docker's server has a version.
    """
    if engine == "podman":
        result = _run(runner, engine, "container", "exists", name, accept=(0, 1, 125))
        return result.status == 1
    return _run(runner, engine, "version", "--format", "{{.Server.Version}}", accept=ANY_STATUS).status == 0


def container_of(engine: str, text: str) -> Container:
    """The container of the JSON of an inspect. Raises Failed for another text."""
    try:
        (entry,) = json.loads(text)
        state: dict[str, Any] = entry["State"]
        host: dict[str, Any] = entry.get("HostConfig") or {}
        health = state.get("Health") or state.get("Healthcheck") or {}
        policy = (host.get("RestartPolicy") or {}).get("Name") or ""
        status = health.get("Status") or ""
        return Container(
            engine=engine,
            name=str(entry["Name"]).lstrip("/"),
            id=str(entry["Id"]),
            status=str(state["Status"]),
            pid=int(state.get("Pid") or 0),
            exit_code=int(state.get("ExitCode") or 0),
            oom_killed=bool(state.get("OOMKilled")),
            error=str(state.get("Error") or ""),
            health="" if status == "none" else str(status),
            restarts=int(entry.get("RestartCount") or 0),
            policy="" if policy == "no" else str(policy),
            init=bool(host.get("Init")),
            checked=bool((entry.get("Config") or {}).get("Healthcheck")),
            health_says=_last_failure(health.get("Log")) if status == "unhealthy" else "",
            started=str(state.get("StartedAt") or ""),
            finished=str(state.get("FinishedAt") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failed(f"{engine} container inspect", f"its answer cannot be read ({error!r})") from error


def _last_failure(log: Any) -> str:
    """The last lines of the last health check; what it printed is any text."""
    last = log[-1] if isinstance(log, list) and log else {}
    return last_lines(str(last.get("Output") or ""), 3).strip() if isinstance(last, dict) else ""


def run_inside(runner: Runner, container: Container, *words: str, seconds: float) -> Result:
    """Run a program in the container, whatever it exits with. Raises OpskitError when it does not end in time."""
    argv = (container.engine, "exec", container.id, *words)
    return runner.run(Command(argv, mutates=False, timeout=seconds, accept=ANY_STATUS))


def container_lines(runner: Runner, container: Container) -> tuple[str, ...]:
    """The last lines that the container wrote; none where its log driver keeps none."""
    try:
        result = _run(runner, container.engine, "logs", "--tail", str(LINES), container.id)
    except OpskitError:
        return ()
    return tuple((result.stdout + result.stderr).splitlines()[-LINES:])


def _run(runner: Runner, *argv: str, accept: tuple[int, ...] = (0,)) -> Result:
    return runner.run(Command(argv, mutates=False, timeout=SECONDS, accept=accept))
