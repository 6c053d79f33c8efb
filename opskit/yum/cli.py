"""The commands of `opskit yum`: who holds the locks of the package managers, and what is safe to do."""

from __future__ import annotations

from typing import Annotated

import typer

from opskit.options import changes, new_app, reads
from opskit.session import Session
from opskit.yum.facts import see
from opskit.yum.findings import find
from opskit.yum.show_lock import draw_locks, lock_json
from opskit.yum.state import exit_code, judge

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
