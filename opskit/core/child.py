"""Questions whose answer may never come, asked by a forked copy of this process.

A system call on a mount whose server is gone can hold its caller for ever, and a thread that is held so keeps the
whole interpreter from ending. A child is only left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, NoReturn, Union

from opskit.core.kernel import AT_FDCWD, PR_SET_PDEATHSIG, libc


class Answer(NamedTuple):
    """What came of a question: its value; or why there is none.

    came: whether there was an answer at all within the time. error: the errno of an OSError, 0 without one.
    """

    value: Any = None
    came: bool = True
    error: int = 0
    why: str = ""


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SILENT = Answer(came=False, why="it did not answer")
# Who does not answer is seen waiting so many times in a row; who only wants the processor has so many seconds more.
HELD_LOOKS = 3
LOOK_SECONDS = 0.05
BUSY_SECONDS = 30.0


def ask(questions: Sequence[Callable[[], Any]], seconds: Union[float, Sequence[float]]) -> list[Answer]:
    """Ask all of these at once, each in a child of its own, and wait for all of them together so long.

    A question returns what JSON can hold, or raises OSError. One that has no answer in time is killed and not waited
    for: a process that the kernel holds ends only when the kernel lets go of it. One that has not come to its question,
    for a busy host has no processor for it, is given more time, at most BUSY_SECONDS.

    seconds: for all of them, or for each
    """
    # A KeyboardInterrupt in the moment of a fork is lost: Python only prints what its at-fork callbacks (logging has
    # some) raise. So signals wait until every child is known, and can be killed.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    children: list[tuple[int, int]] = []
    output: dict[int, bytes] = {}
    waiting: set[int] = set()
    try:
        for question in questions:
            children.append(_start(question))
            output[children[-1][1]] = b""
            waiting.add(children[-1][1])
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        limits = [seconds] * len(children) if isinstance(seconds, (int, float)) else seconds
        begun = time.monotonic()
        _wait(children, waiting, output, {pipe: begun + limit for (_, pipe), limit in zip(children, limits)})
    finally:
        for pid, pipe in children:
            let_go(pid, pipe, ended=pipe not in waiting)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return [SILENT if pipe in waiting else _read(output[pipe]) for _, pipe in children]


def _wait(
    children: Sequence[tuple[int, int]], waiting: set[int], output: dict[int, bytes], until: dict[int, float]
) -> None:
    """Read until all children have ended, or those that have not are silent. until: when the time of each is over.

    One that has ended is no zombie as long as others are waited for: who looks for zombies is one of them.
    """
    looks = dict.fromkeys(until, 0)
    there = {pipe: pid for pid, pipe in children}
    while waiting:
        now = time.monotonic()
        late = {pipe for pipe in waiting if now >= until[pipe]}
        if all(looks[pipe] >= HELD_LOOKS or now >= until[pipe] + BUSY_SECONDS for pipe in waiting):
            return
        in_time = min((until[pipe] - now for pipe in waiting - late), default=LOOK_SECONDS)
        undecided = any(looks[pipe] < HELD_LOOKS for pipe in late)
        ending = there.keys() - waiting
        heard = _hear(waiting, output, min(in_time, LOOK_SECONDS) if undecided or ending else in_time)
        for pipe in there.keys() - waiting:
            if _is_reaped(there[pipe]):
                del there[pipe]
        busy = any(_wants_processor(pid) for pid, pipe in children if pipe in late & waiting)
        for pipe in late:
            looks[pipe] = 0 if heard or busy else looks[pipe] + 1


def _hear(waiting: set[int], output: dict[int, bytes], seconds: float) -> bool:
    """Read what comes first through these pipes, and take out those that are at their end. False: nothing in time."""
    ready = select.select(list(waiting), [], [], seconds)[0]
    for pipe in ready:
        data = os.read(pipe, 65536)
        output[pipe] += data
        if not data:
            waiting.discard(pipe)
    return bool(ready)


def _is_reaped(pid: int) -> bool:
    """Whether a child of ours has ended to the last. What it had open may hold up its end, and must not hold up us."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _wants_processor(pid: int) -> bool:
    """Whether a child, or what it waits for itself, runs, or would if it had a processor: state R of proc(5).

    Who waits for an answer has S or D. Of whose children a kernel does not tell, its own state alone counts.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            if file.read().rpartition(b")")[2].split()[0] == b"R":
                return True
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return any(_wants_processor(int(inner)) for inner in file.read().split())
    except (OSError, IndexError):
        return False


def end_with_parent() -> None:
    """From now on this child gets SIGTERM when the process that forked it ends (PR_SET_PDEATHSIG of prctl(2))."""
    libc().prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end_unheard(pipe: int) -> None:
    """From now on this child gets SIGTERM when nobody has the other end of its pipe: when who asked has ended.

    end_with_parent() would do; but for most commands it alone would import ctypes, 2 ms of each look.
    """
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGTERM)
    fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_WRONLY | os.O_ASYNC)


def _start(question: Callable[[], Any]) -> tuple[int, int]:
    """The pid of the child, and the pipe that its answer comes through."""
    reading, writing = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            _answer(question, writing)
    except OSError:  # no process more for this user (EAGAIN)
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return pid, reading


def _answer(question: Callable[[], Any], pipe: int) -> NoReturn:
    """What the child does: never returns, and never writes what the parent has buffered."""
    try:
        import json  # noqa: PLC0415 - du has children that are asked nothing

        for number in ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        _end_unheard(pipe)
        # A child that is left behind must not keep a pipe open that somebody reads our output from.
        for name in os.listdir("/proc/self/fd"):
            if int(name) not in {0, 1, 2, pipe}:
                with contextlib.suppress(OSError):
                    os.close(int(name))
        try:
            null = os.open(os.devnull, os.O_RDWR)  # that it is not there is an answer, and no silence
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            body = {"value": question()}
        except OSError as error:
            body = {"error": error.errno or 0, "why": error.strerror or str(error)}
        # What is read of a long answer would end this process, too; nobody reads any more is an error of the write.
        fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_WRONLY)
        with os.fdopen(pipe, "w") as file:
            json.dump(body, file)
    finally:
        os._exit(0)


def let_go(pid: int, pipe: int, *, ended: bool) -> None:
    """Wait for a child of ours that has ended; kill one that has not, and do not wait for that. pipe is closed."""
    if not ended:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os.close(pipe)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0 if ended else os.WNOHANG)


# stat(2) and lstat(2) of x86_64, where alone they are called for names in the working directory.
OF_PATHS = frozenset({4, 6})


def directory_of_call(pid: int) -> bytes:
    """The directory in which a child waits for a system call (proc(5)): that of its first argument, or its working one.

    b"" where it waits for none that has a directory. Nothing is asked of the filesystem that it waits for.
    """
    try:
        with open(f"/proc/{pid}/syscall", "rb") as file:
            number, first = (int(word, 0) for word in file.read().split()[:2])
        working = number in OF_PATHS or first & 0xFFFFFFFF == AT_FDCWD & 0xFFFFFFFF
        return os.readlink(b"/proc/%d/cwd" % pid if working else b"/proc/%d/fd/%d" % (pid, first))
    except (OSError, ValueError):
        return b""


def _read(output: bytes) -> Answer:
    import json  # noqa: PLC0415

    try:
        return Answer(**json.loads(output))
    except ValueError:
        return Answer(came=False, why="the process that asked ended without an answer")
