"""The commands of `opskit yum`: who holds the locks of the package managers, and what is safe to do."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from opskit.core.errors import Busy, ExitCode, Missing, Refused, UsageFault
from opskit.core.text import shown
from opskit.options import changes, new_app, reads
from opskit.session import Session
from opskit.yum.facts import find_places, see
from opskit.yum.findings import find, holder_text
from opskit.yum.show_lock import age_text, draw_locks, lock_json
from opskit.yum.state import exit_code, judge

if TYPE_CHECKING:
    from opskit.yum.state import Verdict
    from opskit.yum.wait import Waited

app = new_app("Example: opskit yum lock\n\nWho holds the lock of yum, dnf, PackageKit or rpm, and what is safe to do.")

InstallRoot = Annotated[
    str, typer.Option("--installroot", metavar="DIR", help="The locks below this root, not the host's own.")
]


@reads(app, "lock", example="opskit yum lock")
def lock(
    session: Session,
    installroot: InstallRoot = "",
    sample: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=60, help="How long to watch what a holder does.")
    ] = 1.0,
) -> None:
    """Show every lock of yum, dnf, PackageKit and rpm: its state, who holds it, and what is safe.

    No lock is taken, nothing is signalled. Exits 0 when all is free, 7 when one is held or stopped, 4 when one is
    broken (stale, reused, zombie, malformed).
    """
    facts = see(session.runner, installroot, sample)
    verdicts = judge(facts)
    findings = find(facts, verdicts)
    result = lock_json(facts, verdicts)
    session.screen.answer(result, lambda: draw_locks(session.screen, verdicts, findings), findings=findings)
    raise typer.Exit(exit_code(verdicts))


@changes(app, "unlock", facts=False, example="opskit yum unlock --dry-run")
def unlock(session: Session, installroot: InstallRoot = "") -> None:
    """Do what is safe in this state, and nothing else: continue what is stopped, interrupt, clear a broken file.

    SIGCONT to a holder that is stopped, SIGINT to one that reads metadata, downloads or waits at its prompt; a lock
    file that is malformed, or whose pid is another program or a zombie, is kept under another name. Refused in a
    transaction, whatever else is given. A dead pid is left to the tool, which takes it over by itself.
    """
    from opskit.act import Chore, act, tell  # noqa: PLC0415 - lock does without
    from opskit.yum.plan import decide_unlock  # noqa: PLC0415

    if not session.dry_run:
        session.need_root()
    chore = Chore(lambda runner: see(runner, installroot), lambda facts: decide_unlock(facts, session.run))
    outcome = act(session, chore)
    done = "; ".join(f"{change.action} {change.target}" for change in outcome.plan.changes)
    tell(session, outcome, f"unlocked: {done}", "no lock is held or broken that would not free itself")


@reads(app, "wait", example="opskit yum wait --timeout 10m -- dnf -y update")
def wait(
    session: Session,
    command: Annotated[
        Optional[list[str]], typer.Argument(metavar="[-- COMMAND]...", help="What to run once all is free.")
    ] = None,
    installroot: InstallRoot = "",
    timeout: Annotated[str, typer.Option(metavar="TIME", help="Wait at most so long: 90s, 10m, 2h.")] = "",
) -> None:
    """Wait until no lock of a package manager is held, then run a command if one is named.

    Exits 7 at the time limit, 4 when what blocks will not end by itself (a broken lock: opskit yum unlock). The command
    takes the place of opskit: its terminal, its exit status.
    """
    from opskit.yum import wait as waiting  # noqa: PLC0415 - lock does without
    from opskit.yum.times import parse_seconds  # noqa: PLC0415

    if command and session.screen.json:
        raise UsageFault("opskit yum wait", "--json and a command are two answers", todo="leave one of them out")
    if command and shutil.which(command[0]) is None:
        raise Missing(command[0], "this program is not on the host", todo="name one that is")
    limit = parse_seconds("--timeout", timeout) if timeout else math.inf
    where = find_places(session.runner, installroot)
    line = _Line(session)
    try:
        ended = waiting.wait(where, installroot, limit, line.tell, 1.0 if line.terminal else math.inf)
    finally:
        line.clear()
    _check_free(ended)
    if command:
        from opskit.core.runner import become  # noqa: PLC0415

        become(command)
    result = {"free": True, "waited_seconds": round(ended.seconds, 3), "wakeups": ended.wakeups}
    session.screen.answer(result, lambda: session.screen.done(f"free, after {ended.seconds:.1f} s"))


def _check_free(ended: Waited) -> None:
    """Raise Busy for what is held still, Refused (exit 4) for what will not end by itself."""
    if not ended.left:
        return
    from opskit.core.finding import Finding  # noqa: PLC0415

    held = [one for one in ended.left if one.blocks and one.advice != "clear" and not one.odd]
    if held:
        what = f"{held[0].lock.place.path} is not free after {ended.seconds:.0f} s"
        raise Busy(what, _who(held[0]), todo="opskit yum lock shows what is safe", state="Nothing was changed.")
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


@changes(app, "why", facts=False, example="opskit yum why --hold 2h --dry-run")
def why(
    session: Session,
    hold: Annotated[
        str,
        typer.Option(metavar="TIME", help="Keep the timers out for so long: 30m, 2h. They come back by themselves."),
    ] = "",
) -> None:
    """Show what runs the package manager on this host by itself, when next, and how to keep it out.

    Timers, cron, PackageKit, cloud-init, agents. --hold masks the timers and PackageKit; a timer of systemd brings them
    back, and so does a reboot.
    """
    from opskit.yum.autoruns import see_autoruns  # noqa: PLC0415 - lock does without

    if not hold:
        from opskit.yum.show_why import draw_why, why_json  # noqa: PLC0415

        found = see_autoruns(session.runner)
        session.screen.answer(why_json(found), lambda: draw_why(session.screen, found))
        return
    from opskit.act import Chore, act, tell  # noqa: PLC0415
    from opskit.yum.hold_plan import decide_hold  # noqa: PLC0415
    from opskit.yum.times import parse_seconds  # noqa: PLC0415

    seconds = int(parse_seconds("--hold", hold))
    if seconds < 60:
        raise UsageFault("--hold", f"{hold!r} is less than a minute", todo="like 30m, 2h")
    if not session.dry_run:
        session.need_root()
    outcome = act(session, Chore(see_autoruns, lambda facts: decide_hold(facts, seconds, session.run)))
    held = ", ".join(outcome.plan.result["units"])
    tell(session, outcome, f"held for {seconds} s: {held}", "no timer of a package manager is active")
