"""The commands `opskit status` and `opskit check`."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Annotated, Optional

import typer

from opskit import areas
from opskit.commands import new_app
from opskit.core.errors import OpskitError, UsageFault
from opskit.core.finding import follow_up
from opskit.core.report import ReportRequest
from opskit.options import (
    AREA,
    DEFAULT_STATE_DIR,
    Areas,
    MetricsFile,
    changes,
    check_format,
    one_of,
    reads,
    span_of,
    watch_interval,
)
from opskit.session import Session
from opskit.status.conclusion import conclude, exit_code
from opskit.status.model import Conclusion, Settings
from opskit.status.see.looks import Question, look
from opskit.status.settings import read_settings

app = new_app("", single=True)
check_app = new_app("", single=True)
A_WEEK = 7 * 86400


@reads(app, "status", example="opskit status")
def status(
    session: Session,
    only: Annotated[
        Optional[list[str]], typer.Option("--only", metavar="AREA", parser=AREA, help="Only this area; several add up.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Draw it anew until Ctrl-C; * is before what changed.")
    ] = False,
    interval: Annotated[float, watch_interval("5s")] = 5.0,
) -> None:
    """Show the host on one screen: disks, filesystems, journal, memcached, services, packages, and what opskit did.

    All are looked at at the same time, each for some seconds at most. Below them are the findings, the most important
    first, each with the command that mends it. Exits 0 when all could be looked at, else 1.
    """
    from opskit.status.show import conclusion_json, draw_status  # noqa: PLC0415 - a machine does without
    from opskit.status.show import watch as draw_watch  # noqa: PLC0415

    if watch:
        if session.screen.json or not sys.stdout.isatty():
            raise UsageFault("--watch", "it draws on a terminal", todo="without --watch, once for each look")
        draw_watch(session.screen, partial(_conclude, session, only or ()), socket.gethostname(), interval)
    conclusion = _conclude(session, only or ())
    failed = any(looked.failure for looked in conclusion.looks)
    session.screen.answer(
        conclusion_json(conclusion),
        lambda: draw_status(session.screen, conclusion, socket.gethostname()),
        findings=[each.finding for each in conclusion.findings],
        exit_code=int(failed),
    )
    if failed:
        raise typer.Exit(1)


@changes(check_app, "check", facts=False, formats=False, example="opskit check --format nagios")
def check(
    session: Session,
    only: Areas = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            parser=one_of("--format", "text", "json", "nagios", "prometheus"),
            help="text, json, nagios (exits 0 to 3), or prometheus (node_exporter's textfile collector).",
        ),
    ] = "text",
    output: MetricsFile = "",
    every: Annotated[
        Optional[float],
        typer.Option(
            "--install-timer",
            metavar="SPAN",
            parser=span_of("--install-timer", least=60, most=A_WEEK),
            help="Have systemd run this check so often: 10m, 1h.",
        ),
    ] = None,
) -> None:
    """Check the whole host: the findings of all areas, the most important first, each with what to do.

    Exits 0 when nothing is wrong, 4 with findings (of severity info alone: 0), 1 when an area could not be looked at,
    which is a finding of its own. A config file has thresholds in `[check.AREA]`, and what is to be ignored, with a
    reason and a last day, in `[[check.ignore]]`. --install-timer writes a service and a timer of systemd that run the
    same check, with its areas and its format; nothing is checked then.
    """
    check_format(form, output, json=session.screen.json, otherwise="opskit check --json > FILE")
    if every is not None:
        _install(session, only or (), form, output, int(every))
        return
    if form == "nagios":
        _nagios(session, only or ())
        return
    conclusion = _conclude(session, only or ())
    code = exit_code(conclusion)
    if form == "prometheus":
        from opskit.core.metrics import publish  # noqa: PLC0415 - a person does without
        from opskit.status.prometheus import metrics  # noqa: PLC0415

        # A dry run shows what it would write.
        publish(metrics(conclusion, time.time()), "" if session.dry_run else output)
    else:
        from opskit.status.show import conclusion_json, draw_check  # noqa: PLC0415

        session.screen.json = session.screen.json or form == "json"
        session.screen.answer(
            conclusion_json(conclusion),
            lambda: draw_check(session.screen, conclusion),
            findings=[each.finding for each in conclusion.findings],
            exit_code=code,
        )
    raise typer.Exit(code)


def _conclude(session: Session, only: Sequence[str]) -> Conclusion:
    """Look at these areas, or at all. Raises UsageFault for what a config file says wrongly."""
    checks = session.config.checks
    settings = read_settings(checks, areas.load_thresholds(), session.config.fault) if checks else Settings()
    questions = [
        Question(
            each.area,
            each.name,
            follow_up(*each.command),
            partial(areas.load_check, each),
            each.seconds,
            ReportRequest(session.state_dir, settings.thresholds.get(each.area, {})),
        )
        for each in areas.LOOKS
        if not only or each.area in only
    ]
    return conclude(look(questions), settings.ignores, date.today())  # noqa: DTZ011 - of the host


def _install(session: Session, only: Sequence[str], form: str, output: str, seconds: int) -> None:
    """The timer. Raises UsageFault where the metrics would go nowhere."""
    from opskit.act import Chore, act, tell  # noqa: PLC0415 - a check does without
    from opskit.status.see.timer import see_timer  # noqa: PLC0415
    from opskit.status.timer import TimerRequest, decide_timer  # noqa: PLC0415

    if form == "prometheus" and not output:
        raise UsageFault("--install-timer", "the metrics would go nowhere", todo="name their file with --output FILE")
    if output and not os.path.isdir(os.path.dirname(os.path.abspath(output))):
        raise UsageFault("--output", f"there is no directory for {output}", todo="name one that is there")
    words = ["check", *only, *(["--format", form] if form != "text" else [])]
    words += ["--output", os.path.abspath(output)] if output else []
    words += ["--state-dir", os.path.abspath(session.state_dir)] if session.state_dir != DEFAULT_STATE_DIR else []
    config = os.environ.get("OPSKIT_CONFIG", "")
    request = TimerRequest(
        tuple(words), seconds, nagios=form == "nagios", config=os.path.abspath(config) if config else ""
    )
    chore = Chore(see_timer, lambda facts, run: decide_timer(facts, request, run), root=True, lasting=False)
    outcome = act(session, chore)
    unit = outcome.plan.result["unit"]
    tell(session, outcome, f"{outcome.plan.title}: {unit}", f"{unit} does that already")


def _nagios(session: Session, only: Sequence[str]) -> None:
    """The lines, and an exit status of 0 to 3, whatever happens."""
    from opskit.status.nagios import lines, state  # noqa: PLC0415
    from opskit.ui.errors import NAGIOS_UNKNOWN, nagios_unknown  # noqa: PLC0415

    try:
        conclusion = _conclude(session, only)
    except OpskitError as error:
        session.screen.line(nagios_unknown(error))
        raise typer.Exit(NAGIOS_UNKNOWN) from error
    for line in lines(conclusion):
        session.screen.line(line)
    raise typer.Exit(state(conclusion))
