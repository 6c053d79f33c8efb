"""`opskit doctor`: what this host has of what opskit needs, and what is missing."""

from __future__ import annotations

import os

import typer

from opskit.commands import new_app
from opskit.core.errors import ExitCode
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

    seen = see_all(session.runner, session.config, session.state_dir, os.environ)
    findings = list(diagnose(seen))
    code = ExitCode.FINDINGS if findings else ExitCode.DONE
    session.screen.answer(
        to_json(seen), lambda: draw(session.screen, seen, findings), findings=findings, exit_code=code
    )
    raise typer.Exit(code)
