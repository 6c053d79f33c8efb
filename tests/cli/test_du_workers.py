"""The processes of a walk: an interrupt while they report, a host that gives no more of them, and their end."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.usage import scan as scanning
from opskit.usage import walk
from opskit.usage.count import Board
from opskit.usage.model import Request
from opskit.usage.scan import scan

DIRECTORIES = 3000


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A root with many directories, each of which one worker hands over while the others wait."""
    root = tmp_path_factory.mktemp("wide")
    for number in range(DIRECTORIES):
        (root / str(number)).mkdir()
    return os.fsencode(root)


def test_an_interrupt_while_the_reports_are_full(wide: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _children()
    monkeypatch.setattr(walk, "TICK", 0)
    boards: list[Board] = []
    monkeypatch.setattr(scanning, "Board", lambda: boards.append(Board()) or boards[0])
    seen: list[int] = []

    def interrupt(entries: int, *_: object) -> None:
        """Not before nothing moves any more: then a worker waits for somebody to read its reports."""
        while (seen or boards[0].cells[Board.HUNGRY]) and seen[-5:] != [entries] * 5:
            seen.append(entries)
            time.sleep(0.02)
            entries = boards[0].progress()[0]
        if seen:
            raise KeyboardInterrupt

    assert scan(Request((wide,), workers=8), interrupt).partial
    assert seen
    assert _children() <= before


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_host_that_gives_no_more_processes(wide: bytes, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _children()
    request = Request((wide,), depth=1)
    expected = scan(replace(request, workers=2))
    fork, given = os.fork, []

    def limited() -> int:
        if len(given) == after:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        given.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", limited)
    assert scan(replace(request, workers=8)) == expected
    assert len(given) == after
    assert _children() <= before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & {signal.SIGINT, signal.SIGTERM}


def test_workers_end_with_the_process_that_forked_them() -> None:
    program = (
        "import os, time\n"
        "from opskit.core.child import end_with_parent\n"
        "if os.fork() == 0:\n"
        "    end_with_parent()\n"
        "    os.write(1, b'%d\\n' % os.getpid())\n"
        "    time.sleep(600)\n"
        "time.sleep(600)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=root) as parent:
        assert parent.stdout
        parent.stdout.readline()
        parent.kill()
        # The child holds the pipe, too: its end is the end of the pipe.
        assert parent.stdout.read() == b""


def _children() -> set[str]:
    """The processes that this one still has (proc(5)); other tests leave some."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
