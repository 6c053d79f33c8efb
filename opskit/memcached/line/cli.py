"""The commands of `opskit memcached` that look at lines: flags, explain, lint."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from opskit.commands import new_app
from opskit.core.errors import ExitCode, UsageFault
from opskit.memcached.line.edit import split_program
from opskit.memcached.line.effect import effect_of
from opskit.memcached.line.explain import explained, flags_json, result_of
from opskit.memcached.line.lint import Judgement, judge
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import parse_release
from opskit.memcached.line.see import from_pid, from_unit, read_sysconfig
from opskit.memcached.line.show import draw_explained, draw_flags, draw_lint
from opskit.memcached.line.sources import LineSource
from opskit.memcached.model import Host, HostProcess
from opskit.memcached.see.host import see_host, see_program
from opskit.memcached.unit.cli import UnitCommand
from opskit.options import reads
from opskit.session import Session

flags_app, explain_app, lint_app = (new_app("", single=True) for _ in range(3))

Line = Annotated[
    Optional[list[str]], typer.Argument(metavar="[-- LINE]...", help="The words of a memcached line, behind `--`.")
]
Version = Annotated[
    str, typer.Option("--version", metavar="V", help="Judge for this release (1.4.15 to 1.6), not for this host.")
]
Sysconfig = Annotated[str, typer.Option("--sysconfig", metavar="FILE", help="The line of a sysconfig file.")]
UnitName = Annotated[str, typer.Option("--unit", metavar="UNIT", help="The line of a systemd unit, with drop-ins.")]
Pid = Annotated[Optional[int], typer.Option("--pid", metavar="N", min=1, help="The line of a running memcached.")]


@reads(flags_app, "flags", example="opskit memcached flags --version 1.4.15")
def flags(session: Session, version: Version = "") -> None:
    """Show every option of a release: meaning, default, range, what it does, where it changed."""
    release = parse_release(version) if version else see_program(session.runner).release
    result = flags_json(release)
    session.screen.answer(result, lambda: draw_flags(session.screen, result))


@reads(
    explain_app,
    "explain",
    example="opskit memcached explain -- -p 12000 -u memcached -m 64 -c 1024 -d",
    command=UnitCommand,
)
def explain(
    session: Session,
    line: Line = None,
    version: Version = "",
    sysconfig: Sysconfig = "",
    unit: UnitName = "",
    pid: Pid = None,
) -> None:
    """Explain a line word by word: how memcached reads it, what comes of it, and findings."""
    source = _source(line, sysconfig, unit, pid)
    judgement = _judge(session, source, version, pid)
    result = {**result_of(source, judgement), "words": explained(judgement)}
    findings = (*source.syntax, *judgement.findings)
    session.screen.answer(result, lambda: draw_explained(session.screen, result, findings), findings=findings)


@reads(lint_app, "lint", example="opskit memcached lint --sysconfig /etc/sysconfig/memcached", command=UnitCommand)
def lint(
    session: Session,
    line: Line = None,
    version: Version = "",
    sysconfig: Sysconfig = "",
    unit: UnitName = "",
    pid: Pid = None,
) -> None:
    """Check a line: what memcached would refuse, misread or open to others; with the corrected line. Exit 4."""
    source = _source(line, sysconfig, unit, pid)
    judgement = _judge(session, source, version, pid)
    result = result_of(source, judgement)
    findings = (*source.syntax, *judgement.findings)
    session.screen.answer(result, lambda: draw_lint(session.screen, result, findings), findings=findings)
    if findings:
        raise typer.Exit(ExitCode.FINDINGS)


def _source(line: Optional[list[str]], sysconfig: str, unit: str, pid: Optional[int]) -> LineSource:
    """The line that was named, in one of four ways. Raises UsageFault."""
    named = [
        name for name, value in (("LINE", line), ("--sysconfig", sysconfig), ("--unit", unit), ("--pid", pid)) if value
    ]
    if len(named) != 1:
        if named:
            raise UsageFault("line", f"{' and '.join(named)} do not go together", todo="leave all but one out")
        todo = "-- and a line, such as -p 11211 -m 64; or --sysconfig FILE, --unit UNIT or --pid N"
        raise UsageFault("line", "which one is meant?", todo=todo)
    if sysconfig:
        return read_sysconfig(sysconfig)
    if unit:
        return from_unit(unit)
    if pid:
        return from_pid(pid)
    try:
        program, words = split_program(line or [])
    except ValueError as error:
        raise UsageFault("line", f"it cannot be split into words: {error}", todo="close its quotes") from error
    return LineSource(tuple(words), "line", program)


def _judge(session: Session, source: LineSource, version: str, pid: Optional[int]) -> Judgement:
    """Judge it for the release that is named, or for this host."""
    if version:
        return judge(parse(source.words, parse_release(version)))
    program = see_program(session.runner, source.program if source.program.startswith("/") else "memcached")
    line = parse(source.words, program.release)
    host = see_host(effect_of(line), program=program, limits=source.limits)
    return judge(line, _without_itself(host, source, pid))


def _without_itself(host: Host, source: LineSource, pid: Optional[int]) -> Host:
    """The host as it is without the instance that the line is of: that may have its own port and pid file."""

    def own(holder: Optional[HostProcess]) -> bool:
        return holder is not None and (holder.pid == pid or (source.unit != "" and holder.unit == source.unit))

    taken = tuple(port for port in host.taken if not own(port.holder))
    file = host.pid_file
    if file is not None and own(file.holder):
        file = file._replace(exists=False, holder=None)
    listens = host.socket_taken and not own(host.socket_holder)
    return host._replace(taken=taken, pid_file=file, socket_taken=listens)
