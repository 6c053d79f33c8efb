"""Reading the scans that are kept: files that the user names, and those in the state directory."""

from __future__ import annotations

import contextlib
import gzip
import os
import stat
from collections.abc import Iterator

from opskit.core.errors import Failed, UsageFault
from opskit.core.files import read_bytes
from opskit.core.finding import follow_up
from opskit.core.trust import check_links
from opskit.core.units import time_text
from opskit.usage.du.ncdu import is_export, parse
from opskit.usage.du.saved import SavedScan, ScanHead, unpack, unpack_head

LAST = "last"
FOLDER, SUFFIX = "scans", ".json.gz"
# Some bytes a directory: a scan of 100 million of them is smaller.
MOST = 2 * 1024**3
# A status looks at so many of the newest.
HEADS = 50


def read_saved(path: str, *, apparent: bool = False) -> SavedScan:
    """The scan in a file; apparent: of ncdu's, which has both sizes.

    Raises UsageFault when there is none, OSError when it cannot be read.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):  # a pipe or a device may have no end
        raise UsageFault(path, "this is not a regular file")
    data = read_bytes(path, MOST)
    if is_export(data):
        return parse(data, path, apparent=apparent, modified=status.st_mtime)
    return unpack(data, path)


def find(
    name: str, state_dir: str, roots: tuple[bytes, ...], *, apparent: bool = False, option: str = "--diff"
) -> SavedScan:
    """The scan that a file, a run or "last" (the newest that was kept, of these roots if there are any) names.

    option: what it was named with

    Raises UsageFault, with the newest that are kept, when there is no such scan.
    """
    if os.path.lexists(name):
        return read_saved(name, apparent=apparent)
    kept = [(run, saved) for run, saved in kept_scans(state_dir) if not roots or saved.request.roots == roots]
    for run, saved in reversed(kept):
        if name in {run, LAST}:
            return saved
    newest = ", ".join(f"{run} ({_label(saved)})" for run, saved in kept[-5:])
    todo = f"these are kept: {newest}" if newest else f"keep one with: {follow_up('du', '--keep')}"
    either = "neither a file" if option == "--diff" else "neither a directory, nor a file"
    raise UsageFault(f"opskit du {option}", f"{name!r} is {either} nor a kept scan", todo=todo)


def check_target(path: str) -> None:
    """Raise UsageFault, Failed or OSError now rather than after a long scan where save() could not write.

    A file that is there is replaced only when it is a saved scan itself.
    """
    check_links(path)
    if os.path.lexists(path):
        read_saved(path)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failed(path, f"no file can be created in {folder}", todo="name another file")


def kept_scans(state_dir: str) -> Iterator[tuple[str, SavedScan]]:
    """Runs and their scans, the oldest first. One that is damaged is passed over: it is of no use."""
    for file in _files(state_dir):
        with contextlib.suppress(UsageFault):
            yield file.name[: -len(SUFFIX)], read_saved(file.path)


def kept_heads(state_dir: str) -> Iterator[ScanHead]:
    """What the scans come to, the oldest first; as kept_scans. Raises PermissionError."""
    for file in _files(state_dir)[-HEADS:]:
        with contextlib.suppress(UsageFault, FileNotFoundError), gzip.open(file.path) as lines:
            yield unpack_head(iter(lines), file.path)


def _files(state_dir: str) -> list[os.DirEntry[str]]:
    """The files of kept scans, the oldest first."""
    folder = os.path.join(state_dir, FOLDER)
    files: list[tuple[str, int, os.DirEntry[str]]] = []
    try:
        with os.scandir(folder) as listed:
            for file in listed:
                # A run's name begins with its time, to the second; what it goes on with is random. One can be gone.
                with contextlib.suppress(FileNotFoundError):
                    if file.name.endswith(SUFFIX) and file.is_file():
                        files.append((file.name.partition("-")[0], file.stat().st_mtime_ns, file))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [file for _, _, file in sorted(files, key=lambda each: each[:2])]


def _label(saved: SavedScan) -> str:
    return f"{' '.join(map(os.fsdecode, saved.request.roots))} at {time_text(saved.taken)}"
