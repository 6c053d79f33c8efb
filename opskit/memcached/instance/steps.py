"""The steps that start and stop an instance, and what they wait for and check."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import stat
import time
from dataclasses import dataclass
from typing import Callable, ClassVar, Union

from opskit.core.command import Command
from opskit.core.errors import CannotUndo, CommandFailed, Failed
from opskit.core.plan import Change, Record, Step
from opskit.core.runner import Runner
from opskit.memcached.line.effect import effect_of_process
from opskit.memcached.line.listen import missing_listeners
from opskit.memcached.model import Process, Target, Wanted
from opskit.memcached.see import proc
from opskit.memcached.see.client import ask, read_secret, target_of
from opskit.memcached.see.host import read_pid, roots_own

START_SECONDS = 10.0
# It closes its connections first; with -e it writes its memory out.
STOP_SECONDS = 60.0


class InstanceStep(Step):
    """What the steps on a process have in common."""

    under_lock: ClassVar[bool] = False

    def remember(self, runner: Runner) -> Record:  # noqa: ARG002
        """See Step.remember."""
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        """See Step.verify."""


@dataclass(frozen=True)
class MakeDirectory(InstanceStep):
    """Make the directory of the pid file, for the user that writes it: "" for ourselves."""

    kind: ClassVar[str] = "memcached.make-directory"
    path: str
    user: str = ""

    @property
    def change(self) -> Change:
        """See Step.change."""
        owner = f"-o {shlex.quote(self.user)} " if self.user else ""
        line = f"install -d {owner}-m 755 {shlex.quote(self.path)}"
        after = f"a directory of {self.user or 'ours'}"
        return Change("make-directory", self.path, "absent", after, (line,), reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """See Step.apply."""
        import pwd  # noqa: PLC0415

        os.mkdir(self.path, 0o755)
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.path, entry.pw_uid, entry.pw_gid)
        return {}

    def undo_change(self, record: Record) -> Union[Change, str]:  # noqa: ARG002
        """See Step.undo_change."""
        line = f"rmdir {shlex.quote(self.path)}"
        return Change("remove-directory", self.path, "a directory", "absent", (line,), reversible=False)

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """Remove it, unless there is something in it by now."""
        try:
            os.rmdir(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise CannotUndo(f"{self.path} stays: {error.strerror}", keeps_earlier=False) from error


@dataclass(frozen=True)
class StartMemcached(InstanceStep):
    """Start memcached as a daemon with this line (program first), and see that it is as it was asked for."""

    kind: ClassVar[str] = "memcached.start"
    line: tuple[str, ...]
    pid_file: str
    wanted: Wanted

    @property
    def change(self) -> Change:
        """See Step.change."""
        command = Command(self.line, mutates=True).as_shell()
        after = f"listens on {self.wanted.where}: {command}"
        return Change("start", "memcached", "not running", after, (command,), reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """Start it, and wait for its pid file. Raises Failed."""
        runner.run(Command(self.line, mutates=True, timeout=START_SECONDS))
        found: list[Process] = []

        def there() -> bool:
            one = proc.process(read_pid(self.pid_file))
            if one is not None and one.line == self.line:
                found.append(one)
            return bool(found) or proc.with_line(self.line) is None

        until(there, START_SECONDS)
        # Read once more: it may have ended between its pid file and the look at the processes.
        one = found[0] if found else proc.with_line(self.line)
        if one is None:
            raise Failed("memcached", f"it ended at once: {self._why(runner)}", todo="opskit memcached lint -- LINE")
        return {"pid": one.pid, "started": one.started}

    def _why(self, runner: Runner) -> str:
        """What it says in the foreground: a daemon says nothing."""
        line = tuple(word for word in self.line if word != "-d")
        try:
            runner.run(Command(line, mutates=True, timeout=2))
        except CommandFailed as error:
            return error.why
        except Failed:
            return "but it runs in the foreground"
        return "it said nothing"

    def verify(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """It lives, listens where it was asked to, answers, and has the settings that were asked for."""
        pid, started = record["pid"], record["started"]
        if not lives(pid, started):
            raise Failed("memcached", f"pid {pid} ended")
        if read_pid(self.pid_file) != pid:
            raise Failed(self.pid_file, f"memcached runs, but has not written its pid there ({pid})")
        check(self.wanted, pid)

    def undo_change(self, record: Record) -> Union[Change, str]:
        """See Step.undo_change."""
        pid = record.get("pid", 0)
        commands = (f"kill -TERM {pid}",) if pid else ()
        return Change("stop", "memcached", f"runs as pid {pid}", "not running; what it held is gone", commands, False)

    def undo(self, runner: Runner, record: Record) -> None:
        """Stop the process that was started, if it is still that one."""
        one = proc.process(record["pid"]) if "pid" in record else proc.with_line(self.line)
        if one is not None and (one.line != self.line or one.started != record.get("started", one.started)):
            one = None
        if one is not None and not end(runner, one, STOP_SECONDS):
            raise Failed("memcached", f"pid {one.pid} has not ended after {STOP_SECONDS:g} s")
        pid = record.get("pid", one.pid if one else 0)
        remove_stale(self.pid_file, pid)


@dataclass(frozen=True)
class StopMemcached(InstanceStep):
    """Stop one process, and take its pid file away if it is left behind. exe: the program that it runs.

    Anybody can name a process memcached and give it any line: an undo starts only a program of root's, as the user
    that the process had.
    """

    kind: ClassVar[str] = "memcached.stop"
    process: Process
    pid_file: str = ""
    daemon: bool = True
    exe: str = ""
    user: str = ""

    @property
    def change(self) -> Change:
        """See Step.change."""
        lines = (f"kill -TERM {self.process.pid}",)
        before = f"{self.process.text}: {shlex.join(self.process.line)}"
        return Change(
            "stop", "memcached", before, "not running; what it held is gone", lines, reversible=not self._stays()
        )

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """Ask it to end and wait. Raises Failed."""
        if not end(runner, self.process, STOP_SECONDS):
            why = f"pid {self.process.pid} has not ended after {STOP_SECONDS:g} s"
            raise Failed("memcached", why, todo=f"see what it does: cat /proc/{self.process.pid}/stack")
        remove_stale(self.pid_file, self.process.pid)
        return {}

    def _stays(self) -> str:
        if not self.daemon:
            return "it was not a daemon: whoever started it has to start it again"
        if not self.user or self.user != self.process.user:
            return f"it was started by {self.process.user} itself, or runs as another user than its line says"
        if not roots_own(self.exe):
            return f"{self.exe or 'its program'} is not root's"
        return ""

    def _listens(self) -> bool:
        """Whether it runs again and has its sockets: a daemon's process is there before them."""
        one = proc.with_line(self._line)
        given = effect_of_process(self._line)
        return one is not None and (
            os.path.exists(given.socket)
            if given.socket
            else not missing_listeners(given.listeners, proc.sockets_of(one.pid))
        )

    @property
    def _line(self) -> tuple[str, ...]:
        return (self.exe, *self.process.line[1:])

    def undo_change(self, record: Record) -> Union[Change, str]:  # noqa: ARG002
        """See Step.undo_change."""
        after = "runs again, empty"
        return self._stays() or Change(
            "start", "memcached", "not running", after, (shlex.join(self.process.line),), False
        )

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """Start the same line again; its cache is empty."""
        if self._stays():
            raise CannotUndo(self._stays())
        if lives(self.process.pid, self.process.started) or proc.with_line(self._line):
            return
        runner.run(Command(self._line, mutates=True, timeout=START_SECONDS))
        if not until(self._listens, START_SECONDS):
            raise Failed("memcached", f"it does not run again: {shlex.join(self._line)}")


@dataclass(frozen=True)
class RemovePidFile(InstanceStep):
    """Remove a pid file whose process is gone."""

    kind: ClassVar[str] = "memcached.remove-pid-file"
    path: str
    pid: int

    @property
    def change(self) -> Change:
        """See Step.change."""
        line = f"rm -- {shlex.quote(self.path)}"
        return Change(
            "remove-pid-file", self.path, f"pid {self.pid}, which is gone", "absent", (line,), reversible=True
        )

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """See Step.apply."""
        remove_stale(self.path, self.pid)
        return {}

    def undo_change(self, record: Record) -> Union[Change, str]:  # noqa: ARG002
        """See Step.undo_change."""
        return "a pid file of a process that is gone is of no use to anybody"

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """See Step.undo."""
        raise CannotUndo("a pid file of a process that is gone is of no use to anybody", keeps_earlier=False)


def remove_stale(path: str, pid: int) -> None:
    """Remove a pid file that names this pid, once nobody has it."""
    if path and pid and read_pid(path) == pid and proc.process(pid) is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


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


def end(runner: Runner, process: Process, seconds: float) -> bool:
    """Ask it to end (SIGTERM) and wait. False when it has not ended within so many seconds."""
    if lives(process.pid, process.started):
        # Exit status 1: it has ended in this moment.
        runner.run(Command(("kill", "-TERM", str(process.pid)), mutates=True, accept=(0, 1)))
    return gone(process.pid, process.started, seconds)


SECONDS = 5.0


def check(wanted: Wanted, pid: int) -> None:
    """Raise Failed, naming what is not as it was asked for."""
    found = proc.sockets_of(pid)
    lost = missing_listeners(wanted.listeners, found)
    if lost:
        raise Failed("memcached", f"it does not listen on {', '.join(one.text for one in lost)}")
    if wanted.socket and not _is_socket(wanted.socket):
        raise Failed(wanted.socket, "there is no UNIX socket")
    tcp = [one for one in found if one.protocol == "tcp"]
    if wanted.binary or not (tcp or wanted.socket):
        return
    where = Target() if wanted.socket else target_of(tcp[0])
    secret = read_secret(wanted.auth_file, proc.owner(pid)) if wanted.auth_file else None
    target = Target(where.address, where.port, wanted.socket, secret, wanted.tls)
    answer = ask(target, SECONDS, stats=False)
    wrong = [
        f"{name} is {answer.settings.get(name, 'not told')}, not {value}"
        for name, value in wanted.settings
        if answer.settings.get(name) != value
    ]
    if wrong:
        raise Failed(target.text, f"memcached runs with other settings: {'; '.join(wrong)}")


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
