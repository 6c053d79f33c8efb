"""systemd: whether it runs, its configuration files as it reads them, the unit of a process, what systemctl tells.

The functions that take a text or a control group are pure; those that take a runner ask systemctl, the others look
at files. Every release from 219 (EL7) on.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from typing import NamedTuple, Optional

from opskit.core.command import Command, Runner
from opskit.core.errors import UsageFault
from opskit.core.record import dataclass

UNIT_SECONDS = 90.0
# Where its own library is: on Fedora and EL, on Debian, and on others.
_LIBRARIES = tuple(
    f"{path}/libsystemd-shared-*.so" for path in ("usr/lib*/systemd", "usr/lib/*/systemd", "lib/systemd")
)
# What list-units has before a unit in a state that stands out; 219 has it with --plain, too.
_MARKS = {"\N{BLACK CIRCLE}", "\N{WHITE CIRCLE}", "\N{MULTIPLICATION SIGN}", "*", "x"}


class Assignment(NamedTuple):
    """`name=value` in a section of a configuration file, and where it begins."""

    section: str
    name: str
    value: str
    path: str = ""
    line: int = 0


class UnitRow(NamedTuple):
    """A line of `systemctl list-units`."""

    name: str
    load: str
    active: str
    sub: str


@dataclass(frozen=True)
class FailedUnit:
    """A unit in state failed. result: why, as systemd names it (exit-code, timeout, oom-kill …)."""

    name: str
    description: str = ""
    result: str = ""
    since: str = ""


def is_booted(root: str = "/") -> bool:
    """Whether systemd runs this host, as sd_booted(3) finds out. root: where the host's / is."""
    return os.path.isdir(os.path.join(root, "run/systemd/system"))


def installed_release(root: str = "/") -> int:
    """The release of systemd, which the name of its shared library has since 231; 0 where there is none."""
    for pattern in _LIBRARIES:
        for path in glob.iglob(os.path.join(root, pattern)):
            match = re.search(r"-shared-(\d+)[^/]*\.so$", path)
            if match:
                return int(match.group(1))
    return 0


def parse_assignments(text: str, path: str = "") -> list[Assignment]:
    """The assignments of a file, as systemd reads it (config_parse() of its conf-parser.c, systemd.syntax(7)).

    A backslash at the end of a line joins the next to it, with a blank between. A comment is left out with whatever
    it ends in, also between joined lines. A byte order mark, which editors of Windows write, is passed over.
    """
    assignments = []
    section, pending, began = "", "", 0
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if raw.lstrip(" \t\r")[:1] in {"#", ";"}:
            continue
        began = began or number
        line = pending + raw.rstrip("\r")
        # Two backslashes are one that is meant.
        if (len(line) - len(line.rstrip("\\"))) % 2:
            pending = line[:-1] + " "
            continue
        line, at, pending, began = line.strip(), began, "", 0
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line:
            name, _, value = line.partition("=")
            assignments.append(Assignment(section, name.strip(), value.strip(), path, at))
    return assignments


def service_name(option: str, text: str) -> str:
    """The service that a person names, with its suffix: `memcached@12000` is `memcached@12000.service`.

    option: its name, for the error

    Raises UsageFault for what is no name of one (systemd.unit(5)): it could be an option of systemctl.
    """
    name = text if text.endswith(".service") else f"{text}.service"
    if not re.fullmatch(r"[A-Za-z0-9:_\\][A-Za-z0-9:_.\\-]*(@[A-Za-z0-9:_.\\-]+)?\.service", name, re.ASCII):
        raise UsageFault(option, f"{text!r} is no name of a service", todo="systemctl list-units --type=service")
    return name


def control_group(text: str) -> str:
    """The path in the hierarchy that systemd keeps: name=systemd with cgroup v1, else the one of v2 (cgroups(7)).

    text: the content of /proc/PID/cgroup.
    """
    lines = (line.split(":", 2) for line in text.split("\n"))
    paths = {line[1]: line[2] for line in lines if len(line) == 3}
    return paths.get("name=systemd") or paths.get("", "")


def units_of(group: str) -> tuple[str, ...]:
    """The services and scopes that a control group is in, the outermost first: a container may be in a service's."""
    return tuple(part for part in group.split("/") if part.endswith((".service", ".scope")))


def innermost_unit(group: str) -> str:
    """The unit nearest to the process, "" without one: who runs it."""
    return next(reversed(units_of(group)), "")


def outermost_unit(group: str) -> tuple[str, bool]:
    """The unit that the host's systemd keeps the process in, and whether that is one of a user's own systemd.

    Below user@UID.service it is the user's unit, which the host's systemd does not know. To be restarted.
    """
    units = units_of(group)
    managers = [number for number, unit in enumerate(units) if re.fullmatch(r"user@\d+\.service", unit)]
    inner = units[managers[0] + 1 :] if managers else ()
    return (inner[0], True) if inner else (next(iter(units), ""), False)


def systemctl(*words: str, mutates: bool = True, accept: tuple[int, ...] = (0,)) -> Command:
    """A command to systemd, with as long as it gives a unit to start or stop."""
    return Command(("systemctl", *words), mutates=mutates, timeout=UNIT_SECONDS, accept=accept)


def is_active(runner: Runner, unit: str) -> bool:
    """Whether systemd has it running; exit 3 is no, 4 that there is none (systemctl(1)); 1: systemd does not answer."""
    return runner.run(systemctl("is-active", "--", unit, mutates=False, accept=(0, 3, 4))).status == 0


def is_failed(runner: Runner, unit: str) -> bool:
    """Whether it has failed and was not started since; exit 1 is no (systemctl(1)), 4 that there is none."""
    return runner.run(systemctl("is-failed", "--quiet", "--", unit, mutates=False, accept=(0, 1, 3, 4))).status == 0


def main_pid(runner: Runner, unit: str) -> int:
    """The pid of its main process; 0 for none. Without --value, which systemd 219 (EL7) does not have."""
    stdout = runner.run(systemctl("show", "-p", "MainPID", "--", unit, mutates=False)).stdout
    return int(stdout.partition("=")[2] or 0)


def unit_file_state(runner: Runner, unit: str) -> str:
    """Whether it starts at boot: enabled, disabled, static, masked … (systemctl(1)); "" where there is no such unit."""
    stdout = runner.run(systemctl("show", "-p", "UnitFileState", "--", unit, mutates=False)).stdout
    return stdout.strip().partition("=")[2]


def main_pids(runner: Runner, units: Sequence[str]) -> dict[str, int]:
    """The pid of the main process of each of these units, 0 for none. Raises CommandFailed."""
    if not units:
        return {}
    stdout = runner.run(systemctl("show", "--no-pager", "-p", "Id,MainPID", "--", *units, mutates=False)).stdout
    pids = {each.get("Id", ""): each.get("MainPID", "") for each in parse_show(stdout)}
    return {unit: int(pids.get(unit) or 0) for unit in units}


def timers_of(runner: Runner, units: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The timers that start each of these units. Raises CommandFailed when systemd does not answer."""
    stdout = runner.run(systemctl("show", "--no-pager", "-p", "Id,TriggeredBy", "--", *units, mutates=False)).stdout
    triggers = {each.get("Id", ""): each.get("TriggeredBy", "").split() for each in parse_show(stdout)}
    return {unit: tuple(sorted(name for name in names if name.endswith(".timer"))) for unit, names in triggers.items()}


def list_units(runner: Runner, *words: str, seconds: float = 60.0) -> tuple[UnitRow, ...]:
    """The units that `systemctl list-units` has, also those that are not active.

    words: more of its options, or patterns

    Raises CommandFailed when systemd does not answer.
    """
    argv = ("systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager", *words)
    return parse_list(runner.run(Command(argv, mutates=False, timeout=seconds)).stdout)


def parse_list(stdout: str) -> tuple[UnitRow, ...]:
    """The output of list-units."""
    rows = ([word for word in line.split() if word not in _MARKS] for line in stdout.splitlines())
    return tuple(UnitRow(*row[:4]) for row in rows if len(row) > 3)


def parse_show(stdout: str) -> list[dict[str, str]]:
    """The output of `systemctl show`: the properties of each unit, in its order."""
    blocks = (block.splitlines() for block in stdout.strip().split("\n\n"))
    return [properties for block in blocks if (properties := dict(line.split("=", 1) for line in block if "=" in line))]


def failed_units(runner: Runner) -> tuple[FailedUnit, ...]:
    """Those of the system's manager; none where systemd does not run. Raises CommandFailed when it does not answer."""
    rows = list_units(runner, "--state=failed") if is_booted() else ()
    if not rows:
        return ()
    # One -p with a list: 219 has it, too.
    words = ("show", "--no-pager", "--property=Id,Description,Result,InactiveEnterTimestamp", "--")
    stdout = runner.run(Command(("systemctl", *words, *(row.name for row in rows)), mutates=False)).stdout
    units = (_failed_unit(properties) for properties in parse_show(stdout))
    return tuple(unit for unit in units if unit)


def _failed_unit(properties: dict[str, str]) -> Optional[FailedUnit]:
    names = ("Id", "Description", "Result", "InactiveEnterTimestamp")
    return FailedUnit(*(properties.get(name, "") for name in names)) if properties.get("Id") else None
