"""The command `opskit yum wait`."""

from __future__ import annotations

import math
import shutil
import sys
from typing import Annotated, Optional

import typer

from opskit.commands import new_app
from opskit.core.errors import Busy, ExitCode, Missing, Refused, UsageFault
from opskit.core.finding import Finding
from opskit.core.runner import become
from opskit.core.text import shown
from opskit.core.units import seconds_text
from opskit.options import reads, span_of
from opskit.session import Session
from opskit.ui.screen import fitted
from opskit.yum.cli import InstallRoot
from opskit.yum.findings import finding_id, holder_text, unusable_databases
from opskit.yum.see.facts import find_places, named_root
from opskit.yum.state import TAKEN, UNKNOWN, LockVerdict, opskit_line
from opskit.yum.wait import see as waiting

app = new_app("", single=True)


@reads(app, "wait", example="opskit yum wait --timeout 10m -- dnf -y update")
def wait(
    session: Session,
    command: Annotated[
        Optional[list[str]], typer.Argument(metavar="[-- COMMAND]...", help="What to run once all is free.")
    ] = None,
    installroot: InstallRoot = "",
    timeout: Annotated[
        Optional[float],
        typer.Option(metavar="SPAN", parser=span_of("--timeout"), help="Wait at most so long: 90s, 10m, 2h."),
    ] = None,
) -> None:
    """Wait until no lock of a package manager is held and no cut-off scriptlet runs, then run a command.

    Exits 7 at the time limit, 4 when what blocks will not end by itself (a broken lock, a database of rpm that a killed
    process left unusable: opskit yum unlock). The command takes the place of opskit: its terminal, its exit status. A
    lock in another user's folder below /var/tmp is not waited for.
    """
    if command and session.screen.json:
        raise UsageFault("opskit yum wait", "--json and a command cannot be combined", todo="leave one of them out")
    if command and shutil.which(command[0]) is None:
        raise Missing(command[0], "there is no such program on this host", todo="name one that exists")
    limit = math.inf if timeout is None else timeout
    root = named_root(installroot)
    places = find_places(session.runner, root)
    line = _Line(session)
    try:
        ended = waiting.wait(places, root, limit, line.tell, 1.0 if line.terminal else math.inf)
    finally:
        line.clear()
    _check_free(session, ended, root)
    if command:
        become(command)
    result = {"free": True, "waited_seconds": round(ended.seconds, 3), "wakeups": ended.wakeups}
    waited = f"free, after {seconds_text(int(ended.seconds), 2)}" if ended.seconds >= 1 else "free"
    session.screen.answer(result, lambda: session.screen.done(waited))


def _check_free(session: Session, ended: waiting.Waited, root: str) -> None:
    """Raise Busy for what still runs, Missing for a lock that only root can read, Refused (4) for what is broken."""
    left = ended.left
    if not left:
        return
    if left.ends_by_itself:
        where, who = _first(left)
        what = f"{where} is not free after {seconds_text(int(ended.seconds), 2)}"
        raise Busy(what, who, todo=f"{opskit_line(root, 'lock')} shows what is safe", state="Nothing was changed.")
    if any(verdict.state == UNKNOWN for verdict in left.locks):
        session.need_root()
    findings = [*map(_broken, left.locks), *unusable_databases(left.databases, root)]
    raise Refused("waiting will not free it", findings, exit_code=ExitCode.FINDINGS)


def _broken(verdict: LockVerdict) -> Finding:
    title = f"{verdict.path} is {verdict.state}: {verdict.why}"
    return Finding(finding_id(verdict), "error", title, "", verdict.commands[0])


def _first(blocking: waiting.Blocking) -> tuple[str, str]:
    """What is waited for first: where it is, and who it is."""
    held = [verdict for verdict in blocking.locks if verdict.state in TAKEN] or list(blocking.locks)
    if not held:
        orphan = blocking.orphans[0]
        return "the package manager", f"a scriptlet that was cut off from its rpm still runs: pid {orphan.pid}"
    verdict = held[0]
    who = holder_text(verdict.holder) if verdict.holder else f"pid {verdict.lock.pid}"
    phase = f", {verdict.phase}" if verdict.phase else ""
    return verdict.path, f"{who}: {verdict.state}{phase}"


class _Line:
    """Who holds the lock, on stderr: on a terminal a line that is overwritten, elsewhere a line for each new holder."""

    def __init__(self, session: Session) -> None:
        self.screen = session.screen
        self.quiet = session.screen.quiet or session.screen.json
        self.terminal = sys.stderr.isatty() and not self.quiet
        self.shown = ""

    def tell(self, blocking: waiting.Blocking, seconds: float) -> None:
        """Say what is waited for first."""
        if self.quiet or not blocking:
            return
        where, who = _first(blocking)
        text = shown(f"waiting for {who} ({where})")
        if self.terminal:
            width = max(20, shutil.get_terminal_size().columns - 1)
            line = fitted(f"{seconds_text(int(seconds), 2)}: {text}", width)
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        elif text != self.shown:
            self.screen.note(text)
        self.shown = text

    def clear(self) -> None:
        """Leave nothing on the terminal."""
        if self.terminal and self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
