"""Decide which runs are taken out of the ledger: old ones that nobody can need for an undo any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from opskit.core.files import sha256
from opskit.core.finding import Finding, follow_up
from opskit.core.ledger import Run
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.core.record import dataclass
from opskit.history.outcome import is_whole
from opskit.history.plan import LEFT_BEHIND
from opskit.history.steps import PruneRuns

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class RunOutline:
    """What the decision needs of a run: a ledger can have very many.

    left: the numbers of its steps that an undo could take back
    taken_back: of a run that undoes another, the numbers of the steps that it took back
    whole: of a run that undoes another, whether it took back all that could be
    """

    id: str
    began: str
    title: str
    host: str
    undoes: str
    outcome: str
    left: frozenset[int]
    taken_back: frozenset[object]
    whole: bool
    damaged: bool


def outline(run: Run) -> RunOutline:
    """What the decision needs of this run."""
    left = set()
    for step in reversed(run.steps if not run.undoes and run.outcome != "taken-back" else ()):
        if step.outcome in LEFT_BEHIND:
            if not step.change["reversible"]:
                break  # it keeps what was done before it, too
            left.add(step.number)
    taken_back = frozenset(step.fields.get("number") for step in run.steps if run.undoes and step.outcome == "done")
    return RunOutline(
        run.id,
        run.began,
        run.title,
        run.host,
        run.undoes,
        run.outcome,
        frozenset(left),
        taken_back,
        bool(run.undoes) and is_whole(run),
        bool(run.damage),
    )


def decide_prune(runs: Sequence[RunOutline], state_dir: str, span: str, before: str, *, everything: bool) -> Decision:
    """The plan that takes old runs out of the ledger; refused when what is needed to tell is damaged.

    runs: all of the ledger, oldest first
    span: how old they are, as a person wrote it
    before: RFC 3339 in UTC; a run that began at that time or later is kept
    everything: also runs that could still be undone
    """
    title = f"prune runs older than {span} from the ledger"
    ids = [run.id for run in runs]
    if len(set(ids)) != len(ids):
        by_hand = "keep a copy of the ledger, and take the doubled lines out by hand"
        remedy = f"{follow_up('history')} names each line; {by_hand}"
        why = "lines of a run stand apart, or twice, in the ledger"
        return Refusal(title, (Reason("ledger-damaged", why, remedy),))
    old = [run for run in runs if _TIME.fullmatch(run.began) and run.began < before]
    unfinished, undoable, damaged = _kept(runs, old, everything=everything)
    kept = unfinished | undoable | damaged
    # What an undo did is needed as long as its run is there, or that would count as done again.
    needed = kept | _newer(runs, old)
    names = tuple(run.id for run in old if run.id not in kept and run.undoes not in needed)
    notes = tuple(_notes(unfinished, undoable, damaged))
    if not names:
        return Plan(title, basis=("prune", state_dir), notes=notes)
    digest = sha256("\n".join(names).encode("utf-8", "surrogatepass"))
    return Plan(title, (PruneRuns(state_dir, names, len(runs)),), ("prune", state_dir, digest), notes=notes)


def _newer(runs: Iterable[RunOutline], old: Iterable[RunOutline]) -> set[str]:
    return {run.id for run in runs} - {run.id for run in old}


def _kept(
    runs: Sequence[RunOutline], old: Sequence[RunOutline], *, everything: bool
) -> tuple[set[str], set[str], set[str]]:
    """The old runs that stay: unfinished ones, those that could still be undone, those with damaged lines."""
    undos: dict[str, list[RunOutline]] = {}
    done: dict[tuple[str, str, str], int] = {}  # the last run that did a thing to its end
    for number, run in enumerate(runs):
        if run.undoes:
            undos.setdefault(run.undoes, []).append(run)
        if run.outcome == "done":
            done[run.title, run.undoes, run.host] = number
    place = {run.id: number for number, run in enumerate(runs)}
    unfinished, undoable, damaged = set(), set(), set()
    for run in old:
        taken_back = frozenset[object]().union(*(undo.taken_back for undo in undos.get(run.id, ())))
        left = run.left - taken_back
        finished = done.get((run.title, run.undoes, run.host), -1) > place[run.id]
        if run.outcome == "unfinished" and not finished and (left or not undos.get(run.id)):
            unfinished.add(run.id)
        elif run.damaged and not everything:
            damaged.add(run.id)
        elif left and not everything:
            undoable.add(run.id)
    return unfinished, undoable, damaged


def _notes(unfinished: set[str], undoable: set[str], damaged: set[str]) -> Iterable[Finding]:
    undo = follow_up("undo", "RUN")
    kinds = (
        (unfinished, "not finished", f"the same command again finishes it, or {undo} takes it back"),
        (undoable, "done, and can still be undone", "--all prunes these, too"),
        (damaged, "damaged in the ledger", f"{follow_up('history')} names the lines; --all prunes these, too"),
    )
    for names, why, remedy in kinds:
        if names:
            many = f"{len(names)} older runs are" if len(names) > 1 else f"run {min(names)} is"
            yield Finding("run-kept", "info", f"{many} kept: {why}", "the oldest: " + min(names), remedy)
