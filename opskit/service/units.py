"""The state of a unit of systemd, by its properties, held against /proc. Pure."""

from __future__ import annotations

from typing import Optional

from opskit.core.exit_status import RESULTS, STEPS, signal_name
from opskit.core.text import counted
from opskit.service.model import (
    FAILED,
    RUNNING,
    SILENT,
    STARTING,
    STOPPED,
    UNIT,
    UNKNOWN,
    Claim,
    Process,
    ServiceFacts,
    Unit,
    Verdict,
)


def ended_text(code: str, status: int) -> str:
    """How a main process ended, "" where none has.

    code: exited, killed or dumped, as systemd and waitid(2) name it
    status: the exit status, or the number of the signal
    """
    if code == "exited":
        name, why = STEPS.get(status, ("", ""))
        return f"exit status {status}/{name}: {why}" if name else f"exit status {status}"
    return {"killed": f"killed by {signal_name(status)}", "dumped": f"crashed with {signal_name(status)}"}.get(code, "")


def in_group(process: Process, group: str) -> bool:
    """Whether a process is in a control group, or in one below it."""
    return bool(group) and f"{process.group}/".startswith(f"{group}/")


def judge_unit(facts: ServiceFacts, unit: Unit) -> Verdict:
    """The verdict on a unit; on one that systemd made for an init script its active (exited) says nothing."""
    main = next((each for each in facts.processes if each.pid == unit.main_pid), None)
    processes = [each for each in facts.processes if each is main or in_group(each, unit.group)]
    living = tuple(each for each in processes if not each.zombie)
    state, why = _state(unit, main, living)
    ended = ended_text(unit.code, unit.status) if state != RUNNING or not main else ""
    properties = [f"LoadState={unit.load}", f"ActiveState={unit.active}", f"SubState={unit.sub}"]
    properties += [f"Result={unit.result}"] if unit.result else []
    properties += [f"MainPID={unit.main_pid}"] if unit.main_pid else []
    claims = [Claim("systemctl show", " ".join(properties))]
    if unit.main_pid:
        claims.append(
            Claim(f"/proc/{unit.main_pid}", f"state {main.state}, {main.name}" if main else "no such process")
        )
    return Verdict(
        facts.name,
        UNIT,
        state,
        why,
        main=(main,) if main else (),
        workers=tuple(each for each in living if each is not main),
        zombies=tuple(each for each in processes if each.zombie),
        since=unit.since,
        restarts=unit.restarts,
        memory=unit.memory if unit.memory is not None else sum(each.rss for each in living) or None,
        ended=ended,
        claims=tuple(claims),
    )


def _state(unit: Unit, main: Optional[Process], living: tuple[Process, ...]) -> tuple[str, str]:
    ended = ended_text(unit.code, unit.status)
    if unit.active in {"active", "reloading", "refreshing"}:
        return _active(unit, main, living)
    if unit.active == "activating":
        if unit.sub.startswith("auto-restart"):
            return STARTING, f"it ended ({ended or unit.result}), and systemd is about to start it again"
        return STARTING, f"systemd is starting it ({unit.sub})"
    if unit.active == "deactivating":
        return STOPPED, f"systemd is stopping it ({unit.sub})"
    if unit.active == "failed":
        reason = RESULTS.get(unit.result, "")
        return FAILED, "; ".join(part for part in (ended, reason) if part) or f"systemd says {unit.result or 'failed'}"
    if unit.active == "inactive":
        masked = "; it is masked, so that nothing starts it" if unit.load == "masked" else ""
        last = f"; it ended last with {ended}" if ended and ended != "exit status 0" else ""
        return STOPPED, f"systemd has it not running{last}{masked}"
    return UNKNOWN, f"systemd says {unit.active or 'nothing'} ({unit.sub})"


def _active(unit: Unit, main: Optional[Process], living: tuple[Process, ...]) -> tuple[str, str]:
    if unit.frozen:
        return SILENT, f"its control group is frozen: systemctl thaw {unit.name}"
    if unit.main_pid:
        if main is None or main.zombie:
            return UNKNOWN, f"systemd names main process {unit.main_pid}, and /proc shows it as ended"
        if main.state in {"T", "t"}:
            return SILENT, f"{main.text} is stopped by a signal: it lives, and does nothing"
        return RUNNING, f"{main.text} lives"
    if living:
        return RUNNING, f"{counted(len(living), 'process', 'processes')} of it live, without a main process"
    if unit.type == "oneshot":
        return RUNNING, "a oneshot unit: it has done its work, and nothing of it has to run"
    if unit.sub == "exited":
        return STOPPED, "systemd has it active (exited): it once started well, and no process of it is left"
    return RUNNING, f"systemd has it active ({unit.sub}), and no process belongs to it"
