"""What the scripts of scripts/bench share: running a program, describing the machine, the tables of README.md."""

from __future__ import annotations

import datetime as dt
import os
import platform
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def run(*argv: str, accept: tuple[int, ...] = (0,), environment: dict[str, str] | None = None) -> str:
    """What a program says on stdout. Ends this one when it fails."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    if done.returncode not in accept:
        sys.exit(f"scripts/bench: {shlex.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def measure(argv: list[str]) -> tuple[float, float]:
    """The wall clock of a program, and the time that processors spent on it; seconds. Ends this one when it fails."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"scripts/bench: {argv}: exit {done.returncode}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return time.perf_counter() - started, spent


def machine() -> str:
    """The date, the machine's size, and the version of Python."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    today = dt.datetime.now(dt.timezone.utc).date().isoformat()
    return f"{today}, {os.cpu_count()} cores, {pages:.0f} GiB of memory, Python {platform.python_version()}"


def write_readme(area: str, text: str, file: Path = README) -> None:
    """Put the text between the marks of an area, in README.md or another file."""
    begin, end = f"<!-- bench {area}: begin -->", f"<!-- bench {area}: end -->"
    before, found, rest = file.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    if not found:
        sys.exit(f"scripts/bench: {file.name} has no {begin}")
    fresh = file.with_suffix(".new")
    fresh.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
    fresh.rename(file)
