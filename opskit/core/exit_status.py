"""What the exit status of a process, or the signal that ended it, means; and what systemd's Result= of a unit. Pure."""

from __future__ import annotations

import signal
from collections.abc import Iterable

# Exit statuses of systemd itself: what it could not do before the program began.
STEPS = {
    200: ("CHDIR", "its WorkingDirectory= cannot be entered"),
    203: ("EXEC", "its program cannot be executed: the path, the permissions or the interpreter of ExecStart="),
    208: ("STDIN", "its StandardInput= cannot be opened"),
    209: ("STDOUT", "its StandardOutput= cannot be opened"),
    210: ("CHROOT", "its RootDirectory= cannot be used"),
    216: ("GROUP", "its Group= does not exist"),
    217: ("USER", "its User= does not exist"),
    219: ("CGROUP", "its control group cannot be set up"),
    224: ("PAM", "its PAMName= session cannot be set up"),
    225: ("NETWORK", "its network namespace cannot be set up"),
    226: ("NAMESPACE", "a path of ReadWritePaths=, BindPaths= … is missing, or its mount namespace cannot be set up"),
    228: ("SECCOMP", "its SystemCallFilter= cannot be set up"),
    229: ("SELINUX_CONTEXT", "its SELinuxContext= cannot be set"),
    233: ("RUNTIME_DIRECTORY", "its RuntimeDirectory= cannot be made"),
    238: ("STATE_DIRECTORY", "its StateDirectory= cannot be made"),
    239: ("CACHE_DIRECTORY", "its CacheDirectory= cannot be made"),
    240: ("LOGS_DIRECTORY", "its LogsDirectory= cannot be made"),
    241: ("CONFIGURATION_DIRECTORY", "its ConfigurationDirectory= cannot be made"),
    243: ("CREDENTIALS", "its LoadCredential= cannot be read"),
}

# Of sysexits(3), and of shells; many programs have others (`usual_meaning`).
_USUAL = {
    64: "it was used wrongly: an option or argument",
    65: "its input is wrong",
    66: "its input cannot be opened",
    67: "a user does not exist",
    68: "a host does not exist",
    69: "a service that it needs is unavailable",
    70: "an internal error",
    71: "the system refused something: a fork, a port, a limit",
    72: "a file of the system is missing or wrong",
    73: "a file cannot be made: its pid file or log",
    74: "an I/O error",
    75: "a failure that may pass",
    76: "the other side did not keep to the protocol",
    77: "it lacks the rights",
    78: "its configuration is wrong",
    126: "a command cannot be executed",
    127: "a command was not found",
}
START_LIMITS = {"start-limit", "start-limit-hit"}
GAVE_UP = "it failed too often in a short time, and systemd gave up"
# `Result=` of systemd (src/core/service.c and unit.c, 219 to 257) where it says more than how a process ended.
RESULTS = {
    "timeout": "it took longer than its time limit",
    "watchdog": "it did not report to its watchdog in time",
    "oom-kill": "memory ran out, and the kernel killed a process of it",
    "resources": "systemd could not get what it takes to start it",
    "protocol": "it did not start as its Type= demands",
    "exec-condition": "its ExecCondition= failed",
    **dict.fromkeys(START_LIMITS, GAVE_UP),
}


def signal_name(number: int) -> str:
    """SIGTERM for 15; a number without a name keeps it."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def usual_meaning(status: int, programs: Iterable[str] = ()) -> str:
    """What an exit status means by the table of one of these programs, or else as a rule; "" for not known."""
    from opskit.core.exit_tables import table_of  # noqa: PLC0415 - of what has failed alone

    tables = map(table_of, programs)
    return next((table[status] for table in tables if status in table), "") or _USUAL.get(status, "")


def wait_text(status: int) -> str:
    """How a process ended, from what wait(2) gives of it."""
    if status & 0x7F:
        core = ", and dumped core" if status & 0x80 else ""
        return f"killed by {signal_name(status & 0x7F)}{core}"
    return f"exit status {status >> 8}"
