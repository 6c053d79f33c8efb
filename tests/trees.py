"""Directory trees of every kind, made from a seed, and GNU du's opinion of them."""

from __future__ import annotations

import os
import random
import socket
import subprocess
from pathlib import Path

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


Lines = list[tuple[str, int]]


def du(*arguments: str) -> Lines:
    """What `du -0 -B1` with these arguments says: paths and sizes. Its exit status may be 1: not all could be read."""
    done = subprocess.run(["du", "-0", "-B1", *arguments], capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    lines = [os.fsdecode(line) for line in done.stdout.split(b"\0") if line]
    return sorted((line.partition("\t")[2], int(line.partition("\t")[0])) for line in lines)


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
