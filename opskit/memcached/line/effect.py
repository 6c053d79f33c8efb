"""What a release of memcached makes of a line: its settings and listeners, or with which status it ends. No I/O.

The order of the checks is that of main() in memcached.c: _reading, _afterwards and _on_host end the program that was
started; _in_threads and _listening come later, and end a daemon once it is in the background.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple, Optional

from opskit.core.units import KIB, MIB
from opskit.memcached.line.listen import ALL, ListenAddress, Listener, clash, repeats
from opskit.memcached.line.numbers import PORTS, item_size, memory_bytes
from opskit.memcached.line.parse import CommandLine, LineOption, parse
from opskit.memcached.line.release import (
    CONNECTIONS_CHECKED,
    ITEM_CHECKED_AT_END,
    ITEMS_TO_1G,
    LARGE_PAGES,
    LONG_OPTIONS,
    NAPI_SHOWN,
    NEGATIVE_CHECKED,
    NEWEST,
    PORT_CHECKED,
    UDP_OFF,
    Release,
)
from opskit.memcached.line.storage import (
    CHUNK,
    SIGABRT,
    SIGFPE,
    SIGNALS,
    SIGSEGV,
    chunk_ends,
    chunk_size,
    pages_short,
    sizes_end,
    storage_ends,
    storage_ends_late,
)
from opskit.memcached.line.table import PROTOCOLS, V150
from opskit.memcached.model import Host

# sysexits.h
EX_USAGE, EX_NOUSER, EX_OSERR = 64, 67, 71
# Of a path of -s: sun_path of unix(7) without its last byte.
SUN_PATH = 107
# Opened before any client: measured on 1.6.18 (4 for each thread) and 1.6.45 (5), one listener more is one less.
FILES_ALWAYS = 7
FILES_PER_THREAD = (4, 5)
# Of -c, set aside for each thread, whatever it opens (thread.c of 1.4.15 to 1.6.45).
RESERVED_PER_THREAD = 5
# stdin, stdout, stderr and the file of users: measured on 1.6.18.
FILES_FOR_USERS = 4
# Of the memory, for the hot and the warm LRU together.
LRU_PERCENT = 80
# Up to so many threads, the power of 2 of the locks; the hash table has to be larger (thread.c). Seen on 1.6.18.
LOCKS = ((2, 10), (3, 11), (4, 12), (10, 13), (20, 14), (2**31, 15))
HASHPOWER = 16
# It has no memory for so many seconds of every class, and does not look whether it got it: seen on 1.6.18.
WINDOW = 10**9
# An exit status, and why.
End = tuple[int, str]


# The options behind -o for the certificate, its key and that of the CA.
CERTIFICATE = ("ssl_chain_cert", "ssl_key", "ssl_ca_cert")


class Effect(NamedTuple):
    """What memcached runs with, or how it ends.

    status: with what it ends, None when it runs; why: the reason
    silent: it runs, and answers nobody
    fragile: it runs, and `stats settings` ends it
    prints: it only prints something (-h, -i, -V) and ends
    late: it ends once a daemon is in the background: who started it has had status 0 by then
    certificate: with TLS the files of the chain, the key and the CA, "" where none is named
    locks: whether it locks its memory (-k)
    addresses: what -l names
    dropped: which -l count for nothing (their numbers among the -l)
    """

    port: int = 11211
    udp: int = 0
    listeners: tuple[Listener, ...] = ()
    socket: str = ""
    max_bytes: int = 64 * MIB
    connections: int = 1024
    threads: int = 4
    item_size: int = MIB
    user: str = ""
    pid_file: str = ""
    daemon: bool = False
    auth_file: str = ""
    memory_file: str = ""
    protocol: str = "auto"
    sasl: bool = False
    tls: bool = False
    certificate: tuple[str, ...] = ()
    locks: bool = False
    status: Optional[int] = None
    why: str = ""
    silent: bool = False
    fragile: bool = False
    prints: bool = False
    late: bool = False
    addresses: tuple[ListenAddress, ...] = ()
    dropped: tuple[int, ...] = ()

    @property
    def binary(self) -> bool:
        """Whether it speaks the binary protocol only: with SASL, or asked for."""
        return self.sasl or self.protocol == "binary"

    @property
    def exit_status(self) -> Optional[int]:
        """With what the program that is started ends; None when there is a server."""
        return 0 if self.prints or (self.daemon and self.late) else self.status

    @property
    def runs(self) -> bool:
        """Whether there is a server after it."""
        return self.status is None and not self.prints

    @property
    def files(self) -> tuple[int, int]:
        """How many files it has open without any client: least and most (it differs by release)."""
        udp = sum(listener.protocol == "udp" for listener in self.listeners)
        tcp = max(1, len(self.listeners) - udp)
        fixed = FILES_ALWAYS + tcp + udp * (self.threads if udp == 1 else 1)
        least, most = (fixed + each * self.threads for each in FILES_PER_THREAD)
        return least, most

    @property
    def reserved(self) -> int:
        """How many of its connections are taken before any client: by its threads, and by each socket it listens on."""
        udp = sum(listener.protocol == "udp" for listener in self.listeners)
        each = {"tcp": 1, "udp": self.threads if udp == 1 else 1}
        # One on every address is a socket of each family.
        sockets = sum(each[listener.protocol] * (1 + (listener.address == ALL)) for listener in self.listeners)
        return RESERVED_PER_THREAD * self.threads + (1 if self.socket else sockets)

    def clients(self) -> tuple[int, int]:
        """How many clients can be served at once: least and most (it differs by release)."""
        least, most = self.files
        return max(0, self.connections - most), max(0, self.connections - least)


def bound_path(path: str) -> str:
    """What memcached binds of a path of -s: it cuts that to what sun_path holds, and says nothing (memcached.c)."""
    return path.encode("utf-8", "surrogateescape")[:SUN_PATH].decode("utf-8", "surrogateescape")


def end_text(status: int) -> str:
    """`exit status 64`; of a signal, which is below 0, its name."""
    return f"exit status {status}" if status >= 0 else f"killed by {SIGNALS[status]}"


def late_end(status: int, effect: Effect) -> str:
    """What a person sees of an end that comes once a daemon is in the background."""
    return end_text(status) + ("; with -d silently, and with status 0" if effect.daemon else "")


def effect_of(line: CommandLine, host: Optional[Host] = None) -> Effect:
    """What comes of the line, on this host."""
    host = host or Host()
    effect = _with_listeners(_settings(line, host), line)
    at_once = next(chain(_reading(line, effect, host), _afterwards(line, effect), _on_host(effect, host)), None)
    if at_once is not None:
        status, why = at_once
        return effect._replace(status=status or None, why=why, prints=status == 0)
    late = next(chain(_in_threads(line, effect, host), _listening(effect, host)), None)
    if late is not None:
        return effect._replace(status=late[0], why=late[1], late=True)
    never = line.integer("R", 1) < 0 and line.release < NEGATIVE_CHECKED
    return effect._replace(silent=never, fragile=line.has("N") and line.release < NAPI_SHOWN)


def effect_of_process(words: Sequence[str]) -> Effect:
    """What comes of the words of a process, program first, by the rules of the newest release: its own is not known."""
    return effect_of(parse(words[1:], NEWEST))


def _settings(line: CommandLine, host: Host) -> Effect:
    """What the options set, wherever the line may end."""
    udp_on = line.release < UDP_OFF and "udp-off" not in host.features
    size = line.last("I")
    effect = Effect(
        port=line.integer("p", 11211),
        udp=line.integer("U", 11211 if udp_on else 0),
        socket=bound_path(line.text("s")),
        max_bytes=memory_bytes(line.integer("m", 64)),
        connections=line.integer("c", 1024),
        threads=line.integer("t", 4),
        item_size=size.integer if size else item_size("1m"),
        user=line.text("u"),
        pid_file=line.text("P") if line.has("d") else "",
        daemon=line.has("d"),
        auth_file=line.text("Y"),
        memory_file=line.text("e"),
        protocol=line.text("B", "auto"),
        sasl=line.has("S"),
        tls=line.has("Z"),
        certificate=tuple(_file_of(line, name) for name in CERTIFICATE) if line.has("Z") else (),
        locks=line.has("k"),
    )
    # -p and -U move each other.
    if udp_on and line.has("p") and not line.has("U"):
        return effect._replace(udp=effect.port)
    if line.has("U") and not line.has("p") and (effect.udp or udp_on):
        return effect._replace(port=effect.udp)
    return effect


def _file_of(line: CommandLine, name: str) -> str:
    """The file that an option behind -o names, "" for none."""
    option = line.extended.get(name)
    return (option.value or "") if option else ""


def _with_listeners(effect: Effect, line: CommandLine) -> Effect:
    """Where it listens."""
    if effect.socket:
        return effect
    options = line.all("l")
    dropped = repeats([option.value or "" for option in options], line.release)
    addresses = tuple(address for n, option in enumerate(options) if n not in dropped for address in option.addresses)
    # An -l that names nothing is no address at all; none is every address.
    everywhere = () if options else (ListenAddress("", ALL),)
    listeners = []
    for protocol, default in (("tcp", effect.port), ("udp", effect.udp)):
        for address in addresses or everywhere:
            port = default if address.port is None else address.port
            if default:
                # A port 0 in -l, or one whose 16 bits are 0, is any free one; -p 0 is none.
                number = -1 if port == -1 else port % PORTS or -1
                listeners.append(Listener(protocol, address.address or ALL, number))
    return effect._replace(listeners=tuple(listeners), addresses=addresses, dropped=tuple(dropped))


def _reading(line: CommandLine, effect: Effect, host: Host) -> Iterator[End]:
    """What ends it as the options are read one after the other."""
    for option in line.options:
        if option.wrong:
            yield 1, f"{option.text}: {option.wrong} option"
        elif option.letter in "hiV":
            yield 0, f"-{option.letter} prints and ends"
        elif option.letter in "cRntN":
            yield from _count(option, line.release)
        elif option.letter == "o":
            yield from ((1, f"-o {extended.text}: {extended.why}") for extended in option.extended if extended.ends)
        elif option.letter == "I" and line.release < ITEM_CHECKED_AT_END:
            yield from _item_at_once(option.integer, effect, line.release)
        else:
            yield from _one_value(option, line.release, host)


def _one_value(option: LineOption, release: Release, host: Host) -> Iterator[End]:
    """The options that are no count, each by itself."""
    value = option.value or ""
    ends = {
        "f": (option.number is not None and option.number.value <= 1, 1, "the factor must be more than 1"),
        "D": (not value, 1, "no delimiter"),
        "L": (release < LARGE_PAGES, 1, "no large pages on Linux in this release"),
        "B": (value not in PROTOCOLS, EX_USAGE, f"{value!r} is no protocol"),
        "S": ("sasl" not in host.features, EX_USAGE, "built without SASL"),
        "Z": ("tls" not in host.features, EX_USAGE, "built without TLS"),
    }
    applies, status, why = ends.get(option.letter, (False, 0, ""))
    if applies:
        yield status, why


def _count(option: LineOption, release: Release) -> Iterator[End]:
    """-c, -R, -n, -t and -N: which of them may be 0 or less."""
    letter, number = option.letter, option.integer
    checked = letter != "c" or release >= CONNECTIONS_CHECKED or number == 0
    below = letter not in "Rn" or release >= NEGATIVE_CHECKED
    if letter == "c" and number == 0 and release < CONNECTIONS_CHECKED:
        return  # no open file is left to look the user up
    if checked and (number == 0 or (number < 0 and below)):
        yield 1, f"-{letter} must be more than 0"


def _item_at_once(size: int, effect: Effect, release: Release) -> Iterator[End]:
    """-I, in the releases that check it as it is read."""
    if size < KIB:
        yield 1, "items of less than 1024 bytes"
    if release < ITEMS_TO_1G:
        if size > 128 * MIB:
            yield 1, "items over 128 MiB"
        return
    if size > effect.max_bytes // 4:
        yield 1, "items of more than a quarter of the memory"
    if size > 1024 * MIB:
        yield 1, "items over 1 GiB"


def _afterwards(line: CommandLine, effect: Effect) -> Iterator[End]:
    """What is checked once all options are read."""
    release = line.release
    late = release >= ITEM_CHECKED_AT_END
    if late and effect.item_size < KIB:
        yield EX_USAGE, "items of less than 1024 bytes"
    if late and effect.item_size > effect.max_bytes // 2:
        yield EX_USAGE, "-m is less than two times -I"
    if late and effect.item_size > 1024 * MIB:
        yield EX_USAGE, "items over 1 GiB"
    yield from chunk_ends(line, effect.item_size)
    yield from storage_ends(line, effect.item_size, effect.udp)
    yield from _against_each_other(line, effect)


def _against_each_other(line: CommandLine, effect: Effect) -> Iterator[End]:
    """Options that do not go together."""
    release = line.release
    if line.integer("N", 0) > effect.threads:
        yield EX_USAGE, "more NAPI ids than threads"
    if _lru_percent(line) > LRU_PERCENT:
        yield EX_USAGE, f"hot_lru_pct and warm_lru_pct are more than {LRU_PERCENT} together"
    if effect.sasl and effect.protocol == "ascii":
        yield EX_USAGE, "SASL is for the binary protocol"
    if effect.sasl and effect.udp and release >= UDP_OFF:
        yield EX_USAGE, "no UDP with SASL"
    if effect.auth_file and effect.protocol not in {"ascii", "auto"}:
        yield EX_USAGE, "-Y is for the ascii protocol"
    if release >= PORT_CHECKED and effect.port >= PORTS:
        yield EX_USAGE, f"port {effect.port}"
    if effect.tls and not {"ssl_chain_cert", "ssl_key"} <= line.extended.keys():
        yield EX_USAGE, "-Z without a certificate"


def odd_size(line: CommandLine, size: int) -> bool:
    """Whether an item of this size cannot be cut into chunks: not a multiple of 512k, where items are in chunks."""
    chunk = chunk_size(line, size)
    return line.release >= ITEMS_TO_1G and not chunk.status and chunk.size == CHUNK and size % CHUNK != 0


def _lru_percent(line: CommandLine) -> int:
    """How much of the memory the hot and the warm LRU take together, in percent."""
    defaults = (
        {"hot_lru_pct": 20, "warm_lru_pct": 40} if line.release >= V150 else {"hot_lru_pct": 32, "warm_lru_pct": 32}
    )
    extended = line.extended
    return sum(int(extended[name].number) if name in extended else percent for name, percent in defaults.items())


def _on_host(effect: Effect, host: Host) -> Iterator[End]:
    """What limits, users and the like end it for."""
    if effect.connections > host.most_files or effect.connections < 0:
        yield EX_OSERR, "more open files than the kernel allows"
    may_raise = host.root and host.raises
    if not may_raise and host.hard_files and effect.connections > host.hard_files:
        yield EX_OSERR, "more open files than the hard limit"
    if host.root and not effect.user:
        yield EX_USAGE, "root without -u"
    if host.root and not host.user_known:
        yield EX_NOUSER, f"no such user: {effect.user}"
    if host.certificate_fault:
        yield EX_USAGE, host.certificate_fault
    if host.root and effect.connections < FILES_FOR_USERS:
        yield EX_NOUSER, "no open file is left to look the user up"


def _in_threads(line: CommandLine, effect: Effect, host: Host) -> Iterator[End]:
    """What ends it in the background, before it listens."""
    if host.secret_fault:
        yield 1, f"-Y {effect.auth_file}: {host.secret_fault}"
    if host.memory_file_fault:
        yield SIGABRT, f"-e {effect.memory_file}: {host.memory_file_fault}"
    short = pages_short(line, effect.item_size, effect.max_bytes)
    if short:
        yield 1, f"-m is too little for a page of each of {short} sizes of chunks"
    if effect.auth_file and effect.udp:
        yield EX_USAGE, "no UDP with -Y"
    if effect.connections < FILES_ALWAYS + 1 + FILES_PER_THREAD[0] * effect.threads - 1:
        yield 1, "not enough connections for its own threads"
    yield from sizes_end(line, effect.item_size)
    yield from storage_ends_late(line)
    factor = line.last("f")
    if factor and factor.number and math.isnan(factor.number.value):
        yield SIGFPE, "-f is not a number, and memcached divides by what comes of it"
    window = line.extended.get("slab_automove_window")
    if window and not 0 <= window.number < WINDOW:
        yield SIGSEGV, "slab_automove_window: the memory for so long a window is not there"
    hashpower = line.extended.get("hashpower")
    power = int(hashpower.number) if hashpower else HASHPOWER
    if line.release >= LONG_OPTIONS and power <= next(n for most, n in LOCKS if effect.threads <= most):
        yield 1, f"-o hashpower={power} is too small for {effect.threads} threads"


def _listening(effect: Effect, host: Host) -> Iterator[End]:
    """What ends it when it listens."""
    wrong = [address for address in effect.addresses if address.wrong]
    if wrong and (effect.port or effect.udp):
        yield EX_OSERR, f"-l {wrong[0].text}: {wrong[0].wrong}"
    if not effect.socket and min(effect.port, effect.udp) < -1:
        yield EX_OSERR, "a port below -1"
    pair = clash(effect.listeners)
    if pair:
        yield EX_OSERR, f"{pair[0].text} and {pair[1].text} cannot both be bound"
    if host.socket_fault:
        yield EX_OSERR, host.socket_fault
    if host.not_here:
        yield EX_OSERR, f"no interface has {host.not_here[0]}"
    if privileged(effect, host):
        yield EX_OSERR, f"a port below {host.lowest_port}"
    # Where the files of -c do not do for the sockets either, it is 1 or 71, by chance.
    if effect.reserved >= effect.connections - 1:
        yield 1, "not enough connections for its own threads and sockets"


def privileged(effect: Effect, host: Host) -> list[Listener]:
    """Where it may not listen: it binds after the change of user."""
    stays = host.root and effect.user == "root"
    return [listener for listener in effect.listeners if 0 < listener.port < host.lowest_port and not stays]
