"""Decide: a service and a timer of systemd that run `opskit check` again and again. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.record import dataclass
from opskit.core.units import seconds_text
from opskit.status.steps import PLACE, SERVICE, TIMER, EnableTimer, WriteUnit

# A service that a package brought is left as it is: a drop-in of this name stands over it.
DROP_IN = "opskit.conf"
HEAD = "# Written by opskit check --install-timer"
# Read-only by what it may call and may not, and by opskit itself, which runs no program that changes anything. Not by
# ProtectSystem= and its like: in a mount namespace of its own every filesystem would look read-only to it, and it
# would judge that. The names of all of them are known to systemd 219.
SERVICE_TEXT = """[Unit]
Description=Check the host: opskit check

[Service]
Type=oneshot
{start}
# Findings are no failure of the unit, which opskit check would then report itself.
SuccessExitStatus={success}
TimeoutStartSec=180
Nice=10
IOSchedulingClass=idle
UMask=0022
NoNewPrivileges=yes
CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_BOOT CAP_SYS_TIME CAP_NET_ADMIN CAP_NET_RAW CAP_MKNOD CAP_SETPCAP
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=~mount umount2 pivot_root swapon swapoff reboot kexec_load init_module delete_module settimeofday
"""
TIMER_TEXT = """[Unit]
Description=Check the host again and again: opskit check

[Timer]
{every}

[Install]
WantedBy=timers.target
"""
# Findings; and of Nagios, what is a warning, critical or unknown. That an area could not be looked at fails the unit,
# unless that is the answer for Nagios.
SUCCESS = "4"
NAGIOS_SUCCESS = "1 2 3"


@dataclass(frozen=True)
class TimerRequest:
    """What is to be run, and how often.

    words: the command line after the program
    seconds: between the beginnings of two runs
    config: the file that OPSKIT_CONFIG named, in place of the host's, "" for none
    """

    words: tuple[str, ...]
    seconds: int
    nagios: bool = False
    config: str = ""


@dataclass(frozen=True)
class TimerFacts:
    """What is there.

    program: what the service is to run
    weak: who else could put another program in its place, "" for nobody
    packaged: the unit files that are not below /etc
    texts: of opskit's own files that are there, by path
    """

    program: tuple[str, ...] = ("/usr/bin/opskit",)
    weak: str = ""
    systemd: bool = True
    packaged: tuple[str, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    enabled: bool = False
    active: bool = False


def paths(packaged: Sequence[str]) -> tuple[str, str]:
    """Where the service and the timer are written."""
    service, timer = (
        f"{PLACE}/{unit}.d/{DROP_IN}" if any(path.endswith(f"/{unit}") for path in packaged) else f"{PLACE}/{unit}"
        for unit in (SERVICE, TIMER)
    )
    return service, timer


def decide_timer(facts: TimerFacts, request: TimerRequest, run: str) -> Decision:
    """The plan: files, and the timer enabled and started; or why not. run: names the backups."""
    title = f"run opskit check every {seconds_text(request.seconds)}"
    reason = _reason(facts)
    if reason:
        return Refusal(title, (reason,))
    texts = dict(zip(paths(facts.packaged), (_service(facts, request), _timer(facts, request))))
    writes = tuple(_writes(facts, texts, run))
    steps: list[Step] = list(writes)
    if writes or not (facts.enabled and facts.active):
        steps.append(EnableTimer(TIMER, facts.enabled, facts.active))
    result = {"unit": TIMER, "files": list(texts)}
    return Plan(title, tuple(steps), basis=(TIMER,) if steps else (), result=result)


def _reason(facts: TimerFacts) -> Optional[Reason]:
    if not facts.systemd:
        why, remedy = "systemd does not run this host", "run opskit check from cron"
        return Reason("no-timer", f"a timer cannot be installed: {why}", remedy, exit_code=ExitCode.MISSING)
    if facts.weak:
        title = f"root would run {facts.program[0]}, which others can change"
        return Reason("timer-program-weak", title, "install opskit where only root may write", facts.weak)
    return None


def _service(facts: TimerFacts, request: TimerRequest) -> str:
    start = "ExecStart=" + " ".join(_quoted(word.replace("$", "$$")) for word in (*facts.program, *request.words))
    config = f"Environment={_quoted(f'OPSKIT_CONFIG={request.config}')}\n" if request.config else ""
    if any(path.endswith(f"/{SERVICE}") for path in facts.packaged):
        return f"{HEAD}\n[Service]\n{config}ExecStart=\n{start}\n" + (
            f"SuccessExitStatus={NAGIOS_SUCCESS}\n" if request.nagios else ""
        )
    success = NAGIOS_SUCCESS if request.nagios else SUCCESS
    return f"{HEAD}\n" + SERVICE_TEXT.format(start=config + start, success=success)


def _timer(facts: TimerFacts, request: TimerRequest) -> str:
    # From now on, and after a boot soon; each from the beginning of the last one.
    every = f"OnActiveSec=1s\nOnBootSec=1min\nOnUnitActiveSec={request.seconds}s\nAccuracySec=1s"
    if any(path.endswith(f"/{TIMER}") for path in facts.packaged):
        return f"{HEAD}\n[Timer]\nOnCalendar=\nOnUnitActiveSec=\n{every}\n"
    return f"{HEAD}\n" + TIMER_TEXT.format(every=every)


def _writes(facts: TimerFacts, texts: dict[str, str], run: str) -> Iterator[WriteUnit]:
    for path, text in texts.items():
        before = facts.texts.get(path)
        if before != text:
            yield WriteUnit(path, text, () if before is None else (before,), f"{path}.opskit-{run}")


def _quoted(word: str) -> str:
    """A word of a setting (systemd.service(5), systemd.exec(5))."""
    word = word.replace("%", "%%")
    if word and not any(char in " \t\n\"'\\;" for char in word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
