"""What -l means: addresses and ports, by release. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

from opskit.core.record import dataclass
from opskit.memcached.line.numbers import atoi, is_integer
from opskit.memcached.line.release import IPV6_IN_LISTS, REPEATS_DROPPED, Release

ALL = "*"
BLANK = "a blank is no part of an address"
LOCAL = {"localhost": ("127.0.0.1", "::1")}


@dataclass(frozen=True)
class Listener:
    """Where memcached listens. address: "*" for all of them; port -1: any free one."""

    protocol: str
    address: str
    port: int

    @property
    def text(self) -> str:
        """`tcp 127.0.0.1:11211`."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.protocol} {host}:{'any' if self.port == -1 else self.port}"


class ListenAddress(NamedTuple):
    """One piece of -l.

    text: as it was typed
    port: None for that of -p or -U
    wrong: why memcached ends (status 71); "" for a good one
    """

    text: str
    address: str
    port: Optional[int] = None
    wrong: str = ""


def repeats(values: Sequence[str], release: Release) -> list[int]:
    """The numbers of the values that are dropped, of several -l.

    From 1.4.25 on one whose text is found anywhere in those before it is dropped: meant for repeats, it hits
    127.0.0.1 after 127.0.0.11 as well.
    """
    kept: list[str] = []
    dropped = []
    for number, value in enumerate(values):
        if kept and release >= REPEATS_DROPPED and value in ",".join(kept):
            dropped.append(number)
        else:
            kept.append(value)
    return dropped


def read_addresses(value: str, release: Release) -> list[ListenAddress]:
    """The addresses of one -l. An IPv6 address in an -l of its own is fine in 1.4.15 of EL7, too."""
    parts = pieces(value)
    return [read_address(piece, release, alone=parts == [value]) for piece in parts]


def pieces(value: str) -> list[str]:
    """The addresses in one -l: between commas or semicolons."""
    return [piece for piece in value.replace(";", ",").split(",") if piece]


def without_blanks(piece: str) -> str:
    """An address without the blanks that a list in quotes has; getaddrinfo(3) takes none."""
    return "".join(piece.split())


def read_address(piece: str, release: Release, *, alone: bool) -> ListenAddress:
    """One address, as memcached takes it apart. alone: it is the only one of its -l."""
    if without_blanks(piece) != piece:
        return read_address(without_blanks(piece), release, alone=alone)._replace(text=piece, wrong=BLANK)
    rest = piece
    for prefix in ("notls:", "notls["):
        rest = rest[len("notls:") :] if rest.startswith(prefix) else rest
    for name in ("proto[", "tag["):
        if rest.startswith(name) and "]" in rest:
            rest = rest.partition("]")[2].removeprefix(":")
    if rest.startswith("["):
        inside, sign, after = rest[1:].partition("]")
        if not sign:
            return ListenAddress(piece, inside, wrong="a bracket is not closed")
        return _with_port(piece, inside, after.removeprefix(":") if after else None)
    if rest.count(":") > 1:
        if release < IPV6_IN_LISTS and not alone:
            return ListenAddress(
                piece, rest, wrong="an IPv6 address in a list: what follows its first : is read as a port"
            )
        return ListenAddress(piece, rest)
    host, sign, port = rest.partition(":")
    return _with_port(piece, host, port if sign else None)


def _with_port(piece: str, address: str, port: Optional[str]) -> ListenAddress:
    if port is None:
        return ListenAddress(piece, address)
    if not is_integer(port):
        return ListenAddress(piece, address, wrong=f"{port!r} is no port")
    return ListenAddress(piece, address, atoi(port))


def is_loopback(address: str) -> bool:
    """Whether only this host can reach it. A name other than localhost is not looked up: nobody knows."""
    if address.lower() in {"127.0.0.1", "::1", "localhost", "ip6-localhost", "localhost.localdomain"}:
        return True
    if address == ALL:
        return False
    import ipaddress  # noqa: PLC0415

    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def is_everywhere(address: str) -> bool:
    """Whether it stands for every address of the host."""
    return address in {ALL, "0.0.0.0", "::", "0", "[::]"}  # noqa: S104 - told apart, not bound


def overlaps(first: Listener, second: Listener) -> bool:
    """Whether the two cannot both be bound: the same port, on the same address or all of them."""
    if (first.protocol, first.port) != (second.protocol, second.port):
        return False
    names = {"localhost": "127.0.0.1"}
    address, other = (names.get(listener.address, listener.address) for listener in (first, second))
    same_family = (":" in address) == (":" in other)
    everywhere = same_family and (is_everywhere(address) or is_everywhere(other))
    return address == other or ALL in {address, other} or everywhere


def clash(listeners: Sequence[Listener]) -> Optional[tuple[Listener, Listener]]:
    """Two TCP listeners of one line that cannot both be bound; UDP ones may share a port (SO_REUSEADDR).

    One on "*" is left out: memcached is content with the family that it gets.
    """
    named = [each for each in listeners if each.protocol == "tcp" and each.port != -1 and each.address != ALL]
    pairs = ((first, second) for n, second in enumerate(named) for first in named[:n] if overlaps(first, second))
    return next(pairs, None)


def missing_listeners(wanted: Sequence[Listener], listening: Sequence[Listener]) -> list[Listener]:
    """Those of the wanted that are not there. A name counts as there when something listens on its port."""
    return [listener for listener in wanted if not any(_same(listener, socket) for socket in listening)]


def _same(wanted: Listener, socket: Listener) -> bool:
    if wanted.protocol != socket.protocol or wanted.port not in {-1, socket.port}:
        return False
    if is_everywhere(wanted.address):
        return socket.address in {ALL, "::"}
    if not any(char.isdigit() for char in wanted.address):
        return socket.address in LOCAL.get(wanted.address, (socket.address,))
    return wanted.address == socket.address
