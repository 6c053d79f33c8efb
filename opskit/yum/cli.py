"""The commands of `opskit yum`: who holds the locks of the package managers, and what is safe to do."""

from __future__ import annotations

from typing import Annotated

import typer

from opskit.areas import Entry
from opskit.commands import LazyGroup, new_app
from opskit.options import reads, span_of
from opskit.session import Session
from opskit.yum.findings import find
from opskit.yum.see.facts import named_root, see
from opskit.yum.show import draw_locks, lock_json
from opskit.yum.state import exit_code, judge


class YumGroup(LazyGroup):
    """Has lock; the other commands are imported when they are named, so that lock is quick."""

    entries = {  # noqa: RUF012
        "wait": Entry("opskit.yum.wait.cli", "Wait until no lock is held, then run a command.", single=True),
        "unlock": Entry("opskit.yum.unlock.cli", "Do what is safe in this state, and nothing else.", single=True),
        "why": Entry("opskit.yum.why.cli", "What runs the package manager by itself; --hold.", single=True),
    }


app = new_app(
    "Example: opskit yum lock\n\nWho holds the lock of yum, dnf, PackageKit or rpm, and what is safe to do: for "
    "`Another app is currently holding the yum lock` and `Waiting for process with pid 1234 to finish`.",
    group=YumGroup,
)

InstallRoot = Annotated[
    str, typer.Option("--installroot", metavar="DIR", help="The locks below this root, not the host's own.")
]


@reads(app, "lock", example="opskit yum lock")
def lock(
    session: Session,
    installroot: InstallRoot = "",
    sample: Annotated[
        float,
        typer.Option(
            metavar="SPAN",
            parser=span_of("--sample", most=60),
            show_default="1s",
            help="How long to watch what a holder does.",
        ),
    ] = 1.0,
) -> None:
    """Show every lock of yum, dnf, microdnf, PackageKit and rpm: its state, who holds it, and what is safe.

    For `Another app is currently holding the yum lock` and `Waiting for process with pid 1234 to finish`. The folders
    that dnf.conf and the command line of a dnf that runs name are looked at, and the locks of zypper, apt and
    rpm-ostree where these are.
    No lock is taken, nothing is signalled. Exits 0 when all is free, 7 when one is held or stopped, 4 when one is
    broken (stale, reused, zombie, malformed) or a killed process left rpm's database unusable (DB_RUNRECOVERY).
    """
    facts = see(session.runner, named_root(installroot), sample, everyone=True)
    verdicts = judge(facts)
    findings = find(facts, verdicts)
    result = lock_json(facts, verdicts)
    code = exit_code(facts, verdicts)
    session.screen.answer(
        result, lambda: draw_locks(session.screen, verdicts, findings), findings=findings, exit_code=code
    )
    raise typer.Exit(code)
