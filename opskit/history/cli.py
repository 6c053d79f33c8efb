"""`opskit history` and `opskit undo`: what the ledger knows, and taking it back."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import Annotated, Any, NoReturn, Optional

import typer

from opskit import areas
from opskit.act import Chore, act, tell
from opskit.commands import new_app
from opskit.core.caller import machine_id, sudo_line
from opskit.core.command import Runner
from opskit.core.errors import Failed, Missing, UsageFault
from opskit.core.finding import Finding, follow_up, left_over
from opskit.core.jsonable import to_json
from opskit.core.ledger import Ledger, Run, StepRecord
from opskit.core.lock import is_own
from opskit.core.plan import Outcome, Plan, Refusal
from opskit.core.text import counted, shown
from opskit.core.units import local_moment, now, seconds_text, time_text
from opskit.history.model import UndoFacts
from opskit.history.outcome import outcome_text, outcome_words, settle
from opskit.history.plan import damage_finding, decide, kept_note, lost_note
from opskit.history.prune import RunOutline, decide_prune, outline
from opskit.history.report import WAITING
from opskit.history.see import RELATED_RUNS, left_by, look
from opskit.history.steps import PruneRuns, UndoStep
from opskit.options import changes, reads, reads_bare, span_of
from opskit.session import Session
from opskit.ui.plan import draw_notes
from opskit.ui.screen import Column, draw_table

HELP = """Example: opskit history show last

Without a command it lists the runs on this host, the newest last. An id begins with the time in UTC."""

app = new_app(HELP)
undo_app = new_app("", single=True)

Limit = Annotated[Optional[int], typer.Option("--limit", metavar="N", min=1, help="Only the newest so many.")]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="The run's id, the beginning of it, its plan's token, or `last`.")
]


@contextmanager
def _ledger(session: Session) -> Iterator[Ledger]:
    """The ledger, to be read. Raises Missing when only root may read it, Failed when it cannot be read at all."""
    ledger = Ledger(session.state_dir)
    try:
        yield ledger
    except PermissionError as error:
        todo = sudo_line()
        raise Missing(ledger.path, "this user may not read the ledger", todo=todo) from error
    except OSError as error:
        raise Failed(ledger.path, f"the ledger cannot be read ({error.strerror})") from error


@reads_bare(app)
def history(session: Session, limit: Limit = None) -> None:
    """List the runs: id, when, who, what, outcome; the newest last."""
    with _ledger(session) as ledger:
        reading = ledger.read(newest=limit or 0)
    runs = settle(reading.runs)
    findings = [damage_finding(damage) for damage in reading.damage]
    findings += [left_over(path) for path in left_by(reading.runs, session.state_dir)]
    listed = [{key: value for key, value in to_json(run).items() if key != "steps"} for run in runs]
    session.screen.answer({"runs": listed}, lambda: _draw_runs(session, runs), findings=findings)
    _draw_damage(session, findings)


@reads(app, "show", example="opskit history show last")
def show(session: Session, run: RunName) -> None:
    """Show each step of a run with its commands, times and output."""
    with _ledger(session) as ledger:
        entry = settle(ledger.read(since=ledger.find(run).id).runs)[0]
    findings = [*map(damage_finding, entry.damage), *(lost_note(entry, step) for step in entry.lost)]
    session.screen.answer(entry, lambda: _draw_run(session, entry), findings=findings)
    _draw_damage(session, findings)


@changes(app, "prune", facts=False, example="opskit history prune --older-than 1y --dry-run")
def prune(
    session: Session,
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            metavar="SPAN",
            parser=span_of("--older-than", numbers=False),
            help="Runs that began longer ago: 1y, 6month.",
        ),
    ],
    everything: Annotated[bool, typer.Option("--all", help="Also runs that could still be undone.")] = False,
) -> None:
    """Take old runs out of the ledger: those that an undo cannot need any more.

    A run that is not finished is never taken out. Nothing else ever takes a run out.
    """
    if session.format == "sh":
        raise UsageFault("--format sh", "only opskit can tell which lines of the ledger it needs", todo="--dry-run")
    oldest = now().timestamp() - older_than
    before = time_text(datetime.fromtimestamp(max(oldest, 0), timezone.utc))

    def see(_runner: Runner) -> list[RunOutline]:
        with _ledger(session) as ledger:
            return [outline(run) for run in ledger.each()][::-1]

    span = seconds_text(older_than)
    chore = Chore(
        see,
        lambda runs, _run: decide_prune(runs, session.state_dir, span, before, everything=everything),
        root=not is_own(session.state_dir),
        script=False,
    )
    outcome = act(session, chore)
    steps = [step for step in outcome.plan.steps if isinstance(step, PruneRuns)]
    many = sum(len(step.runs) for step in steps)
    tell(session, outcome, f"{counted(many, 'run')} taken out of the ledger", "no run is old enough that nobody needs")


@changes(undo_app, "undo", facts=False, example="opskit undo last --dry-run")
def undo(session: Session, run: RunName) -> None:
    """Take a run back as far as it can be, the newest step first; what has to stay is named with its reason."""
    if session.format == "sh":
        # Each undo looks at the host before it acts; a script that does not would destroy what came since.
        why = "an undo checks each step on the host as it takes it back, which a script would not"
        raise UsageFault("--format sh", why, todo="--dry-run shows the plan; -v its commands")
    root = not is_own(session.state_dir)
    if root and not session.dry_run:
        session.need_root()  # before the ledger, which is root's, is asked for a run
    with _ledger(session) as ledger:
        entry = ledger.find(run)
        if run == "last" and entry.undoes:  # what it left is tried again
            entry = ledger.find(entry.undoes)
    here = machine_id()

    seen: list[UndoFacts] = []

    def see(_runner: Runner) -> UndoFacts:
        seen.append(_look(session, entry))
        return seen[-1]

    chore = Chore(see, lambda facts, _run: decide(entry.id, facts, here), undoes=entry.id, root=root)
    outcome = act(session, chore)
    if not session.dry_run:
        _report(session, entry, outcome, seen[-1])


def _runs(session: Session, run: Run) -> list[Run]:
    """The newest runs, and all from this one on, or from the one that it undoes."""
    first = run.undoes or run.id
    with _ledger(session) as ledger:
        newest = ledger.read(newest=NEWEST).runs
        return list(newest if any(each.id == first for each in newest) else ledger.read(since=first).runs)


# Of a host's ledger so much is read in any case: among these runs are those that an undo can bring back.
NEWEST = 2 * RELATED_RUNS


def _look(session: Session, run: Run) -> UndoFacts:
    return look(session.runner, run, _runs(session, run), areas.load_step)


def _possible(facts: UndoFacts, run: Run) -> set[tuple[str, int]]:
    """Which steps of other runs, on the same things, an undo of these would take back now."""
    plans = {other: decide(other, facts, machine_id()) for other in facts.left if other != run.id}
    return {
        (other, step.number)
        for other, plan in plans.items()
        if isinstance(plan, Plan)
        for step in plan.steps
        if isinstance(step, UndoStep)
    }


def _notes_on(again: set[tuple[str, int]], runs: Sequence[Run]) -> list[Finding]:
    """What of other runs can be taken back after this undo, the newest first, each with the command that does it."""
    ids = {ident for ident, _ in again}
    return [
        Finding(
            "takes-back-more",
            "info",
            f"something of run {run.id} ({run.title}) can be taken back now, too",
            remedy=follow_up("undo", run.id),
        )
        for run in reversed(runs)
        if run.id in ids
    ]


def _kept_now(facts: UndoFacts, run: Run) -> Sequence[Finding]:
    """The notes on what is kept of a run, as the host is now."""
    decision = decide(run.id, facts, machine_id())
    return decision.reasons if isinstance(decision, Refusal) else decision.notes


def _report(session: Session, run: Run, outcome: Outcome, before: UndoFacts) -> None:
    """What the undo did, what it left as it is, and what more can be taken back now. Raises Failed for a lost step."""
    steps: tuple[StepRecord, ...] = ()
    more: list[Finding] = []
    after = before
    if outcome.run:
        with _ledger(session) as ledger:
            steps = ledger.find(outcome.run).steps
        after = _look(session, run)
        more = _notes_on(_possible(after, run) - _possible(before, run), after.runs)
    if run.lost:
        _fail_for_lost(run, steps, outcome.run)
    # Steps that had to stay, as it turned out only when they were about to be taken back.
    original = {step.number: step for step in run.steps}
    kept = [kept_note(run, original[step.fields["number"]], step.error) for step in steps if step.outcome == "kept"]
    remedies = {note.evidence: note.remedy for note in _kept_now(after, run)} if kept else {}
    kept = [replace(note, remedy=remedies.get(note.evidence, "")) for note in kept]
    notes = [*outcome.plan.notes, *kept, *outcome.warnings, *more]
    changed = any(step.outcome == "done" for step in steps)
    result = {**outcome.plan.as_json(), **outcome.result, "changed": changed}

    def draw() -> None:
        if outcome.run:
            part = " in part" if kept else ""
            session.screen.done(f"Run {run.id} was taken back{part}, as run {outcome.run}.")
        else:
            session.screen.done(f"{shown(outcome.plan.title)}: nothing to do")
        for note in notes if outcome.run else ():  # else they were shown in place of a plan
            session.screen.done(f"  {note.severity}: {session.screen.title(note)}")
            if note.remedy:
                session.screen.done(f"    to do: {shown(note.remedy)}")

    session.screen.answer(result, draw, findings=notes)


def _fail_for_lost(run: Run, steps: tuple[StepRecord, ...], undo_run: Optional[str]) -> NoReturn:
    """End an undo of a run that had more steps than the ledger knows: not all of it is taken back."""
    names = "; ".join(f"{step.number} ({step.change['action']} {step.change['target']})" for step in run.lost)
    why = f"the ledger has lost what an undo needs of step {names}"
    done = sum(step.outcome == "done" for step in steps)
    state = f"{done} of its steps were taken back, as run {undo_run}." if undo_run else "Nothing was changed."
    todo = f"{follow_up('history', 'show', run.id)} has what is known; look for the rest by hand"
    raise Failed(f"undo of {run.id}", why, todo=todo, state=state)


def _draw_damage(session: Session, findings: Sequence[Finding]) -> None:
    if not (session.screen.json or session.screen.quiet):
        draw_notes(session.screen, findings, sys.stderr)


def _draw_runs(session: Session, runs: list[Run]) -> None:
    if not runs:
        session.screen.done(f"no runs recorded in {shown(session.state_dir)}")
        return
    columns = [Column("ID", whole=True), Column("OUTCOME", style=_style)]
    columns += [Column(title) for title in ("BY", "WHEN", "WHO", "WHAT")]
    rows = [(run.id, outcome_words(run), run.by, local_moment(run.began), run.user, run.title) for run in runs]
    draw_table(session.screen, columns, rows, less=("WHEN", "BY", "WHO"))


def _style(outcome: str) -> str:
    """The colour of an outcome: red where something waits to be decided on."""
    return "red" if outcome in WAITING else "green" if outcome == "done" else ""


def _draw_run(session: Session, run: Run) -> None:
    head = [("run", run.id), ("what", run.title), ("command", shlex.join(run.command)), ("undoes", run.undoes)]
    head += [
        ("who", f"{run.user} (pid {run.pid})"),
        ("began", local_moment(run.began)),
        ("ended", local_moment(run.ended)),
    ]
    head += [("outcome", outcome_text(run)), ("error", run.error)]
    for name, value in head:
        if value:
            session.screen.line(f"{name:<8} {shown(value)}")
    for step in run.steps:
        change = step.change
        session.screen.line("")
        session.screen.line(f"{step.number:>3}. {change['action']}  {shown(change['target'])}: {step.outcome}")
        session.screen.line(f"     {shown(change['before'])} -> {shown(change['after'])}")
        ended = local_moment(step.ended) or "an end that is not known"
        session.screen.line(f"     {local_moment(step.began)} to {ended}")
        if step.error:
            session.screen.line(f"     error: {shown(step.error)}")
        for command in step.commands:
            _draw_command(session, command)


def _draw_command(session: Session, command: dict[str, Any]) -> None:
    """One command as the ledger has it: argv, how it ended, its input and the end of its output."""
    ended = f"signal {-command['status']}" if command["status"] < 0 else f"exit {command['status']}"
    session.screen.line(f"     $ {shown(shlex.join(command['argv']))}  [{ended}, {command.get('seconds', 0):.3f} s]")
    for mark, key in (("<", "input"), (">", "stdout"), ("2>", "stderr")):
        for line in command.get(key, "").splitlines():
            session.screen.line(f"       {mark} {shown(line)}")
