"""What start and stop are asked for, what they meet, and the line that is built from a request. No I/O."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from opskit.memcached.line.edit import OptionText, words_of
from opskit.memcached.line.listen import is_everywhere, pieces
from opskit.memcached.line.release import IPV6_IN_LISTS, Release
from opskit.memcached.line.table import FLAGS
from opskit.memcached.model import Host, Process, Program

LOOPBACK = "127.0.0.1"
RUN_DIRECTORY = "/run/memcached"


@dataclass(frozen=True)
class StartRequest:
    """What was asked for: memcached's own options (letter, value), where it may be reached from, and the pid file.

    directory: where the pid file goes when nobody names one; unit: the systemd unit to start it by, "" for a daemon.
    """

    options: tuple[OptionText, ...]
    expose: tuple[str, ...] = ()
    directory: str = RUN_DIRECTORY
    unit: str = ""


@dataclass(frozen=True)
class StartFacts:
    """The host as the line meets it, and who of its name runs already."""

    program: Program
    host: Host
    running: tuple[Process, ...] = ()


@dataclass(frozen=True)
class StopFacts:
    """Who was named to be stopped.

    what: the port, socket, pid file, as it was named
    found: the process
    other: a process there that is not memcached
    pid_file, pid: the file that was named, and what is in it
    unseen: somebody listens there who cannot be seen
    exe: the program that the process runs, "" where that is not root's
    several: every instance that is meant by it, where that is more than one
    """

    what: str
    found: Optional[Process] = None
    other: Optional[Process] = None
    pid_file: str = ""
    pid: int = 0
    unseen: bool = False
    exe: str = ""
    several: tuple[Process, ...] = ()


def build(request: StartRequest, release: Release, *, root: bool, users: Sequence[str]) -> list[str]:
    """The words of the line: what was asked for, with safe defaults around it.

    It listens on loopback unless told, UDP is off, -p is always named (a lone -U moves TCP), root names a user.
    """
    given = [option for option in request.options if option[0] not in "dlP"]
    letters = {letter for letter, _ in given}
    socket = "s" in letters
    found: list[OptionText] = []
    if not socket:
        found += [] if "p" in letters else [("p", "11211")]
        found += [] if "U" in letters else [("U", "0")]
    if root and "u" not in letters and users:
        found.append(("u", users[0]))
    options = [*found, *given]
    if not socket:
        options += listen_options(request, release)
    if not request.unit:
        options += [("P", pid_path(request)), ("d", None)]
    order = list(FLAGS)
    return words_of(sorted(options, key=lambda option: order.index(option[0])))


def listen_options(request: StartRequest, release: Release) -> list[OptionText]:
    """-l for what was asked for and what is exposed: in one list, but an -l each where IPv6 in a list fails."""
    asked = [piece for letter, value in request.options if letter == "l" for piece in pieces(value or "")]
    # 0.0.0.0 holds the loopback address already: both at once cannot be had.
    loopback = [] if any(is_everywhere(one) and ":" not in one for one in request.expose) else [LOOPBACK]
    wanted = [*(asked or loopback), *(one for one in request.expose if one not in asked)]
    if release < IPV6_IN_LISTS:
        return [("l", one) for one in wanted]
    return [("l", ",".join(wanted))]


def pid_path(request: StartRequest) -> str:
    """The file of -P: the one that was named, else one by port or socket."""
    named = [value for letter, value in request.options if letter == "P" and value]
    if named:
        return named[-1]
    ports = [value for letter, value in request.options if letter == "p"]
    sockets = [os.path.basename(value or "") for letter, value in request.options if letter == "s"]
    name = sockets[-1] if sockets else ports[-1] if ports else "11211"
    return os.path.join(request.directory, f"memcached-{name}.pid")
