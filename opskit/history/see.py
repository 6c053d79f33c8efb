"""See what runs that were killed have left on the host."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from opskit.core.files import leftovers, leftovers_in
from opskit.core.ledger import Run

FILE_FIELDS = {"path", "backup", "previous", "copy"}


def left_by(runs: Iterable[Run], state_dir: str) -> list[str]:
    """The temporary files in the state directory, and beside what the steps of unfinished runs name; each once."""
    paths = {path for run in runs if run.outcome == "unfinished" for step in run.steps for path in _paths(step.fields)}
    beside = {left for path in paths for left in (*leftovers(path), *_copy(path))}
    return sorted(beside.union(*map(leftovers_in, _folders(state_dir))))


def _folders(state_dir: str) -> list[str]:
    try:
        with os.scandir(state_dir) as entries:
            return [state_dir, *(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))]
    except OSError:
        return []


def _copy(path: str) -> Iterator[str]:
    """What a copy of a journal is called until it is whole."""
    if os.path.isfile(f"{path}.opskit-copy"):
        yield f"{path}.opskit-copy"


def _paths(value: Any) -> Iterator[str]:
    """The files that a step writes, by the names of its fields, also those in a list of files."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in FILE_FIELDS and isinstance(inner, str) and inner.startswith("/") and "\0" not in inner:
                yield inner
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _paths(inner)
