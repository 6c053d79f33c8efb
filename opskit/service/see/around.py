"""What is around a service that does not run: what it logged last, and whether what that names is so.

A file that a line names is looked for, a port is looked up in /proc, a disk is asked for its room: a line alone proves
nothing. What these paths lie on may not answer, so they are looked at in a child.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Optional

from opskit.core import procfs
from opskit.core.child import ask
from opskit.core.runner import Runner
from opskit.core.sockets import listening, socket_owners
from opskit.service.lines import missing_paths, taken_ports, written_paths
from opskit.service.model import (
    Around,
    BadProgram,
    Container,
    Denial,
    FullPlace,
    Kill,
    PidFile,
    PortHolder,
    Process,
    ServiceFacts,
    UnitDetails,
)
from opskit.service.scripts import INTERPRETERS
from opskit.service.see.containers import container_lines
from opskit.service.see.files import pid_files_in, place_in, read_end
from opskit.service.see.kernel import denials_since, group_kills, kernel_messages, kills_of
from opskit.service.see.processes import read_process
from opskit.service.see.unit import entries_of, see_details

SECONDS = 5.0
LINES = 40
# Where a service writes, whatever its lines say.
WRITTEN = ("/", "/var", "/var/log", "/run", "/tmp")  # noqa: S108 - nothing is written there
# The kernel's clock and systemd's can differ by as much.
CLOCKS_DIFFER = 5.0


def see_around(runner: Runner, facts: ServiceFacts) -> Around:
    """What `why` looks at beside the service. Raises OpskitError when systemd does not answer."""
    details, began = None, 0.0
    lines, manager = tuple(facts.log), tuple[str, ...]()
    if facts.unit:
        details, began = see_details(runner, facts.unit)
        lines, manager = _unit_lines(runner, facts.unit.name, details)
    container = facts.container
    first = container.pid if container else 0
    root = f"/proc/{first}/root" if first else "/"
    if container and not facts.itself and not facts.supervisor:
        lines = container_lines(runner, container)
    logs = facts.script.logs if facts.script else ()
    looked = _look(root, logs, details, lines) if first or not container else {}
    lines = (*lines, *looked.get("log", ()))
    if looked.get("log"):
        looked.update(_look(root, (), details, lines))
    programs = _programs_of(facts, details)
    moment = _moment(facts, began)
    return Around(
        details=_with_pid_file(details, looked.get("pid_file"), facts.processes) if details else None,
        lines=lines[-LINES:],
        manager=manager,
        programs=tuple(BadProgram(path, why) for path, why in looked.get("programs", ())),
        missing=tuple(looked.get("missing", ())),
        taken=_holders(taken_ports(lines), facts.processes, f"/proc/{first}/net" if first else "/proc/net"),
        full=tuple(FullPlace(path, why) for path, why in looked.get("full", ())),
        kills=_kills_of(facts, programs, moment),
        group_kills=group_kills(_group_of(facts)),
        denials=_denials_of(programs, moment),
    )


def _unit_lines(runner: Runner, unit: str, details: UnitDetails) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines of its last run: its own, and systemd's; all where they have no run (before systemd 232)."""
    entries = entries_of(runner, unit, LINES, "--boot")
    last = [entry for entry in entries if details.invocation and entry.run == details.invocation]
    # What is said of a start that came to nothing belongs to no run.
    last = [entry for entry in entries if entry in last or (entry.manager and not entry.run)] if last else entries
    own = tuple(entry.message for entry in last if not entry.manager)
    return own, tuple(entry.message for entry in last if entry.manager)


def _look(root: str, logs: Sequence[str], details: Optional[UnitDetails], lines: Sequence[str]) -> dict[str, Any]:
    """What files say, in a child; {} when what they lie on does not answer."""
    commands = details.commands if details else ()
    pid_file = details.pid_file.path if details and details.pid_file else ""
    paths = list(dict.fromkeys(command.path for command in commands))
    wanted = [*written_paths(lines), *WRITTEN]
    (answer,) = ask([partial(_files, root, tuple(logs), pid_file, paths, missing_paths(lines), wanted)], SECONDS)
    return answer.value if answer.came and answer.value else {}


def _files(
    root: str, logs: Sequence[str], pid_file: str, programs: list[str], missing: list[str], written: list[str]
) -> dict[str, Any]:
    bad = [(path, why) for path in programs if (why := _bad_program(root, path))]
    return {
        "log": read_end(root, logs, LINES),
        "pid_file": next(iter(pid_files_in(root, [pid_file])), None) if pid_file else None,
        "programs": bad,
        "missing": [path for path in missing if not _is_there(root, path)],
        "full": _full(root, written),
    }


def _is_there(root: str, path: str) -> bool:
    """Whether there is something at a path; yes where nobody can tell."""
    try:
        with place_in(root, path):
            return True
    except OSError as error:
        return error.errno not in {errno.ENOENT, errno.ENOTDIR}


def _bad_program(root: str, path: str) -> str:
    """Why a file cannot be executed, "" where nothing is seen that says so."""
    try:
        with place_in(root, path) as place:
            status = os.fstat(place)
            if not stat.S_ISREG(status.st_mode):
                return "it is no regular file"
            if not status.st_mode & 0o111:
                return f"nobody may execute it: chmod +x {shlex.quote(path)}"
            if os.fstatvfs(place).f_flag & os.ST_NOEXEC:
                return "the filesystem that it is on is mounted with noexec"
            with open(f"/proc/self/fd/{place}", "rb") as file:
                head = file.read(256)
    except OSError as error:
        return "there is no such file" if error.errno in {errno.ENOENT, errno.ENOTDIR} else ""
    if not head.startswith(b"#!"):
        return ""
    words = head[2:].partition(b"\n")[0].split(None, 1)
    interpreter = os.fsdecode(words[0]) if words else ""
    if interpreter.endswith("\r"):
        return "its first line ends in a carriage return, as DOS writes it: no such interpreter"
    return f"its interpreter {interpreter} is not there" if interpreter and not _is_there(root, interpreter) else ""


def _full(root: str, paths: list[str]) -> list[tuple[str, str]]:
    """Where no room is left, a line for each filesystem."""
    seen: dict[int, tuple[str, str]] = {}
    for path in paths:
        with contextlib.suppress(OSError):
            with place_in(root, _nearest(root, path)) as place:
                room, device = os.fstatvfs(place), os.fstat(place).st_dev
            if not room.f_blocks:  # of no disk: /proc and its like
                continue
            # Many a root filesystem is meant to be read-only, and is full: it counts where a line names it.
            if room.f_flag & os.ST_RDONLY:
                why = "it is read-only" if path not in WRITTEN else ""
            else:
                why = "no room is left" if not room.f_bavail else ""
                why = why or ("no inode is left" if room.f_files and not room.f_favail else "")
            if why:
                seen.setdefault(device, (path, why))
    return list(seen.values())


def _nearest(root: str, path: str) -> str:
    """The path, or the first above it that is there."""
    while path != "/" and not _is_there(root, path):
        path = os.path.dirname(path)
    return path


def _with_pid_file(details: UnitDetails, entry: Optional[dict[str, Any]], processes: Sequence[Process]) -> UnitDetails:
    if details.pid_file is None or entry is None:
        return details
    pid = next(iter(entry.get("pids", ())), 0)
    process = next((each for each in processes if each.pid == pid), None)
    file = PidFile(details.pid_file.path, pid, entry.get("written", 0.0), process, entry["hidden"])
    return replace(details, pid_file=file)


def _holders(ports: Sequence[int], processes: Sequence[Process], net: str) -> tuple[PortHolder, ...]:
    """Who listens on these ports."""
    sockets = listening(ports, net) if ports else []
    owners = socket_owners({each.inode for each in sockets}) if sockets else {}
    known = {each.pid: each for each in processes}

    def owner(inode: str) -> Optional[Process]:
        pid = owners.get(inode)
        return (known.get(pid) or read_process(pid, procfs.boot_time())) if pid else None

    return tuple(dict.fromkeys(PortHolder(each.protocol, each.port, owner(each.inode)) for each in sockets))


def _programs_of(facts: ServiceFacts, details: Optional[UnitDetails]) -> list[str]:
    """The names that its processes can have."""
    names = [os.path.basename(command.path) for command in (details.commands if details else ())]
    names += [*(facts.script.programs if facts.script else ()), facts.name]
    programs = facts.supervisor.programs if facts.supervisor else ()
    names += [os.path.basename(each.command[0]) for each in programs if each.command]
    return list(dict.fromkeys(name for name in names if name))


def _moment(facts: ServiceFacts, began: float) -> float:
    """Since when what the kernel tells is of this service: seconds since 1970, 0 for not known.

    began: when its main process was started last, in seconds of the kernel's clock; 0 for not known
    """
    zero = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    if began:
        return zero + began - CLOCKS_DIFFER
    if facts.supervisor and (started := max(each.started for each in facts.supervisor.programs)):
        return started - CLOCKS_DIFFER
    written = [file.written for file in (facts.script.pid_files if facts.script else ()) if file.pid]
    return min(written) - CLOCKS_DIFFER if written else 0.0


def _group_of(facts: ServiceFacts) -> str:
    """The control group of the service, or of the container that it is in."""
    if facts.unit:
        return facts.unit.group
    container = facts.container
    first = next((each for each in facts.processes if container and each.pid == container.pid), None)
    return first.group if first else ""


def _kills_of(facts: ServiceFacts, programs: Sequence[str], moment: float) -> tuple[Kill, ...]:
    """The kills that are of this service."""
    since = moment - (time.time() - time.clock_gettime(time.CLOCK_MONOTONIC))
    kills = kills_of(kernel_messages(since))
    unit = facts.unit.name if facts.unit else ""
    # A python that was killed can be anybody's.
    names = {name[:15] for name in programs if not INTERPRETERS.fullmatch(name)}
    pids = {file.pid for file in (facts.script.pid_files if facts.script else ())}
    return tuple(kill for kill in kills if _is_of(kill, unit, facts.container, names if moment else set(), pids))


def _denials_of(programs: Sequence[str], moment: float) -> tuple[Denial, ...]:
    """What SELinux has denied to it; since the boot, and to no interpreter, where its own beginning is not known."""
    names = programs if moment else [name for name in programs if not INTERPRETERS.fullmatch(name)]
    return denials_since(moment or procfs.boot_time(), names)


def _is_of(kill: Kill, unit: str, container: Optional[Container], names: set[str], pids: set[int]) -> bool:
    """Whether a kill is of the unit, of the container, or else of a process by one of these names or pids."""
    if container:
        return container.id in kill.group
    if unit:
        return unit in kill.group.split("/") if kill.group else kill.name in names
    return kill.name in names or kill.pid in pids
