"""How each run stands now: what a later run took back, or finished, is no longer as the run itself left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opskit.core.ledger import Run

# Outcomes of runs that a second run of the same command can finish; only one that undoes another is `failed`.
CUT_SHORT = ("unfinished", "failed")


def settle(runs: Sequence[Run]) -> list[Run]:
    """The runs as they stand now: outcome taken-back or finished, `by` the run that did it, steps undone.

    runs: oldest first, with all that came after the first of them
    """
    return [_settled(run, runs[number + 1 :]) for number, run in enumerate(runs)]


def _settled(run: Run, later: Sequence[Run]) -> Run:
    undos = [other for other in later if other.undoes == run.id]
    taken_back = {step.fields.get("number") for undo in undos for step in undo.steps if step.outcome == "done"}
    if undos and (taken_back or is_whole(undos[-1])):
        steps = tuple(replace(step, outcome="undone") if step.number in taken_back else step for step in run.steps)
        whole = [undo for undo in undos if is_whole(undo)]
        outcome = "taken-back" if whole else run.outcome
        return replace(run, outcome=outcome, by=(whole or undos)[-1].id, steps=steps)
    if run.outcome in CUT_SHORT:
        again = [other for other in later if _is_again(run, other)]
        if again:
            return replace(run, outcome="finished", by=again[0].id)
    return run


def is_whole(undo: Run) -> bool:
    """Whether a run that undoes another has taken back all that can be."""
    return undo.outcome == "done" and not any(step.outcome in {"kept", "lost"} for step in undo.steps)


def _is_again(run: Run, other: Run) -> bool:
    """Whether the other run did the same as this one, to its end."""
    same = (other.title, other.undoes, other.host) == (run.title, run.undoes, run.host)
    return same and other.outcome == "done"


def outcome_words(run: Run) -> str:
    """Its outcome for a person, without the run that took it back: `done`, `done, in part taken back`."""
    part = run.by and run.outcome not in {"taken-back", "finished"}
    return f"{run.outcome}, in part taken back" if part else run.outcome


def outcome_text(run: Run) -> str:
    """The same with that run: `taken-back by 2026…`."""
    return f"{outcome_words(run)} by {run.by}" if run.by else outcome_words(run)
