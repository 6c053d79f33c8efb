"""The runner's stream: output as it comes, and a program that never outlives who reads it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Optional

import pytest

from checkout import ROOT
from opskit.core.command import Command
from opskit.core.errors import CommandFailed, Failed, Missing
from opskit.core.runner import STDERR_KEPT, HostRunner, ReadOnlyRunner, Stream


def python(program: str, timeout: float = 60.0) -> Command:
    """A program of the interpreter under test: the runner's own PATH may have another."""
    return Command((sys.executable, "-u", "-c", program), mutates=False, timeout=timeout)


def everything(stream: Stream) -> bytes:
    output = b""
    while data := stream.read():
        output += data
    return output


def test_all_of_it_and_then_its_end() -> None:
    program = "import sys; print('said', file=sys.stderr); sys.stdout.write('x' * 3_000_000)"
    with ReadOnlyRunner(HostRunner()).stream(python(program)) as stream:
        assert everything(stream) == b"x" * 3_000_000
        assert stream.read() == b""
        assert stream.stderr == "said\n"


def test_what_is_there_is_had_before_its_end() -> None:
    with HostRunner().stream(python("import time; print('one', end=''); time.sleep(600)")) as stream:
        assert stream.read() == b"one"


def test_a_failure_has_the_end_of_what_was_said() -> None:
    program = f"import sys; sys.stderr.write('x' * {STDERR_KEPT} + 'the end'); sys.exit(3)"
    with HostRunner().stream(python(program)) as stream:
        with pytest.raises(CommandFailed) as caught:
            everything(stream)
        assert len(stream.stderr) == STDERR_KEPT
    assert caught.value.result.status == 3
    assert caught.value.result.stderr.endswith("the end")


def test_an_answer_that_is_no_failure() -> None:
    command = Command((sys.executable, "-c", "raise SystemExit(1)"), mutates=False, accept=(0, 1))
    with HostRunner().stream(command) as stream:
        assert stream.read() == b""


def test_nothing_for_a_while() -> None:
    with HostRunner().stream(python("import time; time.sleep(600)", math.inf)) as stream:
        assert stream.read(0.01) is None


def test_silence_has_a_limit() -> None:
    with HostRunner().stream(python("import time; time.sleep(600)", 0.2)) as stream:
        with pytest.raises(Failed, match=r"nothing came from it for 0.2 s"):
            stream.read()
        pid = stream._process.pid
    assert not alive(pid)


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(Missing), HostRunner().stream(Command(("nonesuch-program",), mutates=False)):
        pass


def test_a_dry_run_starts_nothing_that_changes() -> None:
    with pytest.raises(AssertionError):
        ReadOnlyRunner(HostRunner()).stream(Command(("true",), mutates=True))


def alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def test_left_early_it_is_ended() -> None:
    with HostRunner().stream(python("while True: print('x' * 1000)")) as stream:
        assert stream.read()
        pid = stream._process.pid
    assert not alive(pid)


def test_an_error_of_the_reader_ends_it() -> None:
    pids = []

    def read() -> None:
        with HostRunner().stream(python("import time; time.sleep(600)")) as stream:
            pids.append(stream._process.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read()
    assert not alive(pids[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it(number: signal.Signals) -> None:
    program = (
        "import signal, sys\n"
        "from opskit.core.command import Command\n"
        "from opskit.core.runner import HostRunner\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "argv = (sys.executable, '-c', 'import time; time.sleep(600)')\n"
        "command = Command(argv, mutates=False, timeout=float('inf'))\n"
        "with HostRunner().stream(command) as stream:\n"
        "    print(stream._process.pid, flush=True)\n"
        "    stream.read()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(timeout=300) != 0
    assert not alive(pid)


def test_memory_does_not_grow_with_the_output() -> None:
    program = (
        "import resource, sys\n"
        "from opskit.core.command import Command\n"
        "from opskit.core.runner import HostRunner\n"
        "most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "write = 'import sys; [sys.stdout.write(\"x\" * 1_000_000) for _ in range(200)]'\n"
        "before, size = most(), 0\n"
        "with HostRunner().stream(Command((sys.executable, '-c', write), mutates=False)) as stream:\n"
        "    while data := stream.read(): size += len(data)\n"
        "print(size, most() - before)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=300, env=environment
    )
    size, more = map(int, done.stdout.split())
    assert size == 200_000_000
    assert more < 20 * 1024


def test_it_waits_without_working() -> None:
    with HostRunner().stream(python("import time; time.sleep(0.5)")) as stream:
        before = time.process_time()
        assert everything(stream) == b""
        assert time.process_time() - before < 0.2


@pytest.mark.parametrize(
    ("text", "why", "todo"),
    [
        (
            b"#!/bin/sh\r\nexit 0\r\n",
            "its lines end with CR LF, and no program has a name with a CR in it",
            "sed -i 's/\\r$//' ",
        ),
        (
            b"#! /no/sh -e\nexit 0\n",
            "it is there, but /no/sh, which its first line names, is not on this host",
            "file ",
        ),
        (None, "this program is not on the host", ""),
    ],
)
def test_a_script_that_is_there_and_whose_interpreter_is_not(
    tmp_path: Path, text: Optional[bytes], why: str, todo: str
) -> None:
    """execve(2) has one error, ENOENT, for both."""
    script = tmp_path / "a script"
    if text is not None:
        script.write_bytes(text)
        script.chmod(0o755)
    with pytest.raises(Missing) as caught:
        HostRunner().run(Command((str(script), "status"), mutates=False))
    assert caught.value.why == why
    assert not todo or caught.value.todo == f"{todo}'{script}'"
    if todo.startswith("sed"):
        subprocess.run(["sh", "-c", caught.value.todo], check=True)
        assert HostRunner().run(Command((str(script), "status"), mutates=False)).status == 0
