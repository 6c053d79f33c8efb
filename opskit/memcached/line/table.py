"""Every option of memcached, from 1.4.15 to 1.6: the one table that flags, explain, lint and start go by.

From memcached.c of 1.4.15, 1.4.25, 1.6.18, 1.6.38 and 1.6.45, the release notes, and what was seen of 1.4.15 (EL7),
1.5.22, 1.6.18 and 1.6.40.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from opskit.memcached.line.release import FIRST, ITEMS_TO_1G, NEGATIVE_CHECKED, PORT_CHECKED, UDP_OFF, Release

# How a value is read. INTEGER: atoi(3), FLOAT: atof(3), OCTAL: strtol(3) with base 8.
INTEGER, FLOAT, OCTAL, SIZE, TEXT, CHOICE, LISTEN, SUBOPTIONS = (
    "integer", "float", "octal", "size", "text", "choice", "listen", "suboptions",
)  # fmt: skip
PROTOCOLS = ("auto", "ascii", "binary")
History = tuple[tuple[Release, str], ...]
# (from which release on, least, most, what memcached does with another: "" for nothing, else its exit status)
Limits = tuple[tuple[Release, tuple[Optional[float], Optional[float], int]], ...]


class Flag(NamedTuple):
    """One option. value: its name in the help, "" for one without; kind: how it is read.

    default: from which release on which. unit: of the value. range: least, most, and memcached's exit status for
    another (0: it takes it all the same). does: what it really does, from which release on. since: the first release
    that has it. build: what the build must have for it.
    """

    letter: str
    long: str
    meaning: str
    value: str = ""
    kind: str = ""
    default: History = ()
    unit: str = ""
    limits: Limits = ()
    does: History = ()
    since: Release = FIRST
    build: str = ""


def _always(text: str) -> History:
    return ((FIRST, text),)


def _range(low: Optional[float], high: Optional[float] = None, status: int = 1) -> Limits:
    return ((FIRST, (low, high, status)),)


_ROWS = (
    Flag(
        "p", "port", "TCP port", "NUM", INTEGER, _always("11211"), "port",
        ((FIRST, (1, 65535, 0)), (PORT_CHECKED, (1, 65535, 64))),
        (
            (FIRST, "over 65535 only 16 bits of it count (70000 binds 4464); 0 or a word: no TCP; -1: any free port"),
            (PORT_CHECKED, "over 65535: exit 64; 0 or a word: no TCP at all; -1: any free port"),
        ),
    ),
    Flag(
        "U", "udp-port", "UDP port", "NUM", INTEGER, ((FIRST, "11211, or what -p says"), (UDP_OFF, "0")), "port",
        _range(0, 65535, 0),
        (
            (FIRST, "on by default, where -p says (CVE-2018-1000115); a lone -U moves TCP too, a lone -U 0 ends it"),
            (UDP_OFF, "off by default; a lone -U other than 0 moves TCP to its port too"),
        ),
    ),
    Flag(
        "s", "unix-socket", "UNIX socket, in place of TCP and UDP", "FILE", TEXT,
        does=_always("no network at all: -p, -U and -l count for nothing; a socket that is there is replaced"),
    ),
    Flag("a", "unix-mask", "mode of the UNIX socket", "MODE", OCTAL, _always("700"), "octal", _range(0, 0o777, 0)),
    Flag("A", "enable-shutdown", "let clients stop it: the command shutdown", since=(1, 4, 16)),
    Flag(
        "l", "listen", "address to listen on, with or without :PORT", "ADDRESS", LISTEN, _always("all addresses"), "",
        (),
        (
            (FIRST, "no IPv6 address in a list with commas: exit 71; :PORT goes over -p, and over -U too"),
            ((1, 4, 25), "an -l whose text is within those before it is dropped without a word; :PORT goes over -p"),
        ),
    ),
    Flag(
        "d", "daemon", "go into the background",
        does=_always("exit status 0 even when the port cannot be had, and silent without -v"),
    ),
    Flag("r", "enable-coredumps", "raise the limit on core files"),
    Flag(
        "u", "user", "user to run as, when root starts it", "USER", TEXT,
        does=_always("root without -u: exit 64; a user that is not there, or a number that is no name: exit 67"),
    ),
    Flag(
        "m", "memory-limit", "memory for items", "NUM", INTEGER, _always("64"), "MiB",
        ((FIRST, (1, None, 0)), ((1, 5, 4), (2, None, 64))),
        (
            (FIRST, "a unit is not read: 2g is 2 MiB; below 0 it is about 2^64 bytes, no limit at all"),
            ((1, 4, 29), "as before; less than 4 times -I, with -I behind it: exit 1"),
            ((1, 5, 4), "a unit is not read: 2g is 2 MiB; below 0 about 2^64 bytes; below 2 times -I: exit 64"),
        ),
    ),
    Flag("M", "disable-evictions", "answer with an error when memory is full, in place of evicting"),
    Flag(
        "c", "conn-limit", "connections at once", "NUM", INTEGER, _always("1024"), "connections", _range(1, None),
        _always(
            "also both limits on open files, so listeners and 4 to 5 for each thread go off it; over the hard limit, "
            "not as root: exit 71"
        ),
    ),
    Flag("k", "lock-memory", "lock all memory (RLIMIT_MEMLOCK); only a warning when that fails"),
    Flag("v", "verbose", "say more; -vv, -vvv", does=_always("without it a daemon says nothing of what went wrong")),
    Flag("h", "help", "print the help"),
    Flag("i", "license", "print the license"),
    Flag("V", "version", "print the release", since=(1, 4, 22)),
    Flag(
        "P", "pidfile", "file for the pid of a daemon", "FILE", TEXT, _always("none"), "", (),
        (
            (FIRST, "written after the change of user; left out when it cannot be written; overwrites; left behind"),
            ((1, 6, 0), "written after the change of user; left out when it cannot be written; removed at the end"),
        ),
    ),
    Flag("f", "slab-growth-factor", "how chunk sizes grow", "FACTOR", FLOAT, _always("1.25"), "", _range(1.000001)),
    Flag(
        "n", "slab-min-size", "least room for key, value and flags", "BYTES", INTEGER, _always("48"), "bytes",
        _range(1), ((FIRST, "0: exit 1; below 0 it is taken"), (NEGATIVE_CHECKED, "below 1: exit 1")),
    ),
    Flag(
        "L", "enable-largepages", "use large memory pages", does=(
            # Not on Linux in 1.4.25, there in 1.6.18: which release between them brought it was not found out.
            (FIRST, "no support on Linux: exit 1"), ((1, 6, 0), "transparent huge pages, where the kernel has them"),
        ),
    ),
    Flag(
        "D", "", "delimiter of key prefixes, for stats detail", "CHAR", TEXT, _always(":"), "character", (),
        _always("only its first character counts; turns the collection on"),
    ),
    Flag(
        "t", "threads", "worker threads", "NUM", INTEGER, _always("4"), "threads", _range(1, 64),
        _always("0 or less: exit 1; over 64 only a warning"),
    ),
    Flag(
        "R", "max-reqs-per-event", "requests of one connection at a stretch", "NUM", INTEGER, _always("20"),
        "requests", _range(1), (
            (FIRST, "0: exit 1; below 0 it runs and never answers"), (NEGATIVE_CHECKED, "below 1: exit 1"),
        ),
    ),
    Flag("C", "disable-cas", "no CAS: 8 bytes less for each item"),
    Flag(
        "b", "listen-backlog", "connections that wait to be accepted", "NUM", INTEGER, _always("1024"),
        "connections", _range(1, None, 0), _always("not more than net.core.somaxconn"),
    ),
    Flag("B", "protocol", "ascii, binary or auto", "NAME", CHOICE, _always("auto"), does=_always("another: exit 64")),
    Flag(
        "I", "max-item-size", "largest item", "SIZE", SIZE, _always("1m"), "bytes, k or m",
        (
            (FIRST, (1024, 128 << 20, 1)), (ITEMS_TO_1G, (1024, 1 << 30, 1)), ((1, 5, 4), (512 << 10, 1 << 30, 64)),
        ),
        (
            (FIRST, "1k to 128m; g is no unit (2g: 2 bytes)"),
            (ITEMS_TO_1G, "1k to 1024m and at most a quarter of -m; g is no unit; over 1m in steps of 512k"),
            ((1, 5, 4), "512k to 1024m and at most half of -m, in steps of 512k; g is no unit; else exit 64"),
        ),
    ),
    Flag(
        "S", "enable-sasl", "ask for SASL: the binary protocol only", build="sasl",
        does=_always("without it in the build: exit 64; with -B ascii or (1.5.6 on) UDP: exit 64"),
    ),
    Flag("F", "disable-flush-all", "no flush_all", since=(1, 4, 17)),
    Flag("X", "disable-dumping", "no cachedump and metadump", since=(1, 4, 34)),
    Flag("W", "disable-watch", "no watch", since=(1, 5, 21)),
    Flag(
        "Y", "auth-file", "users and passwords for the ascii protocol", "FILE", TEXT, since=(1, 5, 15),
        does=_always("with UDP or -B binary: exit 64; lines of user:password, read as the user of -u"),
    ),
    Flag("e", "memory-file", "keep items in this file (tmpfs) over a restart by SIGUSR1", "FILE", TEXT,
         since=(1, 5, 18)),
    Flag(
        "Z", "enable-ssl", "TLS", since=(1, 5, 13), build="tls",
        does=_always("without it in the build, or without -o ssl_chain_cert and ssl_key: exit 64"),
    ),
    Flag("N", "napi-ids", "choose threads by NAPI id", "NUM", INTEGER, since=(1, 6, 9), limits=_range(1)),
    Flag(
        "o", "extended", "further options, with commas between them", "LIST", SUBOPTIONS,
        does=_always("one that the release does not know: exit 1 (modern, before 1.4.26)"),
    ),
)  # fmt: skip
FLAGS: dict[str, Flag] = {row.letter: row for row in _ROWS}
