"""The options behind -o: since when, with which value. From the same sources as table.py. No I/O."""

from __future__ import annotations

from typing import NamedTuple, Optional

from opskit.memcached.line.numbers import atof, atoi, is_integer, is_number
from opskit.memcached.line.release import FIRST, Release

V1416, V1418, V1425, V1426 = (1, 4, 16), (1, 4, 18), (1, 4, 25), (1, 4, 26)
V1429, V1435, V150, V154, V1513, V160 = (1, 4, 29), (1, 4, 35), (1, 5, 0), (1, 5, 4), (1, 5, 13), (1, 6, 0)


class Suboption(NamedTuple):
    """One of -o. value: "" for none, "integer", "float", "number" (all of it must be one) or "text".

    optional: with or without a value. low, high: what it takes, both included; another ends memcached with status 1.
    until: the first release without it. build: what the build must have.
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


_ROWS = (
    Suboption("maxconns_fast", "close what comes over -c at once (default from 1.5.0 on)"),
    Suboption("hashpower", "how large the hash table begins: 2^N", "integer", 12, 32),
    Suboption("slab_reassign", "move memory between item sizes (default from 1.5.0 on)"),
    Suboption("slab_automove", "by itself: 0 off, 1 on, 2 hasty", "integer", 0, 2, optional=True),
    Suboption("tail_repair_time", "seconds until a leaked item is taken back; dangerous", "integer", 10, since=V1416),
    Suboption("hash_algorithm", "jenkins, murmur3 or (1.6.10 on) xxh3", "text", since=V1418),
    Suboption("lru_crawler", "look for expired items in the background", since=V1418),
    Suboption("lru_crawler_sleep", "microseconds between items", "integer", 0, 1000000, V1418),
    Suboption("lru_crawler_tocrawl", "items in one go; 0 all", "number", 0, since=V1418),
    Suboption("lru_maintainer", "segmented LRU (default from 1.5.0 on)", since=V1425),
    Suboption("hot_lru_pct", "percent of memory for new items", "integer", 1, 79, V1425),
    Suboption("warm_lru_pct", "percent of memory for items that are used", "integer", 1, 79, V1425),
    Suboption("expirezero_does_not_evict", "items without a time are never evicted", since=V1425, until=V1435),
    Suboption("modern", "the defaults of 1.5 (from 1.5.0 on: nothing)", since=V1426),
    Suboption("idle_timeout", "seconds until an idle connection is closed; 0 never", "integer", since=V1426),
    Suboption("watcher_logbuf_size", "KiB for each watcher", "number", 0, since=V1426),
    Suboption("worker_logbuf_size", "KiB for each thread's log", "number", 0, since=V1426),
    Suboption("track_sizes", "stats sizes, without stopping the world", since=V1426),
    Suboption("slab_sizes", "the chunk sizes, with - between them", "text", since=V1426),
    Suboption("slab_chunk_max", "largest chunk: bytes; by 1.6.38 KiB, at most 1024", "integer", 1, since=V1429),
    Suboption("temporary_ttl", "seconds: shorter-lived items apart", "integer", since=V1435),
    Suboption("no_inline_ascii_resp", "smaller items (from 1.5.0 on: nothing)", since=V1435),
    Suboption("hot_max_factor", "when items leave the hot LRU", "float", 0.000001, since=V150),
    Suboption("warm_max_factor", "when items leave the warm LRU", "float", 0.000001, since=V150),
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
    Suboption("slab_automove_ratio", "how uneven ages may become", "float", 0.000001, 1, V150),
    Suboption("slab_automove_window", "seconds that are looked back", "integer", 3, since=V150),
    Suboption("drop_privileges", "a filter on system calls", since=(1, 5, 7)),
    Suboption("no_drop_privileges", "no filter on system calls", since=(1, 5, 7)),
    Suboption("resp_obj_mem_limit", "nothing since 1.6.7", "text", since=V160, optional=True),
    Suboption("read_buf_mem_limit", "MiB for what connections read; 0 no limit", "number", 0, since=V160),
    *(
        Suboption(name, meaning, "text", since=V1513, build="tls")
        for name, meaning in (
            ("ssl_chain_cert", "file of the certificate chain"), ("ssl_key", "file of the key"),
            ("ssl_ciphers", "ciphers"), ("ssl_ca_cert", "file of the CA for clients"),
        )
    ),
    Suboption("ssl_verify_mode", "0 none, 1 ask, 2 insist, 3 insist once", "number", 0, 3, V1513, build="tls"),
    Suboption("ssl_keyformat", "PEM, DER or ENGINE, as a number", "number", since=V1513, build="tls"),
    Suboption("ssl_wbuf_size", "KiB for each connection", "number", 0, since=(1, 5, 17), build="tls"),
    Suboption("ssl_session_cache", "sessions are taken up again", since=(1, 6, 3), build="tls"),
    Suboption("ssl_min_version", "0 to 3: TLS 1.0 to 1.3", "number", 0, 3, (1, 6, 11), build="tls"),
    Suboption("ssl_kernel_tls", "TLS in the kernel", since=(1, 6, 16), build="tls"),
    *(
        Suboption(name, meaning, "text", since=V154, build="extstore")
        for name, meaning in (
            ("ext_path", "file for external storage, PATH:SIZE"), ("ext_page_size", "MiB of a page"),
            ("ext_wbuf_size", "MiB of a write buffer"), ("ext_threads", "threads"), ("ext_io_depth", "requests"),
            ("ext_item_size", "bytes from which on items go there"), ("ext_item_age", "seconds idle"),
            ("ext_low_ttl", "seconds"), ("ext_recache_rate", "one of so many"), ("ext_compact_under", "pages"),
            ("ext_drop_under", "pages"), ("ext_max_frag", "share"), ("ext_max_sleep", "microseconds"),
            ("slab_automove_freeratio", "share of memory kept free"),
        )
    ),
    Suboption("ext_drop_unread", "what nobody read is not kept", since=V154, build="extstore"),
    Suboption("proxy_config", "file: run as a proxy", "text", since=(1, 6, 13), build="proxy"),
    Suboption("proxy_arg", "what the file is given", "text", since=(1, 6, 26), build="proxy"),
    Suboption("proxy_uring", "io_uring", since=(1, 6, 13), build="proxy"),
)  # fmt: skip
SUBOPTIONS: dict[str, Suboption] = {row.name: row for row in _ROWS}
HASHES = ("jenkins", "murmur3", "xxh3")


class Fault(NamedTuple):
    """What is wrong with one of -o. id: "not-in-release", "out-of-range", "missing-value" or "not-a-number"."""

    id: str
    text: str
    why: str


def split(text: str) -> list[tuple[str, Optional[str]]]:
    """The names and values behind -o, as getsubopt(3) splits them. A comma too many is one without a name."""
    pairs: list[tuple[str, Optional[str]]] = []
    for part in text.removesuffix(",").split(",") if text else ():
        name, sign, value = part.partition("=")
        pairs.append((name, value if sign else None))
    return pairs


def fault(name: str, value: Optional[str], release: Release) -> Optional[Fault]:
    """What memcached of this release ends for, or reads as something else; None for a good one."""
    text = name if value is None else f"{name}={value}"
    row = SUBOPTIONS.get(name)
    if row is None or row.since > release or release >= row.until:
        return Fault("not-in-release", text, "unknown")
    if not row.value or (value is None and row.optional):
        return None
    if not value:
        return Fault("missing-value", text, "it takes a value")
    if row.value == "text":
        known = HASHES if release >= (1, 6, 10) else HASHES[:2]
        bad = name == "hash_algorithm" and value not in known
        return Fault("out-of-range", text, "one of " + ", ".join(known)) if bad else None
    number = atof(value) if row.value == "float" else float(atoi(value))
    low, high = row.low, row.high
    if (low is not None and number < low) or (high is not None and number > high):
        return Fault("out-of-range", text, f"it takes {_bounds(row)}")
    if row.value == "number" and not is_integer(value):
        return Fault("out-of-range", text, "all of it has to be a number")
    if not (is_number(value) if row.value == "float" else is_integer(value)):
        return Fault("not-a-number", text, f"it is read as {number:g}")
    return None


def lru_percent(text: str, release: Release) -> int:
    """How much of the memory the hot and the warm LRU take together, in percent."""
    pairs = (
        {"hot_lru_pct": "20", "warm_lru_pct": "40"} if release >= V150 else {"hot_lru_pct": "32", "warm_lru_pct": "32"}
    )
    pairs.update({name: value for name, value in split(text) if name in pairs and value})
    return sum(atoi(value) for value in pairs.values())


def hashpower(text: str) -> int:
    """How large the hash table begins, as a power of 2."""
    given = [value for name, value in split(text) if name == "hashpower"]
    return atoi(given[-1] or "") if given else 16


def _bounds(row: Suboption) -> str:
    low = "more than 0" if row.value == "float" else f"{row.low:.0f}"
    return f"{low} to {row.high:.0f}" if row.high is not None else f"{low} and up"
