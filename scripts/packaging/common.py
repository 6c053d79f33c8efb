"""What the modules of scripts/packaging share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# 2025-11-26: the date of what sources.txt alone decides.
EPOCH = "1764115200"


class PackagingError(Exception):
    """A package cannot be built; the text says why."""


class NotToBeHadError(PackagingError):
    """What sources.txt names is no longer to be had."""


def run(*argv: object, env: Optional[Mapping[str, str]] = None, cwd: Optional[Path] = None) -> str:
    """Run a program; what it wrote to stdout. Raises PackagingError with the end of all that it wrote."""
    words = [str(word) for word in argv]
    environment = {**(os.environ if env is None else env), "LC_ALL": "C.UTF-8"}
    options = {"env": environment, "cwd": cwd, "stdin": subprocess.DEVNULL, "errors": "replace"}
    try:
        done = subprocess.run(words, capture_output=True, check=False, text=True, **options)  # type: ignore[call-overload]
    except OSError as error:
        why = f"{words[0]} cannot be run ({error.strerror}); standalone, rpm and deb are built on Debian"
        raise PackagingError(why) from error
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise PackagingError(f"{' '.join(words)[:500]} ended with {done.returncode}:\n{end}")
    return str(done.stdout)
