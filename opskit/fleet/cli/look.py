"""`opskit fleet run` and `check`: what only looks."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from opskit.fleet.cli.asking import asked
from opskit.fleet.cli.hosts import Way, new_run, reaching
from opskit.fleet.cli.plan import Words as Command
from opskit.fleet.cli.words import looks_only
from opskit.fleet.model import exit_code
from opskit.options import Areas, MetricsFile, check_format, one_of, reads
from opskit.session import Session


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    reads(app, "run", example="opskit fleet run -i hosts.ini -l web -- df --why /")(run)
    reads(app, "check", example="opskit fleet check -i hosts.ini -l web")(check)


@reaching
def run(session: Session, words: Command, way: Way) -> None:
    """Run a command that only looks on each host; hosts that answer the same are shown once.

    A command that changes hosts is refused: opskit fleet plan is for those.
    """
    from opskit.fleet.show import draw_answers  # noqa: PLC0415 - a usage error does without

    fleet = new_run("run", looks_only(words).words, way)
    states = asked(session, fleet, check=False)
    code = exit_code(states)
    session.screen.answer(
        {"argv": fleet.argv, "hosts": states},
        lambda: draw_answers(session.screen, fleet, states, verbose=session.verbose),
        exit_code=code,
    )
    raise typer.Exit(code)


@reaching
def check(
    session: Session,
    way: Way,
    only: Areas = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            parser=one_of("--format", "text", "json", "prometheus"),
            help="text, json, or prometheus (node_exporter's textfile collector).",
        ),
    ] = "text",
    output: MetricsFile = "",
) -> None:
    """Check each host as opskit check does there: the findings of all, equal ones together.

    Exits 0 when nothing is wrong anywhere, 4 with findings, 10 when a host could not be reached.
    """
    check_format(form, output, json=session.screen.json, otherwise="opskit fleet check … --json > FILE")
    fleet = new_run("check", ("check", *(only or ())), way)
    states = asked(session, fleet, check=False)
    code = exit_code(states)
    if form == "prometheus":
        from opskit.core.metrics import publish  # noqa: PLC0415
        from opskit.fleet.metrics import metrics  # noqa: PLC0415

        publish(metrics(states, time.time()), output)
        raise typer.Exit(code)
    from opskit.fleet.show import draw_check  # noqa: PLC0415

    session.screen.json = session.screen.json or form == "json"
    session.screen.answer(
        {"argv": fleet.argv, "hosts": states},
        lambda: draw_check(session.screen, fleet, states, verbose=session.verbose),
        exit_code=code,
    )
    raise typer.Exit(code)
