"""What is seen of the locks of the package managers: files, processes, the host. Frozen, and JSON both ways."""

from __future__ import annotations

import re
from typing import Optional

from opskit.core.record import dataclass

# How a lock says who has it: a pid in a file, or an advisory record lock (fcntl) that the kernel knows.
PID, FCNTL = "pid", "fcntl"
YUM, DNF, DNF5, PACKAGEKIT, RPM = "yum", "dnf", "dnf5", "packagekit", "rpm"
MICRODNF, ZYPPER, APT, OSTREE = "microdnf", "zypper", "apt", "ostree"
# Both lock through libdnf (dnf-lock.cpp).
LIBDNF = (PACKAGEKIT, MICRODNF)
PID_MAX = 2**31 - 1
# The phases of a holder.
METADATA, DOWNLOAD, TRANSACTION = "metadata", "download", "transaction"
# rpm runs a scriptlet as `/bin/sh /var/tmp/rpm-tmp.AbCdEf 1`; %_tmppath of its macros can name another folder.
SCRIPTLET = re.compile(r"/rpm-tmp\.\w+")


@dataclass(frozen=True)
class LockPlace:
    """Where a lock can be.

    phase: what its holder does, if the lock itself tells; "" where it does not (yum has one lock for everything).
    inner: the path as a process sees it that has changed its root to the installroot.
    owner: the uid of the user whose tools alone use the lock; 0 for the host's.
    """

    path: str
    tool: str
    mechanism: str
    phase: str = ""
    inner: str = ""
    owner: int = 0


@dataclass(frozen=True)
class LockFile:
    """A lock as it was read.

    kind: regular, absent, symlink, directory, fifo, socket, device or unreadable.
    content: its first bytes, as latin-1 (a character is a byte).
    modified: its mtime, seconds since 1970.
    locked: for fcntl: "" when it is not locked, "read" or "write".
    pid: the holder by the file or the kernel: None without one; 0 from the kernel for a holder outside this pid
        namespace; -1 for a lock of an open file description.
    why: why it is unreadable, or what is odd about it.
    """

    place: LockPlace
    kind: str = "absent"
    content: str = ""
    modified: float = 0.0
    device: int = 0
    inode: int = 0
    locked: str = ""
    pid: Optional[int] = None
    group: bool = False
    why: str = ""


@dataclass(frozen=True)
class Relative:
    """A parent or child of a process, as much as a person is told."""

    pid: int
    name: str
    command: str = ""
    state: str = ""
    start_ticks: int = 0


@dataclass(frozen=True)
class Activity:
    """What a process did in some seconds: time on a processor, bytes read and written (None: not readable)."""

    seconds: float
    cpu_seconds: float
    read_bytes: Optional[int] = None
    written_bytes: Optional[int] = None


@dataclass(frozen=True)
class ProcessFacts:
    """A process as /proc shows it (proc(5)). Times are seconds since 1970, sizes bytes.

    start_ticks: when it started, in clock ticks since boot; with the pid its identity.
    state: the letter of stat.
    tty: "" without one.
    cgroup: the path in the hierarchy of systemd.
    reads_stdin: whether it waits in read(2) for its standard input.
    tracer: the pid of its debugger, 0 without one.
    inner_pid: its pid in its own pid namespace; 0 when that is ours.
    files: its open files that belong to package management.
    transaction: whether it has a write lock on any .rpm.lock.
    unlinked: each .rpm.lock that it has a write lock on although somebody has deleted the file.
    manager: whether it is a package manager, by its name or command line.
    linked: whether it has the library of rpm or dnf in its memory, as a script has that locks through their API.
    unseen: its files and I/O are not readable.
    hidden: /proc does not show it (hidepid).
    ignores_sigint: as a program does that a script starts in the background.
    timers: those of systemd that start the service whose process it is.
    """

    pid: int
    start_ticks: int
    started: float
    name: str
    command: str
    state: str
    user: str = ""
    tty: str = ""
    cgroup: str = ""
    rss: int = 0
    threads: int = 1
    wchan: str = ""
    reads_stdin: bool = False
    tracer: int = 0
    inner_pid: int = 0
    files: tuple[str, ...] = ()
    transaction: bool = False
    unlinked: tuple[str, ...] = ()
    manager: bool = False
    linked: bool = False
    unseen: bool = False
    hidden: bool = False
    ignores_sigint: bool = False
    ssh_client: str = ""
    parents: tuple[Relative, ...] = ()
    children: tuple[Relative, ...] = ()
    activity: Optional[Activity] = None
    timers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What a process has noted of itself in the regions of a Berkeley DB (regions.py).

    writes: whether it holds a write lock; else it is in the middle of a call of the library.
    lives: whether a process with this pid has the regions in its memory.
    """

    pid: int
    writes: bool = False
    lives: bool = True


@dataclass(frozen=True)
class RpmDatabase:
    """rpm's database in Berkeley DB (EL7, EL8), where something noted in its regions tells of more than rest.

    inner: the folder as a process sees it that has changed its root to the installroot.
    regions, region_inodes: the files `__db.*`, which all who have it open share.
    inode: that of its file Packages.
    size: of all its files, in bytes.
    room: what root can still write on its filesystem, in bytes.
    panic: whether the library itself has noted that nobody can go on.
    openers: the processes that have it open, as far as they can be seen.
    """

    folder: str
    inner: str
    regions: tuple[str, ...]
    region_inodes: tuple[int, ...]
    inode: int
    size: int
    room: int
    panic: bool = False
    claims: tuple[Claim, ...] = ()
    openers: tuple[Relative, ...] = ()

    @property
    def killed(self) -> tuple[int, ...]:
        """The pids of those that were killed in the middle of a change or of a call."""
        return tuple(dict.fromkeys(claim.pid for claim in self.claims if not claim.lives))

    @property
    def broken(self) -> bool:
        """Whether rpm refuses to open it, with DB_RUNRECOVERY, until its regions are gone (env_failchk.c)."""
        return self.panic or bool(self.killed)


@dataclass(frozen=True)
class Unended:
    """A transaction that began last in a history of dnf, and has no end there.

    history: the file.
    number: its id, as `dnf history` shows it.
    began: seconds since 1970.
    """

    history: str
    number: int
    began: int


@dataclass(frozen=True)
class Facts:
    """Everything that a decision about locks needs.

    root: the installroot; "" for the host.
    tools: the package managers on this host.
    processes: the holders of locks, and every package manager that runs, in our pid namespace or below it.
    orphans: scriptlets of rpm whose parent has ended.
    unfinished: the files that yum leaves of a transaction that did not end.
    unended: the transactions that dnf's histories have begun last, and not ended: broken ones, or under way.
    databases: those of rpm in Berkeley DB in which something is noted.
    pidfd: whether a signal can be sent through a pidfd here.
    whole: whether every process of the host can be seen: as root, and in its first pid namespace.
    """

    root: str
    tools: tuple[str, ...]
    locks: tuple[LockFile, ...] = ()
    processes: tuple[ProcessFacts, ...] = ()
    orphans: tuple[Relative, ...] = ()
    unfinished: tuple[str, ...] = ()
    databases: tuple[RpmDatabase, ...] = ()
    unended: tuple[Unended, ...] = ()
    pidfd: bool = True
    is_root: bool = True
    whole: bool = False

    def process(self, pid: Optional[int]) -> Optional[ProcessFacts]:
        """The process with this pid; None when it is not among the facts."""
        return next((process for process in self.processes if process.pid == pid), None)

    def inside(self, lock: LockFile) -> Optional[ProcessFacts]:
        """The process of another pid namespace that has the lock's pid there; a package manager before others."""
        inside = [process for process in self.processes if process.inner_pid and process.inner_pid == lock.pid]
        return max(inside, key=lambda process: process.manager, default=None)
