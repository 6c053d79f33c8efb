"""Decide how a run is taken back: each of its steps by its own undo, the newest first."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.ledger import Damage, Run, StepRecord
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.history.model import UndoFacts
from opskit.history.steps import UndoStep

# What is left of a step that has one of these outcomes; `undone` and `kept` were settled in the run itself.
LEFT_BEHIND = ("done", "failed", "unfinished", "lost")


def decide(run_id: str, facts: UndoFacts, host: str = "") -> Decision:
    """The plan that takes the run back, empty when nothing of it is left.

    Refused for a run that is an undo, and where something is left that cannot be taken back, and nothing that can.

    run_id: the run to take back
    host: the machine-id of this host
    """
    run = next(run for run in facts.runs if run.id == run_id)
    title = f"undo of {run.id} ({run.title})"
    if run.undoes:
        why = f"run {run.id} is itself an undo, of {run.undoes}"
        remedy = "run the original command again" + _original(run.undoes, facts.runs)
        return Refusal(title, (Reason("undo-of-undo", why, remedy, exit_code=ExitCode.USAGE),))
    if run.host and host and run.host != host:
        why = f"run {run.id} was made on another host (machine-id {run.host})"
        remedy = "this state directory is a copy: begin a new one here with --state-dir, or remove it"
        return Refusal(title, (Reason("another-host", why, remedy),))
    sorted_ = _sort(run, facts)
    nothing_done = sorted_.kept and (sorted_.in_the_way or not sorted_.gone)
    if not sorted_.steps and nothing_done and not sorted_.lost:  # what is lost is told by the command itself
        reasons = tuple(Reason("cannot-undo", note.title, note.remedy, note.evidence) for note in sorted_.kept)
        return Refusal(title, reasons)
    notes = (*sorted_.lost, *sorted_.kept)
    if not sorted_.steps:
        notes = (*_why_nothing(run, facts, sorted_), *notes)
    locked = any(step.step.under_lock for step in sorted_.steps)
    hold = run.hold if locked else ""
    leaves = tuple(note for note in sorted_.kept if note.severity == "error")
    return Plan(title, tuple(sorted_.steps), ("undo", run.id), hold=hold, notes=notes, leaves=leaves)


@dataclass
class _Sorted:
    """The steps of a run: those to take back, notes on those that are kept, how many there is nothing left of.

    lost: notes on those that the ledger has lost
    in_the_way: whether one of those kept could be taken back, were the host as the run left it
    repeated: the later runs that did the same since, so that what is on the host is theirs
    removed: what an undo since has removed, so that nothing is left to put back for it, with that undo
    """

    steps: list[UndoStep] = field(default_factory=list)
    kept: list[Finding] = field(default_factory=list)
    lost: list[Finding] = field(default_factory=list)
    gone: int = 0
    in_the_way: bool = False
    repeated: list[str] = field(default_factory=list)
    removed: list[tuple[str, Run]] = field(default_factory=list)


def _sort(run: Run, facts: UndoFacts) -> _Sorted:
    done = settled(run, facts.runs)
    result = _Sorted()
    # A step that cannot be taken back depends on every step before it: those are kept too.
    beyond = ""
    for record in reversed(run.steps):
        left = facts.left[run.id][record.number]
        if record.outcome == "lost":
            result.lost.append(lost_note(run, record))
            beyond = f"{record.change['action']} {record.change['target']} is kept, and depends on it"
            continue
        later = _later(run, record, facts)
        repeated = [other.id for other in later if _what(record) in map(_what, _in_effect(other, facts))]
        settled_before = record.outcome not in LEFT_BEHIND or record.number in done
        # Brought back it would be there as a whole: what is there in its place was changed after it was taken back.
        whole = left.step is not None and left.step.whole
        settled_before |= whole and bool(left.kept) and record.number in _undone(run, facts.runs)
        if settled_before or left.gone or repeated:
            result.gone += 1
            result.repeated += repeated if not (settled_before or left.gone) else []
            continue
        remover = _remover(run, left.missing, facts.runs)
        if remover:
            result.gone += 1
            result.removed.append((left.missing, remover))
            continue
        if left.step and left.step.whole and later:
            left = replace(left, kept=f"run {later[-1].id} has changed it since", keeps_earlier=True, todo="")
        # A left-over may be free to go once the steps before it are taken back: a backup is of fstab then.
        tried = left.change and not left.in_the_way and (not left.kept or result.steps)
        if not beyond and tried and left.step and left.change:
            result.steps.append(UndoStep(run.id, record.number, left.change, left.step, record.record))
            continue
        first, back = _undo_first(later), _undo_first(_back(run, record, facts))
        # What depends on a step that is kept anyway is not for the host to let go.
        blocks = left.in_the_way and not beyond
        remedy = first if beyond else left.todo or first if blocks else first or left.todo
        result.kept.append(kept_note(run, record, beyond or left.kept, remedy or back, blocks=blocks))
        result.in_the_way |= blocks
        if left.keeps_earlier or not record.change["reversible"]:
            beyond = f"{record.change['action']} {record.change['target']} is kept, and depends on it"
    return result


def _undo_first(runs: Sequence[Run]) -> str:
    """The command that takes the last of these runs back, "" without any."""
    return follow_up("undo", runs[-1].id) if runs else ""


def settled(run: Run, runs: Sequence[Run]) -> set[int]:
    """The numbers of the steps that an undo has taken back, and that no undo can have brought back since.

    The undo of a run that came between the two can: it puts back what it found, which may be what this run did.
    """
    number_of = {other.id: number for number, other in enumerate(runs)}
    taken_back: dict[int, int] = {}  # step -> which run took it back
    for number, other in enumerate(runs):
        done = [step.fields.get("number") for step in other.steps if step.outcome == "done"]
        if other.undoes == run.id:
            taken_back.update((step, number) for step in done if isinstance(step, int))
        elif done and number_of.get(other.undoes, -1) > number_of[run.id]:
            taken_back = {step: at for step, at in taken_back.items() if at < number_of[other.undoes]}
    return set(taken_back)


def _later(run: Run, record: StepRecord, facts: UndoFacts) -> list[Run]:
    """The runs after this one of which something is left on the same thing; the newest last."""
    (number,) = (number for number, other in enumerate(facts.runs) if other.id == run.id)
    target = record.change["target"]
    later = [other for other in facts.runs[number + 1 :] if other.id in facts.left]
    return [other for other in later if target in {step.change["target"] for step in _in_effect(other, facts)}]


def _back(run: Run, record: StepRecord, facts: UndoFacts) -> list[Run]:
    """The runs before this one of which an undo has brought back something on the same; the newest last.

    What is back is of a run that was taken back itself, or of one whose work a later run had undone: that run was.
    """
    target = record.change["target"]
    (number,) = (number for number, other in enumerate(facts.runs) if other.id == run.id)
    undone = {other.undoes for other in facts.runs}
    since = [step.change for undo in facts.runs[number + 1 :] if undo.undoes for step in undo.steps]
    touched = any(change["target"] == target for change in since)
    earlier = [other for other in facts.runs[:number] if (touched or other.id in undone) and other.id in facts.left]
    return [other for other in earlier if target in {step.change["target"] for step in _in_effect(other, facts)}]


def _remover(run: Run, missing: str, runs: Sequence[Run]) -> Optional[Run]:
    """The undo since this run that removed what is missing: a file, or the swap area of a device (by its tag)."""
    (number,) = (number for number, other in enumerate(runs) if other.id == run.id)
    for undo in reversed(runs[number + 1 :] if missing else ()):
        changes = [step.change for step in undo.steps if undo.undoes and step.outcome == "done"]
        removals = [change for change in changes if change["after"] in {"absent", "blank"}]
        if any(missing in {change["target"], change["before"].replace(" ", "=")} for change in removals):
            return undo
    return None


def _undone(run: Run, runs: Sequence[Run]) -> set[int]:
    """The numbers of the steps that an undo has taken back, whatever came since."""
    undos = [other for other in runs if other.undoes == run.id]
    return {step.fields.get("number", 0) for undo in undos for step in undo.steps if step.outcome == "done"}


def _in_effect(run: Run, facts: UndoFacts) -> list[StepRecord]:
    """The steps of a run of which something is left on what they changed: of a backup it is left beside that."""
    done = settled(run, facts.runs)
    rest = [step for step in run.steps if step.outcome in LEFT_BEHIND and step.number not in done]
    changes = {step.number: facts.left[run.id][step.number].change for step in rest}
    return [step for step in rest if (change := changes[step.number]) and change.target == step.change["target"]]


def _what(record: StepRecord) -> tuple[str, ...]:
    """What a step did: of two runs that did the same, the later one is to be taken back."""
    return (record.kind, *(record.change[key] for key in ("target", "before", "after")))


def _why_nothing(run: Run, facts: UndoFacts, sorted_: _Sorted) -> tuple[Finding, ...]:
    """Why nothing of a run is left."""
    undone_by = [other.id for other in facts.runs if other.undoes == run.id]
    if sorted_.removed:
        missing, undo = sorted_.removed[-1]
        why = f"run {undo.id} took run {undo.undoes} back, and with it what this run needs ({missing})"
        remedy = "to have it again" + _original(undo.undoes, facts.runs)
        return (Finding("nothing-left", "info", f"{why}: nothing is left to put back", remedy=remedy),)
    if sorted_.repeated:
        last = sorted_.repeated[-1]
        title = f"run {last} has done the same since, so it is that one to take back"
        return (Finding("nothing-left", "info", title, remedy=follow_up("undo", last)),)
    if undone_by:
        return (Finding("already-undone", "info", f"run {undone_by[-1]} has taken run {run.id} back"),)
    if run.outcome in {"taken-back", "take-back-failed"}:
        text = f"run {run.id} failed, and took itself back then as far as it could"
        return (Finding("already-taken-back", "info", text),)
    return (Finding("nothing-left", "info", f"nothing of run {run.id} is left on this host"),)


def _original(run_id: str, runs: Sequence[Run]) -> str:
    lines = [shlex.join(run.command) for run in runs if run.id == run_id]
    return f": {lines[0]}" if lines else ""


def kept_note(run: Run, record: StepRecord, why: str, remedy: str = "", *, blocks: bool = False) -> Finding:
    """The note on a step that is not taken back.

    blocks: whether that is for what the host is like now
    """
    what = f"{record.change['action']} {record.change['target']}"
    evidence = f"step {record.number} of run {run.id}"
    return Finding("cannot-undo", "error" if blocks else "warning", f"{what} is kept: {why}", evidence, remedy)


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
    remedy = f"{follow_up('history', 'show', damage.run)} has what is left of the run" if damage.run else ""
    return Finding("ledger-damaged", "warning", f"{where}{damage.what}{of_run}", remedy=remedy)
