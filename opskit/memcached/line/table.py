"""Every option of memcached, and every one behind -o, from 1.4.15 to 1.6: the one table that all commands go by.

From memcached.c of 1.4.15, 1.4.25, 1.6.18, 1.6.38 and 1.6.45, the release notes, and what was seen of 1.4.15 (EL7),
1.5.22, 1.6.18 and 1.6.40.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from opskit.core.units import KIB, MIB
from opskit.memcached.line.numbers import FLOAT, INTEGER, OCTAL, SIZE
from opskit.memcached.line.release import (
    FIRST,
    ITEMS_TO_1G,
    LARGE_PAGES,
    NEGATIVE_CHECKED,
    PORT_CHECKED,
    UDP_OFF,
    Release,
    at,
)

# How a value is read, beside the numbers of numbers.py. WHOLE: a number of -o that has to be all of its text.
TEXT, CHOICE, LISTEN, EXTENDED, WHOLE = "text", "choice", "listen", "extended", "number"
# Of -o: a decimal number that has to be all of its text; the largest chunk; the file of extstore (storage.py).
WHOLE_FLOAT, CHUNK, STORAGE = "whole decimal", "chunk", "storage"
PROTOCOLS = ("auto", "ascii", "binary")
History = tuple[tuple[Release, str], ...]
# (from which release on, least, most, what memcached does with another: "" for nothing, else its exit status)
Ranges = tuple[tuple[Release, tuple[Optional[float], Optional[float], int]], ...]


class Flag(NamedTuple):
    """A row of the table: one option.

    value: the name of its value in the help; "" for an option without one
    kind: how the value is read
    default: from which release on which
    unit: of the value
    limits: from which release on: the least, the most, and memcached's exit status for another (0: it takes it)
    does: what it really does, from which release on
    since: the first release that has it
    build: what the build must have for it
    """

    letter: str
    long: str
    meaning: str
    value: str = ""
    kind: str = ""
    default: History = ()
    unit: str = ""
    limits: Ranges = ()
    does: History = ()
    since: Release = FIRST
    build: str = ""

    def range_text(self, release: Release) -> str:
        """What it takes: `1 to 65535`; "" where there is no range."""
        if not self.limits:
            return ""
        low, high, _ = at(self.limits, release)
        if self.kind == OCTAL:
            return f"{int(low or 0):o} to {int(high or 0):o}"
        if self.kind == SIZE:
            return f"{int(low or 0) // KIB}k to {int(high or 0) // MIB}m"
        if self.kind == FLOAT:
            return "more than 1"
        return f"{low:.0f} to {high:.0f}" if high is not None else f"{low:.0f} and up"


def _always(text: str) -> History:
    return ((FIRST, text),)


def _range(low: Optional[float], high: Optional[float] = None, status: int = 1) -> Ranges:
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
            (FIRST, "on by default, on the port of -p (CVE-2018-1000115); -U alone moves TCP, -U 0 alone turns it off"),
            (UDP_OFF, "off by default; -U alone, other than 0, moves TCP to that port, too"),
        ),
    ),
    Flag(
        "s", "unix-socket", "UNIX socket, in place of TCP and UDP", "FILE", TEXT,
        does=_always("no network at all: -p, -U and -l are ignored; an existing socket is replaced"),
    ),
    Flag("a", "unix-mask", "mode of the UNIX socket", "MODE", OCTAL, _always("700"), "octal", _range(0, 0o777, 0)),
    Flag("A", "enable-shutdown", "let clients stop it: the command shutdown", since=(1, 4, 16)),
    Flag(
        "l", "listen", "address to listen on, with or without :PORT", "ADDRESS", LISTEN, _always("all addresses"), "",
        (),
        (
            (FIRST, "no IPv6 address in a list with commas: exit 71; :PORT overrides -p and -U"),
            ((1, 4, 25), "an -l whose text is within those before it is silently dropped; :PORT overrides -p"),
        ),
    ),
    Flag(
        "d", "daemon", "go into the background",
        does=_always("exit status 0 even when the port cannot be had, and silent without -v"),
    ),
    Flag("r", "enable-coredumps", "raise the limit on core files"),
    Flag(
        "u", "user", "user to run as, when root starts it", "USER", TEXT,
        does=_always("as root without -u: exit 64; an unknown user, also a number that is no name: exit 67"),
    ),
    Flag(
        "m", "memory-limit", "memory for items", "NUM", INTEGER, _always("64"), "MiB",
        ((FIRST, (1, None, 0)), ((1, 5, 4), (2, None, 64))),
        (
            (FIRST, "a unit is ignored: 2g is 2 MiB; below 0 it is about 2^64 bytes, no limit at all"),
            ((1, 4, 29), "as before; less than 4 times -I, with -I behind it: exit 1"),
            ((1, 5, 4), "a unit is ignored: 2g is 2 MiB; below 0 about 2^64 bytes; below 2 times -I: exit 64"),
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
    Flag("v", "verbose", "print more; -vv, -vvv", does=_always("without it a daemon does not print what went wrong")),
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
            (FIRST, "no support on Linux: exit 1"), (LARGE_PAGES, "transparent huge pages, where the kernel has them"),
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
    Flag(
        "N", "napi-ids", "choose threads by NAPI id", "NUM", INTEGER, since=(1, 6, 9), limits=_range(1),
        does=_always("over the loopback, which has no NAPI ids, nobody is answered"),
    ),
    Flag(
        "o", "extended", "further options, with commas between them", "LIST", EXTENDED,
        does=_always("one that the release does not know: exit 1 (modern, before 1.4.26)"),
    ),
)  # fmt: skip
FLAGS: dict[str, Flag] = {row.letter: row for row in _ROWS}

V1416, V1418, V1425, V1426 = (1, 4, 16), (1, 4, 18), (1, 4, 25), (1, 4, 26)
V1429, V1435, V150, V154, V1513, V160 = (1, 4, 29), (1, 4, 35), (1, 5, 0), (1, 5, 4), (1, 5, 13), (1, 6, 0)


class Suboption(NamedTuple):
    """A row of the table: one option behind -o.

    value: how its value is read: INTEGER, FLOAT, WHOLE or TEXT; "" for none
    low, high: what it takes, both included; another ends memcached with status 1
    since, until: the first release with it, and the first one without it
    optional: with or without a value
    build: what the build must have for it
    """

    name: str
    meaning: str
    value: str = ""
    low: Optional[float] = None
    high: Optional[float] = None
    since: Release = FIRST
    until: Release = (9, 0, 0)
    optional: bool = False
    build: str = ""


_SUBOPTION_ROWS = (
    Suboption("maxconns_fast", "close what comes over -c at once (default from 1.5.0 on)"),
    Suboption("hashpower", "how large the hash table begins: 2^N", INTEGER, 12, 32),
    Suboption("slab_reassign", "move memory between item sizes (default from 1.5.0 on)"),
    Suboption("slab_automove", "by itself: 0 off, 1 on, 2 hasty", INTEGER, 0, 2, optional=True),
    Suboption("tail_repair_time", "seconds until a leaked item is taken back; dangerous", INTEGER, 10, since=V1416),
    Suboption("hash_algorithm", "jenkins, murmur3 or (1.6.10 on) xxh3", TEXT, since=V1418),
    Suboption("lru_crawler", "look for expired items in the background", since=V1418),
    Suboption("lru_crawler_sleep", "microseconds between items", INTEGER, 0, 1000000, V1418),
    Suboption("lru_crawler_tocrawl", "items in one go; 0 all", WHOLE, 0, since=V1418),
    Suboption("lru_maintainer", "segmented LRU (default from 1.5.0 on)", since=V1425),
    Suboption("hot_lru_pct", "percent of memory for new items", INTEGER, 1, 79, V1425),
    Suboption("warm_lru_pct", "percent of memory for items that are used", INTEGER, 1, 79, V1425),
    Suboption("expirezero_does_not_evict", "items without a time are never evicted", since=V1425, until=V1435),
    Suboption("modern", "the defaults of 1.5 (from 1.5.0 on: nothing)", since=V1426),
    Suboption("idle_timeout", "seconds until an idle connection is closed; 0 never", INTEGER, since=V1426),
    Suboption("watcher_logbuf_size", "KiB for each watcher", WHOLE, 0, since=V1426),
    Suboption("worker_logbuf_size", "KiB for each thread's log", WHOLE, 0, since=V1426),
    Suboption("track_sizes", "stats sizes, without stopping the world", since=V1426),
    Suboption("slab_sizes", "the chunk sizes, with - between them", TEXT, since=V1426),
    Suboption("slab_chunk_max", "largest chunk: bytes; from 1.6.24 on KiB", CHUNK, 1, 1024, since=V1429),
    Suboption("temporary_ttl", "seconds: shorter-lived items apart", INTEGER, since=V1435),
    Suboption("no_inline_ascii_resp", "smaller items (from 1.5.0 on: nothing)", since=V1435),
    Suboption("hot_max_factor", "when items leave the hot LRU", FLOAT, 0.000001, since=V150),
    Suboption("warm_max_factor", "when items leave the warm LRU", FLOAT, 0.000001, since=V150),
    *(
        Suboption(name, meaning, since=V150)
        for name, meaning in (
            ("no_modern", "the defaults of 1.4"), ("no_chunked_items", "items in one piece"),
            ("no_slab_reassign", "memory stays with its item size"), ("no_slab_automove", "not by itself"),
            ("no_maxconns_fast", "what comes over -c waits"), ("inline_ascii_resp", "nothing any more"),
            ("no_lru_crawler", "expired items stay until they are met"), ("no_lru_maintainer", "one LRU"),
        )
    ),
    Suboption("no_hashexpand", "the hash table never grows; dangerous", since=(1, 5, 3)),
    Suboption("slab_automove_ratio", "how uneven ages may become", FLOAT, 0.000001, 1, V150),
    Suboption("slab_automove_window", "seconds that are looked back", INTEGER, 3, since=V150),
    Suboption("drop_privileges", "a filter on system calls", since=(1, 5, 7)),
    Suboption("no_drop_privileges", "no filter on system calls", since=(1, 5, 7)),
    Suboption("resp_obj_mem_limit", "nothing since 1.6.7", TEXT, since=V160, optional=True),
    Suboption("read_buf_mem_limit", "MiB for what connections read; 0 no limit", WHOLE, 0, since=V160),
    *(
        Suboption(name, meaning, TEXT, since=V1513, build="tls")
        for name, meaning in (
            ("ssl_chain_cert", "file of the certificate chain"), ("ssl_key", "file of the key"),
            ("ssl_ciphers", "ciphers"), ("ssl_ca_cert", "file of the CA for clients"),
        )
    ),
    Suboption("ssl_verify_mode", "0 none, 1 ask, 2 insist, 3 insist once", WHOLE, 0, 3, V1513, build="tls"),
    Suboption("ssl_keyformat", "PEM, DER or ENGINE, as a number", WHOLE, since=V1513, build="tls"),
    Suboption("ssl_wbuf_size", "KiB for each connection", WHOLE, 0, since=(1, 5, 17), build="tls"),
    Suboption("ssl_session_cache", "sessions are taken up again", since=(1, 6, 3), build="tls"),
    Suboption("ssl_min_version", "0 to 3: TLS 1.0 to 1.3", WHOLE, 0, 3, (1, 6, 11), build="tls"),
    Suboption("ssl_kernel_tls", "TLS in the kernel", since=(1, 6, 16), build="tls"),
    Suboption("ext_path", "file for external storage, PATH:SIZE", STORAGE, since=V154, build="extstore"),
    *(
        Suboption(name, meaning, WHOLE, 0, since=V154, build="extstore")
        for name, meaning in (
            ("ext_page_size", "MiB of a page"), ("ext_wbuf_size", "MiB of a write buffer"),
            ("ext_threads", "threads"), ("ext_io_depth", "requests"),
            ("ext_item_size", "bytes from which on items go there"), ("ext_item_age", "seconds idle"),
            ("ext_low_ttl", "seconds"), ("ext_recache_rate", "one of so many"), ("ext_compact_under", "pages"),
            ("ext_drop_under", "pages"),
        )
    ),
    Suboption("ext_max_sleep", "microseconds", WHOLE, 0, since=(1, 6, 15), build="extstore"),
    Suboption("ext_max_frag", "share", WHOLE_FLOAT, since=V154, build="extstore"),
    Suboption("slab_automove_freeratio", "share of memory kept free", WHOLE_FLOAT, since=V154, build="extstore"),
    Suboption("ext_drop_unread", "what nobody read is not kept", since=V154, build="extstore"),
    Suboption("proxy_config", "file: run as a proxy", TEXT, since=(1, 6, 13), build="proxy"),
    Suboption("proxy_arg", "what the file is given", TEXT, since=(1, 6, 26), build="proxy"),
    Suboption("proxy_uring", "io_uring", since=(1, 6, 13), build="proxy"),
)  # fmt: skip
SUBOPTIONS: dict[str, Suboption] = {row.name: row for row in _SUBOPTION_ROWS}
HASHES = ("jenkins", "murmur3", "xxh3")
