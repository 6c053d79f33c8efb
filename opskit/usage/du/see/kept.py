"""Scans that are kept from one run to the next: in files that the user names, and in the state directory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from opskit.core.errors import Failed, UsageFault
from opskit.core.files import write_atomic
from opskit.core.lock import make_state_dir
from opskit.core.units import time_text
from opskit.usage.du.model import KEPT, Request
from opskit.usage.du.saved import Saved, pack, read_saved

LAST = "last"
_FOLDER, _SUFFIX = "scans", ".json.gz"


def check_target(path: str) -> None:
    """Raise UsageFault, Failed or OSError now rather than after a long scan where save() could not write.

    A file that is there is replaced only when it is a saved scan itself.
    """
    if os.path.lexists(path):
        read_saved(path)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failed(path, f"no file can be made in {folder}", todo="name another one")


def save(path: str, saved: Saved) -> int:
    """Write a scan to a file, which has the old content or the new one at any moment. The bytes. Raises OSError."""
    data = pack(saved)
    write_atomic(path, data)
    return len(data)


def keep(state_dir: str, run: str, saved: Saved) -> int:
    """Keep a scan under the name of a run, and the last KEPT like it. The bytes. Raises OSError, Failed."""
    size = save(os.path.join(open_folder(state_dir), run + _SUFFIX), saved)
    like = [name for name, other in _kept(state_dir) if other.request == saved.request]
    for name in like[:-KEPT]:
        os.unlink(os.path.join(state_dir, _FOLDER, name + _SUFFIX))
    return size


def open_folder(state_dir: str) -> str:
    """The folder of the kept scans, made if it is not there. Raises OSError, Failed when others can write there."""
    make_state_dir(state_dir)
    folder = os.path.join(state_dir, _FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def find(name: str, state_dir: str, roots: tuple[bytes, ...]) -> Saved:
    """The scan that a file, a run or "last" (the newest that was kept, of these roots if there are any) names.

    Raises UsageFault, with those that are there, when there is no such one.
    """
    if os.path.lexists(name):
        return read_saved(name)
    kept = [(run, one) for run, one in _kept(state_dir) if not roots or one.request.roots == roots]
    for run, one in reversed(kept):
        if name in {run, LAST}:
            return one
    known = ", ".join(f"{run} ({_told(one)})" for run, one in kept[-5:])
    todo = f"kept are: {known}" if known else "keep one with: opskit du --keep"
    raise UsageFault("opskit du --diff", f"{name!r} is no file, and no scan that was kept", todo=todo)


def comparable(old: Request, given: Mapping[str, Any]) -> Request:
    """What to count to compare it with an old scan: the same. Raises UsageFault for an option that differs.

    given: what was asked for, by the names of Request. What was not is as in the old scan.
    """
    for name in given:
        if given[name] != getattr(old, name) and name == "roots":
            why = f"the saved scan is one of {_value(old.roots)}, not of {_value(given[name])}"
            raise UsageFault("opskit du --diff", why, todo="leave the paths out")
        if given[name] != getattr(old, name):
            option = "--" + name.replace("_", "-")
            why = f"the saved scan was made with {option} {_value(getattr(old, name))}: not comparable"
            raise UsageFault(f"opskit du {option}", why, todo=f"leave {option} out, or save a scan with it")
    return old


def _kept(state_dir: str) -> Iterator[tuple[str, Saved]]:
    """Runs and their scans, the oldest first. One that is damaged is passed over: it is of no use."""
    folder = os.path.join(state_dir, _FOLDER)
    try:
        with os.scandir(folder) as listed:
            files = [file for file in listed if file.name.endswith(_SUFFIX)]
    except (FileNotFoundError, NotADirectoryError):
        return
    # A run's name begins with its time, to the second; what it goes on with is random.
    for file in sorted(files, key=lambda one: (one.name.partition("-")[0], one.stat().st_mtime_ns)):
        with contextlib.suppress(UsageFault):
            yield file.name[: -len(_SUFFIX)], read_saved(file.path)


def _told(saved: Saved) -> str:
    return f"{' '.join(map(os.fsdecode, saved.request.roots))} at {time_text(saved.taken)}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(os.fsdecode, value)) or "none"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
