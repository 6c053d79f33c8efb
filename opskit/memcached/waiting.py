"""Waiting for a process to be there, or to be gone."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Sequence
from typing import Callable, Optional

from opskit.core import procfs
from opskit.core.runner import Runner
from opskit.memcached import proc
from opskit.memcached.model import Process

# A daemon that another process made tells nobody when it is ready: it is looked for so often.
LOOK_SECONDS = 0.02


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether this comes to hold within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def lives(pid: int, started: int) -> bool:
    """Whether the process that began then is still there: a pid alone can be somebody else's by now."""
    found = proc.process(pid)
    return found is not None and found.started == started


def gone(pid: int, started: int, seconds: float) -> bool:
    """Wait until the process has ended. False when it has not within so many seconds."""
    opener = getattr(os, "pidfd_open", None)  # Python 3.9 and Linux 5.3
    try:
        descriptor = opener(pid) if opener else -1
    except OSError:
        descriptor = -1
    if descriptor >= 0 and lives(pid, started):
        try:
            select.select([descriptor], [], [], seconds)
        finally:
            os.close(descriptor)
    elif descriptor >= 0:
        os.close(descriptor)
    return until(lambda: not lives(pid, started), 1.0 if descriptor >= 0 else seconds)


def with_line(line: Sequence[str]) -> Optional[Process]:
    """The running memcached with just this line; one in a container's network has other ports than ours."""
    found = (one for one in instances() if one.line == tuple(line) and proc.same_network(one.pid))
    return next(found, None)


def instances() -> list[Process]:
    """Every memcached of this host, by the name of its process."""
    found = (proc.process(pid) for pid in procfs.pids() if _named(pid))
    return [one for one in found if one is not None and one.name == "memcached"]


def _named(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return file.read() == b"memcached\n"
    except OSError:
        return False


def end(runner: Runner, process: Process, seconds: float) -> bool:
    """Ask it to end (SIGTERM) and wait. False when it has not ended within so many seconds."""
    from opskit.core.command import Command  # noqa: PLC0415

    if lives(process.pid, process.started):
        # Exit status 1: it has ended in this moment.
        runner.run(Command(("kill", "-TERM", str(process.pid)), mutates=True, accept=(0, 1)))
    return gone(process.pid, process.started, seconds)
