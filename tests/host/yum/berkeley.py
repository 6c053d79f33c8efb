"""Berkeley DB as rpm of EL7 and EL8 has it: made by db5.3_load, and its regions by processes of libdb 5.3 itself.

rpm 4.18 reads such a database, and its --rebuilddb makes one of its own from it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from host.tools import ENVIRONMENT, run

PROGRAM = Path(__file__).with_name("berkeley_process.py")
RUN_RECOVERY = -30973


def missing() -> str:
    """Why there is nothing to test with here; "" when there is."""
    if os.geteuid() != 0 or sys.maxsize < 2**32:
        return "needs root, and 64 bits"
    for program in ("rpm", "rpmbuild", "db5.3_load", "db5.3_stat"):
        if not shutil.which(program, path=ENVIRONMENT["PATH"]):
            return f"{program} is not on this host"
    try:
        ctypes.CDLL("libdb-5.3.so")
    except OSError as error:
        return str(error)
    return ""


def make(folder: Path, rpmdb: Path) -> None:
    """A Packages with what is in an rpmdb.sqlite."""
    with contextlib.closing(sqlite3.connect(rpmdb)) as connection:
        rows = connection.execute("SELECT hnum, blob FROM Packages").fetchall()
    pairs = [(0, max(number for number, _ in rows).to_bytes(4, "little")), *rows]
    lines = ["VERSION=3", "format=bytevalue", "type=hash", "db_pagesize=4096", "HEADER=END"]
    lines += [f" {data.hex()}" for number, blob in pairs for data in (number.to_bytes(4, "little"), blob)]
    folder.mkdir(parents=True)
    text = "\n".join([*lines, "DATA=END", ""])
    subprocess.run(["db5.3_load", str(folder / "Packages")], input=text, text=True, check=True, env=ENVIRONMENT)


def start(folder: Path, what: str) -> subprocess.Popen[str]:
    """A process that has the database open as rpm has, once it is there (see berkeley_process.py)."""
    argv = [sys.executable, str(PROGRAM), str(folder), what]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout
    process.stdout.readline()
    return process


def killed(folder: Path, what: str) -> int:
    """The pid of such a process that was killed at what it did."""
    process = start(folder, what)
    process.kill()
    process.communicate()
    return process.pid


def failchk(folder: Path) -> int:
    """What the library itself says of a copy of the database, as rpm asks it when it opens its own."""
    copy = folder.with_name(f"{folder.name}.asked")
    shutil.copytree(folder, copy)
    try:
        return int(run(sys.executable, str(PROGRAM), str(copy), "failchk").stdout.split()[-1])
    finally:
        shutil.rmtree(copy)
