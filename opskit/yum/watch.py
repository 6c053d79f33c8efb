"""Waiting for locks without looking all the time: inotify on the files, a pidfd on each holder, both.

inotify alone misses a SIGKILL, a pidfd alone misses a release by a holder that goes on. The files themselves are
watched and not their directories: /run and /var/log change all the time. A file that is unlinked has its link count
changed (IN_ATTRIB of inotify(7)); rpm's is closed by who wrote to it (IN_CLOSE_WRITE).
"""

from __future__ import annotations

import ctypes
import os
import select
from collections.abc import Sequence

from opskit.yum.model import FCNTL
from opskit.yum.state import ZOMBIE, Verdict

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
