"""Why a unit failed, in words: from its result, from how its process ended, and from its last lines. Pure functions.

The words of systemd are those of src/core/service.c, mount.c, unit.c and job.c, the numbers those of
src/shared/exit-status.c, from 219 to 257.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from opskit.core.exit_status import GAVE_UP, RESULTS, START_LIMITS, STEPS, signal_name
from opskit.journal.errors.model import UnitFailure
from opskit.journal.errors.select import mangled

LINES_SHOWN = 3
DEPENDENCY, TIMED_OUT = "dependency", "timed out"
# The unit did nothing, and so has no last lines.
NEVER_STARTED = {DEPENDENCY, TIMED_OUT}

_RESULTS = {
    **RESULTS,
    DEPENDENCY: "a unit that it needs did not start",
    TIMED_OUT: "it did not appear in time",
}
# `Main process exited, code=exited, status=3/NOTIMPLEMENTED`; 219: `main process exited, code=…`
_EXIT = re.compile(r"(?i)(main|control|mount|swap|) ?process exited, code=(exited|killed|dumped),? status=(\d+)")
# What systemd itself says of a unit, behind the unit's name, that explains more than that it failed.
_EXPLAINS = re.compile(
    r"Failed (?!with result)|Unable|Refusing|Watchdog timeout|A process of this unit|.* timed out\.|Can't open PID file"
)
# 219: `X start request repeated too quickly, refusing to start.`
_GAVE_UP = re.compile(r"(?i)start request repeated too quickly")
_OOM = re.compile(r"oom-kill:constraint=(\w+),.*task_memcg=(.*?),task=(.*),pid=(\d+),uid=\d+$")
_OOM_EL7 = re.compile(r"Task in (\S+) killed as a result of limit of ")


def failure_of(unit: str, result: str, entries: Sequence[dict[str, str]]) -> UnitFailure:
    """The failure of a unit.

    unit: its name
    result: as systemd names it
    entries: its last entries and systemd's of it, in their order, fields by their names
    """
    failure = UnitFailure(unit, result)
    lines: list[tuple[str, str]] = []
    run = ""  # the id of the run whose end was told of last; none until 231
    for entry in entries:
        text = entry.get("MESSAGE", "")
        message = text.removeprefix(f"{unit}: ")
        manager = entry.get("_PID") == "1"
        if manager and (match := _EXIT.search(message)):
            failure = replace(failure, process=match[1].lower(), ended=match[2], status=int(match[3]))
            run = entry.get("INVOCATION_ID", "")
        elif manager and _GAVE_UP.search(message):
            failure = replace(failure, gave_up=True)
        elif message and (not manager or (message != text and _EXPLAINS.match(message))):
            of = entry.get("INVOCATION_ID" if manager else "_SYSTEMD_INVOCATION_ID", "")
            lines.append((of, message.partition("\n")[0]))
    last_run = [line for of, line in lines if not run or not of or of == run]
    return replace(failure, lines=tuple(last_run[-LINES_SHOWN:]))


def cause_text(failure: UnitFailure) -> str:
    """Why it failed, "" for what nobody knows."""
    reason = _RESULTS.get(failure.result, "")
    # What systemd itself ended says nothing by how it ended.
    end = "" if failure.result in {"timeout", "watchdog", "oom-kill", DEPENDENCY} else _end_text(failure)
    gave_up = GAVE_UP if failure.gave_up and reason != GAVE_UP else ""
    return "; ".join(part for part in (end, reason, gave_up) if part) or failure.result


def _end_text(failure: UnitFailure) -> str:
    """How the process of a unit ended."""
    of = {"control": " of a command beside its main process", "mount": " of mount", "swap": " of swapon"}
    whose = of.get(failure.process, "")
    if failure.ended == "exited" and failure.status:
        name, why = STEPS.get(failure.status, ("", ""))
        return f"{why} (status {failure.status}/{name})" if why else f"exit status {failure.status}{whose}"
    if failure.ended == "dumped":
        return f"it crashed with {signal_name(failure.status)}{whose}"
    return f"{signal_name(failure.status)} killed it{whose}" if failure.ended == "killed" else ""


def remedy_of(failure: UnitFailure, quoted: str) -> str:
    """What to look at. quoted: the unit's name for a shell."""
    steps = f"systemctl status {quoted}"
    if failure.ended == "exited" and failure.status in STEPS:
        steps = f"systemctl cat {quoted}"
    if failure.gave_up or failure.result in START_LIMITS:
        return f"mend the cause, then systemctl reset-failed {quoted}; systemctl start {quoted}"
    if failure.result == DEPENDENCY:
        return f"systemctl list-dependencies {quoted}, then start the one that failed"
    return f"{steps}; journalctl -u {quoted} -n 50"


def place_of(unit: str) -> str:
    r"""The path that a unit is named after: `dev-disk-by\x2duuid-1.device` is /dev/disk/by-uuid/1; "" for others."""
    stem, _, suffix = unit.rpartition(".")
    if suffix not in {"mount", "automount", "device", "swap"} or not stem:
        return ""
    if stem == "-":
        return "/"
    path = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda match: bytes([int(match[1], 16)]), os.fsencode(_slashes(stem)))
    return os.fsdecode(path)


def _slashes(stem: str) -> str:
    return "/" + stem.replace("-", "/")


def of_units(name: str, patterns: Iterable[str]) -> bool:
    """Whether a unit is one of those that --unit names; each is where it names none."""
    patterns = tuple(patterns)
    return not patterns or any(fnmatch.fnmatchcase(name, mangled(pattern)) for pattern in patterns)


def oom_group(messages: Iterable[str], pid: str) -> str:
    """The control group of a process that the kernel's OOM killer chose, "" where it does not say."""
    group = ""
    for message in messages:
        if match := _OOM.search(message):
            if match[4] == pid:
                return match[2]
        elif match := _OOM_EL7.search(message):
            group = match[1]
    return group
