"""See what is left on the host: of the steps of a run, and of runs that were killed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Callable

from opskit.core.command import Runner
from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import leftovers, leftovers_in
from opskit.core.jsonable import ShapeError
from opskit.core.ledger import Run, StepRecord
from opskit.core.plan import Change, Step
from opskit.history.model import StepLeft, UndoFacts

Load = Callable[[StepRecord], Step]
# What an undo depends on, brings back or clears the way for, is the work of runs of late: so many are looked at.
RELATED_RUNS = 20
FILE_FIELDS = {"path", "backup", "previous", "copy"}


def look(runner: Runner, run: Run, runs: Sequence[Run], load: Load) -> UndoFacts:
    """What is left of each step of a run, and of the newest runs that changed the same things.

    runs: all of the ledger
    load: makes a step of its ledger entry; raises LookupError or ShapeError
    """
    targets = {step.change["target"] for step in run.steps}
    others = [other for other in runs if not other.undoes and other.id != run.id]
    related = [other for other in others if targets & {step.change["target"] for step in other.steps}]
    left = {
        each.id: {step.number: _left(runner, step, load) for step in each.steps}
        for each in (run, *related[-RELATED_RUNS:])
    }
    return UndoFacts(tuple(runs), left)


def _left(runner: Runner, record: StepRecord, load: Load) -> StepLeft:
    try:
        step = load(record)
    except (LookupError, ShapeError) as error:
        return StepLeft(kept=f"this opskit does not know the step ({record.kind}: {error})")
    change = step.undo_change(record.record)
    possible = change if isinstance(change, Change) else None
    try:
        return StepLeft(step, step.left(runner, record.record))
    except CannotUndo as error:
        # What is never taken back keeps what it depends on, and no more: its change says whether it does on any.
        return StepLeft(step, possible, error.why, error.keeps_earlier and possible is not None, error.todo)
    except Failed as error:  # the host cannot be looked at there
        return StepLeft(step, possible, str(error), keeps_earlier=True, todo=error.todo)


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
