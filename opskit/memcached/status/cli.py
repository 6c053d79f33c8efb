"""`opskit memcached status`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from opskit.commands import new_app
from opskit.core.errors import ExitCode, UsageFault
from opskit.memcached.status.findings import find, instance_json
from opskit.memcached.status.model import Instance, UnitState
from opskit.memcached.status.see import see_instances, see_units
from opskit.memcached.status.show import draw_status
from opskit.memcached.status.show import watch as draw_watch
from opskit.options import reads, span_of, watch_interval
from opskit.session import Session

app = new_app("", single=True)


@reads(app, "status", example="opskit memcached status --watch")
def status(
    session: Session,
    watch: Annotated[bool, typer.Option("--watch", help="Draw it anew until Ctrl-C, with graphs over time.")] = False,
    interval: Annotated[float, watch_interval("2s")] = 2.0,
    slabs: Annotated[
        bool,
        typer.Option("--slabs", help="One line for each class of sizes: memory, free, waste, evictions, failures."),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 4 when there are findings.")] = False,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SPAN",
            parser=span_of("--timeout", least=0.1, most=86400),
            show_default="500ms",
            help="How long to wait for instances that do not answer.",
        ),
    ] = 0.5,
) -> None:
    """Show every memcached of the host: memory, hits, evictions, failed stores, connections; with findings.

    All are asked at the same time; one that does not answer is named and holds nothing up.
    """

    def see() -> tuple[tuple[Instance, ...], tuple[UnitState, ...]]:
        return see_instances(session.runner, timeout), see_units(session.runner)

    if watch:
        if slabs:
            raise UsageFault("--watch", "it does not go with --slabs", todo="one of them")
        if session.screen.json or not sys.stdout.isatty():
            raise UsageFault("--watch", "it draws on a terminal", todo="without --watch, once for each look")
        draw_watch(session.screen, see, interval)
        return
    instances, units = see()
    findings = find(instances, units)
    result = {
        "instances": [instance_json(instance) for instance in instances],
        "units": [{"name": unit.name, "state": unit.state, "result": unit.result or None} for unit in units],
    }
    session.screen.answer(
        result, lambda: draw_status(session.screen, instances, units, findings, slabs=slabs), findings=findings
    )
    if check and findings:
        raise typer.Exit(ExitCode.FINDINGS)
