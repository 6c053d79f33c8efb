"""What the doctor sees of a host."""

from __future__ import annotations

from opskit.core.record import dataclass


@dataclass(frozen=True)
class Installation:
    """This opskit. kind: checkout, wheel …, with the commit where it is no release; libraries: their releases."""

    version: str
    kind: str
    commit: str
    path: str
    python: str
    python_path: str
    libraries: dict[str, str]


@dataclass(frozen=True)
class Host:
    """The host. systemd: its release, 0 for none; booted: whether it runs the host; container, selinux: "" for none.

    package_manager: yum, dnf or apt-get; "" for another one
    """

    os: str
    kernel: str
    architecture: str
    c_library: str
    systemd: int
    booted: bool
    container: str
    selinux: str
    package_manager: str


@dataclass(frozen=True)
class User:
    """Who runs this. lacks: the capabilities of CAPABILITIES that are missing, as capabilities(7) names them."""

    name: str
    number: int
    lacks: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """The state directory. free: in bytes; runs: of its ledger; problem: why no run can begin, todo: what helps."""

    path: str
    exists: bool
    free: int
    runs: int
    problem: str
    todo: str


@dataclass(frozen=True)
class ConfigFile:
    """A config file. problem: why nothing of it counts; "" where it does."""

    path: str
    exists: bool
    problem: str


@dataclass(frozen=True)
class Setting:
    """A value that is in force where nothing is typed, and where it comes from: a file, or "environment"."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True)
class Tool:
    """A program that commands start. path: "" where the host lacks it, release: "" where it did not tell.

    only: when it is started, "" for always; install: the line that brings it
    """

    name: str
    path: str
    release: str
    commands: tuple[str, ...]
    only: str
    install: str


@dataclass(frozen=True)
class Examination:
    """All that the doctor saw. unread: what of the config files that count is passed over, and why."""

    opskit: Installation
    host: Host
    user: User
    state: State
    config_files: tuple[ConfigFile, ...]
    settings: tuple[Setting, ...]
    unread: tuple[str, ...]
    tools: tuple[Tool, ...]
