"""The steps that start and stop an instance, and what they wait for and check."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shlex
import stat
import time
from dataclasses import replace
from typing import Callable, ClassVar, Optional, Union

from opskit.core.checks import absent_checks, process_checks
from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, CommandFailed, Failed
from opskit.core.kernel import Statx
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.memcached.instance.request import Wanted
from opskit.memcached.line.effect import effect_of_process
from opskit.memcached.line.listen import missing_listeners
from opskit.memcached.model import HostProcess
from opskit.memcached.see import proc
from opskit.memcached.see.client import ask, read_secret, target_of
from opskit.memcached.see.host import read_pid, roots_own

START_SECONDS = 10.0
# What ends at once ends within this on a busy host, too.
WHY_SECONDS = 5.0
# It closes its connections first; with -e it writes its memory out.
STOP_SECONDS = 60.0
ASK_SECONDS = 5.0
# A daemon that another process made tells nobody when it is ready: it is looked for so often.
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class MakeDirectory(Step):
    """Make the directory of the pid file, for the user that writes it: "" for ourselves."""

    kind: ClassVar[str] = "memcached.make-directory"
    path: str
    user: str = ""

    @property
    def checks(self) -> tuple[str, ...]:
        return absent_checks(self.path)

    @property
    def change(self) -> Change:
        owner = f"-o {shlex.quote(self.user)} " if self.user else ""
        line = f"install -d {owner}-m 755 {shlex.quote(self.path)}"
        after = f"a directory of {self.user or 'ours'}"
        return Change("make-directory", self.path, "absent", after, (line,), reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Make it; not with install(1), which would be content with one that is there by now."""
        import pwd  # noqa: PLC0415

        try:
            os.mkdir(self.path, 0o755)
        except FileExistsError as error:
            failed = Failed(self.path, "somebody has made it since", todo="run the same command again")
            failed.record = {"inode": 0, "birth": 0}  # an undo leaves it
            raise failed from error
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.path, entry.pw_uid, entry.pw_gid)
        inode, birth = _identity(self.path)
        return {"inode": inode, "birth": birth}

    def undo_change(self, record: Record) -> Union[Change, str]:
        line = f"rmdir {shlex.quote(self.path)}"
        return Change("remove-directory", self.path, "a directory", "absent", (line,), reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The directory, if it is there and the one that was made. Raises CannotUndo when there is something in it."""
        try:
            # Ledgers of before have no inode, nor has a run that was killed before it was known.
            if "inode" in record and _identity(self.path) != (record["inode"], record["birth"]):
                return None
            names = os.listdir(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CannotUndo(f"{self.path} is kept: {error.strerror}", keeps_earlier=False) from error
        if names:
            raise CannotUndo(f"{self.path} is kept: it holds {names[0]}", keeps_earlier=False)
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        """Remove it, unless there is something in it by now, or it is another one."""
        if not self.left(runner, record):
            return
        try:
            os.rmdir(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise CannotUndo(f"{self.path} is kept: {error.strerror}", keeps_earlier=False) from error


def _identity(path: str) -> tuple[int, int]:
    """The inode of a directory, and its birth in microseconds since 1970: a number is soon another's on ext4 and tmpfs.

    Not the device: that of a logical volume or a tmpfs can be another after a boot. Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = Statx().status(descriptor)
    finally:
        os.close(descriptor)
    return status.inode, status.birth


@dataclass(frozen=True)
class StartMemcached(Step):
    """Start memcached as a daemon with this line (program first), and see that it is as it was asked for.

    scope: whether it gets a scope of its own (start_command)
    """

    kind: ClassVar[str] = "memcached.start"
    line: tuple[str, ...]
    pid_file: str
    wanted: Wanted
    scope: bool = False

    @property
    def late_modules(self) -> tuple[str, ...]:
        return ("pymemcache.client.base",)

    @property
    def commands(self) -> tuple[Command, ...]:
        return (start_command(self.line, scope=self.scope),)

    @property
    def change(self) -> Change:
        lines = shell_lines(self.commands)
        after = f"listens on {self.wanted.where}: {lines[0]}"
        return Change("start", "memcached", "not running", after, lines, reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Start it, and wait for its pid file. Raises Failed."""
        super().apply(runner, record)
        processes: list[HostProcess] = []

        def there() -> bool:
            process = proc.process(read_pid(self.pid_file))
            if process is not None and process.line == self.line:
                processes.append(process)
            return bool(processes) or proc.with_line(self.line) is None

        until(there, START_SECONDS)
        # Read once more: it may have ended between its pid file and the look at the processes.
        process = processes[0] if processes else proc.with_line(self.line)
        if process is None:
            raise Failed("memcached", f"it ended at once: {self._why(runner)}", todo="opskit memcached lint -- LINE")
        return {"pid": process.pid, "started": process.started}

    def _why(self, runner: Runner) -> str:
        """What it says in the foreground: a daemon says nothing."""
        line = tuple(word for word in self.line if word != "-d")
        try:
            runner.run(Command(line, mutates=True, timeout=WHY_SECONDS))
        except CommandFailed as error:
            return error.why
        except Failed:
            return "but it runs in the foreground"
        return "it printed nothing"

    def verify(self, runner: Runner, record: Record) -> None:
        """It lives, listens where it was asked to, answers, and has the settings that were asked for."""
        pid, started = record["pid"], record["started"]
        if not lives(pid, started):
            raise Failed("memcached", f"pid {pid} ended")
        if read_pid(self.pid_file) != pid:
            raise Failed(self.pid_file, f"memcached runs, but has not written its pid there ({pid})")
        check(self.wanted, pid)

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return (end_command(record["pid"]),) if "pid" in record else ()

    def undo_change(self, record: Record) -> Union[Change, str]:
        lines = shell_lines(self.undo_commands(record))
        before = f"runs as pid {record['pid']}" if "pid" in record else "may run"
        return Change("stop", "memcached", before, "not running; what it held is gone", lines, reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The process that was started, if it runs."""
        process = self._process(record)
        return super().left(runner, {**record, "pid": process.pid}) if process else None

    def _process(self, record: Record) -> Optional[HostProcess]:
        """The process of the step; one that an undo of its stop has started has the same line and pid file."""
        process = proc.process(record["pid"]) if "pid" in record else proc.with_line(self.line)
        started = record.get("started", process.started if process else 0)
        if process is not None and (process.line, process.started) == (self.line, started):
            return process
        process = proc.with_line(self.line)
        return process if process is not None and read_pid(self.pid_file) == process.pid else None

    def undo(self, runner: Runner, record: Record) -> None:
        """Stop the process that was started, if it is still that one."""
        process = self._process(record)
        inode = proc.socket_of(self.wanted.socket, process.pid) if process is not None else None
        if process is not None and not end(runner, process, STOP_SECONDS):
            raise Failed("memcached", f"pid {process.pid} has not ended after {STOP_SECONDS:g} s")
        remove_socket(self.wanted.socket, inode)
        remove_stale(self.pid_file, record.get("pid", process.pid if process else 0))


@dataclass(frozen=True)
class StopMemcached(Step):
    """Stop one process, and take away its UNIX socket and its pid file, if they are left behind.

    Anybody can name a process memcached and give it any line: an undo starts only a program of root's, as the user
    that the process had.
    exe: the program that it runs, "" where that is not root's
    user: that of its line
    scope: whether an undo starts it in a scope of its own (start_command)
    socket: its UNIX socket, an absolute path; "" where that is not its own
    """

    kind: ClassVar[str] = "memcached.stop"
    process: HostProcess
    pid_file: str = ""
    daemon: bool = True
    exe: str = ""
    user: str = ""
    scope: bool = False
    socket: str = ""

    @property
    def late_modules(self) -> tuple[str, ...]:
        return ("pymemcache.client.base",)

    @property
    def _line(self) -> tuple[str, ...]:
        """The line that an undo starts."""
        return (self.exe, *self.process.line[1:])

    @property
    def checks(self) -> tuple[str, ...]:
        return process_checks(self.process.pid, self.process.started)

    @property
    def commands(self) -> tuple[Command, ...]:
        return (end_command(self.process.pid),)

    @property
    def change(self) -> Change:
        before = f"{self.process.text}: {shlex.join(self.process.line)}"
        after, lines = "not running; what it held is gone", shell_lines(self.commands)
        if self.socket:
            after, path = "not running; what it held and its socket are gone", shlex.quote(self.socket)
            wait = f"timeout {STOP_SECONDS:g} tail --pid={self.process.pid} -f /dev/null"
            lines = (*lines, wait, f"[ ! -S {path} ] || rm -- {path}")
        return Change("stop", "memcached", before, after, lines, reversible=not self._why_it_stays())

    def apply(self, runner: Runner, record: Record) -> Record:
        """Ask it to end and wait. Raises Failed."""
        inode = proc.socket_of(self.socket, self.process.pid)
        if not end(runner, self.process, STOP_SECONDS):
            why = f"pid {self.process.pid} has not ended after {STOP_SECONDS:g} s"
            raise Failed("memcached", why, todo=f"see what it does: cat /proc/{self.process.pid}/stack")
        remove_socket(self.socket, inode)
        remove_stale(self.pid_file, self.process.pid)
        return {}

    def _why_it_stays(self) -> str:
        """Why an undo will not start it again; "" where it will."""
        if not self.daemon:
            return "it was not a daemon: whoever started it has to start it again"
        if not self.user or self.user != self.process.user:
            return f"it was started by {self.process.user} itself, or runs as another user than its line says"
        return "" if self.exe else "its program is not root's"

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return (start_command(self._line, scope=self.scope),)

    def undo_change(self, record: Record) -> Union[Change, str]:
        why = self._why_it_stays() or ("" if roots_own(self.exe) else f"{self.exe} is not root's")
        lines = shell_lines(self.undo_commands(record))
        return why or Change("start", "memcached", "not running", "runs again, empty", lines, reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where it runs. The directory of its pid file is made if need be."""
        if lives(self.process.pid, self.process.started) or proc.with_line(self._line):
            return None
        change = super().left(runner, record)
        made = self._directory()
        return replace(change, commands=(*made.change.commands, *change.commands)) if change and made else change

    def _directory(self) -> Optional[MakeDirectory]:
        """The step that makes the directory of its pid file, where that is missing: /run is empty after a boot."""
        folder = os.path.dirname(self.pid_file)
        return MakeDirectory(folder, self.user) if folder and not os.path.lexists(folder) else None

    def undo(self, runner: Runner, record: Record) -> None:
        """Start the same line again; its cache is empty."""
        if not self.left(runner, record):
            return
        made = self._directory()
        if made:
            made.apply(runner, {})
        (command,) = self.undo_commands(record)
        runner.run(command)
        if not until(lambda: _listens(self._line), START_SECONDS):
            raise Failed("memcached", f"it does not run again: {command.line}")


def _listens(line: tuple[str, ...]) -> bool:
    """Whether an instance with this line runs and has its sockets: a daemon's process is there before them."""
    process = proc.with_line(line)
    effect = effect_of_process(line)
    if process is None or effect.socket:
        return process is not None and os.path.exists(effect.socket)
    return not missing_listeners(effect.listeners, proc.sockets_of(process.pid))


@dataclass(frozen=True)
class RemovePidFile(Step):
    """Remove a pid file whose process is gone."""

    kind: ClassVar[str] = "memcached.remove-pid-file"
    path: str
    pid: int

    @property
    def checks(self) -> tuple[str, ...]:
        path = shlex.quote(self.path)
        return (f'[ "$(tr -d "[:space:]" < {path})" = {self.pid} ]', f"[ ! -e /proc/{self.pid} ]")

    @property
    def change(self) -> Change:
        line = f"rm -- {shlex.quote(self.path)}"
        before = f"pid {self.pid}, which is gone"
        return Change("remove-pid-file", self.path, before, "absent", (line,), reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:
        remove_stale(self.path, self.pid)
        return {}

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "nobody needs the pid file of a process that has ended"


def start_command(line: tuple[str, ...], *, scope: bool) -> Command:
    """Start a line (program first).

    scope: in a scope of its own: a daemon stays in the control group of whoever starts it, and systemd ends it along
    with that session or service
    """
    argv = ("systemd-run", "--scope", "--", *line) if scope else line
    return Command(argv, mutates=True, timeout=START_SECONDS)


def end_command(pid: int) -> Command:
    """Ask a process to end."""
    return Command(("kill", "-TERM", str(pid)), mutates=True)


def remove_stale(path: str, pid: int) -> None:
    """Remove a pid file that names this pid, once nobody has it."""
    if path and pid and read_pid(path) == pid and proc.process(pid) is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def remove_socket(path: str, inode: Optional[tuple[int, int]]) -> None:
    """Remove a UNIX socket that is still that one (device and inode), once nobody listens on it.

    Its directory can be somebody else's: from the look on it is named by a descriptor.
    """
    import socket  # noqa: PLC0415

    if inode is None:
        return
    folder, name = os.path.split(path)
    # Where it may not be removed it stays: memcached replaces it when it starts.
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        directory = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, directory)
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        client = stack.enter_context(socket.socket(socket.AF_UNIX))
        client.setblocking(False)
        refused = client.connect_ex(f"/proc/self/fd/{directory}/{name}") == errno.ECONNREFUSED
        if refused and stat.S_ISSOCK(status.st_mode) and (status.st_dev, status.st_ino) == inode:
            os.unlink(name, dir_fd=directory)


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
    process = proc.process(pid)
    return process is not None and process.started == started


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


def end(runner: Runner, process: HostProcess, seconds: float) -> bool:
    """Ask it to end (SIGTERM) and wait. False when it has not ended within so many seconds."""
    if lives(process.pid, process.started):
        # It may have ended in this moment; whether it has is looked at below.
        with contextlib.suppress(CommandFailed):
            runner.run(end_command(process.pid))
    return gone(process.pid, process.started, seconds)


def check(wanted: Wanted, pid: int) -> None:
    """Raise Failed, naming what is not as it was asked for."""
    listeners = proc.sockets_of(pid)
    missing = missing_listeners(wanted.listeners, listeners)
    if missing:
        raise Failed("memcached", f"it does not listen on {', '.join(listener.text for listener in missing)}")
    if wanted.socket and not _is_socket(wanted.socket):
        raise Failed(wanted.socket, "there is no UNIX socket")
    secret = read_secret(wanted.auth_file, proc.owner(pid)) if wanted.auth_file else None
    target = target_of(wanted.socket, listeners, secret, tls=wanted.tls)
    if wanted.binary or target is None:
        return
    answer = ask(target, ASK_SECONDS, stats=False)
    wrong = [
        f"{name} is {answer.settings.get(name, 'missing')}, not {value}"
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
