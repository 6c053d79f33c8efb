"""Wait until no lock is held, without looking all the time: inotify on the files, a pidfd on each holder, both.

inotify alone misses a SIGKILL, a pidfd alone misses a release by a holder that goes on. The files themselves are
watched and not their directories: /run and /var/log change all the time. A file that is unlinked has its link count
changed (IN_ATTRIB of inotify(7)); rpm's is closed by who wrote to it (IN_CLOSE_WRITE).
"""

from __future__ import annotations

import ctypes
import os
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from opskit.yum.model import FCNTL, Place
from opskit.yum.see.facts import look
from opskit.yum.state import TAKEN, ZOMBIE, Verdict, judge

_IN_MODIFY, _IN_ATTRIB, _IN_CLOSE_WRITE = 0x2, 0x4, 0x8
_IN_MOVE_SELF, _IN_DELETE_SELF = 0x800, 0x400
_GONE = _IN_ATTRIB | _IN_MOVE_SELF | _IN_DELETE_SELF
_CLOEXEC = os.O_CLOEXEC | os.O_NONBLOCK
# Where the kernel tells of a change. A lock that its holder lets go of, but keeps open, is told of by nothing.
SURE_SECONDS = 14.0
# Where it does not: pidfd and inotify missing, a holder in another pid namespace.
LOOK_SECONDS = 1.0


class Watch:
    """What wakes us up when one of these locks may have become free. Closed after use."""

    def __init__(self, blocking: Sequence[Verdict]) -> None:
        self._poll = select.poll()
        self._open: list[int] = []
        self.sure = self._watch_files(blocking) and self._watch_holders(blocking)

    def _add(self, descriptor: int) -> None:
        self._open.append(descriptor)
        self._poll.register(descriptor, select.POLLIN)

    def _watch_files(self, blocking: Sequence[Verdict]) -> bool:
        """Whether each file is watched. One that is gone by now makes the kernel refuse: then it is looked at again."""
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            return False
        descriptor = libc.inotify_init1(_CLOEXEC)
        if descriptor < 0:
            return False
        self._add(descriptor)
        sure = True
        for one in blocking:
            how = _GONE | (_IN_CLOSE_WRITE if one.lock.place.mechanism == FCNTL else _IN_MODIFY)
            path = os.fsencode(one.lock.place.path)
            sure = libc.inotify_add_watch(descriptor, path, ctypes.c_uint32(how)) >= 0 and sure
        return sure

    def _watch_holders(self, blocking: Sequence[Verdict]) -> bool:
        """Whether each holder has a pidfd: ready for reading when it ends (pidfd_open(2)), of a zombie at once."""
        if not hasattr(os, "pidfd_open"):
            return False
        pids = {one.holder.pid if one.holder else 0 for one in blocking if one.state != ZOMBIE}
        try:
            for pid in pids - {0}:
                self._add(os.pidfd_open(pid))
        except OSError:  # ended by now, or a kernel without
            return False
        return 0 not in pids

    @property
    def longest(self) -> float:
        """Seconds after which the locks are looked at although nothing has happened."""
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
    """How it ended. left: what still blocks: nothing when all is free. wakeups: how often something was looked at."""

    left: tuple[Verdict, ...]
    seconds: float
    wakeups: int


def wait(
    where: tuple[Place, ...],
    root: str,
    timeout: float,
    tell: Callable[[Sequence[Verdict], float], None],
    tick: float,
) -> Waited:
    """Return as soon as no lock blocks, or nothing will change by itself, or after timeout seconds.

    tell is called with what blocks and the seconds waited, each time something was looked at, and every tick seconds.
    """
    began = time.monotonic()
    wakeups = 0
    collecting = False
    blocking = _blocking(where, root)
    while True:
        watch, watched = Watch(blocking), blocking
        try:
            # What changed before the watch stood is seen now; what changes from here on wakes it up.
            if blocking:
                blocking = _blocking(where, root)
            waited = time.monotonic() - began
            if not blocking or waited >= timeout:
                return Waited(tuple(blocking), waited, wakeups)
            if _held(blocking) != _held(watched):
                continue  # others have them by now, who are to be watched
            longest = timeout - waited
            if not any(one.state in TAKEN for one in blocking):
                if collecting or not any(one.state == ZOMBIE for one in blocking):
                    return Waited(tuple(blocking), waited, wakeups)
                # Killed just now: its parent has a moment to collect it, then the tool takes the file over.
                collecting, longest = True, min(longest, LOOK_SECONDS)
            _sleep(watch, longest, tick, lambda: tell(blocking, time.monotonic() - began))  # noqa: B023
            wakeups += 1
        finally:
            watch.close()


def _sleep(watch: Watch, seconds: float, tick: float, tell: Callable[[], None]) -> None:
    """Until something happens. A tick is only for who watches: nothing is looked at."""
    end = time.monotonic() + min(seconds, watch.longest)
    tell()
    while (left := end - time.monotonic()) > 0 and not watch.wait(min(left, tick)):
        if left > tick:
            tell()


def _blocking(where: tuple[Place, ...], root: str) -> list[Verdict]:
    return [one for one in judge(look(where, root)) if one.blocks]


def _held(blocking: Sequence[Verdict]) -> set[tuple[str, int, int, bool]]:
    """Which files, and by whom: what a watch is made of."""
    return {
        (one.lock.place.path, one.lock.inode, one.holder.pid if one.holder else 0, one.state == ZOMBIE)
        for one in blocking
    }
