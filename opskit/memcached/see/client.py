"""Asking a running memcached: version, stats, stats settings, by pymemcache. Imported only where one is asked."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any, Optional

from opskit.core.errors import Failed
from opskit.memcached.line.listen import ALL, Listener
from opskit.memcached.model import StatsAnswer, Target
from opskit.memcached.see.host import permits


def target_of(
    socket: str, listeners: Sequence[Listener], secret: Optional[tuple[str, str]], *, tls: bool
) -> Optional[Target]:
    """How this host reaches an instance: its UNIX socket, or its first TCP listener; None where there is neither.

    A listener on every address is reached over loopback.
    """
    if socket:
        return Target(socket=socket, secret=secret, tls=tls)
    everywhere = {ALL: "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - named, not bound
    tcp = next((listener for listener in listeners if listener.protocol == "tcp"), None)
    return Target(everywhere.get(tcp.address, tcp.address), tcp.port, "", secret, tls) if tcp else None


def read_secret(path: str, uid: int) -> Optional[tuple[str, str]]:
    """The first user and password of the file of -Y; None when this user (the instance's) may not read it.

    The path is from the line of a process, which anybody can name memcached: root must not hand what only root may
    read to whoever listens there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape") as file:
        if not os.path.isabs(path) or not _may_read(os.fstat(descriptor), uid):
            return None
        user, sign, password = file.readline(4096).rstrip("\n").partition(":")
    return (user, password) if sign else None


def _may_read(status: os.stat_result, uid: int) -> bool:
    """Whether this is a regular file, and this user can read it."""
    import pwd  # noqa: PLC0415

    try:
        group = pwd.getpwuid(uid).pw_gid
    except KeyError:
        group = -1
    return stat.S_ISREG(status.st_mode) and permits(status, uid, group, 4)


def ask(target: Target, seconds: float, *, stats: bool = True, settings: bool = True) -> StatsAnswer:
    """Ask one instance; each step of it may take so many seconds. Raises Failed.

    stats, settings: whether it is asked for its figures, for its settings
    """
    from pymemcache.client.base import Client  # noqa: PLC0415 - 30 ms, and few commands ask
    from pymemcache.exceptions import MemcacheError  # noqa: PLC0415

    server: Any = target.socket or (target.address, target.port)
    more = {"tls_context": _tls()} if target.tls else {}
    client = Client(server, connect_timeout=seconds, timeout=seconds, **more)
    try:
        if target.secret:
            # The ascii protocol takes user and password as the value of a set (doc/protocol.txt).
            client.set("auth", " ".join(target.secret), noreply=False)
        version = client.version().decode("ascii", "replace")
        values = _texts(client.stats("settings")) if settings else {}
        if not stats:
            return StatsAnswer(version, settings=values)
        items, slabs = _texts(client.stats("items")), _texts(client.stats("slabs"))
        return StatsAnswer(version, _texts(client.stats()), values, items, slabs)
    except (OSError, MemcacheError, LookupError, ValueError) as error:
        why = str(error) or type(error).__name__
        raise Failed(target.text, f"memcached does not answer: {why}") from error
    finally:
        client.close()


def _tls() -> Any:
    """Our own instance, asked on this host: its certificate need not be anybody's."""
    import ssl  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _texts(answer: dict[Any, Any]) -> dict[str, str]:
    """Names and values as text: pymemcache has some of them as bytes, some as numbers."""
    return {_text(name): _text(value) for name, value in answer.items()}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(int(value)) if isinstance(value, bool) else str(value)
