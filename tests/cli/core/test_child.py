"""A question that is never answered holds nothing up: not the others, not our exit, not who reads our output."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from checkout import ROOT
from opskit.core.child import _wants_processor, ask


def _for_ever() -> None:
    while True:
        signal.pause()


def test_answers_come_in_order() -> None:
    answers = ask([lambda: [1, "\udcff"], lambda: None, lambda: os.stat("/opskit-is-not-there").st_size], 30)
    assert [answer.value for answer in answers] == [[1, "\udcff"], None, None]
    assert [(answer.came, answer.error) for answer in answers] == [(True, 0), (True, 0), (True, errno.ENOENT)]
    assert answers[2].why == "No such file or directory"


def test_who_does_not_answer_is_named_and_the_others_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is over for all at once, here when the one that answers was heard, however busy the machine is."""
    over: list[bool] = []
    pids: list[int] = []
    read, fork = os.read, os.fork

    def reading(pipe: int, size: int) -> bytes:
        data = read(pipe, size)
        over.extend([] if data else [True])
        return data

    def forking() -> int:
        pids.append(fork())
        return pids[-1]

    clock = SimpleNamespace(monotonic=lambda: 3.0 if over else 0.0)
    for name, value in (("os.read", reading), ("os.fork", forking), ("time", clock)):
        monkeypatch.setattr(f"opskit.core.child.{name}", value)
    answers = ask([_for_ever, lambda: 1, _for_ever], 3)
    assert [answer.came for answer in answers] == [False, True, False]
    assert answers[1].value == 1
    # Killed, and not waited for.
    for pid in (pids[0], pids[2]):
        with contextlib.suppress(ChildProcessError):
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_who_has_answered_is_no_zombie_while_others_are_waited_for(tmp_path: Path) -> None:
    """`opskit check` told of its own looks as zombies, and was never in order."""
    place = tmp_path / "pid"

    def quick() -> None:
        place.symlink_to(str(os.getpid()))

    def looks() -> bool:
        until = time.monotonic() + 250
        while time.monotonic() < until:
            if place.is_symlink() and not os.path.exists(f"/proc/{place.readlink()}"):
                return True
            time.sleep(0.01)
        return False

    assert [answer.value for answer in ask([quick, looks], 300)] == [None, True]


def test_who_has_no_processor_to_ask_with_is_given_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that answers was called silent on a busy host: nobody had asked it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    descriptor = os.open(fifo, os.O_RDWR)

    def starved(_pid: int) -> bool:
        os.write(descriptor, b"go on")
        return True

    monkeypatch.setattr("opskit.core.child._wants_processor", starved)
    (answer,) = ask([lambda: os.read(os.open(fifo, os.O_RDONLY), 5).decode()], 0)
    os.close(descriptor)
    assert (answer.came, answer.value) == (True, "go on")


def test_who_wants_a_processor() -> None:
    assert _wants_processor(os.getpid())
    with subprocess.Popen(["sleep", "600"]) as process:
        while _wants_processor(process.pid):
            assert process.poll() is None
        process.kill()
    assert not _wants_processor(process.pid)


def test_who_waits_for_a_program_that_wants_a_processor() -> None:
    """A look that has started a program waits for it, and is as little silent as that is."""
    with subprocess.Popen(["sh", "-c", "while :; do :; done & echo $!; wait"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        busy = int(process.stdout.readline())
        while not _wants_processor(process.pid):  # the loop may wait for its page at this moment
            assert process.poll() is None
        os.kill(busy, signal.SIGSTOP)
        while _wants_processor(process.pid):
            assert process.poll() is None
        os.kill(busy, signal.SIGKILL)
    assert process.returncode is not None


def test_a_child_that_dies_is_no_answer() -> None:
    (answer,) = ask([lambda: os.kill(os.getpid(), signal.SIGKILL)], 30)
    assert not answer.came
    assert "without an answer" in answer.why


def test_a_large_answer() -> None:
    (answer,) = ask([lambda: "x" * 1_000_000], 30)
    assert len(answer.value) == 1_000_000


def test_a_child_left_behind_keeps_no_pipe_of_ours_open() -> None:
    """It outlives us, as a process that the kernel holds: neither the kill takes nor the signal that we have ended."""
    program = (
        "import os, signal, sys; from opskit.core import child\n"
        "child.os.kill = lambda pid, number: print(pid, flush=True)\n"
        "child._end_unheard = lambda pipe: None\n"
        "print(child.ask([signal.pause], 0.2)[0].came)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    out, _ = process.communicate(timeout=300)  # ends only when nobody has the other end of the pipe any more
    pid, came = out.split()
    assert came == b"False"
    os.kill(int(pid), signal.SIGKILL)  # it was still there


def test_a_child_ends_with_the_process_that_asks() -> None:
    program = (
        "import os, signal; from opskit.core import child\n"
        "child.os.dup2 = lambda old, new: None\n"  # it keeps our pipe
        "child.ask([lambda: (print(os.getpid(), flush=True), signal.pause())], 600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        assert child != process.pid
        process.kill()
        assert process.stdout.read() == b""  # both have ended


def test_an_interrupt_in_the_moment_of_a_fork_is_not_lost() -> None:
    """Python only prints what is raised in its at-fork callbacks; logging has some."""
    program = (
        "import os, signal; from opskit.core import child\n"
        "os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "try: child.ask([signal.pause, signal.pause], 50)\n"
        "except KeyboardInterrupt: print('interrupted')"
    )
    argv = [sys.executable, "-c", program]
    done = subprocess.run(
        argv, cwd=ROOT, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=300, check=False
    )
    assert (done.stdout, done.stderr) == (b"interrupted\n", b"")


def test_a_host_without_dev_null_is_told_and_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "devnull", "/none")
    (answer,) = ask([lambda: 1], 60)
    assert (answer.came, answer.error) == (True, errno.ENOENT)


NO_MORE_PROCESSES = """
import os, resource
from opskit.core.child import ask
if os.geteuid() == 0:
    os.setuid(65534)  # root's are not counted
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
before = os.listdir("/proc/self/fd")
try:
    ask([str], 30)
except OSError as error:
    print(error.errno, os.listdir("/proc/self/fd") == before)
"""


def test_where_no_process_can_be_made_no_pipe_is_left() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_MORE_PROCESSES], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == f"{errno.EAGAIN} True\n"
