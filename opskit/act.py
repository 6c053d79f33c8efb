"""From seeing to the end of acting: the one road that every command which changes the host takes.

See and decide; show the plan and ask; under the host's lock and the device's lock see and decide again; carry out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Callable, Generic, Optional, TextIO, TypeVar

from opskit.core.caller import command_line
from opskit.core.errors import ExitCode, Refused, UsageFault
from opskit.core.execute import Execution
from opskit.core.ledger import Ledger
from opskit.core.lock import device_lock, host_lock, lock_exists
from opskit.core.plan import Decision, Outcome, Plan, Reason, Refusal, Step
from opskit.core.runner import Runner
from opskit.core.text import shown
from opskit.session import Session
from opskit.ui.plan import confirm, draw_notes, draw_plan
from opskit.ui.progress import step_line

F = TypeVar("F")


class Chore(Generic[F]):
    """One chore of an area: how to see, and how to decide.

    see reads the host through the runner it is given. decide is pure. load reads facts saved in a file, for --facts (a
    dry run far from the host); a command without it is registered with facts=False. undoes: the run that this one
    takes back. draw: draws what a plan is about on a stream, before the plan itself.
    """

    def __init__(
        self,
        see: Callable[[Runner], F],
        decide: Callable[[F], Decision],
        *,
        load: Optional[Callable[[str], F]] = None,
        undoes: str = "",
        draw: Callable[[Plan, TextIO], None] = lambda _plan, _stream: None,
    ) -> None:
        self.draw = draw
        self.see = see
        self.decide = decide
        self.load = load
        self.undoes = undoes

    def facts(self, session: Session) -> F:
        """The saved facts, if the session names some; else those of this host.

        Raises UsageFault where facts are named and cannot be loaded: a plan for this host would pass for one of theirs.
        """
        if not session.facts:
            return self.see(session.runner)
        if self.load is None:
            raise UsageFault("--facts", "this command does not decide on saved facts")
        return self.load(session.facts)


def accepted(decision: Decision) -> Plan:
    """The plan. Raises Refused with every reason if it is a refusal."""
    if isinstance(decision, Refusal):
        raise Refused(decision.title, decision.reasons, exit_code=decision.exit_code)
    return decision


def act(session: Session, chore: Chore[F]) -> Outcome:
    """Carry the chore out, or show what it would do. Returns the outcome; exits 3 for --exit-code by SystemExit.

    Raises the errors of core/errors.py.
    """
    plan = accepted(_first_decision(session, chore))
    if session.dry_run:
        _show(session, plan, chore.draw, mark=not chore.undoes)
        if plan.steps and session.exit_code:
            raise SystemExit(ExitCode.CHANGES_PENDING)
        return Outcome(plan)
    if not plan.steps:
        if not (session.screen.json or session.screen.quiet):
            draw_notes(session.screen, plan.notes, sys.stderr)
        return Outcome(plan)
    if not (session.screen.json or session.screen.quiet):
        chore.draw(plan, sys.stderr)
        draw_plan(session.screen, plan, sys.stderr, commands=session.verbose > 0, mark=not chore.undoes)
    confirm(session.screen, yes=session.yes)
    with host_lock(session.state_dir, session.lock_timeout), ExitStack() as stack:
        session.log_to_file()
        stack.enter_context(device_lock(plan.hold))
        again = accepted(chore.decide(chore.see(session.runner)))
        if not again.steps:  # another opskit was waited for, and it has done the same
            return Outcome(again)
        _same(plan, again)
        plan = again  # the same changes, with what else the steps know of the host (fstab's hash) as it is now
        with _progress(session, plan) as on_step:
            execution = Execution(
                plan=plan,
                runner=session.runner,
                ledger=Ledger(session.state_dir),
                run=session.run,
                command=command_line(),
                undoes=chore.undoes,
                on_step=on_step,
                release=stack.close,
            )
            execution.carry_out()
    return Outcome(plan, session.run, tuple(execution.warnings))


def _first_decision(session: Session, chore: Chore[F]) -> Decision:
    """What is to be done, as the host looks now.

    In the middle of another opskit's work a device looks held, or half made. So a refusal is decided again under the
    lock, once there is one. Raises Busy when the other keeps it for longer than is waited.
    """
    decision = chore.decide(chore.facts(session))
    if session.dry_run or not isinstance(decision, Refusal) or not lock_exists(session.state_dir):
        return decision
    with host_lock(session.state_dir, session.lock_timeout):
        return chore.decide(chore.see(session.runner))


def _same(plan: Plan, again: Plan) -> None:
    """Refuse a decision that the host has outrun."""
    if again.fingerprint != plan.fingerprint:
        reason = Reason(
            "changed-since-plan",
            "the host is no longer as it was when the plan was made",
            remedy="run the same command again and read the new plan",
            evidence=f"fingerprint {plan.fingerprint} then, {again.fingerprint} now",
        )
        raise Refused(plan.title, [reason])


def _show(session: Session, plan: Plan, draw_more: Callable[[Plan, TextIO], None], *, mark: bool) -> None:
    """The plan as a dry run shows it: text, shell script or JSON."""
    if session.format == "sh":
        session.screen.line(plan.as_shell().rstrip("\n"))
        return

    def draw() -> None:
        if plan.steps:
            draw_more(plan, sys.stdout)
            draw_plan(session.screen, plan, sys.stdout, commands=session.verbose > 0, mark=mark)
            session.screen.line("Dry run: nothing was changed. -v shows the commands, --format sh a script of them.")
        else:
            session.screen.line(f"{plan.title}: nothing to do")
            draw_notes(session.screen, plan.notes, sys.stdout)

    session.screen.answer({**plan.as_json(), "dry_run": True, "changed": False}, draw, findings=plan.notes)


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
    changed = outcome.run is not None
    result = {**outcome.plan.result, "changed": changed, "run": outcome.run, "dry_run": False}

    def draw() -> None:
        if changed:
            back = any(change.reversible for change in outcome.plan.changes)
            session.screen.done(shown(done) + (f"\ntake it back: opskit undo {outcome.run}" if back else ""))
            if not session.screen.quiet:
                draw_notes(session.screen, outcome.warnings, sys.stderr)
        else:
            session.screen.done(f"nothing to do: {shown(nothing)}")

    session.screen.answer(result, draw, findings=(*outcome.plan.notes, *outcome.warnings))
