"""`opskit fleet apply`, `resume` and `undo`: what changes hosts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, NoReturn, Optional

import typer

from opskit.core.build import installed
from opskit.core.errors import ExitCode, UsageFault
from opskit.core.finding import follow_up
from opskit.core.preconditions import check_build
from opskit.core.text import counted, shown
from opskit.core.units import seconds_text
from opskit.fleet.cli.asking import asked, broken_off, left_out_code, planned, run_answer, telling
from opskit.fleet.cli.hosts import FleetRunName, Way, new_run, reaching_again
from opskit.fleet.cli.plan import PlanFile, load_plan
from opskit.fleet.cli.words import plannable, typed
from opskit.fleet.drive.ansible import drive
from opskit.fleet.drive.store import RunFolder, check_kept, create_run, open_run
from opskit.fleet.model import (
    OVER,
    FleetPlan,
    FleetRun,
    HostPlan,
    HostState,
    exit_code,
    first_code,
    host_code,
    left_to_do,
    settle,
)
from opskit.fleet.playbook import Asked
from opskit.options import changes
from opskit.session import Session
from opskit.ui.plan import confirm

SERIAL = "1,10%,100%"
# --tool as it is where nobody names one.
AUTO = {"tool": "auto"}
# What a host that had begun when the control node was lost may still be at: resume waits for it there.
RESUME_WAIT = "5m"
# As the command began: its hosts may take long to answer.
_BUILD = installed()


def batches(value: Any) -> str:
    """The parser of --serial: "1,10%,100%". Raises UsageFault."""
    text = str(value)
    for part in text.split(","):
        number, share = part.rstrip("%"), part.endswith("%")
        most = 100 if share else 10**6
        sound = part in {number, f"{number}%"} and number.isascii() and number.isdigit()
        if not (sound and 1 <= int(number) <= most):
            why = f"{part!r} is no number of hosts, and no share of them"
            raise UsageFault("--serial", why, todo=f"--serial {SERIAL}")
    return text


Serial = Annotated[
    str,
    typer.Option("--serial", metavar="BATCHES", parser=batches, help="How many hosts first, then, and so on."),
]
MaxFail = Annotated[
    int, typer.Option("--max-fail", metavar="N", min=0, help="Begin no more hosts once more than these have failed.")
]
SameMaxFail = Annotated[
    Optional[int],
    typer.Option("--max-fail", metavar="N", min=0, help="The same of apply; else as the run had it."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    example = "opskit fleet apply plan.json --serial 1,10%,100% --max-fail 2"
    changes(app, "apply", facts=False, formats=False, example=example)(apply)
    changes(app, "resume", facts=False, formats=False, example="opskit fleet resume last")(resume)
    changes(app, "undo", facts=False, formats=False, example="opskit fleet undo last --dry-run")(undo)


@reaching_again
def apply(session: Session, file: PlanFile, way: Way, serial: Serial = SERIAL, max_fail: MaxFail = 0) -> None:
    """Carry out a plan of opskit fleet plan: on each host that plan, or nothing where the host is another by now.

    Batches follow one another: the first host alone by default, then a tenth of them, then all. Before and after the
    first batch its hosts are checked (opskit check): what is new there of severity error or critical counts as a
    failure. The hosts are reached as they were for the plan, unless options say how. Ctrl-C begins no more hosts and
    waits for those that have begun. A host that the plan leaves out, refused or unreachable, counts for the exit code.
    """
    plan = load_plan(file)
    check_kept(session.state_dir)
    command = plannable(plan.argv)
    wait = ("--lock-timeout", seconds_text(session.lock_timeout).replace(" ", "")) if session.lock_timeout else ()
    run = replace(
        new_run("apply", command.given(*wait), _way(way, plan)),
        hosts={name: host.token for name, host in plan.changing.items()},
        left_out=_left_out(plan),
        serial=tuple(serial.split(",")),
        max_fail=max_fail,
    )
    if session.dry_run and run.hosts:
        _show(session, planned(run, asked(session, replace(run, kind="plan"), check=True)))
    _begin(session, run, plan, "no host of the plan has anything to change", plan.exit_code)


def _way(way: Way, plan: FleetPlan) -> Way:
    """As it was for the plan where nothing else is asked for: which hosts, how into them, and which opskit there."""
    return way._replace(
        inventory=way.inventory or plan.inventory,
        ansible=way.ansible or plan.ansible,
        tool=way.tool if way.tool != AUTO else plan.tool or AUTO,
    )


def _left_out(plan: FleetPlan) -> dict[str, str]:
    """The hosts that are not asked though the plan is for them, and why."""
    return {
        name: host.why or host.outcome
        for name, host in plan.hosts.items()
        if host.outcome not in {"changes", "nothing"}
    }


def _show(session: Session, plan: FleetPlan) -> NoReturn:
    """What a dry run ends with."""
    from opskit.fleet.show import draw_plan  # noqa: PLC0415 - a usage error does without

    code = plan.exit_code
    if not code and plan.changing and session.exit_code:
        code = ExitCode.CHANGES_PENDING
    session.screen.answer(
        plan, lambda: draw_plan(session.screen, plan, sys.stdout, verbose=session.verbose), exit_code=code
    )
    raise typer.Exit(code)


def _begin(session: Session, run: FleetRun, plan: FleetPlan, nothing: str, code: int = 0) -> NoReturn:
    """Show what will be done, ask, and do it.

    nothing: what is said where there is nothing to do; "" where nobody knows: then the plan tells why
    code: of the hosts of the plan that are left out
    """
    from opskit.fleet.show import draw_plan  # noqa: PLC0415 - a usage error does without

    if not run.hosts:

        def draw() -> None:
            if nothing:
                session.screen.done(f"nothing to do: {nothing}")
            else:
                draw_plan(session.screen, plan, sys.stdout, verbose=session.verbose)

        session.screen.answer(run_answer(run, {}), draw, exit_code=code)
        raise typer.Exit(code)
    if not (session.screen.json or session.screen.quiet):
        draw_plan(session.screen, plan, sys.stderr, verbose=session.verbose)
    confirm(session.screen, yes=session.yes)
    check_build(_BUILD, f"fleet {run.kind}")
    folder = create_run(session.state_dir, run, plan)
    session.screen.note(f"run {run.id}; from another terminal: {follow_up('fleet', 'status', run.id)}")
    with folder.held() as lock:
        _carry_out(session, folder, run, lock)


def _carry_out(session: Session, folder: RunFolder, run: FleetRun, lock: int) -> NoReturn:
    """Ask the hosts of the run, which may be a part of the folder's, and say what became of all."""
    from opskit.fleet.show import draw_run  # noqa: PLC0415 - a usage error does without

    with telling(session, folder.run) as tell:
        driven = drive(folder, run, Asked(folder.stop_path, canary=True), tell, lock)
    states = settle(folder.run, driven.events)
    code = first_code([exit_code(states), left_out_code(folder)])
    error = broken_off(driven)
    if error:
        waiting = sum(state.state == "waiting" for state in states.values())
        error.state = f"{counted(waiting, 'host')} not begun; {follow_up('fleet', 'status', run.id)} has each."
        error.todo = follow_up("fleet", "resume", folder.run.id)
        code = error.exit_code
    session.screen.answer(
        run_answer(folder.run, states),
        lambda: draw_run(session.screen, folder.run, states, verbose=session.verbose),
        error=error,
        exit_code=code,
    )
    if error and not session.screen.json:
        raise error
    raise SystemExit(code)  # typer takes an exit with 130 for a Ctrl-C that nobody has told of


def resume(session: Session, run: FleetRunName, max_fail: SameMaxFail = None) -> None:
    """Go on with a run that was stopped, or lost its control node: with the hosts that are not done.

    Each is asked by the token of its plan: a host that has carried it out says so, and does nothing twice. One that has
    refused is not asked again: it wants a new plan. Nor is one on which not all could be taken back.
    """
    folder = open_run(session.state_dir, run)
    with folder.held(look=session.dry_run) as lock:
        states = settle(folder.run, folder.events())
        left = left_to_do(states)
        if not left:
            _nothing_left(session, folder, states)
        rest = replace(
            folder.run,
            hosts={name: folder.run.hosts[name] for name in left},
            max_fail=folder.run.max_fail if max_fail is None else max_fail,
        )
        if session.dry_run:
            _show(session, planned(rest, asked(session, replace(rest, kind="plan"), check=True)))
        _show_again(session, folder, left)
        names = shown(", ".join(left[:10])) + (", …" if left[10:] else "")
        session.screen.note(f"{counted(len(left), 'host')} of run {folder.run.id} to go on with: {names}")
        patient = _patient(rest)  # which imports the command that the hosts run
        confirm(session.screen, yes=session.yes)
        check_build(_BUILD, "fleet resume")
        _carry_out(session, folder, patient, lock)


def _nothing_left(session: Session, folder: RunFolder, states: Mapping[str, HostState]) -> NoReturn:
    """Say why there is nothing to go on with: all are done, or those that are not want something else."""
    from opskit.fleet.show import draw_run  # noqa: PLC0415 - a usage error does without

    code = first_code(host_code(state) for state in states.values() if state.state not in OVER)

    def draw() -> None:
        if code:
            draw_run(session.screen, folder.run, states, verbose=session.verbose)
        session.screen.done(
            f"nothing to do: {'no host wants the same again' if code else 'each host of the run is done'}"
        )

    session.screen.answer(run_answer(folder.run, states), draw, exit_code=code)
    raise typer.Exit(code)


def _show_again(session: Session, folder: RunFolder, names: Sequence[str]) -> None:
    """The plan of these hosts, as it was approved: nobody says yes to what he does not see."""
    from opskit.fleet.show import draw_plan  # noqa: PLC0415 - a usage error does without

    plan = folder.plan()
    if plan is not None and not (session.screen.json or session.screen.quiet):
        hosts = {name: plan.hosts[name] for name in names if name in plan.hosts}
        draw_plan(session.screen, replace(plan, hosts=hosts), sys.stderr, verbose=session.verbose)


def _patient(run: FleetRun) -> FleetRun:
    """The run, with a wait for an opskit at work there: the run's own, begun before the control node was lost."""

    def waits(words: tuple[str, ...]) -> tuple[str, ...]:
        if any(word.partition("=")[0] == "--lock-timeout" for word in words):
            return words
        return typed(words, own=()).given("--lock-timeout", RESUME_WAIT)

    return replace(run, argv=waits(run.argv), words={name: waits(words) for name, words in run.words.items()})


def undo(session: Session, run: FleetRunName, serial: Serial = SERIAL, max_fail: MaxFail = 0) -> None:
    """Take back on each host what a run of opskit fleet apply did there: planned first, then asked, then done."""
    folder = open_run(session.state_dir, run)
    if run == "last" and folder.run.of:  # what it left is tried again
        folder = open_run(session.state_dir, folder.run.of)
    if folder.run.kind != "apply":
        raise UsageFault(folder.run.id, "it takes another run back itself", todo="make a plan, and apply it anew")
    check_kept(session.state_dir)
    with folder.held(look=True):  # while it is carried on there is more to take back every moment
        states = settle(folder.run, folder.events())
    done = {name: state.run for name, state in states.items() if state.run and state.state in OVER}
    left = _not_known(folder.run, states)
    way = Way(folder.run.inventory, "", folder.run.forks, folder.run.ansible, folder.run.tool)
    back = replace(
        new_run("undo", ("undo",), way),
        of=folder.run.id,
        hosts=dict.fromkeys(done, ""),
        words={name: ("undo", ident) for name, ident in done.items()},
        serial=tuple(serial.split(",")),
        max_fail=max_fail,
    )
    found = asked(session, replace(back, kind="plan"), check=True) if done else {}
    plan = planned(back, found, left)
    if session.dry_run and done:
        _show(session, plan)
    chosen = {name: host.token for name, host in plan.changing.items()}
    nothing = "is taken back as far as it can be" if done else "has changed no host"
    back = replace(back, hosts=chosen, left_out=_left_out(plan))
    _begin(session, back, plan, "" if left else f"run {folder.run.id} {nothing}", plan.exit_code)


def _not_known(run: FleetRun, states: Mapping[str, HostState]) -> dict[str, HostPlan]:
    """The hosts that the run may have changed though they have not said so: they are no part of an undo, and told."""
    left = {}
    for name, state in states.items():
        if state.state == "take_back_failed":
            why = f"what the run did there could not be taken back ({state.why or 'it is not known why'})"
            left[name] = HostPlan("failed", state.exit_code, why=why)
        elif state.state in {"unknown", "unreachable"} or (state.state == "failed" and state.answer is None):
            why = f"nobody knows how it ended there: {follow_up('fleet', 'resume', run.id)} first"
            outcome = "failed" if state.state == "failed" else "unreachable"
            left[name] = HostPlan(outcome, state.exit_code, why=why)
    return left
