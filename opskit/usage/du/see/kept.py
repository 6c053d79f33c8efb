"""Reading the scans that are kept: files that the user names, and those in the state directory."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

from opskit.core.errors import Failed, UsageFault
from opskit.core.files import read_bytes
from opskit.core.units import time_text
from opskit.usage.du.saved import Saved, unpack

LAST = "last"
FOLDER, SUFFIX = "scans", ".json.gz"


def read_saved(path: str) -> Saved:
    """The scan in a file. Raises UsageFault when there is none, OSError when it cannot be read."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe or a device may have no end
        raise UsageFault(path, "this is no file")
    return unpack(read_bytes(path), path)


def find(name: str, state_dir: str, roots: tuple[bytes, ...]) -> Saved:
    """The scan that a file, a run or "last" (the newest that was kept, of these roots if there are any) names.

    Raises UsageFault, with those that are there, when there is no such one.
    """
    if os.path.lexists(name):
        return read_saved(name)
    kept = [(run, one) for run, one in kept_scans(state_dir) if not roots or one.request.roots == roots]
    for run, one in reversed(kept):
        if name in {run, LAST}:
            return one
    known = ", ".join(f"{run} ({_told(one)})" for run, one in kept[-5:])
    todo = f"kept are: {known}" if known else "keep one with: opskit du --keep"
    raise UsageFault("opskit du --diff", f"{name!r} is no file, and no scan that was kept", todo=todo)


def check_target(path: str) -> None:
    """Raise UsageFault, Failed or OSError now rather than after a long scan where save() could not write.

    A file that is there is replaced only when it is a saved scan itself.
    """
    if os.path.lexists(path):
        read_saved(path)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failed(path, f"no file can be made in {folder}", todo="name another one")


def kept_scans(state_dir: str) -> Iterator[tuple[str, Saved]]:
    """Runs and their scans, the oldest first. One that is damaged is passed over: it is of no use."""
    folder = os.path.join(state_dir, FOLDER)
    try:
        with os.scandir(folder) as listed:
            files = [file for file in listed if file.name.endswith(SUFFIX)]
    except (FileNotFoundError, NotADirectoryError):
        return
    # A run's name begins with its time, to the second; what it goes on with is random.
    for file in sorted(files, key=lambda one: (one.name.partition("-")[0], one.stat().st_mtime_ns)):
        with contextlib.suppress(UsageFault):
            yield file.name[: -len(SUFFIX)], read_saved(file.path)


def _told(saved: Saved) -> str:
    return f"{' '.join(map(os.fsdecode, saved.request.roots))} at {time_text(saved.taken)}"
