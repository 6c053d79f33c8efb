"""What `opskit disk mount` does when it is given a share: the options are those of disk/cli.py."""

from __future__ import annotations

import os
from dataclasses import replace

from opskit.act import Chore, act, tell
from opskit.core.plan import Decision
from opskit.core.runner import Runner
from opskit.disk.network.model import ShareFacts
from opskit.disk.network.plan import decide_share
from opskit.disk.network.request import ShareRequest
from opskit.disk.network.see.credentials import ask_password, read_password
from opskit.disk.network.see.facts import load_share, see_share
from opskit.disk.network.share import Share
from opskit.disk.see.mounts import mounted_at, own_mounts
from opskit.disk.verdict import with_silence
from opskit.session import Session


def mount_share(session: Session, request: ShareRequest, fstab: str) -> None:
    """Put a share into service, or show what that would do. Raises what act raises."""
    if not session.facts:
        session.need_root(mounts=True)
    share = request.share
    request = replace(request, password=_password(session, request))

    def read(runner: Runner) -> ShareFacts:
        return see_share(runner, request, fstab=fstab)

    def decide(facts: ShareFacts, run: str) -> Decision:
        return with_silence(decide_share(facts, request, run), facts.host)

    outcome = act(session, Chore(read, decide, load=load_share, root=True))
    result = outcome.plan.result
    where = f"{share.source} ({result['fstype']}) on {result['mount_point']}"
    tell(session, outcome, f"in service: {where}", f"{where} is in service already")


def target_of(share: Share) -> str:
    """The mount point that the share is mounted on, the last one of several; "" where it is on none."""
    return next((mount.target for mount in reversed(own_mounts()) if share.is_mount(mount)), "")


def _password(session: Session, request: ShareRequest) -> str:
    """The password, where this run will write it into a file."""
    if request.share.kind != "cifs" or not request.user:
        return ""
    if request.password_file:
        return read_password(request.password_file)
    written = os.path.lexists(request.credentials) or request.share.is_mount(mounted_at(request.target))
    if session.dry_run or written:
        return ""
    return ask_password(f"Password of {request.user} for {request.share.source}: ")
