"""See what is left on the host: of the steps of a run, and of runs that were killed."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, Callable

from opskit.core.command import Runner
from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import is_left, leftovers, leftovers_in
from opskit.core.jsonable import ShapeError
from opskit.core.ledger import Ledger, Run, StepRecord
from opskit.core.mountinfo import read_mountinfo
from opskit.core.plan import Change, Step
from opskit.core.preconditions import lock_holder
from opskit.core.reach import check_answers, silence_at
from opskit.core.report import Report, ReportRequest
from opskit.history.model import StepLeft, UndoFacts
from opskit.history.outcome import settle
from opskit.history.report import report_of
from opskit.history.thresholds import DEFAULTS

Load = Callable[[StepRecord], Step]
# What an undo depends on, brings back or clears the way for, is the work of runs of late: so many are looked at.
RELATED_RUNS = 20
# So many of the newest are looked at by a check.
CHECKED_RUNS = 200
# The fields of steps by the names of which they write files; and by which a file goes until it is whole.
FILE_FIELDS = ("path", "backup", "previous", "copy")
DRAFT_FIELD = "draft"
# What a step raises over a record that has not what the step has put there, or something of another type.
_DAMAGE = (AttributeError, LookupError, TypeError, ValueError, OverflowError)


def look(runner: Runner, run: Run, runs: Sequence[Run], load: Load) -> UndoFacts:
    """What is left of each step of a run, and of the newest runs that changed the same things.

    runs: all of the ledger
    load: makes a step of its ledger entry; raises LookupError or ShapeError
    """
    targets = {step.change["target"] for step in run.steps}
    others = [other for other in runs if not other.undoes and other.id != run.id]
    related = [other for other in others if targets & {step.change["target"] for step in other.steps}]
    left = {
        each.id: {step.number: left_of(runner, step, load) for step in each.steps}
        for each in (run, *related[-RELATED_RUNS:])
    }
    return UndoFacts(tuple(runs), left)


def left_of(runner: Runner, record: StepRecord, load: Load) -> StepLeft:
    """What is left of one step; of one whose record is damaged, that it is."""
    try:
        step = load(record)
    except (LookupError, ShapeError) as error:
        return StepLeft(kept=f"this opskit does not know the step ({record.kind}: {error})")
    try:
        change = step.undo_change(record.record)
    except _DAMAGE as error:
        return StepLeft(kept=f"what the ledger has of it cannot be used ({type(error).__name__}: {error})")
    possible = change if isinstance(change, Change) else None
    try:
        check_answers(_paths(record.fields))
        return StepLeft(step, step.left(runner, record.record))
    except CannotUndo as error:
        # What is never taken back keeps what it depends on, and no more: its change says whether it does on any.
        keeps_earlier = error.keeps_earlier and possible is not None
        return StepLeft(step, possible, error.why, keeps_earlier, error.todo, error.missing)
    except Failed as error:  # the host cannot be looked at there
        return StepLeft(step, possible, str(error), keeps_earlier=True, todo=error.todo)
    except OSError as error:
        return StepLeft(step, possible, f"it cannot be looked at ({error})", keeps_earlier=True)
    except _DAMAGE as error:
        return StepLeft(kept=f"what the ledger has of it cannot be used ({type(error).__name__}: {error})")


def left_by(runs: Iterable[Run], state_dir: str) -> list[str]:
    """The temporary files in the state directory, and beside what the steps of unfinished runs name; each once."""
    mounts = read_mountinfo()
    fields = [step.fields for run in runs if run.outcome == "unfinished" for step in run.steps]

    def paths(*names: str) -> set[str]:
        """Those that hold nobody up."""
        return {path for values in fields for path in _paths(values, names) if not silence_at(path, mounts)}

    beside = {left for path in paths(*FILE_FIELDS) for left in (*leftovers(path), *_copy(path))}
    beside |= set(filter(is_left, paths(DRAFT_FIELD)))
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


def _paths(value: Any, names: Container[str] = ()) -> Iterator[str]:
    """The paths in a step's fields, also those in a list of files.

    names: of the fields; empty for all
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            if (not names or key in names) and isinstance(inner, str) and inner[:1] == "/" and "\0" not in inner:
                yield inner
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _paths(inner, names)


def check(runner: Runner, request: ReportRequest) -> Report:  # noqa: ARG001 - it starts no program
    """What `opskit status` and `opskit check` are told. Raises Failed for a ledger that cannot be read."""
    ledger = Ledger(request.state_dir)
    try:
        at_work = bool(lock_holder(request.state_dir))
        reading = ledger.read(newest=CHECKED_RUNS)
    except PermissionError:
        return Report(unseen=(f"{ledger.path}: this user may not read the ledger",))
    except OSError as error:
        raise Failed(ledger.path, f"the ledger cannot be read ({error.strerror})") from error
    limits = {**DEFAULTS, **request.thresholds}
    return report_of(settle(reading.runs), reading.damage, at_work=at_work, thresholds=limits)
