"""A unit of systemd: its properties, and the last lines that it logged."""

from __future__ import annotations

import json
import time
from typing import Optional

from opskit.core.command import Command
from opskit.core.errors import OpskitError, UsageFault
from opskit.core.runner import Runner
from opskit.core.systemd import is_booted, parse_show, service_name
from opskit.service.model import Unit

SECONDS = 10.0
LINES = 10
PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Type,Result,ExecMainCode,ExecMainStatus,MainPID,NRestarts,Restart,ControlGroup,"
    "MemoryCurrent,SourcePath,FreezerState,ActiveEnterTimestampMonotonic,InactiveEnterTimestampMonotonic"
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
        frozen=properties.get("FreezerState", "") in {"frozen", "freezing"},
    )


def _number(text: str) -> Optional[int]:
    number = int(text) if text.isascii() and text.isdigit() else MOST
    return number if number < MOST else None


def last_lines_of(runner: Runner, unit: str) -> tuple[str, ...]:
    """The last lines that the unit logged, and that systemd logged of it; none where the journal may not be read."""
    own = (f"_SYSTEMD_UNIT={unit}", "+", f"UNIT={unit}", "_PID=1")
    argv = ("journalctl", "--quiet", "--no-pager", "--output=json", f"--lines={LINES}", *own)
    try:
        stdout = runner.run(Command(argv, mutates=False, timeout=SECONDS)).stdout
    except OpskitError:
        return ()
    return tuple(text for line in stdout.splitlines() if (text := message_of(line)))


def message_of(line: str) -> str:
    """The first line of the message of an entry in journalctl's JSON: text, or bytes where it is no UTF-8."""
    try:
        message = json.loads(line).get("MESSAGE")
    except (ValueError, AttributeError):
        return ""
    if isinstance(message, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in message):
        message = bytes(message).decode("utf-8", "surrogateescape")
    return message.partition("\n")[0] if isinstance(message, str) else ""
