"""What the processes of a Berkeley DB have noted in its first region, `__db.001`. Pure: its bytes in, notes out.

Opening the environment would write into it, and can wait for ever on a lock that a killed process holds: the file is
only read. The first fields never change, in no release (dbinc/region.h); the others are those of 5.3 on 64-bit hosts:
the same in 5.3.28 (EL8, Debian), by what its library was seen to write, and in 5.3.21 (EL7), by its sources: read, not
run. Nor was rpm's own 4.11 or 4.14, which have such a database: what is run is db5.3_load and processes of the library.

ENV->failchk, which rpm calls when it opens its database, asks the same (env_failchk.c, lock_failchk.c): a dead process
in a call of the library is "Thread died in Berkeley DB library", a dead one with a write lock may have changed one page
of several; either is DB_RUNRECOVERY. A dead one with read locks, or with none, is cleared away.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple, Optional

from opskit.yum.model import Claim

MAGIC = 0x120897
# The magic numbers of a hash and of a B-tree database, at byte 12 of its file (dbinc/db_page.h).
_FILE_MAGIC = (0x061561, 0x053162)
_RELEASE = (5, 3)
# In REGENV: where the lock region and the table of threads are.
_LOCKS_AT, _THREADS_AT = 0x48, 0x68
# In DB_LOCKREGION: the list of lockers; in DB_LOCKER: nwrites, and the link to the next one.
_LOCKERS, _WRITES, _NEXT_LOCKER = 88, 32, 104
# In DB_THREAD_INFO: its state, and the link to the next one; THREAD_ACTIVE and THREAD_FAILCHK are in the library.
_STATE, _NEXT_THREAD = 16, 24
_IN_LIBRARY = (2, 5)
# rpm has 8 threads in a table of 37: what has more is damaged, or made to keep us busy.
_BUCKETS_AT_MOST, _LINKS_AT_MOST = 512, 1000


class Notes(NamedTuple):
    """panic: the library has given up; claims: see model.Claim (`lives` is not known yet)."""

    panic: bool
    claims: frozenset[Claim]


def is_berkeley(head: bytes) -> bool:
    """Whether a file that begins so is a Berkeley DB, of either byte order."""
    return len(head) >= 16 and any(struct.unpack_from(order, head, 12)[0] in _FILE_MAGIC for order in ("<I", ">I"))


def read_notes(region: bytes) -> Optional[Notes]:
    """The notes of a first region; None where it is none (also one that is being made at this moment)."""
    if len(region) < 32:
        return None
    magic, panic, *release = struct.unpack_from("<4I", region)
    if magic != MAGIC:
        return None
    claims: set[Claim] = set()
    if tuple(release) == _RELEASE:
        try:
            claims.update(_threads(region))
            claims.update(_lockers(region))
        except struct.error:  # it is cut off, or of another build: what it says besides the panic is not known
            claims.clear()
    return Notes(panic != 0, frozenset(claims))


def _threads(region: bytes) -> Iterator[Claim]:
    table = _number(region, _THREADS_AT)
    if not table:
        return
    buckets = _word(region, table + 12)
    first = _number(region, table + 16)
    for bucket in range(min(buckets, _BUCKETS_AT_MOST)):
        for thread in _chain(region, first + 16 * bucket, _NEXT_THREAD):
            if _word(region, thread + _STATE) in _IN_LIBRARY:
                yield Claim(_word(region, thread))


def _lockers(region: bytes) -> Iterator[Claim]:
    locks = _number(region, _LOCKS_AT)
    for locker in _chain(region, locks + _LOCKERS, _NEXT_LOCKER) if locks else ():
        if _word(region, locker + _WRITES):
            yield Claim(_word(region, locker + 4), writes=True)


def _chain(region: bytes, head: int, link: int) -> Iterator[int]:
    """The offsets of the elements of a list: each link counts from where it stands (dbinc/shqueue.h), -1 ends it."""
    at, step = head, _number(region, head)
    for _ in range(_LINKS_AT_MOST):
        if step == -1:
            return
        at += step
        yield at
        step = _number(region, at + link)


def _word(region: bytes, at: int) -> int:
    """A number of 32 bits, without a sign. Raises struct.error for a place outside the region."""
    if not 0 <= at < len(region):
        raise struct.error("outside the region")
    return int(struct.unpack_from("<I", region, at)[0])


def _number(region: bytes, at: int) -> int:
    """A number of 64 bits. Raises struct.error for a place outside the region."""
    if not 0 <= at < len(region):
        raise struct.error("outside the region")
    return int(struct.unpack_from("<q", region, at)[0])
