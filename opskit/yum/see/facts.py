"""See the locks of the package managers and who has them. Takes no lock, and nearly never starts anything."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import os
import select
import signal
from collections.abc import Iterator, Sequence
from typing import Optional

from opskit.core.command import Runner
from opskit.core.errors import Failed, OpskitError
from opskit.core.procfs import boot_time
from opskit.core.reach import matching
from opskit.core.systemd import is_booted, timers_of
from opskit.yum.database.see import see_databases
from opskit.yum.explain import service_of
from opskit.yum.model import FCNTL, PID_MAX, SCRIPTLET, Facts, LockFile, LockPlace, ProcessFacts, Relative
from opskit.yum.see.config import dnf_options, read_settings
from opskit.yum.see.history import see_unended
from opskit.yum.see.locks import read_lock
from opskit.yum.see.places import databases, lock_places, need_tools, places_in, tools_here
from opskit.yum.see.processes import (
    MANAGERS,
    PROC,
    Gauge,
    all_pids,
    in_first_namespace,
    inner_pid,
    is_manager,
    link_of,
    owner_of,
    read_process,
    read_stat,
    same_root,
    sees_file,
    words_of,
)

# A lock and its holder that change while they are read would show a state that never was: they are read again, at
# most so often.
LOOKS = 3


def named_root(installroot: str) -> str:
    """What --installroot names, absolute; "" (the host) for "", which is none."""
    return os.path.abspath(installroot or "/").rstrip("/")


def see(runner: Runner, root: str = "", sample: float = 0.0, *, everyone: bool = False) -> Facts:
    """The locks with their holders. Raises Missing without a package manager, Failed when root is no directory.

    root: the installroot; "" for the host.
    sample: for how many seconds the holders are watched.
    everyone: whether the locks of other users are included.
    """
    return _with_timers(runner, look(find_places(runner, root, everyone=everyone), root, sample))


def _with_timers(runner: Runner, facts: Facts) -> Facts:
    """With the timers that start the services which have a lock; systemd is asked only where one has."""
    services = {process.pid: service_of(process) for process in facts.processes}
    units = sorted({*services.values()} - {""})
    if not units or not is_booted():
        return facts
    try:
        timers = timers_of(runner, units)
    except OpskitError:
        return facts  # systemd does not answer: what is known of its own units is told all the same
    processes = (
        dataclasses.replace(process, timers=timers.get(services[process.pid], ())) for process in facts.processes
    )
    return dataclasses.replace(facts, processes=tuple(processes))


def find_places(runner: Runner, root: str = "", *, everyone: bool = False) -> tuple[LockPlace, ...]:
    """Where the locks of this host (or installroot) are. Raises as see() does.

    The locks in another user's own folder block nobody else, and that user can write anything into them: they are
    shown, but neither waited for nor touched.
    """
    try:
        os.stat(f"{root}/.")
    except OSError as error:
        raise Failed(root, f"it cannot be read ({error.strerror})", todo="name the installroot") from error
    places = lock_places(root, databases(runner, need_tools()))
    return places if everyone else tuple(place for place in places if place.owner in {0, os.geteuid()})


def look(places: tuple[LockPlace, ...], root: str = "", sample: float = 0.0) -> Facts:
    """The locks at these places as they are now, and where the command lines of those that run put more."""
    for _ in range(LOOKS):
        managers, orphans = _scan(root)
        known = {place.path for place in places}
        more = {place.path: place for place in _of_command_lines(managers, root) if place.path not in known}
        locks = tuple(read_lock(place) for place in (*places, *more.values()))
        facts = _facts(root, locks, managers, orphans)
        if sample:
            facts = _watched(facts, facts.locks, sample)
        if _owners(locks) == _owners(tuple(read_lock(lock.place) for lock in locks)):
            break
    return facts


def _of_command_lines(managers: list[int], root: str) -> Iterator[LockPlace]:
    """Where a dnf that runs has its locks by -c and --setopt; only root's and this user's own are believed."""
    for pid in managers:
        words = words_of(pid)
        if not any(word.startswith(("-c", "--config", "--setopt")) for word in words):
            continue
        options = dnf_options(words)
        if owner_of(pid) not in {0, os.geteuid()} or options.installroot != root:
            continue
        # dnf puts the installroot before what its configuration says, and not before --setopt (dnf 4.14, observed).
        yield from places_in("", options.settings)
        if options.config:
            path = os.path.join(link_of(pid, "cwd") or "/", options.config)
            yield from places_in(root, read_settings(path))


def _owners(locks: tuple[LockFile, ...]) -> list[tuple[Optional[int], int, str]]:
    """Who has each: it changes when a lock gets or loses its holder while the holders are looked at."""
    return [(lock.pid, lock.inode, lock.locked) for lock in locks]


def _scan(root: str) -> tuple[list[int], tuple[Relative, ...]]:
    """The package managers that run, and scriptlets of this root that were cut off from their rpm."""
    managers, orphans = [], []
    own = os.getpid()
    for pid in all_pids():
        if pid == own or not (status := read_stat(pid)):
            continue
        # dnf and yum are programs of Python, and change their name to their own; until then the command line tells.
        name = status.name
        if name in MANAGERS or (name.startswith(("python", "platform-python")) and is_manager(name, words_of(pid))):
            managers.append(pid)
        elif _adopted(status.parent):
            words = words_of(pid)
            script = next((word for word in words[1:] if SCRIPTLET.search(word)), "")
            if script and _was_cut_off(pid, script, root):
                orphans.append(Relative(pid, name, " ".join(words), status.state, status.start))
    return managers, tuple(orphans)


def _adopted(parent: int) -> bool:
    """Whether this parent takes in processes whose own has ended: init, or a service manager of a user."""
    if parent == 1:
        return True
    status = read_stat(parent) if parent > 1 else None
    return status is not None and status.name in {"systemd", "containerd-shim", "conmon"}


def _was_cut_off(pid: int, script: str, root: str) -> bool:
    """Whether rpm ended in the middle of this scriptlet, in this root.

    rpm removes the file of a scriptlet as soon as that has ended (rpmScriptRun): what a scriptlet left running in the
    background, a daemon say, has the same command line but no file any more.
    """
    if owner_of(pid) != 0:
        return False
    return same_root(pid, root) and os.path.exists(f"{PROC}/{pid}/root{script}")


def _facts(root: str, locks: tuple[LockFile, ...], managers: list[int], orphans: tuple[Relative, ...]) -> Facts:
    boot = boot_time()
    pids = {lock.pid for lock in locks if lock.pid and 0 < lock.pid <= PID_MAX}
    whole = os.geteuid() == 0 and in_first_namespace()
    processes = []
    for pid in sorted({*pids, *managers, *_insiders(locks, pids)}):
        process = read_process(pid, boot)
        if process is None or not (pid in pids or process.manager or process.inner_pid):
            continue
        # In another pid namespace the same number is another process: only one that sees this very file counts.
        inside = _sees_lock(process.pid, process.inner_pid, locks)
        processes.append(process if inside else dataclasses.replace(process, inner_pid=0))
    locks = tuple(_unlinked(lock, processes) for lock in locks)
    unfinished = matching(glob.escape(root) + "/var/lib/yum/transaction-all*")
    return Facts(
        root=root,
        tools=tools_here(),
        locks=locks,
        processes=tuple(processes),
        orphans=orphans,
        unfinished=tuple(unfinished),
        databases=tuple(see_databases((lock.place for lock in locks), whole=whole)),
        unended=tuple(see_unended(lock.place for lock in locks)),
        pidfd=has_pidfd(),
        is_root=os.geteuid() == 0,
        whole=whole,
    )


def _unlinked(lock: LockFile, processes: Sequence[ProcessFacts]) -> LockFile:
    """The lock as it is held although its file was deleted, which keeps nobody out any more; else as it is."""
    if lock.place.mechanism != FCNTL or lock.locked:
        return lock
    for process in processes:
        if _names(process, lock.place.path):
            why = "its file was deleted meanwhile, and keeps no other out"
            return dataclasses.replace(lock, kind="regular", locked="write", pid=process.pid, why=why)
    return lock


def _names(process: ProcessFacts, path: str) -> bool:
    """Whether a lock file that a process has and somebody has deleted was this one: a container has the same paths.

    The kernel names it by its real folder: for us, where the mounts of the process are ours, else for the process.
    """
    folder, name = os.path.split(path)
    entry = f"/proc/{process.pid}"
    for unlinked in process.unlinked:
        with contextlib.suppress(OSError):
            ours = os.path.samestat(os.stat(f"{entry}/ns/mnt"), os.stat("/proc/self/ns/mnt"))
            theirs = os.path.dirname(unlinked) if ours else f"{entry}/root{os.path.dirname(unlinked)}"
            if os.path.basename(unlinked) == name and os.path.samefile(theirs, folder):
                return True
    return False


def _insiders(locks: tuple[LockFile, ...], pids: set[int]) -> Iterator[int]:
    """Who may be meant by a pid that is init's or a kernel thread's here: a process of another pid namespace."""
    doubtful = {pid for pid in pids if pid == 1 or not words_of(pid)}
    for pid in all_pids() if doubtful else ():
        inner = inner_pid(pid)
        if inner in doubtful and _sees_lock(pid, inner, locks):
            yield pid


def _sees_lock(pid: int, inner: int, locks: tuple[LockFile, ...]) -> bool:
    """Whether a process sees a lock that names the pid which it has in its own pid namespace (0 for ours)."""
    return inner != 0 and any(
        lock.pid == inner and sees_file(pid, path, lock.device, lock.inode)
        for lock in locks
        for path in (lock.place.path, lock.place.inner)
    )


def _watched(facts: Facts, locks: tuple[LockFile, ...], seconds: float) -> Facts:
    """The facts with what the holders did in so many seconds; the watch ends when one of them does."""
    pids = {lock.pid for lock in locks}
    # A holder that is dead already would end the watch at once.
    holders = [
        process
        for process in facts.processes
        if {process.pid, process.inner_pid} & pids and not process.hidden and process.state not in {"Z", "X", "x"}
    ]
    if not holders:
        return facts
    gauge = Gauge([process.pid for process in holders])
    _pause([process.pid for process in holders], seconds)
    activity = {process.pid: gauge.read(process.pid) for process in holders}
    processes = tuple(dataclasses.replace(process, activity=activity.get(process.pid)) for process in facts.processes)
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
