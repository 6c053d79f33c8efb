"""`opskit doctor`: what this host has of what opskit needs, and what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import typer

from opskit import areas
from opskit.commands import new_app, take_defaults, why_of
from opskit.core.config import Config, load_config
from opskit.core.errors import ExitCode, UsageFault
from opskit.options import reads
from opskit.session import Session

app = new_app("", single=True)


@reads(app, "doctor", example="opskit doctor", tolerant=True)
def doctor(session: Session) -> None:
    """Show what opskit has to work with on this host, and what is missing for which command.

    This opskit and its Python, the host, the capabilities of this user, the state directory, the configuration in force
    with the file of each value, and the programs with their releases. A report of a fault begins with it; passwords are
    left out. Exits 0 when nothing is wrong, 4 with findings.
    """
    from opskit.core.jsonable import to_json  # noqa: PLC0415
    from opskit.doctor.diagnosis import diagnose  # noqa: PLC0415
    from opskit.doctor.see import see_all  # noqa: PLC0415
    from opskit.doctor.show import draw  # noqa: PLC0415

    faults = tuple(_faults(session.config))
    seen = see_all(session.runner, session.config, session.state_dir, os.environ, faults)
    findings = list(diagnose(seen))
    code = ExitCode.FINDINGS if findings else ExitCode.DONE
    session.screen.answer(
        to_json(seen), lambda: draw(session.screen, seen, findings), findings=findings, exit_code=code
    )
    raise typer.Exit(code)


def _faults(config: Config) -> Iterator[str]:
    """What the tables of the config files say wrongly, of all commands."""
    if config.defaults:
        from opskit.cli import app as root  # noqa: PLC0415 (cli imports this module when it is asked for)

        yield from _faults_of_tables(typer.main.get_command(root))
    if config.checks:
        try:
            areas.load_settings()(config.checks, areas.load_thresholds(), config.fault)
        except UsageFault as fault:
            yield f"{fault.what}: {fault.why}"


def _faults_of_tables(command: Any, ctx: Any = None) -> Iterator[str]:
    """What the config files say wrongly of any command: a run tells of its own command alone.

    command: the root of all; then each that has a table, with its context
    """
    ctx = ctx or command.context_class(command, info_name="opskit", default_map=load_config().defaults)
    take_defaults(command, ctx)
    yield from (passed.text for passed in ctx.meta.pop(f"opskit.unknown {ctx.command_path}"))
    faults = ctx.meta.pop(f"opskit.faults {ctx.command_path}")
    parameters = {parameter.name: parameter for parameter in command.params}
    for name, value in ctx.default_map.items():
        if isinstance(value, dict):
            inner = command.get_command(ctx, name)
            yield from _faults_of_tables(inner, inner.context_class(inner, info_name=name, parent=ctx))
            continue
        try:
            parameters[name].type_cast_value(ctx, value)
        except UsageFault as fault:
            faults.append(load_config().fault(ctx.meta[f"opskit.key {name}"], fault.why))
        except typer.BadParameter as error:
            faults.append(load_config().fault(ctx.meta[f"opskit.key {name}"], why_of(error)))
    yield from (f"{fault.what}: {fault.why}" for fault in faults)
