"""The command `opskit yum why`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from opskit.act import Chore, act, tell
from opskit.commands import new_app
from opskit.core.units import seconds_text
from opskit.options import changes, span_of
from opskit.session import Session
from opskit.yum.see.places import need_tools
from opskit.yum.why.plan import decide_hold
from opskit.yum.why.see import see_autoruns
from opskit.yum.why.show import draw_why, not_read, why_json

app = new_app("", single=True)
# A longer hold is no maintenance window.
A_YEAR = 366 * 86400


@changes(app, "why", facts=False, example="opskit yum why --hold 2h --dry-run")
def why(
    session: Session,
    hold: Annotated[
        Optional[float],
        typer.Option(
            metavar="SPAN",
            parser=span_of("--hold", least=60, most=A_YEAR),
            help="Keep the timers out for so long: 30m, 2h. They come back by themselves.",
        ),
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
    seconds = int(hold)
    outcome = act(session, Chore(see_autoruns, lambda facts, run: decide_hold(facts, seconds, run), root=True))
    held = ", ".join(outcome.plan.result["units"])
    tell(session, outcome, f"held for {seconds_text(seconds)}: {held}", "no timer of a package manager is active")
