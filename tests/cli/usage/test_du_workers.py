"""The processes of a walk: an interrupt while they report, a host that gives no more of them, and their end."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest

from checkout import ROOT
from opskit.core.child import SILENT, Answer
from opskit.core.mountinfo import MountLine
from opskit.usage.du.model import ScanRequest
from opskit.usage.du.see import scan as scanning
from opskit.usage.du.see import walk
from opskit.usage.du.see.count import Board
from opskit.usage.du.see.readers import Columns, StatReader
from opskit.usage.du.see.scan import scan

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

    assert scan(ScanRequest((wide,), workers=8), interrupt).partial
    assert seen
    assert _children() <= before


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_host_that_gives_no_more_processes(wide: bytes, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _children()
    request = ScanRequest((wide,), depth=1)
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
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout
        parent.stdout.readline()
        parent.kill()
        # The child holds the pipe, too: its end is the end of the pipe.
        assert parent.stdout.read() == b""


def test_a_bound_part_that_does_not_answer_is_asked_by_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several roots du has to know what is bound over another file."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    part = MountLine(2, "0:9", "/part", str(tmp_path / "one/part"), "nfs4", "server:/x", "rw", 1)
    root = MountLine(1, "8:1", "/", "/", "ext4", "/dev/vda1", "rw")
    looked_at: list[bytes] = []

    class Reader(StatReader):
        def read(self, names: Sequence[bytes], directory: Optional[int]) -> Columns:
            looked_at.extend(names)
            return super().read(names, directory)

    def ask(questions: Sequence[Any], seconds: float) -> list[Answer]:  # noqa: ARG001
        return [SILENT if question.args[0].endswith(b"/part") else Answer(True) for question in questions]

    monkeypatch.setattr(scanning, "read_mountinfo", lambda: (root, part))
    monkeypatch.setattr(scanning, "make_reader", lambda _, **__: Reader())
    monkeypatch.setattr(scanning, "ask", ask)
    roots = tuple(os.fsencode(tmp_path / name) for name in ("one", "two"))
    assert len(scanning.scan(ScanRequest(roots)).entries) == 2
    assert looked_at == list(roots)


def _children() -> set[str]:
    """The processes that this one still has (proc(5)); other tests leave some."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
