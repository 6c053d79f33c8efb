"""The command `opskit yum wait`."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from typing import Annotated, Optional

import typer

from opskit.core.errors import Busy, ExitCode, Missing, Refused, UsageFault
from opskit.core.finding import Finding
from opskit.core.runner import become
from opskit.core.text import shown
from opskit.options import new_app, reads
from opskit.session import Session
from opskit.yum.cli import InstallRoot
from opskit.yum.findings import holder_text
from opskit.yum.see.facts import find_places, named_root
from opskit.yum.show import age_text
from opskit.yum.state import TAKEN, UNKNOWN, Verdict, opskit_line
from opskit.yum.times import parse_seconds
from opskit.yum.wait import see as waiting

app = new_app("", single=True)


@reads(app, "wait", example="opskit yum wait --timeout 10m -- dnf -y update")
def wait(
    session: Session,
    command: Annotated[
        Optional[list[str]], typer.Argument(metavar="[-- COMMAND]...", help="What to run once all is free.")
    ] = None,
    installroot: InstallRoot = "",
    timeout: Annotated[Optional[str], typer.Option(metavar="TIME", help="Wait at most so long: 90s, 10m, 2h.")] = None,
) -> None:
    """Wait until no lock of a package manager is held, then run a command if one is named.

    Exits 7 at the time limit, 4 when what blocks will not end by itself (a broken lock: opskit yum unlock). The command
    takes the place of opskit: its terminal, its exit status. What another user has below /var/tmp is in nobody's way.
    """
    if command and session.screen.json:
        raise UsageFault("opskit yum wait", "--json and a command are two answers", todo="leave one of them out")
    if command and shutil.which(command[0]) is None:
        raise Missing(command[0], "this program is not on the host", todo="name one that is")
    limit = math.inf if timeout is None else parse_seconds("--timeout", timeout)
    root = named_root(installroot)
    where = find_places(session.runner, root)
    line = _Line(session)
    try:
        ended = waiting.wait(where, root, limit, line.tell, 1.0 if line.terminal else math.inf)
    finally:
        line.clear()
    _check_free(session, ended, root)
    if command:
        become(command)
    result = {"free": True, "waited_seconds": round(ended.seconds, 3), "wakeups": ended.wakeups}
    session.screen.answer(result, lambda: session.screen.done(f"free, after {ended.seconds:.1f} s"))


def _check_free(session: Session, ended: waiting.Waited, root: str) -> None:
    """Raise Busy for what is held still, Missing for what only root can read, Refused (4) for what will not end."""
    if not ended.left:
        return
    held = [one for one in ended.left if one.state in TAKEN]
    if held:
        what = f"{held[0].lock.place.path} is not free after {ended.seconds:.0f} s"
        raise Busy(
            what, _who(held[0]), todo=f"{opskit_line(root, 'lock')} shows what is safe", state="Nothing was changed."
        )
    if any(one.state == UNKNOWN for one in ended.left):
        session.need_root()
    findings = [
        Finding(f"lock-{one.state}", "error", f"{one.lock.place.path} is {one.state}: {one.why}", "", one.commands[0])
        for one in ended.left
    ]
    raise Refused("no wait will free it", findings, exit_code=ExitCode.FINDINGS)


def _who(one: Verdict) -> str:
    who = holder_text(one.holder) if one.holder else f"pid {one.lock.pid}"
    phase = f", {one.phase}" if one.phase else ""
    return f"{who}: {one.state}{phase}"


class _Line:
    """Who is waited for, on stderr: a line that is written over on a terminal, elsewhere one for each that is new."""

    def __init__(self, session: Session) -> None:
        self.screen = session.screen
        self.quiet = session.screen.quiet or session.screen.json
        self.terminal = sys.stderr.isatty() and not self.quiet
        self.said = ""

    def tell(self, blocking: Sequence[Verdict], seconds: float) -> None:
        """Say who blocks."""
        if self.quiet or not blocking:
            return
        text = shown(f"waiting for {_who(blocking[0])} ({blocking[0].lock.place.path})")
        if self.terminal:
            width = max(20, shutil.get_terminal_size().columns - 1)
            spent = f"{age_text(seconds)}: "
            print(f"\r\033[K{(spent + text)[:width]}", end="", file=sys.stderr, flush=True)
        elif text != self.said:
            self.screen.note(text)
        self.said = text

    def clear(self) -> None:
        """Leave nothing on the terminal."""
        if self.terminal and self.said:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
