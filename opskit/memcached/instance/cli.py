"""`opskit memcached start` and `stop`."""

from __future__ import annotations

import inspect
import os
import re
from typing import Annotated, Any, Optional

import typer

from opskit.act import Chore, act, tell
from opskit.commands import new_app
from opskit.core.errors import UsageFault
from opskit.core.plan import Plan
from opskit.core.systemd import service_name
from opskit.core.text import counted
from opskit.memcached.instance.plan import decide_start, decide_stop
from opskit.memcached.instance.request import OURS, StartRequest, run_directory
from opskit.memcached.instance.see import see_start, see_stop
from opskit.memcached.line.edit import OptionText, shell
from opskit.memcached.line.table import FLAGS, Flag
from opskit.memcached.see.proc import instances
from opskit.memcached.unit.cli import UnitCommand
from opskit.options import changes, offered
from opskit.session import Session

start_app = new_app("", single=True)
stop_app = new_app("", single=True)
# -h and -V start nothing; -d goes without saying, and -v is opskit's.
LEFT_OUT = "hiVv"
# What can be completed of the words that an option takes.
CHOICES = {"B": ("auto", "ascii", "binary")}


def _name(flag: Flag) -> str:
    return (flag.long or "prefix-delimiter").replace("-", "_")


def _parameter(flag: Flag) -> inspect.Parameter:
    """An option of memcached as one of ours: its value as it is typed, so that lint can say what is wrong with it."""
    names = [f"--{_name(flag).replace('_', '-')}", *([] if flag.letter in OURS else [f"-{flag.letter}"])]
    unit = f" ({flag.unit})" if flag.unit in {"MiB", "octal", "bytes", "bytes, k or m"} else ""
    text = f"{flag.meaning}{unit}."
    many = flag.letter in "lo"
    kind: Any = Optional[list[str]] if many else Optional[str] if flag.value else bool
    # lint has more to say about a wrong one, and its words depend on the release.
    words = offered(names[0], *CHOICES[flag.letter]) if flag.letter in CHOICES else None
    option = typer.Option(*names, metavar=flag.value or None, parser=words, help=text, show_default=False)
    default = None if flag.value else False
    return inspect.Parameter(
        _name(flag), inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


OPTIONS = {_name(flag): flag for flag in FLAGS.values() if flag.letter not in LEFT_OUT}
Expose = Annotated[
    Optional[list[str]],
    typer.Option("--expose", metavar="ADDRESS", help="Listen on this too: the only way beyond loopback."),
]
ByUnit = Annotated[
    str,
    typer.Option(
        "--unit",
        metavar="UNIT",
        help="By systemd, now and at boot: memcached.service, or memcached@NAME, which it makes.",
    ),
]
NoEnable = Annotated[bool, typer.Option("--no-enable", help="With --unit: not at boot.")]


def start(
    session: Session, *, expose: Optional[list[str]] = None, unit: str = "", no_enable: bool = False, **values: Any
) -> None:
    """Start an instance with memcached's own options, and check that it is as asked for.

    It listens on 127.0.0.1 with UDP off unless told otherwise, as a daemon with a pid file. With --unit systemd runs
    it, and starts it at boot. A value that memcached would refuse or misread is refused here, with what was meant.
    """
    options: list[OptionText] = []
    for name, flag in OPTIONS.items():
        value = values.get(name)
        if isinstance(value, list):
            options += [(flag.letter, text) for text in value]
        elif flag.value and value is not None:
            # A daemon goes to /, and what is typed counts from here.
            path = flag.value == "FILE" and value
            options.append((flag.letter, os.path.abspath(value) if path else value))
        elif not flag.value and value:
            options.append((flag.letter, None))
    if "" in (expose or ()):
        raise UsageFault("--expose", "no address is named", todo="--expose ADDRESS, or leave it out")
    root = os.geteuid() == 0
    directory = run_directory(options) if root else os.path.abspath(session.state_dir)
    if no_enable and not unit:
        raise UsageFault("--no-enable", "without --unit nothing starts at boot", todo="with --unit, or leave it out")
    unit = service_name("--unit", unit) if unit else ""
    port = unit.removesuffix(".service").partition("@")[2]
    if re.fullmatch("[0-9]+", port) and not {"p", "s"} & {letter for letter, _ in options}:
        options.append(("p", port))
    request = StartRequest(tuple(options), tuple(expose or ()), directory, unit, not no_enable)
    if unit:
        from opskit.memcached.unit.plan import decide_unit  # noqa: PLC0415 - a daemon does without
        from opskit.memcached.unit.see import see_unit  # noqa: PLC0415

        session.need_root()
        outcome = act(
            session,
            Chore(lambda runner: see_unit(runner, request), lambda facts, run: decide_unit(facts, request, run)),
        )
    else:
        chore = Chore(lambda runner: see_start(runner, request), lambda facts, _run: decide_start(facts, request))
        outcome = act(session, chore)
    line = outcome.plan.result["line"]
    tell(session, outcome, f"runs, checked: {shell(line[0], line[1:])}", f"it runs already: {shell(line[0], line[1:])}")


def _signature() -> inspect.Signature:
    """Start's own parameters, and one for each option of the table."""
    own = [
        inspect.Parameter("session", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Session),
        *(_parameter(flag) for flag in OPTIONS.values()),
        inspect.Parameter("expose", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Expose),
        inspect.Parameter("unit", inspect.Parameter.KEYWORD_ONLY, default="", annotation=ByUnit),
        inspect.Parameter("no_enable", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=NoEnable),
    ]
    return inspect.Signature(own)


start.__signature__ = _signature()  # type: ignore[attr-defined]
start.__annotations__ = {name: parameter.annotation for name, parameter in _signature().parameters.items()}
changes(
    start_app,
    "start",
    facts=False,
    example="opskit memcached start -p 12000 -m 64 -c 1024 --dry-run",
    command=UnitCommand,
)(start)


@changes(stop_app, "stop", facts=False, example="opskit memcached stop --port 12000", command=UnitCommand)
def stop(
    session: Session,
    port: Annotated[
        Optional[int], typer.Option("--port", "-p", metavar="NUM", min=1, max=65535, help="By its port.")
    ] = None,
    unix_socket: Annotated[str, typer.Option("--unix-socket", "-s", metavar="FILE", help="By its UNIX socket.")] = "",
    pidfile: Annotated[str, typer.Option("--pidfile", "-P", metavar="FILE", help="By its pid file.")] = "",
    unit: Annotated[str, typer.Option("--unit", metavar="UNIT", help="By its systemd unit.")] = "",
) -> None:
    """Stop an instance: never a process that is not memcached. A pid file or UNIX socket left behind is removed."""
    named = [value for value in (port, unix_socket, pidfile, unit) if value]
    if len(named) != 1:
        todo = "one of --port, --unix-socket, --pidfile, --unit; opskit memcached status lists the instances"
        raise UsageFault("stop", "name the instance in exactly one way", todo=todo)
    what = f"port {port}" if port else str(named[0])
    if unit:
        from opskit.memcached.unit.plan import decide_stop_unit  # noqa: PLC0415
        from opskit.memcached.unit.see import see_active  # noqa: PLC0415

        name = service_name("--unit", unit)
        session.need_root()
        outcome = act(
            session,
            Chore(lambda runner: see_active(runner, name), lambda facts, _run: decide_stop_unit(name, facts)),
        )
        tell(session, outcome, f"stopped: {what}", f"{what} does not run")
        return

    chore = Chore(
        lambda runner: see_stop(runner, what, port, unix_socket, pidfile), lambda facts, _run: decide_stop(facts)
    )
    outcome = act(session, chore)
    tell(session, outcome, f"stopped: {what}{_left(outcome.plan)}", f"there is no memcached at {what}")


def _left(plan: Plan) -> str:
    """What stays behind of an instance that was stopped."""
    pid = plan.result.get("pid")
    others = [process.pid for process in instances() if process.pid != pid]
    return f"; {counted(len(others), 'other instance runs', 'other instances run')}" if others else ""
