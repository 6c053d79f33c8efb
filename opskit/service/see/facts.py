"""All that is known of a service: what has its name, on the host or in a container, and every process there."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Optional

from opskit.core.child import ask
from opskit.core.command import Command
from opskit.core.errors import Failed, OpskitError, UsageFault
from opskit.core.procfs import exists, need_proc
from opskit.core.runner import Runner
from opskit.core.text import last_lines
from opskit.core.trust import weak_spot
from opskit.service.model import Container, PidFile, Process, Script, ServiceFacts
from opskit.service.see.containers import ANY_STATUS, container_lines, find_container, inspect, run_inside
from opskit.service.see.files import script_facts
from opskit.service.see.processes import all_processes, of_container, of_host
from opskit.service.see.supervisor import see_supervisor
from opskit.service.see.unit import last_lines_of, see_unit

# How long files may take to answer, and an init script: many a script waits some seconds itself.
FILES_SECONDS = 5.0
SCRIPT_SECONDS = 15.0
# What an engine exits with for itself (podman-exec(1), docker exec): never an answer of a script.
OF_ENGINES = frozenset({125, 126, 127, 255})


def check_service_name(name: str) -> None:
    """Raise UsageFault for what is no name of a service."""
    if not name or name.startswith("-") or "/" in name or "\0" in name or name in {".", ".."}:
        raise UsageFault("NAME", f"{name!r} is no name of a service", todo="a unit, an init script, or a process")


def see_service(runner: Runner, name: str) -> ServiceFacts:
    """A service of the host. Raises OpskitError when systemd, or what the files of an init script lie on, is silent."""
    need_proc()
    unit = see_unit(runner, name)
    bare = name.removesuffix(".service")
    raw, not_executable = _script_files("/", bare) if unit is None or unit.source else ({}, "")
    if unit is None and not raw:
        processes = of_host(all_processes())
        if supervised := see_supervisor(name, processes):
            return ServiceFacts(name, supervisor=supervised[0], processes=processes, log=supervised[1])
        if container := _named_container(runner, name):
            return _container_itself(runner, name, container)
    answer = _run_script(runner, raw) if raw else (None, "", "")
    processes = of_host(all_processes()) if unit is None else all_processes()
    script = _script(raw, answer, processes) if raw else None
    return ServiceFacts(
        bare,
        unit=unit,
        script=script,
        processes=processes,
        log=last_lines_of(runner, unit.name) if unit else (),
        not_executable=not_executable,
    )


def see_inside(runner: Runner, name: str, container: Container) -> ServiceFacts:
    """A service of a container: what its script says counts only when the container ran before and after."""
    if container.status != "running" or not container.pid:
        return ServiceFacts(name, container=container)
    if not os.path.exists(f"/proc/{container.pid}"):
        why = f"its first process {container.pid} is not on this host"
        raise Failed(container.name, why, todo=f"run opskit where {container.engine} runs the container")
    raw, not_executable = _script_files(f"/proc/{container.pid}/root", name)
    answer = _run_script(runner, raw, container) if raw else (None, "", "")
    processes = of_container(all_processes(), container.pid)
    supervised = None if raw else see_supervisor(name, processes, f"/proc/{container.pid}/root")
    return ServiceFacts(
        name,
        container=container,
        after=inspect(runner, container.engine, container.id) or _gone(container),
        script=_script(raw, answer, processes) if raw else None,
        processes=processes,
        supervisor=supervised[0] if supervised else None,
        log=supervised[1] if supervised else (),
        not_executable=not_executable,
    )


def see_again(runner: Runner, name: str, how: str, engine: str, identity: str) -> ServiceFacts:
    """The service of a step, as it is now.

    how: unit, script, program or container
    engine, identity: of the container that it is, or is in; "" on the host
    """
    if not identity:
        return see_service(runner, name)
    container = inspect(runner, engine, identity)
    if container is None:
        return ServiceFacts(name)
    return _container_itself(runner, name, container) if how == "container" else see_inside(runner, name, container)


def _gone(container: Container) -> Container:
    return Container(container.engine, container.name, container.id, "removing")


def _container_itself(runner: Runner, name: str, container: Container) -> ServiceFacts:
    processes = of_container(all_processes(), container.pid) if container.pid else ()
    log = container_lines(runner, container)
    return ServiceFacts(name, container=container, itself=True, processes=processes, log=log)


def _named_container(runner: Runner, name: str) -> Optional[Container]:
    """A container of the name, for who may ask; None without one, and where no engine answers."""
    if os.geteuid() != 0 or not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
        return None
    try:
        container = find_container(runner, name)
    except OpskitError:
        return None
    # An engine takes the beginning of an id for a name, too: `ada` is no container that somebody meant.
    return container if container and (container.name == name or len(name) >= 12) else None


def _script_files(root: str, name: str) -> tuple[dict[str, Any], str]:
    """The files of an init script, else the path of one that may not be executed; {} and "" where there is none.

    In a child: what they lie on may not answer. Raises Failed.
    """
    (answer,) = ask([partial(script_facts, root, name)], FILES_SECONDS)
    if not answer.came:
        raise Failed(name, f"the files of its init script: {answer.why}", todo="findmnt -t nfs,nfs4,cifs,fuse")
    raw = answer.value or {}
    return ({}, raw["not_executable"]) if "not_executable" in raw else (raw, "")


def _run_script(
    runner: Runner, raw: dict[str, Any], container: Optional[Container] = None
) -> tuple[Optional[int], str, str]:
    """Its exit status for `status`, why there is none, its last line."""
    path = raw["path"]
    try:
        if container:
            result = run_inside(runner, container, path, "status", seconds=SCRIPT_SECONDS)
        elif weak := weak_spot(path):
            raw["asked"] = False
            return None, f"{path} is not run: others than root can change {weak}", ""
        else:
            command = Command((path, "status"), mutates=False, timeout=SCRIPT_SECONDS, accept=ANY_STATUS)
            result = runner.run(command)
    except OpskitError as error:
        return None, f"{path} status: {error.why}", ""
    except OSError as error:  # no #! line
        return None, f"{path} cannot be run ({error.strerror})", ""
    says = last_lines(result.stdout or result.stderr, 1).strip()
    if container and result.status in OF_ENGINES:
        return None, f"{container.engine} could not run {path} in the container (exit status {result.status})", says
    if result.status < 0:
        return None, f"{path} status was ended by signal {-result.status}", says
    return result.status, "", says


def _script(raw: dict[str, Any], answer: tuple[Optional[int], str, str], processes: tuple[Process, ...]) -> Script:
    numbers = {each.inner or each.pid: each for each in processes}
    files = []
    for entry in raw["pid_files"]:
        # One of several has ended as a rule, and the service lives by the others.
        pids = entry.get("pids", [])
        pid = next((each for each in pids if each in numbers and not numbers[each].zombie), (pids or [0])[0])
        process = numbers.get(pid)
        # With hidepid a process of somebody else is there, and shown to nobody.
        hidden = entry["hidden"] or bool(pid and process is None and os.geteuid() != 0 and exists(pid))
        files.append(PidFile(entry["path"], pid, entry.get("written", 0.0), process, hidden))
    status, why, says = answer
    programs, logs = tuple(raw["programs"]), tuple(raw["logs"])
    return Script(
        raw["path"], status, why, says, programs, tuple(files), raw["lock"], logs, asked=raw.get("asked", True)
    )
