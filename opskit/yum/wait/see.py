"""Wait until no lock is held, without looking all the time: inotify on the files, a pidfd on each holder, both.

inotify alone misses a SIGKILL, a pidfd alone misses a release by a holder that goes on. The files themselves are
watched and not their directories: /run and /var/log change all the time. A file that is unlinked has its link count
changed (IN_ATTRIB of inotify(7)); rpm's is closed by who wrote to it (IN_CLOSE_WRITE).
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Sequence
from typing import Callable

from opskit.core.kernel import libc
from opskit.core.record import dataclass
from opskit.yum.model import FCNTL, LockPlace, Relative, RpmDatabase
from opskit.yum.see.facts import look
from opskit.yum.state import TAKEN, ZOMBIE, LockVerdict, judge

_IN_MODIFY, _IN_ATTRIB, _IN_CLOSE_WRITE = 0x2, 0x4, 0x8
_IN_MOVE_SELF, _IN_DELETE_SELF = 0x800, 0x400
_GONE = _IN_ATTRIB | _IN_MOVE_SELF | _IN_DELETE_SELF
_CLOEXEC = os.O_CLOEXEC | os.O_NONBLOCK
# Where the kernel reports every change, but one: a lock that its holder releases without closing the file.
SURE_SECONDS = 14.0
# Where it does not: without pidfd or inotify, or with a holder in another pid namespace.
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Blocking:
    """What has to end before a package manager can start.

    locks: those that are not free.
    orphans: scriptlets that were cut off from their rpm and still change the host.
    databases: those of rpm that a killed process left unusable: no package manager gets past them.
    """

    locks: tuple[LockVerdict, ...]
    orphans: tuple[Relative, ...] = ()
    databases: tuple[RpmDatabase, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.locks or self.orphans or self.databases)

    @property
    def ends_by_itself(self) -> bool:
        """Whether waiting can be of use."""
        return bool(self.orphans) or any(verdict.state in TAKEN for verdict in self.locks)


class Watch:
    """What wakes us up when one of these may have ended. Closed after use."""

    def __init__(self, blocking: Blocking) -> None:
        self._poll = select.poll()
        self._open: list[int] = []
        self.sure = self._watch_files(blocking.locks) and self._watch_holders(blocking)

    def _add(self, descriptor: int) -> None:
        self._open.append(descriptor)
        self._poll.register(descriptor, select.POLLIN)

    def _watch_files(self, blocking: Sequence[LockVerdict]) -> bool:
        """Whether each file is watched. One that is gone by now makes the kernel refuse: then it is looked at again."""
        if not hasattr(libc(), "inotify_init1"):
            return False
        descriptor = libc().inotify_init1(_CLOEXEC)
        if descriptor < 0:
            return False
        self._add(descriptor)
        sure = True
        for verdict in blocking:
            how = _GONE | (_IN_CLOSE_WRITE if verdict.lock.place.mechanism == FCNTL else _IN_MODIFY)
            path = os.fsencode(verdict.path)
            sure = libc().inotify_add_watch(descriptor, path, how) >= 0 and sure
        return sure

    def _watch_holders(self, blocking: Blocking) -> bool:
        """Whether each holder has a pidfd: ready for reading when it ends (pidfd_open(2)), of a zombie at once."""
        if not hasattr(os, "pidfd_open"):
            return False
        pids = {verdict.holder.pid if verdict.holder else 0 for verdict in blocking.locks if verdict.state != ZOMBIE}
        pids |= {orphan.pid for orphan in blocking.orphans}
        try:
            for pid in pids - {0}:
                self._add(os.pidfd_open(pid))
        except OSError:  # ended by now, or a kernel without
            return False
        return 0 not in pids

    @property
    def longest(self) -> float:
        """Seconds after which the locks are read although nothing has happened."""
        return SURE_SECONDS if self.sure else LOOK_SECONDS

    def wait(self, seconds: float) -> bool:
        """Sleep until something happens, at most so long. Whether something did."""
        return bool(self._poll.poll(max(0.0, seconds) * 1000))

    def close(self) -> None:
        """Let go of every descriptor."""
        for descriptor in self._open:
            os.close(descriptor)
        self._open = []


@dataclass(frozen=True)
class Waited:
    """How a wait ended.

    left: what still blocks; empty when all is free.
    seconds: how long it took.
    wakeups: how often the locks were read again.
    """

    left: Blocking
    seconds: float
    wakeups: int


def wait(
    places: tuple[LockPlace, ...],
    root: str,
    timeout: float,
    tell: Callable[[Blocking, float], None],
    tick: float,
) -> Waited:
    """Return as soon as nothing blocks, or nothing will become free by itself, or after timeout seconds.

    places, root: where the locks are.
    timeout: in seconds; math.inf for no limit.
    tell: called with what blocks and the seconds waited, whenever the locks were read, and at each tick.
    tick: seconds.
    """
    began = time.monotonic()
    wakeups = 0
    collecting = False
    blocking = _blocking(places, root)
    while True:
        watch, watched = Watch(blocking), blocking
        try:
            # A change before the watch was set up is seen now; a later one wakes the watch.
            if blocking:
                blocking = _blocking(places, root)
            waited = time.monotonic() - began
            if not blocking or waited >= timeout:
                return Waited(blocking, waited, wakeups)
            if _held(blocking) != _held(watched):
                continue  # they have new holders, which have to be watched
            longest = timeout - waited
            if not blocking.ends_by_itself:
                if collecting or not any(verdict.state == ZOMBIE for verdict in blocking.locks):
                    return Waited(blocking, waited, wakeups)
                # Killed just now: its parent has a moment to collect it, then the tool takes the file over.
                collecting, longest = True, min(longest, LOOK_SECONDS)
            _sleep(watch, longest, tick, lambda: tell(blocking, time.monotonic() - began))  # noqa: B023
            wakeups += 1
        finally:
            watch.close()


def _sleep(watch: Watch, seconds: float, tick: float, tell: Callable[[], None]) -> None:
    """Wait until something happens. A tick is only for the display: it reads no lock."""
    end = time.monotonic() + min(seconds, watch.longest)
    tell()
    while (left := end - time.monotonic()) > 0 and not watch.wait(min(left, tick)):
        if left > tick:
            tell()


def _blocking(places: tuple[LockPlace, ...], root: str) -> Blocking:
    facts = look(places, root)
    locks = tuple(verdict for verdict in judge(facts) if verdict.blocks)
    return Blocking(locks, facts.orphans, tuple(database for database in facts.databases if database.broken))


def _held(blocking: Blocking) -> set[tuple[str, int, int, bool]]:
    """Which files are held, by which process, and which scriptlets run: what a watch is made of."""
    held = {
        (verdict.path, verdict.lock.inode, verdict.holder.pid if verdict.holder else 0, verdict.state == ZOMBIE)
        for verdict in blocking.locks
    }
    return held | {("", 0, orphan.pid, False) for orphan in blocking.orphans}
