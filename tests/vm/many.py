"""Run in the guest: many commands of opskit, for the price of one start of Python. Not a module of the tests.

usage: python many.py BATCHES WATCHED    both JSON: a list of lists of argument lists; a list of paths

Starting Python and importing opskit is half of a command's time on an emulated processor. Each command is a process
of its own all the same, forked from one that has imported it all; those of a batch run at the same time. Prints a
line of JSON for each batch: what each command ended with, and what the watched files held after it.
"""

import json
import os
import sys
from pathlib import Path

from opskit.cli import main

# Decisions about the system disk, and a list: they import what every command needs, and change nothing.
WARM_UP = (("disk", "mount", "/dev/vda", "/mnt", "--json", "--yes"), ("undo", "last", "--json", "--dry-run"))


def start(words: list[str]) -> tuple[int, int, int]:
    """One command in a process of its own: its pid, and the files that take its stdout and stderr."""
    out, err = os.memfd_create("out"), os.memfd_create("err")
    pid = os.fork()
    if pid == 0:
        os.dup2(out, 1)
        os.dup2(err, 2)
        status = 70
        try:
            status = main(words)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return pid, out, err


def end(pid: int, *said: int) -> dict[str, object]:
    """How it ended: exit status, stdout, stderr."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = []
    for descriptor in said:
        os.lseek(descriptor, 0, os.SEEK_SET)
        with os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape") as file:
            text.append(file.read())
    return {"status": status, "out": text[0], "err": text[1]}


def warm_up() -> None:
    """Import what a command imports when it needs it."""
    shown = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    for words in WARM_UP:
        main(list(words))
    sys.stdout.flush()
    sys.stderr.flush()
    for number, file in zip((1, 2), shown):
        os.dup2(file, number)


if __name__ == "__main__":
    batches, watched = map(json.loads, sys.argv[1:])
    warm_up()
    for batch in batches:
        ended = [end(*process) for process in [start(words) for words in batch]]
        print(json.dumps({"ended": ended, "watched": {path: Path(path).read_text() for path in watched}}), flush=True)
