"""Which unit, agent or person is behind a process: by its cgroup, its parents, its terminal. Pure."""

from __future__ import annotations

import os
import re

from opskit.core.systemd import innermost_unit
from opskit.yum.model import ProcessFacts

# Units that say who is behind a process.
_TIMERS = re.compile(r"(dnf5?-makecache|dnf5?-automatic(?:-\w+)?|yum-makecache|packagekit-background)\.service")
_UNITS = {"packagekit.service": "PackageKit", "yum-cron.service": "yum-cron", "crond.service": "cron"}
_CLOUD_INIT = re.compile(r"cloud-(?:init(?:-local|-main|-network)?|config|final)\.service")
# Only a program or a path of ansible's own: `dnf install ansible` is not one.
_ANSIBLE = re.compile(r"/\.ansible/tmp/|\bAnsiballZ_|\bBECOME-SUCCESS-")
_INTERPRETERS = re.compile(r"(?:platform-)?python[\d.]*")
_AGENTS = ("puppet", "chef-client", "salt-minion", "amazon-ssm-agent", "google_osconfig_agent", "waagent", "cockpit-ws")
_CRON = ("crond", "cron", "anacron", "run-parts", "atd")
_SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh", "tcsh")
# They start programs for somebody else.
_WRAPPERS = ("timeout", "sudo", "su", "env", "nice", "ionice", "nohup", "setsid", "unshare", "flock", "time")
# Units that only say that somebody is logged in.
_SESSIONS = re.compile(r"(?:sshd?|getty|serial-getty|user|console-getty)(?:@.*)?\.service|(?:session-.*|init)\.scope")


def explain(process: ProcessFacts) -> str:
    """Who is behind it, in a few words: `dnf-makecache.timer`, `ansible over ssh from 10.0.0.5`, `a shell on pts/0`."""
    if process.hidden:
        return "a process that is hidden from this user"
    far = f" from {process.ssh_client}" if process.ssh_client else ""
    machine = _machine(process, far)
    if machine:
        return machine
    if process.tty:
        names = [parent.name for parent in process.parents[:4]]
        what = "a shell" if any(name.lstrip("-") in _SHELLS for name in names) else "a program"
        return f"{what} on {process.tty}{far}"
    if far:
        return f"ssh{far}"
    nearest = next((parent for parent in process.parents if parent.name not in _WRAPPERS), None)
    if nearest is None:
        return ""
    return "nothing: what started it has ended" if nearest.pid == 1 else f"{nearest.name} (pid {nearest.pid})"


def service_of(process: ProcessFacts) -> str:
    """The service that exists to run this process; "" for a session's, and for that of cron or of an agent."""
    unit = innermost_unit(process.cgroup)
    behind = explain(process)
    timer = behind.endswith(".timer") and unit.startswith(behind[: -len("timer")])
    return unit if unit.endswith(".service") and (behind in {unit, "PackageKit", "yum-cron"} or timer) else ""


def _machine(process: ProcessFacts, far: str) -> str:
    """The unit, agent or scheduler behind it; "" where it is a person."""
    unit = innermost_unit(process.cgroup)
    commands = [process.command, *(parent.command for parent in process.parents)]
    names = [parent.name for parent in process.parents]
    programs = [_program(command) for command in commands]
    if _CLOUD_INIT.fullmatch(unit) or "cloud-init" in programs:
        return "cloud-init"
    if any(map(_ANSIBLE.search, commands)) or any(program.startswith("ansible") for program in programs):
        over = " over ssh" if process.ssh_client or any(name.startswith("sshd") for name in names) else ""
        return f"ansible{over}{far}"
    timer = _TIMERS.fullmatch(unit)
    if timer:
        return f"{timer[1]}.timer"
    agent = next((agent for agent in _AGENTS if any(agent[:15] in name for name in names)), "")
    if agent:
        return agent
    if unit in _UNITS:
        return _UNITS[unit]
    if any(name in _CRON for name in names):
        return "cron"
    # tmux and terminal emulators put each shell in a scope of its own, in the slice of its user.
    at_a_terminal = process.tty and process.cgroup.startswith("/user.slice/")
    if unit and not at_a_terminal and not _SESSIONS.fullmatch(unit):
        return unit
    return ""


def _program(command: str) -> str:
    """The name of the program in a command line; of a script the script's."""
    words = [os.path.basename(word) for word in command.split(" ") if word and not word.startswith("-")]
    return next((word for word in words[:2] if not _INTERPRETERS.fullmatch(word)), "")
