"""`python -m opskit`, and the `opskit` program itself."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn


def run() -> None:
    """Answer --version without importing anything; leave the rest to cli.py."""
    _open_streams()
    if sys.argv[1:] == ["--version"]:
        from opskit import __version__  # noqa: PLC0415

        print(f"opskit {__version__}")
        return
    # Collections while modules are imported find nothing, and take a tenth of the start.
    gc.disable()
    try:
        from opskit.cli import main  # noqa: PLC0415

        _end(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before main could take it, or after
        print("opskit: interrupted", file=sys.stderr)
        sys.exit(130)


def _open_streams() -> None:
    """Put /dev/null where stdin, stdout or stderr is closed: else the next disk that is opened would be stdout."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # open(2): the lowest number that is free
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))
    # The script of a plan holds names to the byte; in a locale such as en_US.UTF-8 Python would refuse to write them.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")


def _end(code: int) -> NoReturn:
    """End as sys.exit does, but leave the memory to the kernel: to take all modules apart takes milliseconds.

    logging closes its handlers in what atexit runs; nothing else of opskit is left to an end. No thread is.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - the same in all of CPython 3
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
