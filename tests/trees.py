"""Directory trees of every kind, made from a seed, and what GNU du and opskit say of them."""

from __future__ import annotations

import os
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opskit.usage.du.model import ScanRequest
from opskit.usage.du.see.scan import scan

NAMES = (
    "a",
    "b.log",
    "c d",
    "new\nline",
    "-x",
    "caf\u00e9",
    "\udcff\udcfe",
    "\x1b[31m",
    "*",
    "[a]",
    "\\",
    ".hidden",
    "B.LOG",
)


GLOBS = ("a*", "*.log", "[a-c]*", "*d", "?", "a/b.log", "*x*", "c d1", "\\*", "[!a]*", "*/a*", ".*")

Lines = list[tuple[str, int]]


def du(*arguments: str) -> Lines:
    """What `du -0 -B1` with these arguments says: paths and sizes. Its exit status may be 1: not all could be read."""
    done = subprocess.run(["du", "-0", "-B1", *arguments], capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    lines = [os.fsdecode(line) for line in done.stdout.split(b"\0") if line]
    return sorted((line.partition("\t")[2], int(line.partition("\t")[0])) for line in lines)


def opskit_du(roots: list[str], **options: Any) -> Lines:
    """What opskit finds: paths and sizes."""
    scanned = scan(ScanRequest(roots=tuple(map(os.fsencode, roots)), **options))
    assert not scanned.partial
    return sorted((entry.path, entry.bytes) for entry in scanned.entries)


def options_of(rnd: random.Random) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Every depth, and some of the other options: as du has them, and as opskit."""
    for depth in range(9):
        gnu, own = [f"--max-depth={depth}"], {"depth": depth}
        for word, option in (("-x", "one_file_system"), ("-l", "count_links"), ("-a", "all")):
            if rnd.random() < 0.3:
                gnu.append(word)
                own[option] = True
        if rnd.random() < 0.3:
            gnu.append("--apparent-size")
            own["apparent"] = True
        if rnd.random() < 0.4:
            globs = rnd.sample(GLOBS, 2)
            gnu += [f"--exclude={glob}" for glob in globs]
            own["exclude"] = tuple(map(os.fsencode, globs))
        yield gnu, own


def make_tree(root: Path, seed: int, entries: int = 60) -> None:
    """Files of many sizes, sparse ones, links of both kinds across directories, fifos, sockets, deep and odd names."""
    rnd = random.Random(seed)
    root.mkdir(parents=True)
    directories, files = [root], []
    for number in range(rnd.randrange(entries)):
        where = rnd.choice((directories[-1], rnd.choice(directories)))
        path = where / f"{rnd.choice(NAMES)}{number if rnd.random() < 0.8 else ''}"
        if os.path.lexists(path):
            continue
        kind = rnd.random()
        if kind < 0.3:
            path.mkdir()
            directories.append(path)
        elif kind < 0.5 and files:
            os.link(rnd.choice(files), path, follow_symlinks=False)
        elif kind < 0.6:
            path.symlink_to(rnd.choice((*directories, "nowhere", "x" * 200)))
        elif kind < 0.65:
            os.mkfifo(path)
        elif kind < 0.67 and len(os.fsencode(path)) < 100:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(os.fsencode(path))
        else:
            _write(path, rnd)
            files.append(path)


def _write(path: Path, rnd: random.Random) -> None:
    with open(path, "wb") as file:
        if rnd.random() < 0.2:
            file.truncate(rnd.randrange(1 << 24))
            file.seek(rnd.randrange(1 << 20))
        file.write(b"x" * rnd.choice((0, 1, 59, 4095, 4096, 4097, 20000)))
