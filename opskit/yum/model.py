"""What is seen of the locks of the package managers, and of what runs one by itself. Frozen, and JSON both ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

# How a lock says who has it: a pid in a file, or an advisory record lock (fcntl) that the kernel knows.
PID, FCNTL = "pid", "fcntl"
YUM, DNF, DNF5, PACKAGEKIT, RPM = "yum", "dnf", "dnf5", "packagekit", "rpm"
# What a holder is at.
METADATA, DOWNLOAD, TRANSACTION = "metadata", "download", "transaction"
# How something runs the package manager by itself.
TIMER, SERVICE, CRON, CLOUD_INIT, AGENT = "timer", "service", "cron", "cloud-init", "agent"
# rpm runs a scriptlet as `/bin/sh /var/tmp/rpm-tmp.AbCdEf 1`; %_tmppath of its macros can name another folder.
SCRIPTLET = re.compile(r"/rpm-tmp\.\w+")


@dataclass(frozen=True)
class Place:
    """Where a lock can be. phase: what holding it means by itself, "" where that says nothing (yum has one for all).

    inner: the path as a process sees it that has changed its root to the installroot. owner: the user (uid) whose
    tools alone ask for it; 0: root's, those of the host.
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

    kind: regular, absent, symlink, directory, fifo, socket, device or unreadable (why says why).
    content: its first bytes, as latin-1 (a character is a byte). modified: its mtime, seconds since 1970.
    locked: for fcntl: "" not locked, "read" or "write". pid: who has it as the file or the kernel says: None where
    there is none, 0 from the kernel for a holder outside this pid namespace, -1 for a lock of an open file description.
    """

    place: Place
    kind: str = "absent"
    content: str = ""
    modified: float = 0.0
    device: int = 0
    inode: int = 0
    locked: str = ""
    pid: Optional[int] = None
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
    """What a process did in some seconds: time on a processor, bytes read and written (None: may not be looked at)."""

    seconds: float
    cpu_seconds: float
    read_bytes: Optional[int] = None
    written_bytes: Optional[int] = None


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it (proc(5)). Times are seconds since 1970, sizes bytes.

    start_ticks: when it started, in clock ticks since boot: with the pid its identity. state: the letter of stat.
    tty: "" without one. cgroup: the path in the hierarchy of systemd. root: its root directory as seen from here.
    reads_stdin: whether it waits in read(2) for its standard input; stdin: what that is. files: its open files that
    have to do with packages. transaction: it has a write lock on an .rpm.lock, whichever. inner_pid: its pid in its
    own pid namespace, where that is another than ours (0). unseen: files and I/O may not be looked at.
    ignores_sigint: as what a script starts in the background does.
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
    stdin: str = ""
    reads_stdin: bool = False
    tracer: int = 0
    inner_pid: int = 0
    thread_of: int = 0
    files: tuple[str, ...] = ()
    transaction: bool = False
    manager: bool = False
    unseen: bool = False
    hidden: bool = False
    ignores_sigint: bool = False
    ssh_client: str = ""
    parents: tuple[Relative, ...] = ()
    children: tuple[Relative, ...] = ()
    activity: Optional[Activity] = None


@dataclass(frozen=True)
class Facts:
    """All that is decided on.

    tools: the programs of TOOLS that are on this host. processes: the holders of locks, and whatever package manager
    runs, in our pid namespace or below it. orphans: scriptlets of rpm whose parent has ended. unfinished: what yum
    left of transactions that did not end. pidfd: whether signals can go through one here.
    """

    root: str
    tools: tuple[str, ...]
    locks: tuple[LockFile, ...] = ()
    processes: tuple[Process, ...] = ()
    orphans: tuple[Relative, ...] = ()
    unfinished: tuple[str, ...] = ()
    pidfd: bool = True
    is_root: bool = True

    def process(self, pid: Optional[int]) -> Optional[Process]:
        """The process with this pid, if it was seen."""
        return next((one for one in self.processes if one.pid == pid), None)

    def inside(self, lock: LockFile) -> Optional[Process]:
        """The package manager of another pid namespace that has the lock's pid there."""
        return next(
            (one for one in self.processes if one.inner_pid and one.inner_pid == lock.pid and one.manager), None
        )


@dataclass(frozen=True)
class Autorun:
    """Something that runs the package manager by itself.

    kind: timer, service, cron, cloud-init or agent. state: of a unit, as systemd calls it (active, inactive, masked,
    enabled where systemd does not run). next: seconds since 1970, 0 where nobody knows. when: in words. in_etc: the
    file of the unit is in /etc, which goes over a mask of /run (systemd.unit(5)).
    """

    name: str
    kind: str
    command: str
    state: str = ""
    next: float = 0.0
    when: str = ""
    in_etc: bool = False


@dataclass(frozen=True)
class Autoruns:
    """All that was found. systemd: whether it runs this host. unread: crontabs and folders closed to this user.

    silent: why systemd did not say what it would run.
    """

    systemd: bool
    found: tuple[Autorun, ...] = ()
    unread: tuple[str, ...] = ()
    silent: str = ""
