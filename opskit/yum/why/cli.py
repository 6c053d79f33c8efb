"""The command `opskit yum why`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from opskit.act import Chore, act, tell
from opskit.core.errors import UsageFault
from opskit.options import changes, new_app
from opskit.session import Session
from opskit.yum.see.places import need_tools
from opskit.yum.times import parse_seconds
from opskit.yum.why.plan import decide_hold
from opskit.yum.why.see import see_autoruns
from opskit.yum.why.show import draw_why, not_read, why_json

app = new_app("", single=True)


@changes(app, "why", facts=False, example="opskit yum why --hold 2h --dry-run")
def why(
    session: Session,
    hold: Annotated[
        Optional[str],
        typer.Option(metavar="TIME", help="Keep the timers out for so long: 30m, 2h. They come back by themselves."),
    ] = None,
) -> None:
    """Show what runs the package manager on this host by itself, when next, and how to keep it out.

    Timers, cron, PackageKit, cloud-init, agents. --hold masks the timers and PackageKit; a timer of systemd brings them
    back, and so does a reboot.
    """
    need_tools()
    if hold is None:
        autoruns = see_autoruns(session.runner)
        session.screen.answer(
            why_json(autoruns), lambda: draw_why(session.screen, autoruns), findings=not_read(autoruns)
        )
        return
    seconds = int(parse_seconds("--hold", hold))
    if seconds < 60:
        raise UsageFault("--hold", f"{hold!r} is less than a minute", todo="like 30m, 2h")
    if not session.dry_run:
        session.need_root()
    outcome = act(session, Chore(see_autoruns, lambda facts: decide_hold(facts, seconds, session.run)))
    held = ", ".join(outcome.plan.result["units"])
    tell(session, outcome, f"held for {seconds} s: {held}", "no timer of a package manager is active")
