"""stdin, stdout and stderr that are closed, or that nothing can be written to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT


def opskit(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUNBUFFERED", None)
    argv = [sys.executable, "-m", "opskit", *words]
    return subprocess.run(argv, env={**environment, **more.pop("env", {})}, text=True, check=False, **more)


@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", ["df", "df --json", "du -a", "--help", "--version", "nonsense --json"])
def test_an_answer_that_cannot_be_written_is_told(words: str, buffering: dict[str, str]) -> None:
    with open("/dev/full", "w", encoding="ascii") as full:
        done = opskit(*words.split(), stdout=full, stderr=subprocess.PIPE, env=buffering, cwd=ROOT / "tests")
    assert done.returncode == 1
    assert done.stderr.startswith("opskit: stdout: the answer cannot be written (No space left on device)\n")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "history" not in done.stderr  # nothing was changed


@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", ["findings", "findings --json", "--version", "disk --help", "nonsense --json"])
def test_who_reads_no_more_is_no_failure_of_the_command(words: str, buffering: dict[str, str]) -> None:
    """As of `| head -1`: 128 and SIGPIPE, as a shell has it of programs of C, however long the answer is."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = opskit(*words.split(), stdout=gone, stderr=subprocess.PIPE, env=buffering)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1), (0, 1, 2)])
def test_a_closed_stream_is_dev_null(closed: tuple[int, ...], tmp_path: Path) -> None:
    """What is opened next does not take its number: it would be written to as stdout."""
    program = f"""
import os, sys
for number in {closed}:
    os.close(number)
os.execv(sys.executable, [sys.executable, "-c", '''
import os, sys
from opskit import __main__
from opskit.cli import main
sys.argv = ["opskit", "du", "--save", {str(tmp_path / "scan")!r}, {str(tmp_path)!r}]
def end(code):
    os._exit(code or 10 * any(os.readlink(f"/proc/self/fd/{{n}}") != "/dev/null" for n in {closed}))
__main__._end = end
__main__.run()
'''])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done
    assert (tmp_path / "scan").exists()


def test_what_has_been_printed_is_there_at_the_end() -> None:
    done = opskit("completion", "bash", capture_output=True)
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("opskit")
