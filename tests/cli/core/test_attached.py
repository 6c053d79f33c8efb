"""A program that has the caller's terminal: what it leaves there."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from checkout import ROOT

# A program that asks for a password, and is ended meanwhile, or ends itself.
SCRIPT = """
import os, sys
from opskit.core.command import Command
from opskit.core.runner import attached
read, write = os.pipe()
asks = Command(("sh", "-c", "stty -echo; echo silent; " + sys.argv[1]), mutates=False, timeout=300)
with attached(asks, dict(os.environ), output=write) as program:
    os.read(read, 9)
    if sys.argv[1] == "exit":
        program.wait(-1)
    else:
        program.end()
"""


@pytest.mark.parametrize("then", ["exec sleep infinity", "exit"])
def test_a_terminal_that_was_silent_for_a_password_is_so_no_more(then: str) -> None:
    ours, theirs = pty.openpty()
    try:
        argv = [sys.executable, "-c", SCRIPT, then]
        subprocess.run(argv, stdin=theirs, cwd=ROOT, check=True, timeout=300)
        assert termios.tcgetattr(theirs)[3] & termios.ECHO
    finally:
        os.close(ours)
        os.close(theirs)


# A job in the background, whose program waits for a line of the shell that has the terminal.
JOB = """
import os, sys
from opskit.core.command import Command
from opskit.core.runner import attached
waits = Command(("sh", "-c", 'read -r line <"$0"', sys.argv[1]), mutates=False, timeout=300)
with attached(waits, dict(os.environ), output=os.open(os.devnull, os.O_WRONLY)) as program:
    while program.status is None:
        program.wait(-1)
"""
SHELL = """
import os, subprocess, sys, termios
job = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], preexec_fn=os.setpgrp)
with open(sys.argv[2], "w") as line:
    modes = termios.tcgetattr(0)
    modes[3] &= ~termios.ICANON
    termios.tcsetattr(0, termios.TCSANOW, modes)
    line.write("go\\n")
status = os.waitpid(job.pid, os.WUNTRACED)[1]
job.kill()
sys.exit("the job stopped" if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status))
"""


def test_in_the_background_it_ends_and_leaves_the_terminal_to_whoever_has_it(tmp_path: Path) -> None:
    """An editor has other modes: set back they were the editor's loss, and setting them stopped the job."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    ours, theirs = pty.openpty()
    try:
        argv = [sys.executable, "-c", SHELL, JOB, str(fifo)]
        subprocess.run(
            argv, stdin=theirs, cwd=ROOT, check=True, timeout=300, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        assert not termios.tcgetattr(theirs)[3] & termios.ICANON
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("controls", [True, False])
def test_a_person_can_be_asked_where_a_terminal_controls_the_session(controls: bool) -> None:
    """Whatever stdin is: what a timer starts has none."""
    ours, theirs = pty.openpty()
    take = (lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)) if controls else None
    try:
        argv = [sys.executable, "-c", "from opskit.core.runner import at_terminal; print(at_terminal())"]
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True, timeout=300,
            start_new_session=True, preexec_fn=take, pass_fds=(theirs,),
        )  # fmt: skip
        assert done.stdout == f"{controls}\n"
    finally:
        os.close(ours)
        os.close(theirs)
