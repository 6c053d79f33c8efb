"""Decide what `opskit disk umount` does with a share: unmount, take the entry out of fstab. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.record import dataclass
from opskit.core.text import masked
from opskit.disk.fstab.plan import back_at_boot, fstab_reasons, mount_options, remove_entry_steps
from opskit.disk.fstab.text import FstabEntry, entries, entries_for_target
from opskit.disk.model import SYSTEM_TARGETS, HostFacts, Mount, describe, ending
from opskit.disk.mount.umount_plan import NAMED, UmountRequest, automount_reason, umount_lines
from opskit.disk.network.share import TYPES, Share, parse, share_mounts
from opskit.disk.network.steps import UnmountShare


@dataclass(frozen=True)
class ShareInService:
    """A share, where it is mounted, and the entries that mount it there; mount and entries can be absent."""

    share: Share
    target: str
    mount: Optional[Mount]
    entries: tuple[FstabEntry, ...]


def share_in_service(facts: HostFacts, what: str) -> Optional[ShareInService]:
    """The share that is mounted on a mount point, or that its entry names; None where neither is one of a share.

    what: a mount point, or the share itself
    """
    named, fact = parse(what), facts.path(what)
    real = fact.real if fact else what
    mounted = [m for m in share_mounts(facts) if (named.is_source(m.source) if named else m.target == real)]
    of_share = [e for e in entries(facts.fstab.text) if e.has_target and not e.ignored and e.fstype in TYPES]
    if mounted:
        mount, share = mounted[-1], parse(mounted[-1].source)
        if share is None or (not named and facts.mount_on(real) != mount):
            return None
        here = entries_for_target(facts.fstab.text, mount.target)
        return ShareInService(share, mount.target, mount, tuple(e for e in here if share.is_source(e.source)))
    if facts.mount_on(real) is not None and not named:
        return None
    wanted = [e for e in of_share if (named.is_source(e.source) if named else e.target.rstrip("/") in {what, real})]
    share = parse(wanted[0].source) if wanted else None
    if share is None:
        return None
    return ShareInService(share, wanted[0].target, None, tuple(e for e in wanted if e.target == wanted[0].target))


def decide_umount_share(facts: HostFacts, request: UmountRequest, service: ShareInService, run: str) -> Decision:
    """The plan, or the reasons against it. run: names the backup of fstab."""
    title = f"take {request.what} out of service"
    reasons = tuple(_reasons(facts, request, service))
    if reasons:
        return Refusal(title, reasons)
    steps: list[Step] = []
    mount, here = service.mount, service.entries
    if mount:
        # What the kernel shows of a mount is not what mount takes: the entry has that.
        options = here[0].options if here else ("ro" if mount.read_only else "")
        steps.append(UnmountShare(service.share.source, mount.target, mount.fstype, mount_options(options)))
    if here and request.use_fstab:
        steps += remove_entry_steps(facts, here, run)
    return Plan(
        title,
        tuple(steps),
        basis=(service.share.source,),
        checks=(f"mountpoint -q {shlex.quote(mount.target)}",) if mount else (),
        notes=tuple(_credentials(here)) if request.use_fstab else back_at_boot(facts.fstab, here),
        result={"device": service.share.source, "mount_point": service.target},
    )


def _credentials(of_share: tuple[FstabEntry, ...]) -> Iterator[Finding]:
    """The password of a share is kept: a run that is taken back needs it."""
    for option in (option for entry in of_share for option in entry.option_list):
        name, _, path = option.partition("=")
        if name in {"credentials", "cred"}:
            title = f"{path}, with the password, is kept"
            yield Finding("credentials-kept", "info", title, remedy=f"rm {shlex.quote(path)}, once it is not needed")


def _reasons(facts: HostFacts, request: UmountRequest, service: ShareInService) -> Iterator[Reason]:
    mount, target = service.mount, service.target
    if target in SYSTEM_TARGETS:
        yield Reason("system-disk", f"{target} belongs to the system", "opskit leaves it alone")
        return
    fact = facts.path(target)
    if mount and fact and fact.unanswered:
        title = f"the server of {target} does not answer, and umount would wait for it: {fact.unanswered}"
        yield Reason("silent-mount", title, "see to its server; once it answers, run this again")
    if mount:
        yield from _in_the_way(facts, mount)
    if service.entries and request.use_fstab:
        yield from fstab_reasons(facts)


def _in_the_way(facts: HostFacts, mount: Mount) -> Iterator[Reason]:
    """Mounts over or below it, and the processes that use it."""
    same = [m for m in facts.mounts if m.target == mount.target]
    if any(m.fstype == "autofs" for m in same):
        yield automount_reason(mount.target)
    elif len(same) > 1:
        names = " and ".join(masked(m.source) for m in same)
        yield Reason("mounted-over", f"{names} are mounted on {mount.target}", f"findmnt {shlex.quote(mount.target)}")
    below = [m.target for m in facts.mounts if m.target.startswith(mount.target.rstrip("/") + "/")]
    if below:
        title = f"{', '.join(below)} is mounted below {mount.target}"
        remedy = f"unmount that first: {umount_lines(sorted(below, reverse=True))}"
        yield Reason("mounted-below", title, remedy, exit_code=ExitCode.BUSY)
    if facts.users:
        more = f"; and {len(facts.users) - NAMED} more" if len(facts.users) > NAMED else ""
        title = f"{mount.target} is in use by {'; '.join(describe(user) for user in facts.users[:NAMED])}{more}"
        yield Reason("busy", title, ending(facts.users), exit_code=ExitCode.BUSY)
