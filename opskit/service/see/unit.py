"""A unit of systemd: its properties, and the last lines that it logged."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Optional

from opskit.core.command import Command
from opskit.core.errors import OpskitError, UsageFault
from opskit.core.runner import Runner
from opskit.core.systemd import installed_release, is_booted, parse_show, service_name
from opskit.core.textfile import read_text
from opskit.service.model import NeededUnit, PidFile, ServiceFacts, Unit, UnitCommand, UnitDetails
from opskit.service.policy import drop_in_of

SECONDS = 10.0
# Of a large journal on a busy host. Without the lines the cause is a guess, and nobody waits for long but who asks why.
JOURNAL_SECONDS = 30.0
LINES = 10
PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Type,Result,ExecMainCode,ExecMainStatus,MainPID,NRestarts,Restart,ControlGroup,"
    "MemoryCurrent,SourcePath,FreezerState,RemainAfterExit,ActiveEnterTimestampMonotonic,"
    "InactiveEnterTimestampMonotonic"
)
# Those of waitid(2): ExecMainCode is its si_code.
CODES = {"1": "exited", "2": "killed", "3": "dumped"}
# What systemd has for a number that nobody counts: "[not set]", or all bits.
MOST = 1 << 63


def see_unit(runner: Runner, name: str) -> Optional[Unit]:
    """The service; None where there is none, or no systemd. Raises OpskitError when systemd does not answer."""
    if not is_booted():
        return None
    try:
        unit = service_name("NAME", name)
    except UsageFault:
        return None
    argv = ("systemctl", "show", "--no-pager", "-p", PROPERTIES, "--", unit)
    stdout = runner.run(Command(argv, mutates=False, timeout=SECONDS)).stdout
    properties = next(iter(parse_show(stdout)), {})
    # A unit that is gone from the disk and runs on is not-found, too.
    if properties.get("LoadState") == "not-found" and properties.get("ActiveState") == "inactive":
        return None
    return unit_of(properties, time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)) if properties else None


def unit_of(properties: dict[str, str], zero: float) -> Unit:
    """The unit with these properties. zero: when the clock of its times began, in seconds since 1970."""
    active = properties.get("ActiveState", "")
    which = "Active" if active in {"active", "reloading", "refreshing"} else "Inactive"
    moment = _number(properties.get(f"{which}EnterTimestampMonotonic", ""))
    return Unit(
        name=properties.get("Id", ""),
        active=active,
        sub=properties.get("SubState", ""),
        load=properties.get("LoadState", ""),
        type=properties.get("Type", ""),
        result=properties.get("Result", ""),
        code=CODES.get(properties.get("ExecMainCode", ""), ""),
        status=_number(properties.get("ExecMainStatus", "")) or 0,
        main_pid=_number(properties.get("MainPID", "")) or 0,
        restarts=_number(properties.get("NRestarts", "")),
        restart=properties.get("Restart", ""),
        since=zero + moment / 1e6 if moment else 0.0,
        memory=_number(properties.get("MemoryCurrent", "")),
        group=properties.get("ControlGroup", ""),
        source=properties.get("SourcePath", ""),
        once=properties.get("Type") == "oneshot" and properties.get("RemainAfterExit") == "no",
        frozen=properties.get("FreezerState", "") in {"frozen", "freezing"},
    )


def _number(text: str) -> Optional[int]:
    number = int(text) if text.isascii() and text.isdigit() else MOST
    return number if number < MOST else None


class UnitEntry(NamedTuple):
    """An entry of the journal that a unit, or systemd of it, logged. run: the id of that run, "" before systemd 232."""

    message: str
    manager: bool
    run: str


def last_lines_of(runner: Runner, unit: str) -> tuple[str, ...]:
    """The last lines that the unit logged, and that systemd logged of it; none where the journal may not be read."""
    return tuple(entry.message for entry in entries_of(runner, unit, LINES))


def entries_of(runner: Runner, unit: str, lines: int, *more: str) -> list[UnitEntry]:
    """So many of its last entries that have a message; see last_lines_of. more: options of journalctl."""
    # Not _PID=1: what the forked child says before it becomes the program is of another process.
    own = (f"_SYSTEMD_UNIT={unit}", "+", f"UNIT={unit}", "_UID=0")
    argv = ("journalctl", "--quiet", "--no-pager", "--output=json", f"--lines={lines}", *more, *own)
    try:
        stdout = runner.run(Command(argv, mutates=False, timeout=JOURNAL_SECONDS)).stdout
    except OpskitError:
        return []
    entries = (entry_of(line) for line in stdout.splitlines())
    return [entry for entry in entries if entry.message]


def entry_of(line: str) -> UnitEntry:
    """An entry in journalctl's JSON, with the first line of its message: text, or bytes where it is no UTF-8."""
    try:
        fields = json.loads(line)
        message = fields.get("MESSAGE")
    except (ValueError, AttributeError):
        return UnitEntry("", False, "")
    if isinstance(message, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in message):
        message = bytes(message).decode("utf-8", "surrogateescape")
    manager = fields.get("_PID") == "1"
    run = fields.get("INVOCATION_ID" if "UNIT" in fields else "_SYSTEMD_INVOCATION_ID")
    return UnitEntry(message.partition("\n")[0] if isinstance(message, str) else "", manager, str(run or ""))


def see_policy(facts: ServiceFacts) -> ServiceFacts:
    """The facts with what a drop-in for Restart= depends on. Raises Failed where it cannot be read."""
    if not facts.unit:
        return facts
    return replace(facts, drop_in=read_text(drop_in_of(facts.unit.name)), release=installed_release())


DETAILS = (
    "ExecCondition,ExecStartPre,ExecStart,ExecStartPost,Requires,Requisite,BindsTo,ConditionResult,"
    "ConditionTimestampMonotonic,PIDFile,InvocationID,UnitFileState,StartLimitBurst,LoadError,MemoryMax,MemoryLimit,"
    "ExecMainStartTimestampMonotonic"
)
# `ExecStart={ path=/bin/sh ; argv[]=/bin/sh -c x ; … ; code=exited ; status=4 }` (systemctl-show.c, 219 to 257)
_COMMAND = re.compile(r"(Exec\w+)=\{ path=(.*?) ; argv\[\]=.*code=(\S+) ; status=(\d+)(?:/\S+)? \}", re.DOTALL)


def see_details(runner: Runner, unit: Unit) -> tuple[UnitDetails, float]:
    """What only `why` asks for, and when its main process was started last, in seconds of the kernel's clock.

    Raises OpskitError when systemd does not answer.
    """
    argv = ("systemctl", "show", "--no-pager", "-p", DETAILS, "--", unit.name)
    stdout = runner.run(Command(argv, mutates=False, timeout=SECONDS)).stdout
    properties = next(iter(parse_show(stdout)), {})
    names = [name for key in ("Requires", "Requisite", "BindsTo") for name in properties.get(key, "").split()]
    details = details_of(properties, stdout.splitlines(), _needed(runner, list(dict.fromkeys(names))))
    return details, (_number(properties.get("ExecMainStartTimestampMonotonic", "")) or 0) / 1e6


def details_of(properties: dict[str, str], lines: Sequence[str], needs: tuple[NeededUnit, ...] = ()) -> UnitDetails:
    """The details of these properties.

    lines: as systemctl printed them: one setting can have several commands, each a line
    needs: the units that it requires
    """
    commands = (match.groups() for line in lines if (match := _COMMAND.fullmatch(line)))
    path = properties.get("PIDFile", "")
    limit = _number(properties.get("MemoryMax", "")) or _number(properties.get("MemoryLimit", ""))
    return UnitDetails(
        commands=tuple(
            UnitCommand(setting, path, code if code in CODES.values() else "", int(status))
            for setting, path, code, status in commands
        ),
        needs=needs,
        pid_file=PidFile(path) if path else None,
        unmet=properties.get("ConditionResult") == "no"
        and bool(_number(properties.get("ConditionTimestampMonotonic", ""))),
        started=bool(_number(properties.get("ExecMainStartTimestampMonotonic", ""))),
        enabled=properties.get("UnitFileState", ""),
        burst=_number(properties.get("StartLimitBurst", "")) or 0,
        invocation=properties.get("InvocationID", ""),
        error=properties.get("LoadError", "").partition(" ")[2].strip(' "'),
        memory_limit=limit,
    )


def _needed(runner: Runner, names: Sequence[str]) -> tuple[NeededUnit, ...]:
    """Those of the units that are not active."""
    if not names:
        return ()
    argv = ("systemctl", "show", "--no-pager", "-p", "Id,LoadState,ActiveState,Result", "--", *names)
    stdout = runner.run(Command(argv, mutates=False, timeout=SECONDS)).stdout
    keys = ("Id", "LoadState", "ActiveState", "Result")
    units = (NeededUnit(*(properties.get(key, "") for key in keys)) for properties in parse_show(stdout))
    return tuple(each for each in units if each.active in {"inactive", "failed"})
