"""A program that has the caller's terminal: what it leaves there."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

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
