"""Releases of memcached as numbers: (1, 6, 18). What differs between them hangs on these."""

from __future__ import annotations

import re
from typing import TypeVar

from opskit.core.errors import UsageFault

Release = tuple[int, int, int]
T = TypeVar("T")

FIRST: Release = (1, 4, 15)
# The last release of each series that the tables here were checked against.
LAST = {(1, 4): 39, (1, 5): 22, (1, 6): 45}
# By its rules a line is read where nothing tells the release.
NEWEST: Release = (1, 6, LAST[1, 6])

# What changed in which release: its release notes (github.com/memcached/memcached/wiki), or memcached.c of 1.4.15,
# 1.4.25, 1.6.18, 1.6.38 and 1.6.45 side by side, or seen on 1.4.15 (EL7), 1.5.22, 1.6.18 and 1.6.40.
IPV6_IN_LISTS: Release = (1, 4, 25)
REPEATS_DROPPED: Release = (1, 4, 25)
CONNECTIONS_CHECKED: Release = (1, 4, 26)
ITEMS_TO_1G: Release = (1, 4, 29)
LONG_OPTIONS: Release = (1, 5, 0)
ITEM_CHECKED_AT_END: Release = (1, 5, 4)
UDP_OFF: Release = (1, 5, 6)
PID_FILE_REMOVED: Release = (1, 6, 0)
XXH3: Release = (1, 6, 10)
PORT_CHECKED: Release = (1, 6, 16)
# slab_chunk_max counts KiB, and what is no number ends it with 1 (memcached.c of 1.6.23 and 1.6.24).
CHUNK_IN_KIB: Release = (1, 6, 24)
# worker_logbuf_size is no longer taken for slab_sizes as well (memcached.c of 1.6.39 and 1.6.45).
LOG_SIZE_ALONE: Release = (1, 6, 40)
# ext_path may name another bucket than the default one (storage.c of 1.6.25 and 1.6.26).
STORAGE_BUCKETS: Release = (1, 6, 26)
# A file for external storage that is smaller than a page: it ends with 1 since 1.6.21, with 64 since 1.6.40 (storage.c
# of 1.6.20 and 1.6.21, of 1.6.39 and 1.6.40).
STORAGE_CHECKED: Release = (1, 6, 21)
STORAGE_USAGE: Release = (1, 6, 40)
# Before that `stats settings` prints the number of -N as a string, which ends it (memcached.c of 1.6.39 and 1.6.40).
NAPI_SHOWN: Release = (1, 6, 40)
# Blanks before the value of any option are passed over (memcached.c of 1.6.31 and 1.6.32).
BLANKS_PASSED: Release = (1, 6, 32)
# slab_automove_window takes 3 to 1800 (memcached.c of 1.6.44 and 1.6.45).
WINDOW_CHECKED: Release = (1, 6, 45)
# -L asks for transparent huge pages on Linux, too (memcached.c of 1.5.8 and 1.5.9).
LARGE_PAGES: Release = (1, 5, 9)
# Between 1.6.18 and 1.6.38: values below 0 are refused for -R and -n, blanks before a value are passed over.
NEGATIVE_CHECKED: Release = (1, 6, 38)


def release_text(release: Release) -> str:
    """`1.6.18`."""
    return ".".join(str(number) for number in release)


def parse_release(text: str) -> Release:
    """A release as a person names it: `1.4.15`; `1.5` is the last of that series. Raises UsageFault."""
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    series = (int(match[1]), int(match[2])) if match else (0, 0)
    if match is None or series not in LAST:
        known = ", ".join(f"{a}.{b}" for a, b in LAST)
        raise UsageFault(f"--version {text}", f"no release that is known here ({known})", todo="--version 1.6.18")
    release = (*series, int(match[3]) if match[3] else LAST[series])
    if release < FIRST:
        raise UsageFault(f"--version {text}", f"the tables begin with {release_text(FIRST)}")
    return release


def read_release(text: str) -> Release:
    """What `memcached -h` (or -V, from 1.4.22 on) says in its first line. Raises ValueError."""
    match = re.match(r"memcached (\d+)\.(\d+)\.(\d+)", text)
    if match is None:
        raise ValueError(text[:80])
    return int(match[1]), int(match[2]), int(match[3])


def at(history: tuple[tuple[Release, T], ...], release: Release) -> T:
    """What holds in this release, of entries (from which release on, what), oldest first."""
    fitting = [value for since, value in history if since <= release]
    return fitting[-1] if fitting else history[0][1]
