"""See the locks of the package managers and who has them. Takes no lock, and nearly never starts anything."""

from __future__ import annotations

import dataclasses
import glob
import os
import select
import signal

from opskit.core.command import Runner
from opskit.core.errors import Failed
from opskit.yum.model import SCRIPTLET, Facts, LockFile, Place, Process, Relative
from opskit.yum.see.locks import read_lock
from opskit.yum.see.places import databases, need_tools, places, tools_here
from opskit.yum.see.processes import (
    MANAGERS,
    Gauge,
    all_pids,
    boot_time,
    is_manager,
    read_process,
    read_stat,
    sees_file,
    words_of,
)

# One that reads a lock and its holder while both change would see what never was: it looks again, so often.
LOOKS = 3


def named_root(installroot: str) -> str:
    """What --installroot names, absolute; "" (the host) for "", which is none."""
    return os.path.abspath(installroot or "/").rstrip("/")


def see(runner: Runner, root: str = "", sample: float = 0.0, *, everyone: bool = False) -> Facts:
    """The locks below root ("" for the host) with their holders. sample: seconds to watch what the holders do.

    everyone: those of other users, too. Raises Missing where no package manager is on the host, Failed for a root that
    is no directory.
    """
    return look(find_places(runner, root, everyone=everyone), root, sample)


def find_places(runner: Runner, root: str = "", *, everyone: bool = False) -> tuple[Place, ...]:
    """Where the locks of this host (or installroot) are. Raises as see() does.

    What another user has in a folder of his own stands in nobody else's way, and he can write into it what he likes: it
    is shown, but neither waited for nor touched.
    """
    try:
        os.stat(f"{root}/.")
    except OSError as error:
        raise Failed(root, f"it cannot be looked into ({error.strerror})", todo="name the installroot") from error
    found = places(root, databases(runner, need_tools()))
    return found if everyone else tuple(place for place in found if place.owner in {0, os.geteuid()})


def look(where: tuple[Place, ...], root: str = "", sample: float = 0.0) -> Facts:
    """The locks at these places as they are now."""
    for _ in range(LOOKS):
        locks = tuple(read_lock(place) for place in where)
        managers, orphans = _scan()
        facts = _facts(root, locks, managers, orphans)
        if sample:
            facts = _watched(facts, locks, sample)
        if not _moved(facts, tuple(read_lock(lock.place) for lock in locks)):
            break
    return facts


def _moved(facts: Facts, again: tuple[LockFile, ...]) -> bool:
    """Whether a lock got or lost its holder while the holders were looked at."""
    return [(one.pid, one.inode, one.locked) for one in facts.locks] != [
        (one.pid, one.inode, one.locked) for one in again
    ]


def _scan() -> tuple[list[int], tuple[Relative, ...]]:
    """The package managers that run, and scriptlets of rpm whose parent has ended."""
    managers, orphans = [], []
    own = os.getpid()
    for pid in all_pids():
        if pid == own or not (status := read_stat(pid)):
            continue
        # dnf and yum are programs of Python, and change their name to their own; until then the command line tells.
        name = status.name
        if name in MANAGERS or (name.startswith(("python", "platform-python")) and is_manager(name, words_of(pid))):
            managers.append(pid)
        elif status.parent == 1 and (name in {"sh", "bash"} or name.startswith("rpm-tmp")):
            words = words_of(pid)
            if any(SCRIPTLET.search(word) for word in words):
                orphans.append(Relative(pid, name, " ".join(words), status.state, status.start))
    return managers, tuple(orphans)


def _facts(root: str, locks: tuple[LockFile, ...], managers: list[int], orphans: tuple[Relative, ...]) -> Facts:
    boot = boot_time()
    named = {lock.pid for lock in locks if lock.pid and 0 < lock.pid < 2**31}
    found: dict[int, Process] = {}
    for pid in sorted({*named, *managers}):
        process = read_process(pid, boot)
        if process and (pid in named or process.manager):
            found[pid] = process
    # In another pid namespace the same number is somebody else: only who sees this very file counts.
    processes = tuple(
        dataclasses.replace(one, inner_pid=one.inner_pid if _sees_one(one, locks) else 0) for one in found.values()
    )
    unfinished = sorted(glob.glob(glob.escape(root) + "/var/lib/yum/transaction-all*"))
    return Facts(
        root=root,
        tools=tools_here(),
        locks=locks,
        processes=processes,
        orphans=orphans,
        unfinished=tuple(unfinished),
        pidfd=has_pidfd(),
        is_root=os.geteuid() == 0,
    )


def _sees_one(process: Process, locks: tuple[LockFile, ...]) -> bool:
    for lock in locks:
        if process.inner_pid and lock.pid == process.inner_pid:
            paths = (lock.place.path, lock.place.inner)
            if any(sees_file(process.pid, path, lock.device, lock.inode) for path in paths):
                return True
    return False


def _watched(facts: Facts, locks: tuple[LockFile, ...], seconds: float) -> Facts:
    """The same, with what the holders did in so many seconds; over at once when one of them ends."""
    named = {lock.pid for lock in locks}
    # One that is dead already would end it at once.
    holders = [
        one
        for one in facts.processes
        if (one.pid in named or one.inner_pid in named) and not one.hidden and one.state not in {"Z", "X", "x"}
    ]
    if not holders:
        return facts
    gauge = Gauge([one.pid for one in holders])
    _pause([one.pid for one in holders], seconds)
    activity = {one.pid: gauge.read(one.pid) for one in holders}
    processes = tuple(dataclasses.replace(one, activity=activity.get(one.pid)) for one in facts.processes)
    return dataclasses.replace(facts, processes=processes)


def _pause(pids: list[int], seconds: float) -> None:
    """Wait so long, or until one of these processes ends, where the kernel tells (pidfd_open(2), Linux 5.3).

    A Python that was built on an older kernel has no pidfd_open.
    """
    poll = select.poll()
    opened = []
    for pid in pids if hasattr(os, "pidfd_open") else ():
        try:
            opened.append(os.pidfd_open(pid))
        except OSError:
            continue
        poll.register(opened[-1], select.POLLIN)
    try:
        poll.poll(seconds * 1000)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def has_pidfd() -> bool:
    """Whether this Python and this kernel can send a signal through a pidfd (Linux 5.1 and 5.3, Python 3.9)."""
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return False
    try:
        descriptor = os.pidfd_open(os.getpid())
        os.close(descriptor)
    except OSError:
        return False
    return True
