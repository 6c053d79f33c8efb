"""Decide what state each lock is in, and what is safe. Pure: facts in, verdicts out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from shlex import quote
from typing import Optional

from opskit.core.checks import process_checks
from opskit.core.finding import follow_up
from opskit.core.record import dataclass
from opskit.yum.explain import service_of
from opskit.yum.model import (
    DNF,
    DNF5,
    DOWNLOAD,
    FCNTL,
    METADATA,
    PID_MAX,
    RPM,
    SCRIPTLET,
    TRANSACTION,
    YUM,
    ZYPPER,
    Facts,
    LockFile,
    ProcessFacts,
)

FREE, HELD, PROMPT, STOPPED = "free", "held", "waiting at a prompt", "stopped"
STALE, REUSED, ZOMBIE, MALFORMED = "stale", "reused", "zombie", "malformed"
OUTSIDE, UNKNOWN = "outside", "unknown"
BROKEN = (STALE, REUSED, ZOMBIE, MALFORMED, UNKNOWN)
TAKEN = (HELD, PROMPT, STOPPED, OUTSIDE)

WAIT, CONTINUE, INTERRUPT, CLEAR, NOTHING = "wait", "continue", "interrupt", "clear", "nothing"

# A pid file was written up to 1.9 s after its process had started; one that started later than this after the
# file was written cannot have written it, if the clock was not set in between.
REUSE_SECONDS = 2.0
# A file's time can be beyond every calendar (tmpfs, xfs).
YEAR_10000 = 253402300800.0


@dataclass(frozen=True)
class LockVerdict:
    """The state of a lock, and what to do.

    why: the reason for state and advice.
    commands: the lines that are safe, best first.
    """

    lock: LockFile
    state: str
    advice: str = NOTHING
    why: str = ""
    phase: str = ""
    holder: Optional[ProcessFacts] = None
    commands: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where the lock is."""
        return self.lock.place.path

    @property
    def since(self) -> float:
        """When the lock was taken, as far as that is known: seconds since 1970, 0 unknown."""
        if self.state == FREE:
            return 0.0
        if self.lock.place.mechanism == FCNTL:
            return self.holder.started if self.holder else 0.0
        return self.lock.modified if 0 < self.lock.modified < YEAR_10000 else 0.0

    @property
    def blocks(self) -> bool:
        """Whether a package manager would wait or fail here; it takes over the lock of a dead one by itself."""
        if self.state in {*TAKEN, UNKNOWN}:
            return True
        return (self.state in BROKEN and self.advice != NOTHING) or self.odd

    @property
    def odd(self) -> bool:
        """Whether something other than a file is in its place."""
        return self.state == MALFORMED and self.lock.kind != "regular"


def judge(facts: Facts) -> tuple[LockVerdict, ...]:
    """The verdict on every lock."""
    return tuple(_judge(facts, lock) for lock in facts.locks)


def _judge(facts: Facts, lock: LockFile) -> LockVerdict:
    if lock.kind == "absent":
        return LockVerdict(lock, FREE)
    if lock.kind == "unreadable":
        return LockVerdict(
            lock, UNKNOWN, why=f"it cannot be read: {lock.why}", commands=(f"ls -l {quote(lock.place.path)}",)
        )
    if lock.kind != "regular":
        why = f"there is a {lock.kind} instead of a file: inspect it by hand, opskit does not remove it"
        return LockVerdict(lock, MALFORMED, NOTHING, why, commands=(f"ls -ld {quote(lock.place.path)}",))
    if lock.place.mechanism == FCNTL:
        return _kernel_lock(facts, lock)
    return _pid_file(facts, lock)


def _kernel_lock(facts: Facts, lock: LockFile) -> LockVerdict:
    """A lock that the kernel knows: never stale. Its file always stays, and means nothing."""
    if not lock.locked:
        return LockVerdict(lock, FREE)
    holder = facts.process(lock.pid) if lock.pid and lock.pid > 0 else _opener(facts, lock)
    if holder is None:
        if lock.pid == 0:
            return _waits(facts, lock, OUTSIDE, "held from outside this pid namespace: look on the host itself")
        return _waits(facts, lock, HELD, "the kernel does not say which process holds it")
    verdict = _of_holder(facts, lock, holder)
    return replace(verdict, why=f"{verdict.why}; {lock.why}") if lock.why else verdict


def _opener(facts: Facts, lock: LockFile) -> Optional[ProcessFacts]:
    """The only package manager that has the file open, where the kernel gives no pid."""
    # /ostree is a symlink to /sysroot/ostree.
    paths = (lock.place.path, f"/sysroot{lock.place.path}")
    openers = [process for process in facts.processes if not set(paths).isdisjoint(process.files)]
    return openers[0] if len(openers) == 1 else None


def _pid_file(facts: Facts, lock: LockFile) -> LockVerdict:
    tool = lock.place.tool
    if lock.pid is None or not 0 < lock.pid <= PID_MAX:
        return _without_pid(facts, lock)
    inside, process = facts.inside(lock), facts.process(lock.pid)
    if inside and not (process and may_hold(process)):
        why = f"pid {lock.pid} of another pid namespace, which is pid {inside.pid} here"
        return _waits(facts, lock, OUTSIDE, why, inside)
    if process is None:
        return LockVerdict(lock, STALE, why=f"no process has the pid {lock.pid}: {tool} takes it over by itself")
    if process.hidden:
        more = "is it mounted, and without hidepid?" if facts.is_root else "root sees more"
        return _waits(facts, lock, HELD, f"/proc does not show its process: {more}", process)
    return _of_holder(facts, lock, process) if may_hold(process) else _other_program(facts, lock, process)


def _without_pid(facts: Facts, lock: LockFile) -> LockVerdict:
    """The verdict on a pid that no process can have, by what the tool does with it.

    dnf/lock.py; yum/__init__.py (_get_locker, doLock); dnf-lock.cpp of libdnf, which PackageKit and microdnf lock
    with. Zypper takes over whatever names no process.
    """
    tool, pid = lock.place.tool, lock.pid
    if tool == DNF:
        takes_over = pid is not None or not lock.content
    elif tool == YUM:  # kill(-1, 0) finds somebody, a large number is an OverflowError, 0 is false
        takes_over = pid is None or pid == 0 or (pid < -1 and not lock.group)
    elif tool == ZYPPER:
        takes_over = True
    else:
        takes_over = pid is not None and PID_MAX < pid < 2**32
    what = "no pid is in it" if pid is None else f"no process has the pid {pid}"
    if not takes_over:
        why = f"{what}: {tool} {'waits or ' if tool == YUM else ''}fails until the file is gone"
        return LockVerdict(lock, MALFORMED, CLEAR, why, commands=_clear(facts, lock))
    if not lock.content.strip():
        return LockVerdict(lock, STALE, why=f"the file is empty: {tool} takes it over by itself")
    if pid is None:
        return LockVerdict(lock, MALFORMED, why=f"{what}: {tool} removes it by itself")
    return LockVerdict(lock, STALE, why=f"{what}: {tool} takes it over by itself")


def may_hold(process: ProcessFacts) -> bool:
    """Whether this process can be what took the lock: by its name, its open files, or the library it has loaded.

    The clock does not come into it: after a step, a holder can seem to have started later than its lock was taken.
    """
    return process.manager or bool(process.files) or process.transaction or process.linked


def _other_program(facts: Facts, lock: LockFile, process: ProcessFacts) -> LockVerdict:
    """The pid is that of another program: it was reused, or it is meant in another pid namespace."""
    if _dead(process):
        return _of_holder(facts, lock, process)
    what = f"pid {process.pid} is {process.name or 'a program'}, no package manager"
    later = process.started - lock.modified
    if later > REUSE_SECONDS and not process.unseen:
        why = f"{what}; it started {later:.0f} s after the lock was taken, and has no package files open"
        advice, commands = (CLEAR, _clear(facts, lock))
        why = f"{why}: {lock.place.tool} waits for it forever"
        return LockVerdict(lock, REUSED, advice, why, "", process, commands)
    if process.pid == 1 or process.command == f"[{process.name}]":
        if facts.whole:
            why = f"{what}, and nothing on this host has the lock: {lock.place.tool} waits for it forever"
            return LockVerdict(lock, REUSED, CLEAR, why, "", process, _clear(facts, lock))
        why = f"{what}, and older than the lock: a pid of another namespace, whose files are shared with this host"
        return _waits(facts, lock, OUTSIDE, why)
    closed = "; only root can see its open files" if process.unseen else ""
    return _of_holder(facts, lock, process, f"{what} by its name{closed}")


def _dead(process: ProcessFacts) -> bool:
    """A zombie holds nothing. One whose first thread has ended lives on in the others."""
    return process.state in {"Z", "X", "x"} and process.threads <= 1


def _of_holder(facts: Facts, lock: LockFile, process: ProcessFacts, why: str = "") -> LockVerdict:
    phase = phase_of(facts, lock, process)
    if _dead(process):
        parent = process.parents[0] if process.parents else None
        text = f"a zombie, not yet reaped by its parent, {parent.name} (pid {parent.pid})" if parent else "a zombie"
        if lock.place.tool == YUM:
            return LockVerdict(lock, ZOMBIE, why=f"{text}: yum takes the lock over by itself", holder=process)
        text = f"{text}: {lock.place.tool} waits for it forever"
        return LockVerdict(lock, ZOMBIE, CLEAR, text, "", process, _clear(facts, lock))
    if process.state == "T":
        text = f"stopped by a signal (Ctrl-Z, kill -STOP): it goes on after SIGCONT{_foreground(process)}"
        return LockVerdict(lock, STOPPED, CONTINUE, text, phase, process, _signal(facts, lock, process, "CONT"))
    if process.state == "t":
        return _waits(facts, lock, STOPPED, f"a debugger or tracer (pid {process.tracer}) has stopped it", process)
    state = PROMPT if process.reads_stdin else HELD
    if phase == TRANSACTION:
        return _waits(facts, lock, state, "in a transaction: ending it now would leave it half done", process, phase)
    if process.state == "D":
        return _waits(
            facts, lock, state, "it waits for a disk or a network filesystem: no signal reaches it", process, phase
        )
    if process.ignores_sigint:
        return _waits(
            facts,
            lock,
            state,
            "it ignores SIGINT, as a program does that a script starts in the background",
            process,
            phase,
        )
    if state == PROMPT:
        where = f" on {process.tty}" if process.tty else ""
        text = f"it waits for an answer{where}: answer it or interrupt it; nothing has been changed yet"
        return LockVerdict(lock, state, INTERRUPT, text, phase, process, _signal(facts, lock, process, "INT"))
    if phase and process.manager:
        text = f"in the {phase} phase: wait, or end it cleanly with SIGINT"
        commands = (*_opskit(facts, lock, "wait"), *_signal(facts, lock, process, "INT"))
        return LockVerdict(lock, state, INTERRUPT, text, phase, process, commands)
    text = why or "its phase is not known: it may be in a transaction"
    return _waits(facts, lock, state, text, process, phase)


def _foreground(process: ProcessFacts) -> str:
    return f"; or `fg` in the shell on {process.tty}" if process.tty else ""


def _waits(
    facts: Facts,
    lock: LockFile,
    state: str,
    why: str,
    holder: Optional[ProcessFacts] = None,
    phase: Optional[str] = None,
) -> LockVerdict:
    """Nothing but waiting is safe."""
    if phase is None:
        phase = phase_of(facts, lock, holder)
    commands = _opskit(facts, lock, "wait")
    if holder and not commands:
        commands = (f"tail --pid={holder.pid} -f /dev/null",)
    return LockVerdict(lock, state, WAIT, why, phase, holder, commands)


def phase_of(facts: Facts, lock: LockFile, process: Optional[ProcessFacts]) -> str:
    """The phase of a holder: the most serious that its locks, open files and children show."""
    locks = [lock]
    if process:
        pids = {process.pid, process.inner_pid} - {0}
        known = [other for other in facts.locks if other.place.owner in {0, lock.place.owner}]
        locks += [other for other in known if other.pid in pids and (other.place.mechanism != FCNTL or other.locked)]
    phases = {other.place.phase for other in locks}
    if any(other.locked == "write" and other.place.tool == RPM for other in locks):
        phases.add(TRANSACTION)
    if any(other.place.tool == DNF5 for other in locks):
        phases.add(METADATA)  # dnf 5.4 has the lock of its system repository from its start, also at its prompt
    if process:
        if process.transaction or any(SCRIPTLET.search(child.command) for child in process.children):
            phases.add(TRANSACTION)
        phases.update(_by_files(process.files))
    return next((phase for phase in (TRANSACTION, DOWNLOAD, METADATA) if phase in phases), "")


def _by_files(files: Sequence[str]) -> set[str]:
    """The phases that open files show: a package in a cache is being downloaded, a file of repodata is metadata."""
    phases = set()
    for path in files:
        if re.search(r"/var/(?:cache|tmp)/.*\.rpm$", path):
            phases.add(DOWNLOAD)
        elif re.search(r"/var/(?:cache|tmp)/.*(?:/repodata/|repomd\.xml|metalink|mirrorlist|\.solvx?$|sqlite)", path):
            phases.add(METADATA)
    return phases


def opskit_line(root: str, word: str) -> str:
    """`opskit yum WORD` for the locks below root ("" for the host)."""
    return follow_up("yum", word, *(("--installroot", root) if root else ()))


def _opskit(facts: Facts, lock: LockFile, word: str) -> tuple[str, ...]:
    """The same line; none for a lock in a user's own folder, which opskit leaves alone."""
    return () if lock.place.owner else (opskit_line(facts.root, word),)


def _clear(facts: Facts, lock: LockFile) -> tuple[str, ...]:
    path = lock.place.path
    return (*_opskit(facts, lock, "unlock"), f"mv -n {quote(path)} {quote(path + '.broken')}")


def _signal(facts: Facts, lock: LockFile, process: ProcessFacts, name: str) -> tuple[str, ...]:
    service = service_of(process) if name == "INT" else ""
    stop = (f"systemctl stop {quote(service)}",) if service else ()
    return (*stop, *_opskit(facts, lock, "unlock"), signal_line(process.pid, process.start_ticks, name))


def signal_commands(pid: int, start_ticks: int, name: str) -> tuple[str, ...]:
    """Shell lines that signal this very process."""
    return (*process_checks(pid, start_ticks), f"kill -{name} {pid}")


def signal_line(pid: int, start_ticks: int, name: str) -> str:
    """The same in one line."""
    return " && ".join(signal_commands(pid, start_ticks, name))


def exit_code(facts: Facts, verdicts: Sequence[LockVerdict]) -> int:
    """0 free, 7 held or stopped, 4 broken; what is held comes first: a script waits, and looks again."""
    states = {verdict.state for verdict in verdicts}
    if states & set(TAKEN):
        return 7
    return 4 if states & set(BROKEN) or any(database.broken for database in facts.databases) else 0
