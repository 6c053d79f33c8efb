"""Processes as /proc shows them (proc(5)); what is gone while it is looked at is left out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Optional

from opskit.core import procfs
from opskit.core.systemd import control_group
from opskit.service.model import Process

PROC = "/proc"
# Real, effective, saved and of the filesystem.
_IDS = re.compile(r"^[UG]id:\s+(\d+)\s+\1\s+\1\s+\1$", re.MULTILINE)
_NSPID = re.compile(r"^NSpid:\s+(.*)$", re.MULTILINE)


def read_process(pid: int, boot: float) -> Optional[Process]:
    """The process; None where it is gone, or hidden."""
    stat = procfs.read_stat(PROC, pid)
    if stat is None:
        return None
    numbers = _NSPID.search(procfs.text(PROC, str(pid), "status"))
    inner = int(numbers[1].split()[-1]) if numbers and len(numbers[1].split()) > 1 else 0
    return Process(
        pid=pid,
        inner=inner,
        parent=stat.parent,
        start_ticks=stat.start,
        started=boot + stat.start / procfs.TICKS,
        name=stat.name,
        state=stat.state,
        words=tuple(procfs.words(PROC, pid)),
        exe=procfs.link(PROC, str(pid), "exe"),
        group=control_group(procfs.text(PROC, str(pid), "cgroup")),
        rss=stat.rss,
        ended=stat.ended,
    )


def all_processes() -> tuple[Process, ...]:
    """Every process that can be seen, but this one."""
    boot = procfs.boot_time()
    own = os.getpid()
    return tuple(each for pid in procfs.pids(PROC) if pid != own and (each := read_process(pid, boot)))


def user_of(pid: int) -> Optional[tuple[int, int]]:
    """The user and group of a process; None where it is gone, or has several of them.

    Not the owner of /proc/PID: that is the effective user alone, root for a setuid program that anybody has started.
    """
    ids = _IDS.findall(procfs.text(PROC, str(pid), "status"))
    return (int(ids[0]), int(ids[1])) if len(ids) == 2 else None


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
