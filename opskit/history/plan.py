"""Decide how a run is taken back: each of its steps by its own undo, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.jsonable import ShapeError
from opskit.core.ledger import Damage, Run, StepRecord
from opskit.core.plan import Change, Decision, Plan, Reason, Refusal, Step
from opskit.history.outcome import is_whole
from opskit.history.steps import UndoStep

Load = Callable[[StepRecord], Step]
# What is left of a step that has one of these outcomes; `undone` and `kept` were settled in the run itself.
LEFT_BEHIND = ("done", "failed", "unfinished", "lost")


def decide(run_id: str, runs: Sequence[Run], load: Load, host: str = "") -> Decision:
    """The plan that takes the run back, empty when nothing of it is left; refused for a run that is an undo.

    run_id: the run to take back
    runs: all runs of the ledger
    load: makes a step of its ledger entry; raises LookupError or ShapeError
    host: the machine-id of this host
    """
    run = next(run for run in runs if run.id == run_id)
    title = f"undo of {run.id} ({run.title})"
    if run.undoes:
        why = f"run {run.id} is itself an undo, of {run.undoes}"
        remedy = "run the original command again" + _original(run.undoes, runs)
        return Refusal(title, (Reason("undo-of-undo", why, remedy, exit_code=ExitCode.USAGE),))
    if run.host and host and run.host != host:
        why = f"run {run.id} was made on another host (machine-id {run.host})"
        remedy = "this state directory is a copy: begin a new one here with --state-dir, or remove it"
        return Refusal(title, (Reason("another-host", why, remedy),))
    basis = ("undo", run.id)
    if run.outcome == "taken-back":
        text = f"run {run.id} failed, and took itself back then as far as it could"
        note = Finding("already-taken-back", "info", text)
        return Plan(title, basis=basis, notes=(note,))
    earlier = [other for other in runs if other.undoes == run.id]
    whole = [other for other in earlier if is_whole(other)]
    if whole:
        note = Finding("already-undone", "info", f"run {whole[-1].id} has taken run {run.id} back")
        return Plan(title, basis=basis, notes=(note,))
    # An undo that failed half-way has taken some of the steps back already.
    settled = {step.fields.get("number") for other in earlier for step in other.steps if step.outcome == "done"}
    steps, notes = [], []
    # A step that cannot be taken back depends on every step before it: those are kept too.
    beyond = ""
    for step in reversed(run.steps):
        if step.outcome not in LEFT_BEHIND or step.number in settled:
            continue
        undo = kept_note(run, step, beyond) if beyond else _undo_of(run, step, load)
        if not step.change["reversible"]:
            beyond = f"{step.change['action']} {step.change['target']} is kept, and depends on it"
        if isinstance(undo, Finding):
            notes.append(undo)
        else:
            steps.append(undo)
    locked = any(step.step.under_lock for step in steps)
    return Plan(title, tuple(steps), basis, hold=run.hold if locked else "", notes=tuple(notes))


def _original(run_id: str, runs: Sequence[Run]) -> str:
    lines = [" ".join(run.command) for run in runs if run.id == run_id]
    return f": {lines[0]}" if lines else ""


def _undo_of(run: Run, record: StepRecord, load: Load) -> UndoStep | Finding:
    """The step that takes this one back, or a note on why it is kept."""
    if record.outcome == "lost":
        return lost_note(run, record)
    try:
        step = load(record)
    except (LookupError, ShapeError) as error:
        return kept_note(run, record, f"this opskit does not know the step ({record.kind}: {error})")
    change = step.undo_change(record.record)
    if isinstance(change, Change):
        return UndoStep(run.id, record.number, change, step, record.record)
    return kept_note(run, record, change)


def kept_note(run: Run, record: StepRecord, why: str) -> Finding:
    """The note on a step that is not taken back."""
    what = f"{record.change['action']} {record.change['target']}"
    return Finding("cannot-undo", "warning", f"{what} is kept: {why}", evidence=f"step {record.number} of run {run.id}")


def lost_note(run: Run, record: StepRecord) -> Finding:
    """The note on a step that was perhaps carried out, and of which the ledger has lost what an undo needs."""
    change = record.change
    title = (
        f"step {record.number} of run {run.id} is lost from the ledger: {change['action']} {change['target']}".rstrip()
    )
    lines = "; ".join(change["commands"])
    remedy = "look whether it was done, and take it back by hand" + (f"; it was: {lines}" if lines else "")
    return Finding("lost-step", "error", title, evidence="; ".join(damage.what for damage in run.damage), remedy=remedy)


def damage_finding(damage: Damage) -> Finding:
    """What is wrong with the ledger, as a finding."""
    where = f"line {damage.line} of the ledger is broken: " if damage.line else "the ledger has a gap: "
    of_run = f" (run {damage.run})" if damage.run else ""
    remedy = f"opskit history show {damage.run} has what is left of the run" if damage.run else ""
    return Finding("ledger-damaged", "warning", f"{where}{damage.what}{of_run}", remedy=remedy)
