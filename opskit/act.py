"""From seeing to the end of acting: the one road that every command which changes the host takes.

See and decide; show the plan and ask; under the host's lock and the device's lock see and decide again; carry out.
With --only-plan: what was decided before is looked up in the ledger first, and is carried out once.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Callable, Generic, NamedTuple, Optional, TextIO, TypeVar

from opskit.core.build import installed
from opskit.core.caller import command_line, machine_id, machine_mark, other_machine
from opskit.core.errors import ExitCode, Missing, Refused, UsageFault
from opskit.core.execute import Execution
from opskit.core.finding import Finding, follow_up
from opskit.core.jsonable import to_json
from opskit.core.ledger import Ledger, Run, new_run_id
from opskit.core.lock import device_lock, host_lock, lock_exists
from opskit.core.plan import NO_RUN, Decision, Outcome, Plan, PlanToken, Reason, Refusal, Step, differences
from opskit.core.preconditions import check_build, obstacles
from opskit.core.runner import Runner
from opskit.core.text import shown
from opskit.session import Session
from opskit.ui.plan import confirm, draw_notes, draw_plan
from opskit.ui.progress import step_line

F = TypeVar("F")
# What was decided stays until the process ends (__main__.py): to take thousands of facts apart takes milliseconds.
_kept: list[object] = []


class Chore(Generic[F]):
    """One chore of an area: how to see, and how to decide.

    see: reads the host through the runner it is given.
    decide: pure. New UUIDs and the names of backups follow from the run id that it is given, and nothing else does: it
        is asked for NO_RUN, too.
    load: reads facts saved in a file, for --facts (a dry run far from the host); a command without it is registered
        with facts=False.
    undoes: the run that this one takes back.
    root: whether to carry it out takes root; who sees without it can.
    draw: draws what a plan is about on a stream, before the plan itself.
    lasting: whether the command has --format and --only-plan, so that a dry run can name them.
    by_run: whether the plan depends on the run id; what does not is decided on once.
    script: whether --format sh has a script of it
    """

    def __init__(
        self,
        see: Callable[[Runner], F],
        decide: Callable[[F, str], Decision],
        *,
        load: Optional[Callable[[str], F]] = None,
        undoes: str = "",
        root: bool = False,
        draw: Callable[[Plan, TextIO], None] = lambda _plan, _stream: None,
        lasting: bool = True,
        by_run: bool = True,
        script: bool = True,
    ) -> None:
        self.script = script
        self.lasting = lasting
        self.by_run = by_run
        self.draw = draw
        self.see = see
        self.decide = decide
        self.load = load
        self.undoes = undoes
        self.root = root

    def facts(self, session: Session) -> F:
        """The saved facts, if the session names some; else those of this host.

        Raises UsageFault where facts are named and cannot be loaded: a plan for this host would pass for one of theirs.
        """
        if not session.facts:
            return self.see(session.runner)
        if self.load is None:
            raise UsageFault("--facts", "this command does not decide on saved facts")
        return self.load(session.facts)


class Decided(NamedTuple):
    """A plan, the same one for NO_RUN, and the token that names both."""

    plan: Plan
    lasting: Plan
    token: PlanToken


def accepted(decision: Decision) -> Plan:
    """The plan. Raises Refused with every reason if it is a refusal."""
    if isinstance(decision, Refusal):
        raise Refused(decision.title, decision.reasons, exit_code=decision.exit_code)
    return decision


def act(session: Session, chore: Chore[F]) -> Outcome:
    """Carry the chore out, or show what it would do. Returns the outcome.

    Raises the errors of core/errors.py; SystemExit with 3 for --exit-code, with 0 where the plan of --only-plan was
    carried out before.
    """
    if chore.root and not session.dry_run:
        session.need_root()
    build = installed()
    _stop_if_done(session, chore)
    decided = _first_decision(session, chore)
    decided = decided._replace(plan=_possible(session, chore, decided.plan))
    _kept.append(decided)
    plan = decided.plan
    if session.dry_run:
        _show(session, decided, chore)
        if plan.steps and session.exit_code:
            raise SystemExit(ExitCode.CHANGES_PENDING)
        return Outcome(plan, decided.token)
    if not plan.steps:
        if not (session.screen.json or session.screen.quiet):
            draw_notes(session.screen, plan.notes, sys.stderr)
        return Outcome(plan, decided.token)
    if not (session.screen.json or session.screen.quiet):
        chore.draw(plan, sys.stderr)
        draw_plan(session.screen, plan, sys.stderr, commands=session.verbose > 0, mark=not chore.undoes)
    _load(plan)
    confirm(session.screen, yes=session.yes)
    with host_lock(session.state_dir, session.lock_timeout), ExitStack() as stack:
        session.log_to_file()
        stack.enter_context(device_lock(plan.hold))
        _stop_if_done(session, chore)  # by another opskit, which was waited for
        again = _decided(session, chore, chore.see(session.runner))
        if not again.plan.steps and not session.token:  # the other one has done the same
            return Outcome(again.plan, again.token)
        _same(decided.token, again)
        check_build(build, plan.title)
        return _carry_out(session, chore, again, stack)


def _load(plan: Plan) -> None:
    """Import what else its steps take: later opskit may have been upgraded, or removed."""
    for name in (name for step in plan.steps for name in step.late_modules):
        importlib.import_module(name)


def _carry_out(session: Session, chore: Chore[F], decided: Decided, stack: ExitStack) -> Outcome:
    """Every step of the plan, under the locks that the stack holds."""
    ledger = Ledger(session.state_dir)
    # A plan can be tried again after a run that failed and was taken back.
    run = new_run_id() if session.token and ledger.runs_of(decided.token.text) else session.run
    with _progress(session, decided.plan) as on_step:
        execution = Execution(
            plan=decided.plan,
            runner=session.runner,
            ledger=ledger,
            run=run,
            command=command_line(),
            plan_token=decided.token.text,
            undoes=chore.undoes,
            on_step=on_step,
            release=stack.close,
        )
        execution.carry_out()
    return Outcome(decided.plan, decided.token, run, tuple(execution.warnings))


def _decided(session: Session, chore: Chore[F], facts: F) -> Decided:
    """The plan for these facts. Raises Refused, also when it is another than --only-plan names."""
    decision = chore.decide(facts, session.run)
    machine = "" if session.facts else machine_mark()
    if session.token and machine:
        _same_machine(session.token, machine, decision.title)
    plan = accepted(decision)
    lasting = accepted(chore.decide(facts, NO_RUN)) if chore.by_run else plan
    decided = Decided(plan, lasting, PlanToken(session.run, lasting.fingerprint, machine))
    if session.token:
        _same(session.token, decided)
        return decided._replace(token=session.token)  # by that one the ledger is asked again
    return decided


def _same_machine(token: PlanToken, here: str, title: str) -> None:
    """Refuse the plan of another machine: one can answer to this one's name, and look the same in all that it is of."""
    other = other_machine(token.machine, here)
    if other:
        reason = Reason(
            "plan-of-another-machine",
            f"the plan was made on another machine: {other}",
            remedy="if this machine is meant, run the same command again, without --only-plan, and read the new plan",
            evidence=f"plan {token.text}, this machine @{here}",
        )
        raise Refused(title, [reason])


def _first_decision(session: Session, chore: Chore[F]) -> Decided:
    """What is to be done, as the host looks now.

    In the middle of another opskit's work a device looks held, or half made. So a refusal is decided again under the
    lock, once there is one. Raises Busy when the other keeps it for longer than is waited.
    """
    try:
        return _decided(session, chore, chore.facts(session))
    except Refused:
        if session.dry_run or not lock_exists(session.state_dir):
            raise
    with host_lock(session.state_dir, session.lock_timeout):
        _stop_if_done(session, chore)
        return _decided(session, chore, chore.see(session.runner))


def _possible(session: Session, chore: Chore[F], plan: Plan) -> Plan:
    """The plan, if a run of it can begin on this host; raises what a real run would, before anybody is asked.

    A dry run shows an ordinary user what it can: that the rest takes root is a note then.
    """
    if session.facts or not plan.steps:
        return plan
    size = len(json.dumps(to_json(plan.steps)))
    sudo = session.sudo if chore.root else ""
    for obstacle in obstacles(session.state_dir, sudo=sudo, waits=session.lock_timeout > 0, size=size):
        if not (session.dry_run and isinstance(obstacle, Missing)):
            raise obstacle
        note = Finding("needs-privilege", "warning", f"a real run needs more: {obstacle}", remedy=obstacle.todo)
        plan = replace(plan, notes=(*plan.notes, note))
    return plan


def _same(token: PlanToken, now: Decided) -> None:
    """Refuse a decision that the host has outrun, with what differs."""
    if now.token.fingerprint == token.fingerprint:
        return
    different = "; ".join(differences(token.fingerprint, now.plan, now.lasting))
    different = different or "what it acts on, or one of its changes, is another"
    reason = Reason(
        "changed-since-plan",
        f"the host is no longer as it was when the plan was made: {different}",
        remedy="run the same command again, without --only-plan, and read the new plan",
        evidence=f"plan {token.text}, now {now.token.text}",
    )
    raise Refused(now.plan.title, [reason])


def _stop_if_done(session: Session, chore: Chore[F]) -> None:
    """End the command here when the ledger has that the plan of --only-plan was carried out on this host.

    Raises SystemExit with 0 then; Refused when that was taken back since, UsageFault for another command's token.
    """
    runs = _runs_of_plan(session)
    run = next((run for run in reversed(runs) if run.outcome == "done"), None)
    if run is None:
        return
    title = chore.decide(chore.facts(session), session.run).title
    if run.title != title:
        why = f"it names another plan, {run.title!r}, which run {run.id} carried out"
        raise UsageFault("--only-plan", why, todo="the token of a dry run of this command")
    later = Ledger(session.state_dir).read(since=run.id).runs
    undone = [other.id for other in later if other.undoes == run.id]
    if undone:
        why = f"run {run.id} carried this plan out, and run {undone[-1]} took it back"
        remedy = "run the same command again, without --only-plan, and read the new plan"
        raise Refused(title, [Reason("plan-taken-back", why, remedy)])
    token = PlanToken.parse(session.only_plan)
    result = {"plan": token.as_json(), "changed": False, "run": run.id, "dry_run": session.dry_run}
    done_in = f"nothing to do: done in run {run.id} ({shown(run.title)})"
    session.screen.answer(result, lambda: session.screen.done(done_in))
    raise SystemExit(ExitCode.DONE)


def _runs_of_plan(session: Session) -> list[Run]:
    """The runs of the plan of --only-plan on this host; none without it, or for a user who may not read the ledger."""
    if session.token is None or session.facts:
        return []
    try:
        runs = Ledger(session.state_dir).runs_of(session.token.text)
    except PermissionError:  # his dry run shows what it can; a real run of his is refused before it changes anything
        return []
    return [run for run in runs if run.host in {"", machine_id()}]


def _show(session: Session, decided: Decided, chore: Chore[F]) -> None:
    """The plan as a dry run shows it: text, shell script or JSON."""
    plan, token = decided.plan, decided.token
    if session.format == "sh":
        session.screen.line(plan.as_shell().rstrip("\n"))
        return

    def draw() -> None:
        if plan.steps:
            chore.draw(plan, sys.stdout)
            draw_plan(session.screen, plan, sys.stdout, commands=session.verbose > 0, mark=not chore.undoes)
            if not chore.lasting:
                session.screen.line("Dry run: nothing was changed.")
                return
            session.screen.line("Dry run: nothing was changed.")
            script = "" if chore.undoes or not chore.script else ", --format sh a script of them"
            session.screen.line(f"-v shows the commands{script}.")
            session.screen.line(f"To carry out this plan and no other:\n  --only-plan {token.text}")
        else:
            session.screen.line(f"{shown(plan.title)}: nothing to do")
            draw_notes(session.screen, plan.notes, sys.stdout)

    result = {**plan.as_json(), "plan": token.as_json(), "dry_run": True, "changed": False}
    session.screen.answer(result, draw, findings=plan.notes)


@contextmanager
def _progress(session: Session, plan: Plan) -> Iterator[Callable[[Step], None]]:
    """One line on stderr that tells the step under way; only on a terminal, and gone afterwards."""
    if session.verbose:
        yield lambda _step: None
        return
    with step_line(session.screen) as tell:
        numbers = iter(range(1, len(plan.steps) + 1))

        def on_step(step: Step) -> None:
            tell(f"[{next(numbers)}/{len(plan.steps)}] {step.change.action} {step.change.target}")

        yield on_step


def tell(session: Session, outcome: Outcome, done: str, nothing: str) -> None:
    """The last word of a command that changes something: done, or nothing to do. A dry run has had it."""
    if session.dry_run:
        return

    def draw() -> None:
        if outcome.run:
            back = any(change.reversible for change in outcome.plan.changes)
            undo = f"\ntake it back: {follow_up('undo', outcome.run)}" if back and outcome.run else ""
            session.screen.done(shown(done) + undo)
            if not session.screen.quiet:
                draw_notes(session.screen, outcome.warnings, sys.stderr)
        else:
            session.screen.done(f"nothing to do: {shown(nothing)}")

    session.screen.answer(outcome.result, draw, findings=(*outcome.plan.notes, *outcome.warnings))
