"""The steps of `opskit yum unlock`: each looks again itself, right before it acts.

A signal goes through a pidfd (pidfd_open(2)): opened first, then the process behind it is checked, so that a pid that
is used again in between is never hit. No step signals harder than SIGINT, and none touches an .rpm.lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import time
from shlex import quote
from typing import ClassVar, Optional, Union

from opskit.core.checks import absent_checks, inode_checks, process_checks
from opskit.core.command import Runner
from opskit.core.errors import Busy, CannotUndo, Failed
from opskit.core.files import sha256, sync_directory
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.yum.model import TRANSACTION
from opskit.yum.see.facts import see
from opskit.yum.see.locks import READ_BYTES
from opskit.yum.see.processes import read_stat
from opskit.yum.state import CLEAR, CONTINUE, INTERRUPT, LockVerdict, judge, opskit_line, signal_commands

# dnf ends its downloads, closes its databases and leaves: seconds.
END_SECONDS = 30.0
CONTINUE_SECONDS = 2.0


def _changed(root: str, what: str, why: str) -> Busy:
    todo = f"{opskit_line(root, 'lock')} shows how it is now"
    return Busy(what, why, todo=todo, state="Nothing was changed.")


def _verdicts(runner: Runner, root: str, pid: int) -> list[LockVerdict]:
    """The verdicts, as of now, on the locks of this process."""
    return [verdict for verdict in judge(see(runner, root)) if verdict.holder and verdict.holder.pid == pid]


@dataclass(frozen=True)
class _Signal(Step):
    """What both signals have: the process.

    root: as in model.Facts.
    start_ticks: when it started, in clock ticks since boot.
    locks: the paths of the locks that it holds.
    """

    under_lock: ClassVar[bool] = True

    root: str
    pid: int
    start_ticks: int
    name: str
    locks: tuple[str, ...]

    @property
    def checks(self) -> tuple[str, ...]:
        return process_checks(self.pid, self.start_ticks)

    def _same(self) -> bool:
        status = read_stat(self.pid)
        return status is not None and status.start == self.start_ticks

    def _open(self) -> int:
        """A pidfd of the process. Raises Busy when it is gone, or another has its pid."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError as error:
            raise _changed(self.root, f"pid {self.pid}", f"it has ended ({error.strerror})") from error
        # The pidfd stands for one process from here on: now check which.
        if not self._same():
            os.close(descriptor)
            raise _changed(self.root, f"pid {self.pid}", "it has ended, and the pid is another process now")
        return descriptor


@dataclass(frozen=True)
class Interrupt(_Signal):
    """SIGINT to a holder that reads metadata, downloads or waits at its prompt: it ends cleanly."""

    kind: ClassVar[str] = "yum.interrupt"

    @property
    def change(self) -> Change:
        after = f"ended by SIGINT; free: {', '.join(self.locks)}"
        commands = signal_commands(self.pid, self.start_ticks, "INT")
        return Change("interrupt", f"pid {self.pid} ({self.name})", "holds the lock", after, commands, False)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises Busy when its state is no longer that of the plan, or when it goes on after the signal."""
        descriptor = self._open()
        try:
            verdicts = _verdicts(runner, self.root, self.pid)
            if any(verdict.phase == TRANSACTION for verdict in verdicts):
                raise _changed(self.root, f"pid {self.pid}", "it is in a transaction by now")
            if not verdicts or any(verdict.advice != INTERRUPT for verdict in verdicts):
                raise _changed(self.root, f"pid {self.pid}", "its state is no longer that of the plan")
            signal.pidfd_send_signal(descriptor, signal.SIGINT)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            ended = bool(poll.poll(END_SECONDS * 1000))
        finally:
            os.close(descriptor)
        return {"ended": ended}

    def verify(self, runner: Runner, record: Record) -> None:
        if not record.get("ended") and _verdicts(runner, self.root, self.pid):
            why = f"it still holds the lock {END_SECONDS:g} s after SIGINT"
            todo = f"{opskit_line(self.root, 'lock')}; {opskit_line(self.root, 'wait')}"
            raise Busy(f"pid {self.pid}", why, todo=todo, state="It was sent SIGINT, and nothing else was changed.")

    def undo_change(self, record: Record) -> str:
        return "a process that was interrupted is not started again"

    def undo(self, runner: Runner, record: Record) -> None:
        """A process that goes on is as it was."""
        if record.get("ended") or not self._same():
            raise CannotUndo(self.undo_change(record))


@dataclass(frozen=True)
class Continue(_Signal):
    """SIGCONT to a process that was stopped: it goes on with what it was at, a transaction too."""

    kind: ClassVar[str] = "yum.continue"

    @property
    def change(self) -> Change:
        commands = signal_commands(self.pid, self.start_ticks, "CONT")
        return Change("continue", f"pid {self.pid} ({self.name})", "stopped", "goes on (SIGCONT)", commands, False)

    def apply(self, runner: Runner, record: Record) -> Record:
        descriptor = self._open()
        try:
            status = read_stat(self.pid)
            if status is None or status.state != "T":
                raise _changed(self.root, f"pid {self.pid}", "it is not stopped any more")
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        finally:
            os.close(descriptor)
        return {"continued": True}

    def verify(self, runner: Runner, record: Record) -> None:
        """Nothing tells of a process that goes on: its state is looked at."""
        until = time.monotonic() + CONTINUE_SECONDS
        while self._same() and (status := read_stat(self.pid)) and status.state == "T":
            if time.monotonic() > until:
                why = "it stopped again at once, as a process does that needs the terminal of its shell"
                raise Failed(f"pid {self.pid}", why, todo="fg in the shell that it belongs to")
            time.sleep(0.01)

    def undo_change(self, record: Record) -> str:
        return "stopping it again would hold the lock again"

    def undo(self, runner: Runner, record: Record) -> None:
        if record.get("continued"):
            raise CannotUndo(self.undo_change(record))


@dataclass(frozen=True)
class Clear(Step):
    """Put aside a lock file that no process owns and that its tool does not take over.

    content: as latin-1.
    why: the state of the lock ("malformed", "reused", "zombie").
    backup: the name beside it that the file gets.
    """

    kind: ClassVar[str] = "yum.clear"
    under_lock: ClassVar[bool] = True

    root: str
    path: str
    device: int
    inode: int
    content: str
    why: str
    backup: str

    @property
    def checks(self) -> tuple[str, ...]:
        path, digest = quote(self.path), sha256(self.content.encode("latin-1"))
        same = f'[ "$(head -c {READ_BYTES} {path} | sha256sum)" = "{digest}  -" ]'
        return (f"[ ! -L {path} ]", *inode_checks(self.path, self.inode), same, *absent_checks(self.backup))

    @property
    def change(self) -> Change:
        path, backup = quote(self.path), quote(self.backup)
        commands = (*inode_checks(self.path, self.inode), f"ln {path} {backup}", f"rm {path}")
        return Change("clear-lock", self.path, self.why, f"gone; kept as {self.backup}", commands, True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises Busy when the file is no longer what was decided on."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags)
        except OSError as error:
            raise _changed(self.root, self.path, f"it cannot be opened ({error.strerror})") from error
        try:
            # dnf writes its pid under this lock (dnf/lock.py), so no dnf takes the file over while we look.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._check(runner, descriptor)
            os.link(self.path, self.backup, follow_symlinks=False)
            os.unlink(self.path)
            sync_directory(os.path.dirname(self.path))
        except BlockingIOError as error:
            raise _changed(self.root, self.path, "a package manager is reading it at this moment") from error
        finally:
            os.close(descriptor)
        return {"backup": self.backup}

    def _check(self, runner: Runner, descriptor: int) -> None:
        verdicts = judge(see(runner, self.root))
        if any(verdict.phase == TRANSACTION for verdict in verdicts):
            raise _changed(self.root, self.path, "a transaction is under way by now")
        if not any(verdict.path == self.path and verdict.advice == CLEAR for verdict in verdicts):
            raise _changed(self.root, self.path, "its state is no longer that of the plan")
        status, named = os.fstat(descriptor), os.lstat(self.path)
        content = os.pread(descriptor, READ_BYTES, 0).decode("latin-1")
        identity = (status.st_dev, status.st_ino, content)
        if identity != (self.device, self.inode, self.content) or not os.path.samestat(status, named):
            raise _changed(self.root, self.path, "it is another file by now")

    def verify(self, runner: Runner, record: Record) -> None:
        """A new lock of a package manager in its place is not this one."""
        with contextlib.suppress(FileNotFoundError):
            if os.lstat(self.path).st_ino == self.inode:
                raise Failed(self.path, "the file is still there")

    def undo_change(self, record: Record) -> Change:
        path, backup = quote(self.path), quote(self.backup)
        commands = (f"ln {backup} {path}", f"rm {backup}")
        return Change("put-back-lock", self.path, f"kept as {self.backup}", f"as it was: {self.why}", commands, True)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where the file that was put aside is there no more."""
        return super().left(runner, record) if os.path.lexists(self.backup) else None

    def undo(self, runner: Runner, record: Record) -> None:
        if not os.path.lexists(self.backup):
            return
        try:
            os.link(self.backup, self.path, follow_symlinks=False)
        except FileExistsError as error:
            if not os.path.samestat(os.lstat(self.path), os.lstat(self.backup)):
                raise CannotUndo("a package manager has its lock there now") from error
        os.unlink(self.backup)
        sync_directory(os.path.dirname(self.path))


# What the advice of a verdict becomes.
SIGNALS: dict[str, type[Union[Interrupt, Continue]]] = {INTERRUPT: Interrupt, CONTINUE: Continue}
