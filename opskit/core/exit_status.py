"""What the exit status of a process, or the signal that ended it, means; and what systemd's Result= of a unit. Pure."""

from __future__ import annotations

import signal

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
