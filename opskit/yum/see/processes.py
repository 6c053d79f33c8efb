"""Processes as /proc shows them (proc(5)); what cannot be read, or is gone by then, is left out."""

from __future__ import annotations

import os
import re
import signal
import stat
import time
from collections.abc import Iterator, Sequence
from typing import Optional

from opskit.core import procfs
from opskit.core.kernel import kernel_release
from opskit.core.procfs import TICKS, Stat, exists
from opskit.core.systemd import control_group
from opskit.yum.model import Activity, ProcessFacts, Relative

PROC = "/proc"
# The number of read(2) in /proc/PID/syscall, by machine (asm/unistd.h).
_READ = {"x86_64": 0, "aarch64": 63, "ppc64le": 3, "s390x": 3, "riscv64": 63}
# Where a process sleeps that waits for a line of a terminal; the name is as old as the kernel.
_TTY_READ = ("n_tty_read", "wait_woken")
_NAMES = (
    "yum dnf dnf4 dnf-3 dnf-2 dnf5 microdnf rpm rpmdb rpmkeys packagekitd pkcon yum-cron dnf-automatic "
    "dnf-automatic-3 dnf5daemon-server yum-builddep yum-config-manager yumdownloader reposync repoquery "
    "needs-restarting package-cleanup yum-complete-transaction debuginfo-install dnf-system-upgrade tdnf zypper "
    "rpm-ostree bootc apt-get apt aptitude dpkg"
)
MANAGERS = frozenset(_NAMES.split())
_INTERPRETERS = re.compile(r"(?:platform-)?python[\d.]*|env")
# Open files by which a package manager is known, and by which its phase is.
PACKAGE_FILES = re.compile(
    r"/(?:\.rpm\.lock|rpmdb\.sqlite|Packages(?:\.db)?|history\.sqlite|yum\.pid|[^/]*_lock\.pid)$"
    r"|/(?:system-repo\.lock|rpmtransaction\.lock|ostree/lock|dpkg/lock-frontend)$"
    r"|/var/cache/(?:dnf|yum|libdnf5|PackageKit)/|/var/tmp/(?:dnf|yum)-[^/]*/|/var/log/(?:dnf|yum)[^/]*\.log|\.rpm$"
)
# What yum, dnf and every script that locks through their API have loaded (rpm's own library, or libdnf over it).
_LIBRARY = re.compile(r"/lib(?:rpm|dnf|dnf5|zypp)\.so[.\d]*$", re.MULTILINE)
_FILES_AT_MOST = 50
# What the kernel writes behind the name of a file that is open and gone (d_path()).
_DELETED = " (deleted)"
_SHOWN_CHILDREN = 20


def _text(*parts: str) -> str:
    return procfs.text(PROC, *parts)


def _link(*parts: str) -> str:
    return procfs.link(PROC, *parts)


def read_stat(pid: int) -> Optional[Stat]:
    """The stat of a process; None where it is gone or hidden."""
    return procfs.read_stat(PROC, pid)


def all_pids() -> list[int]:
    """Every process that can be seen."""
    return procfs.pids(PROC)


def words_of(pid: int) -> list[str]:
    """The command line; [] for a zombie, a kernel thread, or a process that cannot be read."""
    return procfs.words(PROC, pid)


def maps_of(pid: int) -> str:
    """What a process has in its memory, as lines of maps; "" where it may not be read."""
    return _text(str(pid), "maps")


def is_manager(name: str, words: Sequence[str]) -> bool:
    """Whether this is a package manager by its name or command line: `/usr/bin/python3 /usr/bin/dnf install x` is."""
    programs = [os.path.basename(word) for word in words[:1]]
    if programs and _INTERPRETERS.fullmatch(programs[0]):
        programs += [os.path.basename(word) for word in words[1:6] if not word.startswith("-")][:1]
    return name in MANAGERS or any(program in MANAGERS for program in programs)


def read_process(pid: int, boot: float) -> Optional[ProcessFacts]:
    """The process; None when there is none. Of one that hidepid hides little more than the pid is known."""
    status = read_stat(pid)
    if status is None:
        return ProcessFacts(pid, 0, 0.0, "", "", "", hidden=True, unseen=True) if exists(pid) else None
    words = words_of(pid)
    fields = _status(pid)
    files, unlinked, transaction, unseen = _files(pid)
    return ProcessFacts(
        pid=pid,
        start_ticks=status.start,
        started=boot + status.start / TICKS,
        name=status.name,
        command=" ".join(words) or f"[{status.name}]",
        state=status.state,
        user=procfs.owner_name(PROC, str(pid)),
        tty=_tty(status.tty),
        cgroup=control_group(_text(str(pid), "cgroup")),
        rss=status.rss,
        threads=status.threads,
        wchan=_text(str(pid), "wchan").strip("0\n"),
        reads_stdin=_reads_stdin(pid, status.state),
        tracer=int(fields.get("TracerPid", "0") or 0),
        inner_pid=_inner_pid(fields),
        files=files,
        transaction=transaction,
        unlinked=unlinked,
        manager=is_manager(status.name, words),
        linked=_LIBRARY.search(maps_of(pid)) is not None,
        unseen=unseen,
        ignores_sigint=bool(int(fields.get("SigIgn", "") or "0", 16) >> (signal.SIGINT - 1) & 1),
        parents=tuple(_parents(status.parent)),
        children=_children(pid),
        ssh_client=_ssh_client(pid),
    )


def _status(pid: int) -> dict[str, str]:
    lines = (line.partition(":") for line in _text(str(pid), "status").split("\n"))
    return {key: value.strip() for key, _, value in lines}


def _inner_pid(fields: dict[str, str]) -> int:
    namespaces = [int(number) for number in fields.get("NSpid", "").split()]
    return namespaces[-1] if len(namespaces) > 1 else 0


def inner_pid(pid: int) -> int:
    """Its pid in its own pid namespace; 0 when that is ours, or when it is gone."""
    return _inner_pid(_status(pid))


def in_first_namespace() -> bool:
    """Whether this is the host's own pid namespace, whose inode number is fixed (PROC_PID_INIT_INO, proc_ns.h)."""
    return _link("self", "ns", "pid") == f"pid:[{0xEFFFFFFC}]"


def owner_of(pid: int) -> int:
    """The uid that a process runs as; -1 when it is gone. One that may not be traced counts as root's."""
    try:
        return os.stat(f"{PROC}/{pid}").st_uid
    except OSError:
        return -1


def link_of(pid: int, name: str) -> str:
    """Where one of its links (cwd, root) leads to; "" where that cannot be read."""
    return _link(str(pid), name)


def same_root(pid: int, root: str) -> bool:
    """Whether the root directory of a process is this one ("" for the host's)."""
    try:
        own, other = os.stat(f"{PROC}/{pid}/root/."), os.stat(f"{root}/.")
    except OSError:
        return False
    return (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino)


def _tty(number: int) -> str:
    """The terminal of a tty_nr (proc(5)): pts/N (major 136 to 143), ttyN, ttySN."""
    major, minor = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
    if number == 0:
        return ""
    if 136 <= major <= 143:
        return f"pts/{(major - 136) * 256 + minor}"
    if major == 4:
        return f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}"
    return f"{major}:{minor}"


def _reads_stdin(pid: int, state: str) -> bool:
    """Whether it waits in read(0, …): by /proc/PID/syscall, or where that is not readable by where it sleeps."""
    if state != "S":
        return False
    words = _text(str(pid), "syscall").split()
    if len(words) > 1:
        return words[0] == str(_READ.get(os.uname().machine, -1)) and int(words[1], 16) == 0
    return _text(str(pid), "wchan") in _TTY_READ


def _files(pid: int) -> tuple[tuple[str, ...], tuple[str, ...], bool, bool]:
    """Open files of package management; each .rpm.lock that is write-locked and deleted; whether one is write-locked.

    And whether the files are not readable.
    """
    try:
        numbers = os.listdir(f"{PROC}/{pid}/fd")
    except OSError:
        return (), (), False, True
    paths: list[str] = []
    unlinked: list[str] = []
    transaction = False
    for number in numbers:
        path = _link(str(pid), "fd", number)
        if PACKAGE_FILES.search(path):
            paths.append(path)
        if path.endswith("/.rpm.lock"):
            transaction = transaction or _write_locked(pid, number)
        elif path.endswith(f"/.rpm.lock{_DELETED}") and _write_locked(pid, number):
            transaction = True
            unlinked.append(path[: -len(_DELETED)])
    return tuple(sorted(set(paths))[:_FILES_AT_MOST]), tuple(unlinked), transaction, False


def _write_locked(pid: int, number: str) -> bool:
    """Whether fdinfo shows a write lock; before Linux 4.1 it shows none, and the answer is yes."""
    text = _text(str(pid), "fdinfo", number)
    if "lock:" in text:
        return re.search(r"^lock:.*\bWRITE\b", text, re.MULTILINE) is not None
    return (0, 0) < kernel_release() < (4, 1)


def _parents(pid: int) -> Iterator[Relative]:
    """From the parent up to init."""
    for _ in range(40):
        status = read_stat(pid) if pid > 0 else None
        if status is None:
            return
        yield Relative(pid, status.name, " ".join(words_of(pid)), status.state, status.start)
        pid = status.parent


def _children(pid: int) -> tuple[Relative, ...]:
    """Everything below a process, through /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN), else by all parents."""
    below: dict[int, list[int]] = {}
    if not os.path.exists(f"{PROC}/{pid}/task/{pid}/children"):
        for other in all_pids():
            status = read_stat(other)
            if status:
                below.setdefault(status.parent, []).append(other)
    relatives: list[Relative] = []
    waiting = [pid]
    while waiting and len(relatives) < _SHOWN_CHILDREN:
        parent = waiting.pop(0)
        for child in below.get(parent, ()) if below else _direct(parent):
            status = read_stat(child)
            if status:
                relatives.append(Relative(child, status.name, " ".join(words_of(child)), status.state, status.start))
                waiting.append(child)
    return tuple(relatives)


def _direct(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"{PROC}/{pid}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in _text(str(pid), "task", thread, "children").split()]


def _ssh_client(pid: int) -> str:
    """The address that the session came from: SSH_CONNECTION of the environment, sshd(8)."""
    for name, value in procfs.environment(PROC, pid).items():
        if name in {"SSH_CONNECTION", "SSH_CLIENT"} and value:
            return value.split()[0]
    return ""


class Gauge:
    """What processes do in some seconds: read once, and again after them."""

    def __init__(self, pids: Sequence[int]) -> None:
        self.began = time.monotonic()
        self.before = {pid: (_cpu(pid), _io(pid)) for pid in pids}

    def read(self, pid: int) -> Optional[Activity]:
        """What a process did since the first reading; None when it is gone."""
        before, after = self.before[pid][0], _cpu(pid)
        if before is None or after is None:
            return None
        old, new = self.before[pid][1], _io(pid)
        moved = [b - a for a, b in zip(old, new)] if old and new else []
        read, written = moved or (None, None)
        return Activity(round(time.monotonic() - self.began, 2), (after - before) / TICKS, read, written)


def _cpu(pid: int) -> Optional[int]:
    status = read_stat(pid)
    return status.cpu if status else None


def _io(pid: int) -> Optional[tuple[int, int]]:
    """Bytes read and written, through the page cache and sockets too (rchar, wchar): a download shows there."""
    lines = dict(line.partition(": ")[::2] for line in _text(str(pid), "io").split("\n") if line)
    return (int(lines["rchar"]), int(lines["wchar"])) if "rchar" in lines else None


def sees_file(pid: int, path: str, device: int, inode: int) -> bool:
    """Whether this is the file that the process has at this path, below its own root directory."""
    try:
        status = os.stat(f"{PROC}/{pid}/root{path}")
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (device, inode) and stat.S_ISREG(status.st_mode)
