"""Decide what `opskit disk mount` does with a share: credentials, mount point, mount, entry in fstab. Pure.

The entry comes last: of a share that cannot be mounted fstab never has one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Optional

from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.record import dataclass
from opskit.core.text import masked, shown
from opskit.disk import guard
from opskit.disk.fstab.boot import entry_at_boot, unit_at_boot
from opskit.disk.fstab.form import meant, read_otherwise, write_line
from opskit.disk.fstab.plan import add_entry_steps, effective, fstab_reasons, gone_after_reboot, mount_options
from opskit.disk.fstab.sources import fits_type, not_in_force
from opskit.disk.fstab.text import FstabEntry, entries_for_target, entry_line
from opskit.disk.model import Mount
from opskit.disk.mount.request import (
    is_automount,
    mount_point_reasons,
    replaceable,
    target_reasons,
    unknown_path,
)
from opskit.disk.mount.steps.mount import MakeMountPoint
from opskit.disk.network.model import UNKNOWN, CredentialsFact, ShareFacts
from opskit.disk.network.request import ShareRequest, bare_options, entry_options, share_reasons
from opskit.disk.network.server import server_reasons
from opskit.disk.network.share import parse
from opskit.disk.network.steps import MountShare, WriteCredentials
from opskit.disk.script_checks import mount_point_checks

if TYPE_CHECKING:
    from opskit.disk.results import ShareResult


@dataclass(frozen=True)
class _Entry:
    """What fstab has for the mount point: the entry of the share, if there is one, and what is against it."""

    present: Optional[FstabEntry]
    reasons: tuple[Reason, ...]


def decide_share(facts: ShareFacts, request: ShareRequest, run: str) -> Decision:
    """The plan that puts a share into service, an empty one when it is, or every reason against it.

    run: names the backup of fstab
    """
    host, share, target = facts.host, request.share, request.target
    title = f"put {share.source} into service on {target}"
    entry = _entry(facts, request) if request.use_fstab else _Entry(None, ())
    if entry.present:
        request = replace(request, entry_options=entry.present.options)
    reasons = [*share_reasons(request), *target_reasons(target)]
    if reasons:
        return Refusal(title, tuple(reasons))
    mount = host.mount_on(target)
    if entry.present and not entry.reasons and is_automount(host, target):
        note = Finding("automount", "info", f"{target} is an automount point: opening it mounts {share.source}")
        return Plan(title, notes=(note,), result=_result(request, entry.present.fstype, entry.present.raw.strip()))
    here = mount if share.is_mount(mount) else None
    reasons = [*entry.reasons, *(_mounted_otherwise(here, request) if here else _against(facts, request))]
    if request.use_fstab and not entry.present and not reasons:
        reasons += fstab_reasons(host)
    if reasons:
        return Refusal(title, tuple(reasons))
    return _plan(facts, request, run, title, here, entry.present)


def _against(facts: ShareFacts, request: ShareRequest) -> Iterator[Reason]:
    """What stands in the way of a mount."""
    yield from mount_point_reasons(facts.host, request.target)
    yield from guard.missing_tool(facts.host, f"mount.{request.share.kind}")
    if request.credentials:
        yield from _credentials_reasons(facts.credentials or CredentialsFact(request.credentials), request)
    yield from server_reasons(request, facts.server)


def _credentials_reasons(file: CredentialsFact, request: ShareRequest) -> Iterator[Reason]:
    """Why the file that is there cannot be the one to mount by. Its password is taken to be right."""
    path = shlex.quote(file.path)
    if file.weak:
        title = f"others can put another file in the place of {file.path}: {file.weak}"
        yield Reason("credentials-exist", title, "let that directory be root's, with mode 0700")
    if not file.exists:
        return
    if not file.safe:
        title = f"{file.path} is there already, and is no file of root's that nobody else can read"
        yield Reason("credentials-exist", title, f"ls -l {path}; mv {path} {path}.old")
    elif (file.user, file.domain) != (request.user, request.domain):
        whose = "\\".join(filter(None, (file.domain, file.user))) or "nobody"
        title = f"{file.path} is there already, for {shown(whose)}"
        yield Reason("credentials-exist", title, f"--user {shlex.quote(file.user)}; or mv {path} {path}.old")


def _entry(facts: ShareFacts, request: ShareRequest) -> _Entry:
    """The entry that mounts the share on the mount point, and why fstab cannot have, or keep, one."""
    fstab, share, target = facts.host.fstab, request.share, request.target
    of_target = entries_for_target(fstab.text, target)
    present = [entry for entry in of_target if share.is_source(entry.source)]
    others = [
        Reason(
            "mount-point-in-fstab",
            f"{fstab.path} line {entry.number} already mounts {entry.source} on {target}",
            f"name another mount point, or remove that entry: {follow_up('disk', 'umount', target)}",
        )
        for entry in of_target
        if entry not in present
    ]
    if not present:
        return _Entry(None, tuple(others))
    return _Entry(present[0], (*others, *_unfit(facts, request, present[0])))


def _unfit(facts: ShareFacts, request: ShareRequest, entry: FstabEntry) -> Iterator[Reason]:
    """Why the entry that is there cannot be the one to mount by; the remedy is the line to write."""
    path, line = facts.host.fstab.path, f"{facts.host.fstab.path} line {entry.number}"
    if entry.ignored:
        title = f"{line} is meant for this share, but mount ignores it ({entry.ignored})"
        yield Reason("entry-ignored", title, f"fix that line in {path}: {masked(meant(entry) or entry.raw.strip())}")
        return
    for finding in read_otherwise(facts.host, entry):
        if finding.severity == "error":
            yield Reason("boot-reads-otherwise", f"{path} {finding.title}", finding.remedy)
    types = {"nfs": ("nfs", "nfs4"), "cifs": ("cifs", "smb3")}[request.share.kind]
    wanted = (request.fstype,) if request.fstype else types
    if entry.fstype != "none" and not any(fits_type(entry, fstype) for fstype in wanted):
        title = f"{line} says {entry.fstype}, but {wanted[0]} was asked for"
        yield Reason("wrong-fstype", title, masked(write_line(replace(entry, fstype=wanted[0]))))
    if request.mount_options and effective(request.mount_options) != effective(entry.options):
        title = f"{line} mounts it with {shown(masked(entry.options))}, "
        title += f"but --mount-options {masked(request.mount_options)} was given"
        remedy = write_line(entry, options=entry_options(request.mount_options))
        yield Reason("other-options", title, f"leave --mount-options out; or {masked(remedy)}")
    if request.user and f"credentials={request.credentials}" not in entry.option_list:
        title = f"{line} does not mount it with the user of {request.credentials}"
        yield Reason("other-options", title, "leave --user out: the entry says who mounts it; or change that line")


def _mounted_otherwise(mount: Mount, request: ShareRequest) -> Iterator[Reason]:
    """It is in service, and not with the options or the type that were asked for, as far as the kernel shows them."""
    absent = not_in_force(mount, request.mount_options)
    if request.fstype == "nfs4" and mount.fstype == "nfs":
        absent.append("vers=4")
    if absent:
        title = f"{mount.source} is in service on {mount.target} with {masked(mount.options)}"
        remedy = f"{follow_up('disk', 'umount', mount.target)}; then run this again"
        yield Reason("mounted-otherwise", f"{title}, not with {','.join(absent)}", remedy)


def _plan(
    facts: ShareFacts, request: ShareRequest, run: str, title: str, here: Optional[Mount], present: Optional[FstabEntry]
) -> Plan:
    """The steps for what is not there yet."""
    host, share, target = facts.host, request.share, request.target
    version = facts.server.version if facts.server else 0
    bare = bare_options(request, facts.kernel, version)
    fstype = _fstype(request, version, here, present)
    steps: list[Step] = []
    if not here:
        if request.credentials and not (facts.credentials and facts.credentials.exists):
            steps.append(_credentials(facts, request))
        fact = host.path(target)
        if fact is None or fact.kind == "absent":
            steps.append(MakeMountPoint(target, host.relabels))
        options = mount_options(present.options) if present else bare
        steps.append(MountShare(share.source, target, fstype, options, host.systemd, write=not request.read_only))
    line = entry_line(share.source, target, fstype, entry_options(bare))
    if request.use_fstab and not present:
        steps += add_entry_steps(host, line, run)
    line = present.raw.strip() if present else line if request.use_fstab else ""
    return Plan(
        title,
        tuple(steps),
        basis=(share.source,),
        checks=() if here else mount_point_checks(target),
        notes=tuple(_notes(facts, request, here, present)),
        result=_result(request, here.fstype if here else fstype, line),
    )


def _credentials(facts: ShareFacts, request: ShareRequest) -> WriteCredentials:
    names = (request.credentials, request.user, request.domain, request.password_file)
    return WriteCredentials(*names, facts.host.relabels).with_password(request.password)


def _fstype(request: ShareRequest, version: int, here: Optional[Mount], present: Optional[FstabEntry]) -> str:
    """The type to mount by: nfs4 where the server has it, so that no boot falls back to 3 and its rpcbind."""
    if present and present.fstype not in {"auto", "none"}:
        return present.fstype
    if request.fstype or request.share.kind == "cifs":
        return request.fstype or "cifs"
    if here:
        return here.fstype
    named = any(option.partition("=")[0] in {"vers", "nfsvers"} for option in request.option_list)
    return "nfs4" if version == 4 and not named else "nfs"


def _result(request: ShareRequest, fstype: str, line: str) -> ShareResult:
    """What --json answers, with the keys of a disk.

    line: the entry
    """
    return {
        "device": request.share.source,
        "mount_point": request.target,
        "fstype": fstype,
        "credentials": request.credentials,
        "fstab_line": masked(line),
        "formats": False,
    }


def _notes(
    facts: ShareFacts, request: ShareRequest, here: Optional[Mount], present: Optional[FstabEntry]
) -> Iterator[Finding]:
    host, server = facts.host, facts.server
    if present:
        yield from _boot_notes(facts, present)
    if not (request.use_fstab or any(not e.ignored for e in entries_for_target(host.fstab.text, request.target))):
        yield gone_after_reboot(host.fstab, f"the mount on {request.target}")
    if here:
        return
    yield from replaceable(host, request.target)
    yield from unknown_path(host, request.target)
    if server is None:
        title = f"these facts say nothing of {request.share.host}: a real run asks it before it changes anything"
        yield Finding("server-not-asked", "info", title)
    elif request.share.kind == "nfs" and server.export == UNKNOWN and not request.kerberos:
        title = f"{server.address} does not say whether this host may have {request.share.path}: the mount will tell"
        yield Finding("server-not-asked", "info", title)
    if facts.credentials and facts.credentials.exists:
        title = f"{facts.credentials.path} is there already, and is used as it is: no other password is asked for"
        yield Finding("credentials-used", "info", title)


def _boot_notes(facts: ShareFacts, entry: FstabEntry) -> Iterator[Finding]:
    """An entry of somebody else is left as it is; what it means at boot is said."""
    line = f"{facts.host.fstab.path} line {entry.number}"
    unit = unit_at_boot(entry_at_boot(entry, facts.host.systemd_release))
    if unit is not None and not unit.links:
        yield Finding(
            "noauto-entry", "info", f"{line} is noauto: a reboot does not mount it", masked(entry.raw.strip())
        )
    elif unit is not None and not unit.automount and any(need == "requires" for _, need in unit.links):
        share = parse(entry.source)
        title = f"{line} has no nofail: the boot waits for {share.host if share else 'its server'}"
        remedy = f"add nofail to the options in {facts.host.fstab.path}"
        yield Finding("missing-nofail", "warning", title, masked(entry.raw.strip()), remedy)
