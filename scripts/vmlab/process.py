"""A process of the lab that later calls of scripts/vm know again: by its pid file, and by a pidfd while it is ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from vmlab.image import LabError, environment


class Process:
    """One process that the lab started. base: what its files are called, with .pid and .log behind it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.child: Optional[subprocess.Popen[bytes]] = None

    @classmethod
    def start(cls, argv: list[str], base: Path, *, ready: Path, orphan: bool) -> Process:
        """Start argv and wait until the socket `ready` is there. orphan: it goes on when the starter ends.

        Raises LabError with its log when it ends before that.
        """
        ready.unlink(missing_ok=True)
        # The tests' machines end with the tests, however these end (prctl(2), PR_SET_PDEATHSIG).
        prefix = [] if orphan else ["setpriv", "--pdeathsig", "KILL"]
        with open(base.with_suffix(".log"), "wb") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            child = subprocess.Popen(
                prefix + argv, cwd=base.parent, env=environment(), start_new_session=orphan, **streams
            )
        process = cls.adopt(base, child.pid)
        process.child = child
        if appears(ready, lambda: child.poll() is None):
            return process
        process.end(signal.SIGKILL)
        raise LabError(f"{argv[0]} did not start: {base.with_suffix('.log').read_text()}")

    @classmethod
    def adopt(cls, base: Path, pid: int) -> Process:
        """A process of the lab that is no child of this one."""
        base.with_suffix(".pid").write_text(f"{pid} {_start_time(pid)}\n")
        return cls(base)

    def pidfd(self) -> Optional[int]:
        """A file descriptor of it (pidfd_open(2)); None when it has ended, or the pid is another process by now."""
        with contextlib.suppress(OSError, ValueError):
            pid, started = self.base.with_suffix(".pid").read_text().split()
            descriptor = os.pidfd_open(int(pid))
            if _start_time(int(pid)) == started:
                return descriptor
            os.close(descriptor)
        return None

    def running(self) -> bool:
        """Whether it runs."""
        descriptor = self.pidfd()
        if descriptor is None:
            return False
        with contextlib.closing(os.fdopen(descriptor)):
            return not select.select([descriptor], [], [], 0)[0]

    def end(self, number: Optional[signal.Signals] = None, timeout: float = 300) -> None:
        """Send it a signal (None: it ends by itself) and wait for its end. Raises LabError after timeout seconds."""
        descriptor = self.pidfd()
        if descriptor is not None:
            try:
                if number is not None:
                    signal.pidfd_send_signal(descriptor, number)
                if not select.select([descriptor], [], [], timeout)[0]:
                    raise LabError(f"{self.base.name} did not end in {timeout:.0f} s")
            finally:
                os.close(descriptor)
        if self.child is not None:
            self.child.wait()
        self.base.with_suffix(".pid").unlink(missing_ok=True)


def appears(path: Path, alive: Callable[[], bool] = lambda: True) -> bool:
    """Wait until a process has made this file, which takes it some milliseconds; False when it never does."""
    for _ in range(30_000):
        if path.exists():
            return True
        if not alive():
            break
        time.sleep(0.01)
    return False


def _start_time(pid: int) -> str:
    """When it started, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)); with the pid, its identity."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
