"""The command `opskit yum unlock`."""

from __future__ import annotations

from opskit.act import Chore, act, tell
from opskit.commands import new_app
from opskit.options import changes
from opskit.session import Session
from opskit.yum.cli import InstallRoot
from opskit.yum.see.facts import named_root, see
from opskit.yum.unlock.plan import decide_unlock

app = new_app("", single=True)


@changes(app, "unlock", facts=False, example="opskit yum unlock --dry-run")
def unlock(session: Session, installroot: InstallRoot = "") -> None:
    """Do what is safe in this state, and nothing else: continue what is stopped, interrupt, clear a broken file.

    SIGCONT to a holder that is stopped, SIGINT to one that reads metadata, downloads or waits at its prompt; a lock
    file that is malformed, or whose pid is another program or a zombie, is kept under another name. Refused in a
    transaction, whatever else is given. An rpm database in Berkeley DB (EL7, EL8) that a killed process left unusable
    (DB_RUNRECOVERY) is copied, its regions are moved to the copy, and it is rebuilt; nothing of it while a process has
    it open. A dead pid is left to the tool, which takes it over by itself; what other
    users have below /var/tmp is left alone.
    """
    root = named_root(installroot)
    chore = Chore(lambda runner: see(runner, root), decide_unlock, root=True)
    outcome = act(session, chore)
    done = "; ".join(f"{change.action} {change.target}" for change in outcome.plan.changes)
    tell(session, outcome, f"unlocked: {done}", "no lock is held or broken that would not free itself")
