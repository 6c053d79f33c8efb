"""Whether a running instance is as it was asked for: its sockets, and what it says of itself."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from opskit.core.errors import Failed
from opskit.memcached import proc
from opskit.memcached.client import Target, ask, read_secret, target_of
from opskit.memcached.listen import ALL, Listener, is_everywhere

SECONDS = 5.0
LOCAL = {"localhost": ("127.0.0.1", "::1")}


def missing_listeners(wanted: Sequence[Listener], found: Sequence[Listener]) -> list[Listener]:
    """Those of the wanted that are not there. A name counts as there when something listens on its port."""
    return [one for one in wanted if not any(_same(one, other) for other in found)]


def _same(wanted: Listener, found: Listener) -> bool:
    if wanted.protocol != found.protocol or wanted.port not in {-1, found.port}:
        return False
    if is_everywhere(wanted.address):
        return found.address in {ALL, "::"}
    if not any(char.isdigit() for char in wanted.address):
        return found.address in LOCAL.get(wanted.address, (found.address,))
    return wanted.address == found.address


@dataclass(frozen=True)
class Wanted:
    """What an instance was asked for. settings: pairs of name and value, as `stats settings` has to say them.

    binary: it speaks the binary protocol only (SASL, -B binary), which pymemcache does not: it is not asked.
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
        return self.socket or ", ".join(one.text for one in self.listeners)


def check(wanted: Wanted, pid: int) -> None:
    """Raise Failed, naming what is not as it was asked for."""
    found = proc.sockets_of(pid)
    lost = missing_listeners(wanted.listeners, found)
    if lost:
        raise Failed("memcached", f"it does not listen on {', '.join(one.text for one in lost)}")
    if wanted.socket and not _is_socket(wanted.socket):
        raise Failed(wanted.socket, "there is no UNIX socket")
    tcp = [one for one in found if one.protocol == "tcp"]
    if wanted.binary or not (tcp or wanted.socket):
        return
    where = Target() if wanted.socket else target_of(tcp[0])
    secret = read_secret(wanted.auth_file, proc.owner(pid)) if wanted.auth_file else None
    target = Target(where.address, where.port, wanted.socket, secret, wanted.tls)
    answer = ask(target, SECONDS, stats=False)
    wrong = [
        f"{name} is {answer.settings.get(name, 'not told')}, not {value}"
        for name, value in wanted.settings
        if answer.settings.get(name) != value
    ]
    if wrong:
        raise Failed(target.text, f"memcached runs with other settings: {'; '.join(wrong)}")


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
