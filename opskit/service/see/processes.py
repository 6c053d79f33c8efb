"""Processes as /proc shows them (proc(5)); what is gone while it is looked at is left out."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from typing import Optional

from opskit.core import procfs
from opskit.core.systemd import control_group
from opskit.service.model import Process

PROC = "/proc"
TICKS = os.sysconf("SC_CLK_TCK")
_NSPID = re.compile(r"^NSpid:\s+(.*)$", re.MULTILINE)


def boot_time() -> float:
    """When the host booted, seconds since 1970: what start times count from."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def exists(pid: int) -> bool:
    """Whether there is a process with this pid, also one that hidepid hides."""
    try:
        os.getpgid(pid)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def read_process(pid: int, boot: float) -> Optional[Process]:
    """The process; None where it is gone, or hidden."""
    try:
        stat = procfs.Stat(procfs.text(PROC, str(pid), "stat"))
    except (IndexError, ValueError):
        return None
    words = procfs.text(PROC, str(pid), "cmdline")
    numbers = _NSPID.search(procfs.text(PROC, str(pid), "status"))
    inner = int(numbers[1].split()[-1]) if numbers and len(numbers[1].split()) > 1 else 0
    return Process(
        pid=pid,
        inner=inner,
        parent=stat.parent,
        start_ticks=stat.start,
        started=boot + stat.start / TICKS,
        name=stat.name,
        state=stat.state,
        words=tuple(words.rstrip("\0").split("\0")) if words else (),
        exe=procfs.link(PROC, str(pid), "exe"),
        group=control_group(procfs.text(PROC, str(pid), "cgroup")),
        rss=stat.rss,
    )


def all_processes() -> tuple[Process, ...]:
    """Every process that can be seen, but this one."""
    boot = boot_time()
    own = os.getpid()
    return tuple(each for pid in procfs.pids(PROC) if pid != own and (each := read_process(pid, boot)))


def of_host(processes: Iterable[Process]) -> tuple[Process, ...]:
    """Those in our own namespace of pids: what is in a container has a pid of its own there, too."""
    return tuple(each for each in processes if not each.inner)


def of_container(processes: Iterable[Process], first: int) -> tuple[Process, ...]:
    """Those in the namespace of pids of a container's first process; without the right to look, its descendants."""
    processes = tuple(processes)
    namespace = procfs.link(PROC, str(first), "ns", "pid")
    if namespace and namespace != procfs.link(PROC, "self", "ns", "pid"):
        return tuple(each for each in processes if procfs.link(PROC, str(each.pid), "ns", "pid") == namespace)
    below = {first}
    for each in sorted(processes, key=lambda process: process.start_ticks):
        if each.parent in below:
            below.add(each.pid)
    return tuple(each for each in processes if each.pid in below)
