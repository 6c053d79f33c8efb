"""Decide what becomes of fstab: pure functions of facts. The guards here are those of every plan that writes it."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.record import dataclass
from opskit.core.text import masked, shown
from opskit.core.units import KIB
from opskit.disk.fstab.boot import entry_at_boot, unit_at_boot
from opskit.disk.fstab.form import meant, read_otherwise, write_line
from opskit.disk.fstab.sources import exact_source, fits_type, missing, waits_at_boot
from opskit.disk.fstab.steps import AddFstabEntry, BackupFstab, RemoveFstabEntry, RestoreFstab
from opskit.disk.fstab.text import (
    BACKUP_MARK,
    FstabEntry,
    Line,
    encode,
    entries,
    entries_for_device,
    entries_for_target,
    entry_line,
    lacks_newline,
    plain_target,
    split_lines,
    text_hash,
)
from opskit.disk.model import SYSTEM_TARGETS, BlockDevice, FileFact, HostFacts, named_by

# What fstab's readers alone know: mount -a, systemd.
_FOR_READERS = frozenset({"nofail", "fail", "auto", "noauto", "defaults", "_netdev"})
# Room for a directory entry and the last block of each of the two files that a change writes.
SPARE = 8 * KIB


def fstab_reasons(facts: HostFacts) -> Iterator[Reason]:
    """Why fstab cannot be changed."""
    yield from _text_reasons(facts.fstab)
    yield from _place_reasons(facts)


def gone_after_reboot(fstab: FileFact, what: str) -> Finding:
    """That a plan without fstab makes nothing that lasts."""
    title = f"{what} is gone after a reboot: {fstab.path} has no entry for it"
    return Finding("gone-after-reboot", "info", title, remedy="the same without --no-fstab writes one")


def back_at_boot(fstab: FileFact, kept: Sequence[FstabEntry]) -> tuple[Finding, ...]:
    """That a plan without fstab takes nothing away that stays away."""
    remedy = "the same without --no-fstab takes it out"
    titles = [f"{fstab.path} line {e.number} is kept: {e.source} is back after a reboot" for e in kept]
    return tuple(Finding("back-at-boot", "info", masked(title), remedy=remedy) for title in titles)


def _text_reasons(fstab: FileFact) -> Iterator[Reason]:
    """Why there is no text to change."""
    if not fstab.exists:
        restore = follow_up("disk", "fstab", "restore")
        remedy = f"{restore} lists backups; or create an empty one: touch {shlex.quote(fstab.real)}"
        yield Reason("fstab-absent", f"{fstab.path} is absent", remedy)
    elif fstab.problem:
        restore = follow_up("disk", "fstab", "restore")
        remedy = f"ls -l {shlex.quote(fstab.path)}; move it away if it is broken, then {restore}"
        yield Reason("fstab-unreadable", f"{fstab.path}: {fstab.problem}", remedy)


def _place_reasons(facts: HostFacts) -> Iterator[Reason]:
    """Why nothing can be written where fstab is."""
    fstab = facts.fstab
    if fstab.immutable:
        remedy = f"chattr -i -a {shlex.quote(os.path.dirname(fstab.real))} {shlex.quote(fstab.real)}"
        yield Reason("fstab-immutable", f"{fstab.path} or its directory is immutable (chattr +i or +a)", remedy)
    if any(mount.target == fstab.real for mount in facts.mounts):
        title = f"{fstab.path} is a mount point, so no new file can replace it"
        remedy = f"edit the file that is mounted there (findmnt {shlex.quote(fstab.real)}): --fstab FILE"
        yield Reason("fstab-is-a-mount", title, remedy)
    if fstab.read_only:
        remedy = f"mount -o remount,rw {shlex.quote(facts.mounted_at(fstab.real))}"
        yield Reason("fstab-read-only", f"the filesystem that {fstab.path} is on is mounted read-only", remedy)
    elif 0 <= fstab.directory_free < 2 * len(encode(fstab.text)) + SPARE:
        directory = os.path.dirname(fstab.real)
        title = f"the filesystem that {fstab.path} is on is full ({fstab.directory_free} bytes free)"
        yield Reason("fstab-no-space", title, f"make room: df -h {shlex.quote(directory)}")


def _hash(file: FileFact) -> str:
    """The hash of what is on the host, also where saved facts have its text with passwords masked."""
    return file.sha256 or text_hash(file.text)


def add_entry_steps(facts: HostFacts, line: str, run_id: str) -> tuple[BackupFstab, AddFstabEntry]:
    """Back fstab up and put a line at its end. The guards of fstab_reasons hold."""
    text = facts.fstab.text
    add = AddFstabEntry(
        facts.fstab.real, line, _hash(facts.fstab), lacks_newline(text), facts.systemd_reads_fstab, facts.relabels_fstab
    )
    return backup_step(facts, run_id), add


def remove_entry_steps(facts: HostFacts, entries: Sequence[Line], run_id: str) -> tuple[BackupFstab, RemoveFstabEntry]:
    """Back fstab up and take these entries out of it. The guards of fstab_reasons hold."""
    lines = tuple(Line(entry.number, entry.raw) for entry in entries)
    before = _hash(facts.fstab)
    remove = RemoveFstabEntry(facts.fstab.real, lines, before, facts.systemd_reads_fstab, facts.relabels_fstab)
    return backup_step(facts, run_id), remove


def backup_step(facts: HostFacts, run_id: str) -> BackupFstab:
    """The step that copies fstab beside itself; the run's id, which begins with the time, is in the name."""
    return BackupFstab(facts.fstab.real, facts.fstab.real + BACKUP_MARK + run_id, _hash(facts.fstab))


def decide_backup(facts: HostFacts, backups: Sequence[FileFact], run_id: str) -> Decision:
    """Back fstab up, unless one of the backups is the same already."""
    title = f"back up {facts.fstab.path}"
    reasons = tuple(fstab_reasons(facts))
    if reasons:
        return Refusal(title, reasons)
    same = [b.path for b in backups if not b.problem and b.text == facts.fstab.text]
    if same:
        note = Finding("backup-exists", "info", f"{same[-1]} is the same as {facts.fstab.path}")
        return Plan(title, notes=(note,), result={"backup": same[-1]})
    step = backup_step(facts, run_id)
    return Plan(title, (step,), result={"backup": step.backup})


def decide_restore(facts: HostFacts, backup: FileFact, run_id: str) -> Decision:
    """Put a backup in place of fstab, which is backed up first."""
    fstab = facts.fstab
    title = f"restore {fstab.path} from {backup.path}"
    reasons = tuple(_backup_reasons(backup)) + tuple(fstab_reasons(facts) if fstab.exists else _place_reasons(facts))
    reasons = reasons or tuple(_loss_reasons(fstab, backup))
    if reasons:
        return Refusal(title, reasons)
    if fstab.exists and fstab.text == backup.text:
        return Plan(title, result={"restored": backup.path, "backup": ""})
    notes = difference(fstab.text, backup.text)
    if not fstab.exists:
        restore = _restore(facts, backup)
        return Plan(title, (restore,), notes=notes, result={"restored": backup.path, "backup": ""})
    first = backup_step(facts, run_id)
    restore = _restore(facts, backup, first.sha256, first.backup)
    result = {"restored": backup.path, "backup": first.backup}
    return Plan(title, (first, restore), notes=notes, result=result)


def _restore(facts: HostFacts, backup: FileFact, before: str = "", previous: str = "") -> RestoreFstab:
    return RestoreFstab(
        path=facts.fstab.real,
        backup=backup.real,
        sha256_before=before,
        sha256_after=_hash(backup),
        previous=previous,
        reload=facts.systemd_reads_fstab,
        relabel=facts.relabels_fstab,
    )


def _loss_reasons(fstab: FileFact, backup: FileFact) -> Iterator[Reason]:
    """What would keep the host from booting: a backup that is no fstab, or that lacks what the system is mounted by."""
    remedy = f"{follow_up('disk', 'fstab', 'restore')} lists the backups"
    new = entries(backup.text)
    broken = [entry for entry in new if entry.ignored]
    if broken:
        title = f"{backup.path} line {broken[0].number} is not an fstab entry ({broken[0].ignored})"
        yield Reason("not-an-fstab", title, remedy)
    elif not new and entries(fstab.text):
        yield Reason("not-an-fstab", f"{backup.path} has no entries, and {fstab.path} has", remedy)
    kept = {plain_target(entry.target) for entry in new}
    for entry in entries(fstab.text):
        if plain_target(entry.target) in SYSTEM_TARGETS and plain_target(entry.target) not in kept:
            title = f"{backup.path} has no entry for {entry.target}, by which the host boots"
            yield Reason("loses-system-entry", title, f"edit {fstab.path} by hand if that is intended")


def _backup_reasons(backup: FileFact) -> Iterator[Reason]:
    remedy = f"{follow_up('disk', 'fstab', 'restore')} lists the backups"
    if not backup.exists:
        yield Reason("backup-absent", f"{backup.path} is absent", remedy, exit_code=ExitCode.USAGE)
    elif backup.problem:
        yield Reason("backup-unreadable", f"{backup.path}: {backup.problem}", remedy)


def difference(before: str, after: str) -> tuple[Finding, ...]:
    """The lines that go and those that come, as notes of a plan: `-old`, `+new`."""
    lines = list(difflib.unified_diff(split_lines(before), split_lines(after), n=0))[2:]  # without its header
    changed = [line.removesuffix("\n") for line in lines if not line.startswith("@@")]
    return tuple(Finding("fstab-line", "info", line) for line in changed)


@dataclass(frozen=True)
class EntryRequest:
    """The entry that is wanted: where, what, with which options.

    run: names the backup of fstab.
    asked: the mount options that a person named, "" for none.
    """

    target: str
    fstype: str
    uuid: str
    options: str
    run: str
    asked: str = ""

    @property
    def line(self) -> str:
        """The exact line. ext is checked at boot after the root filesystem; xfs and btrfs are not (fsck.xfs(8))."""
        check = 2 if self.fstype.startswith("ext") else 0
        return entry_line(f"UUID={self.uuid}", self.target, self.fstype, self.options, pass_=check)


@dataclass(frozen=True)
class EntryDecision:
    """The steps for fstab, or the reasons against.

    line: the entry that will be or is there.
    fstype: the type by which the entry that is there mounts it, "" without one.
    """

    line: str = ""
    steps: tuple[Step, ...] = ()
    reasons: tuple[Reason, ...] = ()
    notes: tuple[Finding, ...] = ()
    fstype: str = ""


def decide_entry(
    facts: HostFacts, request: EntryRequest, device: Optional[BlockDevice], *, use_fstab: bool
) -> EntryDecision:
    """The steps that give a filesystem its entry, none where it has one, or the reasons against.

    device: the one that the filesystem is on, None when it will be made.
    use_fstab: without it nothing is decided, and told what does not last.
    """
    path = facts.fstab.path
    present = _entries_for(facts.fstab.text, request, device)
    if not use_fstab:
        return EntryDecision(
            notes=() if present else (gone_after_reboot(facts.fstab, f"the mount on {request.target}"),)
        )
    others = [e for e in entries_for_target(facts.fstab.text, request.target) if e not in present]
    absent = missing(facts)
    reasons = [
        Reason(
            "mount-point-in-fstab",
            f"{path} line {e.number} already mounts {e.source} on {request.target}"
            + (", but no disk of this host holds it" if e in absent else ""),
            f"name another mount point, or remove that entry: {follow_up('disk', 'umount', request.target)}",
        )
        for e in others
    ]
    for entry in present:
        if plain_target(entry.target) != plain_target(request.target):
            title = f"{path} line {entry.number} already mounts this filesystem on {entry.target}"
            remedy = f"mount it there, or remove that entry: {follow_up('disk', 'umount', entry.target)}"
            reasons.append(Reason("filesystem-in-fstab", title, remedy))
        else:
            reasons += _unfit(facts, request, entry, device)
    if reasons:
        return EntryDecision(reasons=tuple(reasons))
    if present:
        return EntryDecision(present[0].raw.strip(), notes=_notes(facts, present[0]), fstype=_type(present[0], request))
    if not request.uuid:
        title = f"the {request.fstype} filesystem has no UUID that {path} could name it by"
        return EntryDecision(reasons=(Reason("no-uuid", title, "--no-fstab mounts it without an entry"),))
    broken = tuple(fstab_reasons(facts))
    if broken:
        return EntryDecision(reasons=broken)
    return EntryDecision(request.line, add_entry_steps(facts, request.line, request.run))


def _entries_for(text: str, request: EntryRequest, device: Optional[BlockDevice]) -> tuple[FstabEntry, ...]:
    if device is not None:
        return entries_for_device(text, device)
    return tuple(e for e in entries(text) if e.source == f"UUID={request.uuid}")


def entry_in_use(facts: HostFacts, device: BlockDevice, target: str) -> Optional[FstabEntry]:
    """The entry by which a device is mounted on this mount point; None without one that mount reads."""
    of_target = entries_for_target(facts.fstab.text, target)
    return next((e for e in of_target if not e.ignored and named_by(e.source, device)), None)


def _unfit(
    facts: HostFacts, request: EntryRequest, entry: FstabEntry, device: Optional[BlockDevice]
) -> Iterator[Reason]:
    """Why the entry that is there cannot be the one to mount by; the remedy is the line to write."""
    path, line = facts.fstab.path, f"{facts.fstab.path} line {entry.number}"
    if entry.ignored:
        title = f"{line} is meant for this filesystem, but mount ignores it ({entry.ignored})"
        yield Reason("entry-ignored", title, f"fix that line in {path}: {meant(entry) or entry.raw.strip()}")
        return
    for finding in read_otherwise(facts, entry):
        if finding.severity == "error":
            yield Reason("boot-reads-otherwise", f"{path} {finding.title}", finding.remedy)
    exact = exact_source(entry.source, device) if device else entry.source
    if exact != entry.source:
        title = f"{line} has {entry.source} for {exact}: neither mount nor the boot finds it"
        yield Reason("uuid-case", title, write_line(entry, source=exact))
    if entry.fstype != "none" and not fits_type(entry, request.fstype):
        title = f"{line} says {entry.fstype}, but the filesystem is {request.fstype}"
        yield Reason("wrong-fstype", title, write_line(replace(entry, fstype=request.fstype)))
    if request.asked and effective(request.asked) != effective(entry.options):
        title = f"{line} mounts it with {shown(masked(entry.options))}, but --mount-options {request.asked} was given"
        remedy = f"leave --mount-options out; or {masked(write_line(entry, options=request.options))}"
        yield Reason("other-options", title, remedy)


def effective(options: str) -> frozenset[str]:
    """What of the options is for the kernel or mount(8): without those for fstab's readers alone."""
    return frozenset(mount_options(options).split(","))


def _type(entry: FstabEntry, request: EntryRequest) -> str:
    """The type to mount by: the driver that the entry names, if it names one."""
    return request.fstype if entry.fstype in {"auto", "none"} or "," in entry.fstype else entry.fstype


def mount_options(text: str) -> str:
    """The options of an entry for mount(8) itself, without those that only fstab's readers know."""
    return ",".join(
        option
        for option in text.split(",")
        if option and not option.startswith(("x-", "comment=")) and option not in _FOR_READERS
    )


def _notes(facts: HostFacts, entry: FstabEntry) -> tuple[Finding, ...]:
    """An entry of somebody else is left as it is; what it lacks is said."""
    line = f"{facts.fstab.path} line {entry.number}"
    if waits_at_boot(facts, entry):
        text = f"{line} has no nofail: the host will not boot without this disk"
        remedy = f"add nofail to the options in {facts.fstab.path}"
        return (Finding("missing-nofail", "warning", text, entry.raw.strip(), remedy),)
    unit = unit_at_boot(entry_at_boot(entry, facts.systemd_release))
    if unit is not None and not unit.links:
        text = f"{line} is noauto: a reboot does not mount it"
        return (Finding("noauto-entry", "info", text, entry.raw.strip()),)
    return ()
