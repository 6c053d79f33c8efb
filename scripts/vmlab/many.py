"""Commands of opskit without the price of a start of Python for each: in the guest, and for tests/host.

usage: python many.py [--all]            each line of stdin is a request, the answer goes to stdout
       python many.py [--all] FOLDER     the same with FOLDER/in and FOLDER/out, in the background

Starting Python and importing opskit is more than half of a command's time. Each command is a process of its own all
the same, forked from one that has imported what disks need, or (--all) every module. A request is a line of JSON:
{"batches": a list of lists of argument lists, "watched": a list of paths, "environment": all variables, or null for
those of this process, "added": variables beside these, "typed": what a person types at the terminal that is their
stdin; without it that is /dev/null}; the commands of a batch run at the same time. The answer has a line of JSON for
each batch: what each command ended with, and what the watched files held after it.
"""

import fcntl
import importlib
import json
import os
import pkgutil
import sys
import termios
import traceback
from pathlib import Path
from typing import Optional, TextIO

import opskit
from opskit.__main__ import run
from opskit.cli import main
from opskit.core.config import load_config

# Dry runs: they import what every command needs, and change nothing.
WARM_UP = (("disk", "mount", "/dev/vda", "/mnt", "--json", "--dry-run"), ("undo", "last", "--json", "--dry-run"))


def terminal(typed: str) -> int:
    """A terminal of this process at which that has been typed."""
    os.setsid()
    keyboard, stdin = os.openpty()
    fcntl.ioctl(stdin, termios.TIOCSCTTY, 0)
    os.write(keyboard, typed.encode())
    return stdin


def start(
    words: list[str], environment: Optional[dict[str, str]], added: dict[str, str], typed: str
) -> tuple[int, int, int]:
    """One command in a process of its own: its pid, and the files that take its stdout and stderr."""
    out, err = os.memfd_create("out"), os.memfd_create("err")
    pid = os.fork()
    if pid == 0:
        os.dup2(terminal(typed) if typed else os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
        os.environ.update(added)
        sys.argv = ["opskit", *words]
        status = 70
        try:
            run()  # it ends this process, but for --version
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # noqa: BLE001 - this process ends in any case
            traceback.print_exc()
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


def warm_up(*, everything: bool) -> None:
    """Import what a command imports when it needs it; everything: also what only other areas than disk need."""
    shown = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    for words in WARM_UP:
        main(list(words))
    for module in pkgutil.walk_packages(opskit.__path__, "opskit.") if everything else ():
        importlib.import_module(module.name)
    sys.stdout.flush()
    sys.stderr.flush()
    for number, file in zip((1, 2), shown):
        os.dup2(file, number)
        os.close(file)  # in the background it must not hold what it was started with
    os.close(nowhere)
    # It is read once in a process; the host may have another one by now.
    load_config.cache_clear()


def answer(request: str, out: TextIO) -> None:
    """Run what is asked for."""
    asked = json.loads(request)
    for batch in asked["batches"]:
        begun = [start(words, asked["environment"], asked.get("added", {}), asked.get("typed", "")) for words in batch]
        ended = [end(*process) for process in begun]
        watched = {path: Path(path).read_text() for path in asked["watched"]}
        print(json.dumps({"ended": ended, "watched": watched}), file=out, flush=True)


def serve(folder: Path) -> None:
    """Answer requests, one after the other, in the background: this process ends once it can."""
    folder.mkdir()
    for name in ("in", "out"):
        os.mkfifo(folder / name, 0o600)
    pid = os.fork()
    if pid:
        (folder / "pid").write_text(str(pid))
        return
    os.setsid()
    os.chdir("/")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    # Open for writing, too: it does not end with the first who wrote to it.
    with open(os.open(folder / "in", os.O_RDWR)) as requests:
        for request in requests:
            with open(folder / "out", "w") as out:
                answer(request, out)


if __name__ == "__main__":
    folders = [word for word in sys.argv[1:] if word != "--all"]
    warm_up(everything="--all" in sys.argv)
    if folders:
        serve(Path(folders[0]))
    else:
        for line in sys.stdin:
            answer(line, sys.stdout)
