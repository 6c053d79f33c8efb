"""See what this host has of what opskit needs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from opskit import __version__
from opskit.core import build, procfs
from opskit.core.caller import has_capability, own_program
from opskit.core.command import Command, Runner
from opskit.core.config import Config, config_paths
from opskit.core.errors import OpskitError
from opskit.core.files import existing_part
from opskit.core.ledger import Ledger
from opskit.core.packages import ANSIBLE, install_line, os_release_fields, read_os_release, read_package_manager
from opskit.core.preconditions import obstacles
from opskit.core.runner import ENVIRONMENT
from opskit.core.systemd import installed_release, is_booted
from opskit.core.text import masked
from opskit.core.trust import weak_spot
from opskit.core.units import seconds_text
from opskit.doctor.diagnosis import CAPABILITIES
from opskit.doctor.model import ConfigFile, Examination, Host, Installation, Setting, State, Tool, User
from opskit.doctor.needs import NEEDS, Need

LIBRARIES = ("typer", "rich", "psutil", "pyudev", "pymemcache")
RELEASE = re.compile(r"\d+(?:\.\d+)+[\w.+-]*|(?<=systemd )\d+")
SECONDS = 5.0
# What a report of a fault has no use for: who is mailed, and where the password of that is.
PRIVATE_TABLES = ("smtp.",)
ENFORCE = "/sys/fs/selinux/enforce"
# What systemd, podman and docker leave in a container.
CONTAINER, CONTAINER_MARKS = "/run/systemd/container", {"/run/.containerenv": "podman", "/.dockerenv": "docker"}


def see_all(
    runner: Runner, config: Config, state_dir: str, environment: Mapping[str, str], faults: Sequence[str] = ()
) -> Examination:
    """Look at everything. Nothing is changed, and each program is waited for some seconds at most.

    config: what is in force; its warnings tell what is not
    environment: whose OPSKIT_… variables count
    faults: what the tables of the commands say wrongly
    """
    manager = read_package_manager()
    files = tuple(_config_files(config))
    return Examination(
        opskit=_installation(),
        host=_host(manager),
        user=_user(),
        state=_state(state_dir),
        config_files=files,
        settings=(*_settings(config), *_variables(environment)),
        unread=(*(each.text for each in config.warnings if not each.whole), *faults),
        tools=tuple(_tool(runner, need, manager) for need in NEEDS),
    )


def _installation() -> Installation:
    kind, commit = build.build()
    return Installation(
        version=__version__,
        kind=kind,
        commit=commit,
        path=build.package_path(),
        python=platform.python_version(),
        python_path=sys.executable,
        libraries={name: _library(name) for name in LIBRARIES},
    )


def _library(name: str) -> str:
    """The release of a library, "" where it is not there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _host(manager: str) -> Host:
    fields = os_release_fields(read_os_release())
    kernel = os.uname()
    return Host(
        os=fields.get("PRETTY_NAME", kernel.sysname),
        kernel=kernel.release,
        architecture=kernel.machine,
        c_library=" ".join(filter(None, platform.libc_ver())),
        systemd=installed_release(),
        booted=is_booted(),
        container=_container(),
        selinux={"1": "enforcing", "0": "permissive"}.get(procfs.text(ENFORCE).strip(), ""),
        package_manager=manager,
    )


def _container() -> str:
    marks = (name for path, name in CONTAINER_MARKS.items() if os.path.exists(path))
    return procfs.text(CONTAINER).strip() or next(marks, "")


def _user() -> User:
    number = os.geteuid()
    lacks = tuple(name for bit, (name, _) in CAPABILITIES.items() if not has_capability(bit))
    return User(procfs.user_name(number), number, lacks)


def _state(state_dir: str) -> State:
    problem = next(obstacles(state_dir, sudo="", waits=True, size=0), None)
    runs = free = 0
    try:
        runs = len(Ledger(state_dir).runs())
        status = os.statvfs(existing_part(os.path.abspath(state_dir)))
        free = status.f_bavail * status.f_frsize
    except (OpskitError, OSError) as error:
        problem = problem or (error if isinstance(error, OpskitError) else None)
    told = f"{problem.what}: {problem.why}" if problem else ""
    return State(state_dir, os.path.isdir(state_dir), free, runs, told, problem.todo if problem else "")


def _config_files(config: Config) -> Iterator[ConfigFile]:
    for path in config_paths():
        why = next((each.why for each in config.warnings if each.whole and each.path == path), "")
        yield ConfigFile(path, os.path.exists(path), why)


def _settings(config: Config) -> Iterator[Setting]:
    """What the files say, by the names that they have there. What is private is not shown."""
    tables = {**config.shared, **config.defaults, "check": {**config.defaults.get("check", {}), **config.checks}}
    values = dict(_flat(tables, ""))
    for key, origin in config.origin.items():
        if key.startswith(PRIVATE_TABLES):
            yield Setting(key, "(not shown)", origin)
        elif key in values:
            value = values[key]
            yield Setting(key, masked(seconds_text(value) if key == "lock_timeout" else str(value)), origin)


def _flat(table: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _variables(environment: Mapping[str, str]) -> Iterator[Setting]:
    for name in sorted(environment):
        if name.startswith("OPSKIT_"):
            yield Setting(name, masked(environment[name]), "environment")


def _tool(runner: Runner, need: Need, manager: str) -> Tool:
    install = install_line(manager, need.program)
    if need.distribution:
        path, install = own_program(need.program), f"{ANSIBLE}; or {install}"
        own = os.path.dirname(path) == os.path.dirname(sys.executable)
        release = _library(need.distribution) if own else ""
        asked = () if release else _distribution(path, need.distribution)  # /usr/bin has several Pythons' programs
    else:
        path, release = shutil.which(need.program, path=ENVIRONMENT["PATH"]) or "", ""
        asked = (path, *need.release) if need.release else ()
    release = _release(runner, asked) if path and asked else release
    install = "" if path else install
    return Tool(need.program, path, release, need.commands, need.only, install)


def _distribution(path: str, name: str) -> tuple[str, ...]:
    """What tells the release of the distribution that a program of Python's is from; empty where that is unknown.

    Root starts no Python for it that others could have put there: the caller's PATH may lead anywhere.
    """
    try:
        with open(path, "rb") as file:
            first = os.fsdecode(file.readline(4096).rstrip())
    except OSError:
        return ()
    python = (first.removeprefix("#!").split() or [""])[0]  # a package's has an option behind it: -s, -sP
    code = f"from importlib.metadata import version; print(version({name!r}))"
    known = first.startswith("#!/") and os.path.basename(python).startswith("python")
    return (python, "-I", "-B", "-c", code) if known and not (weak_spot(path) or weak_spot(python)) else ()


def _release(runner: Runner, argv: tuple[str, ...]) -> str:
    """What a program says of its release, "" where it does not tell in time."""
    command = Command(argv, mutates=False, timeout=SECONDS, accept=tuple(range(256)))
    try:
        result = runner.run(command)
    except OpskitError:
        return ""
    match = RELEASE.search(result.stdout) or RELEASE.search(result.stderr)  # e2fsprogs tells it on stderr
    return match[0] if match else ""
