"""`opskit fleet plan` and `show`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from opskit.core.errors import UsageFault
from opskit.core.files import read_bytes
from opskit.fleet.cli.asking import asked, planned
from opskit.fleet.cli.hosts import Way, new_run, reaching
from opskit.fleet.cli.words import plannable
from opskit.fleet.model import FleetPlan, read_plan
from opskit.options import reads
from opskit.session import Session

Words = Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="A command of opskit, without `opskit`.")]
PlanFile = Annotated[str, typer.Argument(metavar="FILE", help="The plan (`-`: stdin).")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    example = "opskit fleet plan -i hosts.ini -l web -- disk mount /dev/vdb /data > plan.json"
    reads(app, "plan", example=example)(plan)
    reads(app, "show", example="opskit fleet show plan.json --diff")(show)


@reaching
def plan(session: Session, words: Words, way: Way) -> None:
    """Ask each host what the command would do there: nothing changes.

    On a terminal a table is shown; into a file or a pipe goes the plan itself, for opskit fleet apply. It has each
    host's plan by its token, its changes, the reasons of a refusal, and a checksum against accidents.
    """
    from opskit.fleet.show import draw_plan  # noqa: PLC0415 - a usage error does without

    screen = session.screen
    run = new_run("plan", plannable(words).words, way)
    made = planned(run, asked(session, run, check=True))
    terminal = sys.stdout.isatty()
    if not (terminal or screen.json or screen.quiet):
        draw_plan(screen, made, sys.stderr, verbose=session.verbose)
    screen.json = screen.json or not terminal
    screen.answer(made, lambda: draw_plan(screen, made, sys.stdout, verbose=session.verbose), exit_code=made.exit_code)
    raise typer.Exit(made.exit_code)


def show(
    session: Session,
    file: PlanFile,
    diff: Annotated[bool, typer.Option("--diff", help="Also each change, with before and after.")] = False,
) -> None:
    """Show a plan that was made: what would happen, and on which hosts."""
    from opskit.fleet.show import draw_plan  # noqa: PLC0415

    made = load_plan(file)
    session.screen.answer(
        made,
        lambda: draw_plan(
            session.screen, made, sys.stdout, file="" if file == "-" else file, diff=diff, verbose=session.verbose
        ),
    )


def load_plan(path: str) -> FleetPlan:
    """The plan of a file, or of stdin for `-`. Raises UsageFault."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else read_bytes(path, limit=1024**3)
    except OSError as error:
        raise UsageFault(path, f"it cannot be read ({error.strerror})") from error
    return read_plan(path, data.decode("utf-8", "surrogateescape"))
