"""What of opskit's own runs goes into `opskit status` and `opskit check`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opskit.core.finding import Finding, follow_up
from opskit.core.ledger import Run
from opskit.core.ledger_runs import Damage
from opskit.core.report import Measure, Report
from opskit.core.units import local_moment
from opskit.history.outcome import CUT_SHORT, outcome_text
from opskit.history.plan import damage_finding
from opskit.history.thresholds import DEFAULTS

# What has left something on the host that nobody has decided on.
WAITING = frozenset({*CUT_SHORT, "take-back-failed"})


def report_of(
    runs: Sequence[Run], damage: Sequence[Damage], *, at_work: bool, thresholds: Mapping[str, int] = DEFAULTS
) -> Report:
    """The report.

    runs: as they stand now, the oldest first
    at_work: whether an opskit has the host's lock now: the newest run is its
    thresholds: of history.thresholds, all
    """
    ended = runs[:-1] if at_work and runs and runs[-1].outcome == "unfinished" else runs
    waiting = [run for run in ended if run.outcome in WAITING]
    told = waiting if len(waiting) >= thresholds["waiting"] else []
    findings = (*(_waits(run) for run in reversed(told)), *map(damage_finding, damage))
    return Report(tuple(_lines(runs, ended, waiting, at_work=at_work)), findings, (_pending(waiting),))


def _pending(waiting: Sequence[Run]) -> Measure:
    return Measure("opskit_undo_pending", len(waiting))


def _waits(run: Run) -> Finding:
    state = "was cut short" if run.outcome in CUT_SHORT else "failed, and could not be taken back whole"
    # An undo that did not end is done again by the same command; what it undoes is named there.
    remedy = follow_up("undo", run.undoes or run.id)
    return Finding("run-waits", "error", f"run {run.id} {state}: {run.title}", run.error, remedy)


def _lines(runs: Sequence[Run], ended: Sequence[Run], waiting: Sequence[Run], *, at_work: bool) -> Iterator[str]:
    current = runs[-1:] if at_work and ended != runs else ()
    if at_work:  # before its run is in the ledger, nobody can tell what it does
        yield f"at work now: {current[0].title}" if current else "at work now"
    if not runs:
        yield "opskit has changed nothing on this host"
    for run in list(ended)[: -2 if at_work else -3 : -1]:
        yield f"{local_moment(run.began)}  {outcome_text(run)}: {run.title}"
    if waiting:
        yield f"{len(waiting)} wait{'s' if len(waiting) == 1 else ''} for an undo"
