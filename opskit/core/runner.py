"""The one place of opskit that starts a program."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import math
import os
import select
import selectors
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, NoReturn, Optional, Protocol

from opskit.core.caller import give_umask_back
from opskit.core.command import Command, Result
from opskit.core.command import Runner as Runner  # noqa: PLC0414 - steps and what sees take it from here
from opskit.core.errors import CommandFailed, Failed, Missing, OpskitError, StillRunning
from opskit.core.finding import Finding
from opskit.core.text import last_lines

log = logging.getLogger("opskit.runner")

# Never the caller's PATH: what root runs must not depend on who called sudo. C.UTF-8 where the C library
# has it (EL8 on); EL7 falls back to C by itself.
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/",
    # mke2fs would otherwise stretch its answers to a terminal's width; none of these tools need one.
    "TERM": "dumb",
}


class StreamingRunner(Runner, Protocol):
    """Runs a command whose output is too much to hold, or never ends, too: it is read as it comes."""

    def stream(self, command: Command) -> contextlib.AbstractContextManager[Stream]:
        """Start it, and end it when the context is left. Raises Missing. It has no input; timeout: see Stream.read."""
        ...


class HostRunner:
    """Runs programs on this host: no shell, a fixed environment, /dev/null or the given text as stdin.

    Each gets a session of its own, so that Ctrl-C on the terminal reaches opskit and not a half-done mkfs.
    """

    def run(self, command: Command) -> Result:
        """See Runner.run."""
        started = time.monotonic()
        process = _start(command, encoding="utf-8", errors="surrogateescape")
        try:
            stdout, stderr = (_until_its_end if command.leaves else _until_all_is_said)(command, process)
        except subprocess.TimeoutExpired:
            raise _too_late(command, process, f"no end after {command.timeout:g} s") from None
        except BaseException:
            if not _end(process):
                log.warning("%s", _left_behind(command, process, "it was to be ended"))
            raise
        result = Result(command, process.returncode, stdout, stderr, time.monotonic() - started)
        log.debug("exit %d after %.3f s%s", result.status, result.seconds, _output(result))
        if result.status not in command.accept:
            raise CommandFailed(result)
        return result

    @contextlib.contextmanager
    def stream(self, command: Command) -> Iterator[Stream]:
        """See StreamingRunner.stream."""
        process = _start(command, bufsize=0)
        try:
            with contextlib.closing(Stream(command, process)) as stream:
                yield stream
        finally:
            if process.poll() is None and not _end(process):
                log.warning("%s", _left_behind(command, process, "it was to be ended"))
            _close_pipes(process)


def _until_all_is_said(command: Command, process: subprocess.Popen[str]) -> tuple[str, str]:
    return process.communicate(command.input or None, timeout=command.timeout)


# How often a program whose output may be held is looked at, and for how long it is read on once it has ended.
LOOK_SECONDS = 0.1
HELD_SECONDS = 0.5


def _until_its_end(command: Command, process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it writes until it ends itself, though what it started may hold its stdout and stderr for ever.

    Those are read on then, by cat: without a reader, whoever holds them would die of SIGPIPE at the next line.
    Raises TimeoutExpired.
    """
    until = time.monotonic() + command.timeout
    text = command.input or None
    while True:
        ended = process.poll() is not None
        try:
            return process.communicate(text, timeout=HELD_SECONDS if ended else LOOK_SECONDS)
        except subprocess.TimeoutExpired as held:
            text = None  # it is on its way
            if not ended and time.monotonic() > until:
                raise
            if ended:
                said = held.output, held.stderr
                break
    for pipe in (process.stdout, process.stderr):
        if pipe is None or pipe.closed:  # nobody holds this one
            continue
        with contextlib.suppress(OSError):
            reader = subprocess.Popen(
                ("cat",), stdin=pipe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT, cwd="/",
                start_new_session=True,
            )  # fmt: skip
            reader.returncode = 0  # it outlives this process, and nobody waits for it
    _close_pipes(process)
    return _text(said[0]), _text(said[1])


def _text(said: object) -> str:
    # subprocess has bytes here, though it was asked for text.
    return said.decode("utf-8", "surrogateescape") if isinstance(said, bytes) else str(said or "")


# Of what a streamed program says on stderr, the end is kept.
STDERR_KEPT = 64 * 1024
STREAM_BYTES = 1024**2


class Stream:
    """What a program writes to stdout, as it comes. Nothing is held that was read, whatever the program writes."""

    def __init__(self, command: Command, process: subprocess.Popen[Any]) -> None:
        self._command = command
        self._process = process
        self._started = time.monotonic()
        self._stderr = b""
        self._selector = selectors.DefaultSelector()
        for pipe in (process.stdout, process.stderr):
            self._selector.register(_whole(pipe), selectors.EVENT_READ)
        # A pipe holds 64 KiB: the program would have to wait for us again and again. The kernel may refuse more.
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(_whole(process.stdout), fcntl.F_SETPIPE_SZ, STREAM_BYTES)

    def close(self) -> None:
        """Stop looking at what it writes."""
        self._selector.close()

    @property
    def stderr(self) -> str:
        """What it has said on stderr up to now, or the end of that."""
        return self._stderr.decode("utf-8", "surrogateescape")

    def read(self, seconds: float = math.inf) -> Optional[bytes]:
        """Some bytes, b"" once the program has ended well, None when there were none for so many seconds.

        Raises CommandFailed when it ended otherwise, and Failed when nothing came for as long as the command's timeout.
        """
        until = time.monotonic() + min(seconds, self._command.timeout)
        while self._selector.get_map():
            left = until - time.monotonic()
            if left <= 0 and seconds < self._command.timeout:
                return None
            ready = self._selector.select(None if math.isinf(left) else max(left, 0))
            if not ready and left <= 0:
                why = f"nothing came from it for {self._command.timeout:g} s"
                raise _too_late(self._command, self._process, why)
            for key, _ in ready:
                data = os.read(key.fd, STREAM_BYTES)
                if not data:
                    self._selector.unregister(key.fileobj)
                elif key.fileobj is self._process.stderr:
                    self._stderr = (self._stderr + data)[-STDERR_KEPT:]
                else:
                    return data
        self._ended()
        return b""

    def _ended(self) -> None:
        try:
            # It has closed what it writes to, and can still be held by the kernel at its end.
            status = self._process.wait(self._command.timeout)
        except subprocess.TimeoutExpired:
            raise _too_late(self._command, self._process, f"no end after {self._command.timeout:g} s") from None
        result = Result(self._command, status, "", self.stderr, time.monotonic() - self._started)
        log.debug("exit %d after %.3f s%s", result.status, result.seconds, _output(result))
        if status not in self._command.accept:
            raise CommandFailed(result)


def _whole(pipe: Optional[IO[Any]]) -> IO[Any]:
    assert pipe is not None  # noqa: S101 - _start asks for all of them
    return pipe


def _start(command: Command, **more: Any) -> subprocess.Popen[Any]:
    """Start a program. Raises Missing when it is not there, or may not be run."""
    log.info("run: %s", command.line)
    try:
        return subprocess.Popen(
            command.argv,
            stdin=subprocess.PIPE if command.input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            **more,
        )
    except FileNotFoundError as error:
        if error.filename == os.devnull:
            todo = f"mknod -m 666 {os.devnull} c 1 3; or mount -t devtmpfs dev /dev"
            raise Missing(os.devnull, "it is not there, and programs are started with it as stdin", todo=todo) from None
        raise _not_started(command.argv[0]) from None
    except PermissionError:
        raise Missing(command.argv[0], "it is there, but may not be run", todo=f"ls -l {command.argv[0]}") from None


def _not_started(program: str) -> Missing:
    """The error for what the kernel does not find: the program, or what the program is run by."""
    if "/" not in program or not os.path.isfile(program):
        return missing_tool(program)
    import shlex  # noqa: PLC0415

    first = b""
    with contextlib.suppress(OSError), open(program, "rb") as file:
        first = file.readline(4096)
    name = os.fsdecode((first[2:].strip(b" \t\n").split(maxsplit=1) or [b""])[0]) if first.startswith(b"#!") else ""
    if first.endswith(b"\r\n"):
        todo = f"sed -i 's/\\r$//' {shlex.quote(program)}"
        return Missing(program, "its lines end with CR LF, and no program has a name with a CR in it", todo=todo)
    what = f"{name}, which its first line names," if name else "the loader that it is linked with"
    return Missing(program, f"it is there, but {what} is not on this host", todo=f"file {shlex.quote(program)}")


# How long a program may take to end once it was asked to, and once SIGKILL was sent.
TERM_SECONDS = 5.0
KILL_SECONDS = 3.0


def _end(process: subprocess.Popen[Any]) -> bool:
    """End a program that this runner started: ask first, then insist. False when the kernel does not let it end.

    That is state D: what a disk, a server or a frozen filesystem holds gets no signal. It is not waited for.
    """
    process.terminate()
    try:
        process.communicate(timeout=TERM_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        try:
            process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            return False
    finally:
        _close_pipes(process)
    return True


def _close_pipes(process: subprocess.Popen[Any]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()


def _too_late(command: Command, process: subprocess.Popen[Any], why: str) -> OpskitError:
    """End a program whose time is over. Returns the error to raise."""
    if not _end(process):
        return _left_behind(command, process, why)
    return Failed(command.line, f"{why}; it was ended", todo="dmesg | tail may say what it waited for")


def _left_behind(command: Command, process: subprocess.Popen[Any], why: str) -> OpskitError:
    """The error for a program that outlived SIGKILL. One that only looks will have done nothing."""
    kind = StillRunning if command.mutates else Failed
    why += f", and SIGKILL does not end it: pid {process.pid} is left behind"
    todo = f"dmesg | tail, and as root cat /proc/{process.pid}/stack, may say what holds it"
    return kind(command.line, why, todo=todo)


def _output(result: Result) -> str:
    text = last_lines(result.stdout + result.stderr)
    return f"\n{text}" if text else ""


class Attached:
    """A program that has the caller's terminal and environment, while it runs. pid: its own."""

    def __init__(self, command: Command, process: subprocess.Popen[Any], woken: int) -> None:
        self._command = command
        self._process = process
        self._woken = woken
        self.pid = process.pid

    @property
    def status(self) -> Optional[int]:
        """Its exit status, or minus the signal that ended it; None while it runs."""
        return self._process.poll()

    def wait(self, descriptor: int, *, patient: bool = False) -> bool:
        """Wait for something to read there, for its end, or for a signal to this process. Whether there is.

        descriptor: -1 for none
        patient: a person may be asked just now. Else raises Failed when nothing came for the command's timeout, and
            ends it.
        """
        watched = [self._woken, *([descriptor] if descriptor >= 0 else [])]
        ready, _, _ = select.select(watched, [], [], None if patient else self._command.timeout)
        if not ready:
            raise _too_late(self._command, self._process, f"nothing came from it for {self._command.timeout:g} s")
        if self._woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 4096)
        return descriptor in ready

    def end(self) -> None:
        """Ask it to end, then insist."""
        if not _end(self._process):
            log.warning("%s", _left_behind(self._command, self._process, "it was to be ended"))


@contextlib.contextmanager
def attached(
    command: Command, environment: Mapping[str, str], *, output: int, keep: Sequence[int] = ()
) -> Iterator[Attached]:
    """Start a program that talks with the person at the terminal, passwords too, and end it when the context is left.

    Ctrl-C and the end of the terminal are for opskit, which lets it finish what has begun: it ignores those signals,
    unless it sets handlers itself. As it is ended the terminal gets back the modes that it had. Main thread only.

    environment: all of it
    output: where its stdout and stderr go
    keep: descriptors that it has, too
    """
    log.info("run: %s", command.line)
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    child = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # for the wake-up
    modes = _terminal_modes()
    try:
        try:
            process = subprocess.Popen(
                command.argv,
                stdout=output,
                stderr=output,
                env=environment,
                pass_fds=keep,
                preexec_fn=_leave_signals_to_the_parent,  # noqa: PLW1509 - opskit has no threads
            )
        except OSError as error:
            raise Missing(command.argv[0], f"it cannot be run ({error.strerror})") from error
        program = Attached(command, process, woken)
        try:
            yield program
        finally:
            if program.status is None:
                program.end()
            _set_terminal(modes)
    finally:
        signal.signal(signal.SIGCHLD, child)
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wakes)


def _leave_signals_to_the_parent() -> None:
    give_umask_back()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def at_terminal() -> bool:
    """Whether a person can be asked something: for a password programs open the terminal, whatever stdin is."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _terminal_modes() -> Optional[list[Any]]:
    """How the caller's terminal is set; None without one. A program that is ended while it asks leaves it silent."""
    try:
        return termios.tcgetattr(sys.stdin.fileno())
    except (OSError, ValueError, termios.error):
        return None


def _set_terminal(modes: Optional[list[Any]]) -> None:
    """Set it so again, unless who has it by now is another: in the background that would stop this process, too."""
    if modes is not None and _in_foreground():
        with contextlib.suppress(OSError, ValueError, termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, modes)


def _in_foreground() -> bool:
    """Whether the terminal is this process group's just now. One that controls nobody is whose it is given to."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True


def become(argv: Sequence[str]) -> NoReturn:
    """Let a program that the user named take the place of this process: his environment, terminal and exit status.

    Nothing of opskit stays behind: Ctrl-C is the program's own, and there is no time limit. Raises Missing.
    """
    log.info("becomes: %s", Command(tuple(argv), mutates=True).line)
    sys.stdout.flush()
    sys.stderr.flush()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them, and that would be inherited
    give_umask_back()
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 - there is no shell anywhere
    except OSError as error:
        raise Missing(argv[0], f"it cannot be run ({error.strerror})", todo=f"command -v {argv[0]}") from error


class ReadOnlyRunner:
    """What a dry run holds: refuses any command that changes the host, whatever asked for it."""

    def __init__(self, inner: StreamingRunner) -> None:
        self.inner = inner

    def run(self, command: Command) -> Result:
        """See Runner.run. Raises AssertionError for a command that mutates: that is a fault of opskit."""
        _refuse_changes(command)
        return self.inner.run(command)

    def stream(self, command: Command) -> contextlib.AbstractContextManager[Stream]:
        """See StreamingRunner.stream, and run."""
        _refuse_changes(command)
        return self.inner.stream(command)


def _refuse_changes(command: Command) -> None:
    if command.mutates:
        raise AssertionError(f"a dry run tried to change the host: {command.line}")


class RecordingRunner:
    """What a step runs its commands with: passes them on and keeps their results, for the ledger.

    warnings: why a command failed that may (Command.may_fail).
    """

    def __init__(self, inner: Runner) -> None:
        self.inner = inner
        self.results: list[Result] = []
        self.warnings: list[Finding] = []

    def run(self, command: Command) -> Result:
        """See Runner.run. A command that may fail raises nothing."""
        try:
            result = self.inner.run(command)
        except CommandFailed as error:
            result = error.result
            self.results.append(result)
            if not command.may_fail:
                raise
            self._warn(command, error)
        except OpskitError as error:
            if not command.may_fail:
                raise
            # 127 is what a shell says of a program that it did not find.
            status = 127 if isinstance(error, Missing) else -signal.SIGTERM
            result = Result(command, status, "", error.why, 0.0)
            self.results.append(result)
            self._warn(command, error)
        else:
            self.results.append(result)
        return result

    def _warn(self, command: Command, error: OpskitError) -> None:
        log.warning("%s: %s", command.line, error.why)
        title, remedy = f"{command.line}: {error.why}", f"put that right, then {command.line}"
        self.warnings.append(Finding("command-failed", "warning", title, remedy=remedy))


def missing_tool(tool: str) -> Missing:
    """The error for a program that is not on the host, with the line that installs it."""
    from opskit.core.packages import install_line, read_package_manager  # noqa: PLC0415 - few hosts lack a program

    todo = install_line(read_package_manager(), tool)
    return Missing(tool, "this program is not on the host", todo=todo)
