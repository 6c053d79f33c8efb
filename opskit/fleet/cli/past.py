"""`opskit fleet status` and `report`: a run that is on disk."""

from __future__ import annotations

from typing import Annotated

import typer

from opskit.core.errors import Failed, UsageFault
from opskit.core.files import write_atomic
from opskit.core.text import shown
from opskit.core.units import now, time_text
from opskit.fleet.cli.asking import left_out_code, run_answer
from opskit.fleet.cli.hosts import FleetRunName
from opskit.fleet.drive.store import open_run
from opskit.fleet.model import exit_code, first_code, host_code, settle
from opskit.options import reads
from opskit.session import Session


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    reads(app, "status", example="opskit fleet status last")(status)
    reads(app, "report", example="opskit fleet report last --html fleet.html")(report)


def status(session: Session, run: FleetRunName) -> None:
    """Show what became of each host of a run, also while it goes, and what to do next.

    Exits as the run did.
    """
    from opskit.fleet.show import draw_run  # noqa: PLC0415 - a usage error does without

    folder = open_run(session.state_dir, run)
    live = folder.live()
    states = settle(folder.run, folder.events(), live=live)
    code = first_code(map(host_code, states.values())) if live else exit_code(states)
    code = first_code([code, left_out_code(folder)])
    session.screen.answer(
        run_answer(folder.run, states, live=live),
        lambda: draw_run(session.screen, folder.run, states, live=live, verbose=session.verbose),
        exit_code=code,
    )
    raise typer.Exit(code)


def report(
    session: Session,
    run: FleetRunName,
    html: Annotated[str, typer.Option("--html", metavar="FILE", help="Where the page goes.")] = "",
) -> None:
    """Write one self-contained page of a run: each host with what happened there, findings, plans."""
    from opskit.fleet.report import page  # noqa: PLC0415 - a usage error does without

    if not html:
        raise UsageFault("--html", "it is not said where the page goes", todo="--html FILE")
    folder = open_run(session.state_dir, run)
    states = settle(folder.run, folder.events(), live=folder.live())
    text = page(folder.run, states, time_text(now()), folder.plan())
    try:
        write_atomic(html, text.encode("utf-8", "replace"))
    except OSError as error:
        raise Failed(html, f"the page cannot be written ({error.strerror})") from error
    session.screen.answer({"file": html}, lambda: session.screen.done(f"{shown(html)}: run {folder.run.id}"))
