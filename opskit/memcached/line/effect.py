"""What a release of memcached makes of a line: its settings and listeners, or with which status it ends. No I/O.

The order of the checks is that of main() in memcached.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Optional

from opskit.core.units import KIB, MIB
from opskit.memcached.line import suboptions
from opskit.memcached.line.getopt import Parsed
from opskit.memcached.line.listen import ALL, Listener, Place, clash, kept, pieces, place
from opskit.memcached.line.numbers import PORTS, atof, atoi, item_size, size_t
from opskit.memcached.line.release import (
    CONNECTIONS_CHECKED,
    ITEM_CHECKED_AT_END,
    ITEMS_TO_1G,
    LONG_OPTIONS,
    NEGATIVE_CHECKED,
    PORT_CHECKED,
    UDP_OFF,
    Release,
)
from opskit.memcached.line.table import PROTOCOLS

# sysexits.h
EX_USAGE, EX_NOUSER, EX_OSERR = 64, 67, 71
# Opened before any client: measured on 1.6.18 (4 for each thread) and 1.6.45 (5), one listener more is one less.
FILES_ALWAYS = 7
FILES_PER_THREAD = (4, 5)
# stdin, stdout, stderr and the file of users: measured on 1.6.18.
FILES_FOR_USERS = 4
CHUNK = 512 * KIB
# Of the memory, for the hot and the warm LRU together.
LRU_PERCENT = 80
# Up to so many threads, the power of 2 of the locks; the hash table has to be larger (thread.c). Seen on 1.6.18.
LOCKS = ((2, 10), (3, 11), (4, 12), (10, 13), (20, 14), (2**31, 15))


class Setting(NamedTuple):
    """Where a line runs. hard_files: the hard limit on open files, 0 for unknown; most_files: fs.nr_open.

    features: of the build. udp-off is one: a distribution may have turned UDP off in an old release too.
    lowest_port: the first one that a user other than root may bind.
    """

    root: bool = True
    user_known: bool = True
    hard_files: int = 0
    most_files: int = 1048576
    features: tuple[str, ...] = ("sasl", "tls", "extstore")
    raises: bool = True
    lowest_port: int = 0


class Effect(NamedTuple):
    """What memcached runs with. status: with what it ends instead, and why; None when it runs.

    silent: it runs, and answers nobody. places: what -l names; dropped: which -l count for nothing (their numbers).
    prints: it only prints something (-h, -i, -V) and ends. late: it ends once a daemon is in the background: who
    started it has had status 0 by then.
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
    sasl: bool = False
    tls: bool = False
    status: Optional[int] = None
    why: str = ""
    silent: bool = False
    prints: bool = False
    late: bool = False
    places: tuple[Place, ...] = ()
    dropped: tuple[int, ...] = ()
    values: Mapping[str, str] = MappingProxyType({})

    @property
    def binary(self) -> bool:
        """Whether it speaks the binary protocol only: with SASL, or asked for."""
        return self.sasl or self.values.get("B") == "binary"

    @property
    def exit_status(self) -> Optional[int]:
        """With what the program that is started ends; None when there is a server."""
        return 0 if self.prints or (self.daemon and self.late) else self.status

    @property
    def runs(self) -> bool:
        """Whether there is a server after it."""
        return self.status is None and not self.prints

    def clients(self) -> tuple[int, int]:
        """How many clients can be served at once: least and most (it differs by release)."""
        udp = sum(one.protocol == "udp" for one in self.listeners)
        tcp = max(1, len(self.listeners) - udp)
        fixed = FILES_ALWAYS + tcp + udp * (self.threads if udp == 1 else 1)
        low, high = (self.connections - fixed - each * self.threads for each in reversed(FILES_PER_THREAD))
        return max(0, low), max(0, high)


def late_end(status: int, found: Effect) -> str:
    """What a person sees of an end that comes once a daemon is in the background."""
    return f"exit status {status}" + ("; with -d silently, and with status 0" if found.daemon else "")


def effect(parsed: Parsed, release: Release, setting: Optional[Setting] = None) -> Effect:
    """What comes of the line."""
    setting = setting or Setting()
    values = {given.letter: given.value or "" for given in parsed.options if not given.wrong}
    # Every -o counts, of the others the last.
    values.update({"o": ",".join(given.value or "" for given in parsed.all("o"))} if "o" in values else {})
    udp_on = release < UDP_OFF and "udp-off" not in setting.features
    found = Effect(
        port=atoi(values.get("p", "11211")),
        udp=atoi(values.get("U", "11211" if udp_on else "0")),
        socket=values.get("s", ""),
        max_bytes=size_t(atoi(values.get("m", "64")) * MIB),
        connections=atoi(values.get("c", "1024")),
        threads=atoi(values.get("t", "4")),
        item_size=item_size(values.get("I", "1m")),
        user=values.get("u", ""),
        pid_file=values.get("P", "") if "d" in values else "",
        daemon="d" in values,
        auth_file=values.get("Y", ""),
        sasl="S" in values,
        tls="Z" in values,
        values=values,
    )
    found = _ports(found, values, udp_on=udp_on)
    ended = _while_reading(parsed, found, release, setting)
    if ended is None:
        ended = _afterwards(found, values, release) or _on_host(found, setting)
    found = _listeners(found, parsed, release)
    if ended is not None:
        return found._replace(status=ended[0] or None, why=ended[1], prints=ended[0] == 0)
    if found.status is None and privileged(found, root=setting.root, lowest=setting.lowest_port):
        found = found._replace(status=EX_OSERR, why=f"a port below {setting.lowest_port}")
    ended = _threads(found, release) or ((found.status, found.why) if found.status is not None else None)
    if ended is not None:
        return found._replace(status=ended[0], why=ended[1], late=True)
    silent = "R" in values and atoi(values["R"]) < 0 and release < NEGATIVE_CHECKED
    return found._replace(silent=silent)


End = Optional[tuple[int, str]]


def _while_reading(parsed: Parsed, found: Effect, release: Release, setting: Setting) -> End:
    """The status of the first word that ends it, as the options are read one after the other."""
    for given in parsed.options:
        if given.wrong:
            return 1, f"{given.text}: {given.wrong} option"
        ended = _one(given.letter, given.value or "", found, release, setting)
        if ended is not None:
            return ended
    return None


def _one(letter: str, value: str, found: Effect, release: Release, setting: Setting) -> End:
    """With what one option ends it."""
    if letter in "hiV":
        return 0, f"-{letter} prints and ends"
    if letter in "cRntN":
        return _count(letter, atoi(value), release)
    if letter == "o":
        return _suboption(value, release)
    if letter == "I":
        return _item_early(item_size(value), found, release) if release < ITEM_CHECKED_AT_END else None
    ends: dict[str, tuple[bool, int, str]] = {
        "f": (atof(value) <= 1, 1, "the factor must be more than 1"),
        "D": (not value, 1, "no delimiter"),
        "L": (release < (1, 6, 0), 1, "no large pages on Linux in this release"),
        "B": (value not in PROTOCOLS, EX_USAGE, f"{value!r} is no protocol"),
        "S": ("sasl" not in setting.features, EX_USAGE, "built without SASL"),
        "Z": ("tls" not in setting.features, EX_USAGE, "built without TLS"),
    }
    it_does, status, why = ends.get(letter, (False, 0, ""))
    return (status, why) if it_does else None


def _count(letter: str, number: int, release: Release) -> End:
    """-c, -R, -n, -t and -N: which of them may be 0 or less."""
    checked = letter != "c" or release >= CONNECTIONS_CHECKED or number == 0
    below = letter not in "Rn" or release >= NEGATIVE_CHECKED
    if checked and (number == 0 or (number < 0 and below)):
        return 1, f"-{letter} must be more than 0"
    return None


def _suboption(text: str, release: Release) -> End:
    for name, value in suboptions.split(text):
        wrong = suboptions.fault(name, value, release)
        if wrong is not None and wrong.id != "not-a-number":
            return 1, f"-o {wrong.text}: {wrong.why}"
    return None


def _item_early(size: int, found: Effect, release: Release) -> End:
    if size < KIB:
        return 1, "items of less than 1024 bytes"
    if release < ITEMS_TO_1G:
        return (1, "items over 128 MiB") if size > 128 * MIB else None
    if size > found.max_bytes // 4:
        return 1, "items of more than a quarter of the memory"
    return (1, "items over 1 GiB") if size > 1024 * MIB else None


def _afterwards(found: Effect, values: dict[str, str], release: Release) -> End:
    """What is checked once all options are read."""
    late = release >= ITEM_CHECKED_AT_END
    if late and found.item_size < KIB:
        return EX_USAGE, "items of less than 1024 bytes"
    if late and found.item_size > found.max_bytes // 2:
        return EX_USAGE, "-m is less than two times -I"
    if late and found.item_size > 1024 * MIB:
        return EX_USAGE, "items over 1 GiB"
    chunked = late or (release >= ITEMS_TO_1G and found.item_size > MIB)
    if chunked and "slab_chunk_max" not in values.get("o", "") and found.item_size % CHUNK:
        return EX_USAGE, "-I is not a multiple of 512k"
    return _against_each_other(found, values, release)


def _against_each_other(found: Effect, values: dict[str, str], release: Release) -> End:
    """Options that do not go together."""
    if "N" in values and atoi(values["N"]) > found.threads:
        return EX_USAGE, "more NAPI ids than threads"
    if suboptions.lru_percent(values.get("o", ""), release) > LRU_PERCENT:
        return EX_USAGE, f"hot_lru_pct and warm_lru_pct are more than {LRU_PERCENT} together"
    protocol = values.get("B", "auto")
    if found.sasl and protocol == "ascii":
        return EX_USAGE, "SASL is for the binary protocol"
    if found.sasl and found.udp and release >= UDP_OFF:
        return EX_USAGE, "no UDP with SASL"
    if found.auth_file and protocol not in {"ascii", "auto"}:
        return EX_USAGE, "-Y is for the ascii protocol"
    if release >= PORT_CHECKED and found.port >= PORTS:
        return EX_USAGE, f"port {found.port}"
    if found.tls and not ("ssl_chain_cert" in values.get("o", "") and "ssl_key" in values.get("o", "")):
        return EX_USAGE, "-Z without a certificate"
    return None


def _on_host(found: Effect, setting: Setting) -> End:
    """What limits, users and the like end it for."""
    if found.connections > setting.most_files or found.connections < 0:
        return EX_OSERR, "more open files than the kernel allows"
    may_raise = setting.root and setting.raises
    if not may_raise and setting.hard_files and found.connections > setting.hard_files:
        return EX_OSERR, "more open files than the hard limit"
    if setting.root and not found.user:
        return EX_USAGE, "root without -u"
    if setting.root and not setting.user_known:
        return EX_NOUSER, f"no user {found.user}"
    if setting.root and found.connections < FILES_FOR_USERS:
        return EX_NOUSER, "no file is left to look the user up in"
    return None


def _threads(found: Effect, release: Release) -> End:
    """What ends it in the background, before it listens."""
    if found.auth_file and found.udp:
        return EX_USAGE, "no UDP with -Y"
    if found.connections < FILES_ALWAYS + 1 + FILES_PER_THREAD[0] * found.threads - 1:
        return 1, "not enough connections for its own threads"
    power = suboptions.hashpower(found.values.get("o", ""))
    if release >= LONG_OPTIONS and power <= next(n for most, n in LOCKS if found.threads <= most):
        return 1, f"-o hashpower={power} is too little for {found.threads} threads"
    return None


def privileged(found: Effect, *, root: bool, lowest: int) -> list[Listener]:
    """Where it may not listen: it binds after the change of user."""
    stays = root and found.user == "root"
    return [one for one in found.listeners if 0 < one.port < lowest and not stays]


def _ports(found: Effect, values: dict[str, str], *, udp_on: bool) -> Effect:
    """How -p and -U move each other, where UDP is on by default and where it is not."""
    port, udp = found.port, found.udp
    if udp_on and "p" in values and "U" not in values:
        udp = port
    elif "U" in values and "p" not in values and (udp or udp_on):
        port = udp
    return found._replace(port=port, udp=udp)


def _listeners(found: Effect, parsed: Parsed, release: Release) -> Effect:
    """Where it listens."""
    if found.socket:
        return found
    given = [one.value or "" for one in parsed.all("l")]
    values, dropped = kept(given, release)
    # In 1.4.15 of EL7 addresses that come in an -l of their own are fine.
    places = [
        place(piece, release, alone=len(pieces(value)) == 1 and value == piece)
        for value in values
        for piece in pieces(value)
    ]
    found = found._replace(places=tuple(places), dropped=tuple(dropped))
    wrong = [one for one in places if one.wrong]
    if wrong and (found.port or found.udp):
        found = found._replace(status=EX_OSERR, why=f"-l {wrong[0].text}: {wrong[0].wrong}")
    elif min(found.port, found.udp) < -1:
        found = found._replace(status=EX_OSERR, why="a port below -1")
    listeners = []
    for protocol, port in (("tcp", found.port), ("udp", found.udp)):
        # An -l that names nothing is no address at all; none is every address.
        for one in places or ([] if given else [Place("", ALL)]):
            number = port if one.port is None else one.port
            if port:
                # A port 0 in -l is any free one; -p 0 is none.
                listeners.append(Listener(protocol, one.address or ALL, -1 if number in {-1, 0} else number % PORTS))
    twice = clash(listeners)
    if twice and found.status is None:
        found = found._replace(status=EX_OSERR, why=f"{twice[0].text} and {twice[1].text} cannot be had at once")
    return found._replace(listeners=tuple(listeners))
