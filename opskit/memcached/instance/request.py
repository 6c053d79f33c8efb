"""What start and stop are asked for, what they meet, and the line that is built from a request. No I/O."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Optional

from opskit.core.record import dataclass
from opskit.memcached.line.edit import OptionText, words_of
from opskit.memcached.line.listen import Listener, is_everywhere, pieces
from opskit.memcached.line.release import IPV6_IN_LISTS, Release
from opskit.memcached.line.table import FLAGS
from opskit.memcached.model import Host, HostProcess, Program

LOOPBACK = "127.0.0.1"
RUN_DIRECTORY = "/run/memcached"
USUAL_USERS = ("memcached", "memcache")  # of the EL family, of Debian
# -n and -v are opskit's own everywhere: dry run, verbose.
OURS = "nv"


@dataclass(frozen=True)
class StartRequest:
    """What start is asked for.

    options: memcached's own options
    expose: addresses that it may be reached at from other hosts
    directory: where the pid file goes when nobody names one
    unit: the systemd unit to start it by, "" for a daemon
    enable: whether that starts at boot as well
    """

    options: tuple[OptionText, ...]
    expose: tuple[str, ...] = ()
    directory: str = RUN_DIRECTORY
    unit: str = ""
    enable: bool = True


@dataclass(frozen=True)
class Wanted:
    """What a started instance has to show.

    settings: pairs of name and value, as `stats settings` has to have them
    auth_file: the file of -Y
    binary: it speaks the binary protocol only (SASL, -B binary), which pymemcache does not: it is not asked
    """

    listeners: tuple[Listener, ...] = ()
    socket: str = ""
    settings: tuple[tuple[str, ...], ...] = ()
    auth_file: str = ""
    tls: bool = False
    binary: bool = False

    @property
    def where(self) -> str:
        """Where it listens, for a person."""
        return self.socket or ", ".join(listener.text for listener in self.listeners)


@dataclass(frozen=True)
class StartFacts:
    """What start goes by: the memcached here, what the line meets, and the instances that run already.

    booted: whether systemd runs this host
    """

    program: Program
    host: Host
    running: tuple[HostProcess, ...] = ()
    booted: bool = False


@dataclass(frozen=True)
class StopFacts:
    """Who was named to be stopped.

    what: the port, socket, pid file, as it was named
    process: the one that is to be stopped
    other: a process there that is not memcached
    pid_file, pid: the file that was named, and what is in it
    unseen: somebody listens there who cannot be seen
    exe: the program that the process runs, "" where that is not root's
    several: every instance that is meant by it, where that is more than one
    scope: whether an undo starts it in a scope of its own (start_command)
    socket: the UNIX socket of its line, as an absolute path; "" where it does not listen there
    """

    what: str
    process: Optional[HostProcess] = None
    other: Optional[HostProcess] = None
    pid_file: str = ""
    pid: int = 0
    unseen: bool = False
    exe: str = ""
    several: tuple[HostProcess, ...] = ()
    scope: bool = False
    socket: str = ""


def typed(request: StartRequest) -> list[str]:
    """The options as `opskit memcached start` takes them: where a letter is opskit's own, by the long name."""
    words = []
    for letter, value in request.options:
        name = f"--{FLAGS[letter].long}" if letter in OURS else f"-{letter}"
        words += [name] if value is None else [name, value]
    return [*words, *(word for address in request.expose for word in ("--expose", address))]


def build(request: StartRequest, release: Release, *, root: bool, users: Sequence[str]) -> list[str]:
    """The words of the line: what was asked for, with safe defaults around it.

    It listens on loopback unless told, UDP is off, -p is always named (a lone -U moves TCP), root names a user.
    """
    options: list[OptionText] = [option for option in request.options if option[0] not in "dlP"]
    letters = {letter for letter, _ in options}
    if "s" not in letters:
        options += [] if "p" in letters else [("p", "11211")]
        options += [] if "U" in letters else [("U", "0")]
        options += listen_options(request, release)
    if root and "u" not in letters and users:
        options.append(("u", users[0]))
    if not request.unit:
        options += [("P", pid_path(request)), ("d", None)]
    order = list(FLAGS)
    return words_of(sorted(options, key=lambda option: order.index(option[0])))


def listen_options(request: StartRequest, release: Release) -> list[OptionText]:
    """-l for what was asked for and what is exposed: in one list, but an -l each where IPv6 in a list fails."""
    listen = [piece for letter, value in request.options if letter == "l" for piece in pieces(value or "")]
    # 0.0.0.0 includes the loopback address: both cannot be bound.
    everywhere = any(is_everywhere(address) and ":" not in address for address in request.expose)
    addresses = listen or ([] if everywhere else [LOOPBACK])
    addresses += [address for address in request.expose if address not in addresses]
    if release < IPV6_IN_LISTS:
        return [("l", address) for address in addresses]
    return [("l", ",".join(addresses))]


def run_directory(options: Sequence[OptionText]) -> str:
    """Where root's daemon has its pid file: /run/memcached is the usual user's, and another one cannot write there."""
    users = [value for letter, value in options if letter == "u" and value]
    return f"{RUN_DIRECTORY}-{users[-1]}" if users and users[-1] not in USUAL_USERS else RUN_DIRECTORY


def pid_path(request: StartRequest) -> str:
    """The file of -P: the one that was named, else one by port or socket."""
    named = [value for letter, value in request.options if letter == "P" and value]
    if named:
        return named[-1]
    ports = [value for letter, value in request.options if letter == "p"]
    sockets = [os.path.basename(value or "") for letter, value in request.options if letter == "s"]
    name = sockets[-1] if sockets else ports[-1] if ports else "11211"
    return os.path.join(request.directory, f"memcached-{name}.pid")
