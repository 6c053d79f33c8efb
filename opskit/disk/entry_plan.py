"""Decide what becomes of fstab when a filesystem goes into service. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from opskit.core.finding import Finding
from opskit.core.plan import Reason, Step
from opskit.disk.fstab import Entry, entries, entries_for_device, entries_for_target, entry_line, plain_target
from opskit.disk.fstab_plan import add_entry_steps, fstab_reasons
from opskit.disk.fstab_sources import missing
from opskit.disk.model import BlockDevice, HostFacts


@dataclass(frozen=True)
class EntryRequest:
    """The entry that is wanted: where, what, with which options; run names the backup."""

    target: str
    fstype: str
    uuid: str
    options: str
    run: str

    @property
    def line(self) -> str:
        """The exact line. ext is checked at boot after the root filesystem; xfs and btrfs are not (fsck.xfs(8))."""
        check = 2 if self.fstype.startswith("ext") else 0
        return entry_line(f"UUID={self.uuid}", self.target, self.fstype, self.options, pass_=check)


@dataclass(frozen=True)
class EntryDecision:
    """The steps for fstab, or the reasons against; line: the entry that will be or is there."""

    line: str = ""
    steps: tuple[Step, ...] = ()
    reasons: tuple[Reason, ...] = ()
    notes: tuple[Finding, ...] = ()


def decide_entry(
    facts: HostFacts, wanted: EntryRequest, device: Optional[BlockDevice], *, use_fstab: bool
) -> EntryDecision:
    """device: the one the filesystem is on, None when it will be made."""
    if not use_fstab:
        return EntryDecision()
    path = facts.fstab.path
    mine = _entries_for(facts.fstab.text, wanted, device)
    there = [e for e in entries_for_target(facts.fstab.text, wanted.target) if e not in mine]
    absent = missing(facts)
    reasons = [
        Reason(
            "mount-point-in-fstab",
            f"{path} line {e.number} already mounts {e.source} on {wanted.target}"
            + (", and no disk here holds that" if e in absent else ""),
            f"name another mount point, or take that entry out: opskit disk umount {wanted.target}",
        )
        for e in there
    ]
    for entry in mine:
        if plain_target(entry.target) != plain_target(wanted.target):
            title = f"{path} line {entry.number} already mounts this filesystem on {entry.target}"
            remedy = f"mount it there, or take that entry out: opskit disk umount {entry.target}"
            reasons.append(Reason("filesystem-in-fstab", title, remedy))
        elif entry.problem:
            title = f"{path} line {entry.number} is meant for this filesystem, but mount ignores it ({entry.problem})"
            reasons.append(Reason("entry-ignored", title, f"mend that line in {path}: {entry.raw.strip()}"))
    if reasons:
        return EntryDecision(reasons=tuple(reasons))
    if mine:
        return EntryDecision(mine[0].raw.strip(), notes=_notes(path, mine[0]))
    if not wanted.uuid:
        title = f"the {wanted.fstype} filesystem has no UUID that {path} could name it by"
        return EntryDecision(reasons=(Reason("no-uuid", title, "--no-fstab mounts it without an entry"),))
    broken = tuple(fstab_reasons(facts))
    if broken:
        return EntryDecision(reasons=broken)
    return EntryDecision(wanted.line, add_entry_steps(facts, wanted.line, wanted.run))


def _entries_for(text: str, wanted: EntryRequest, device: Optional[BlockDevice]) -> tuple[Entry, ...]:
    if device is not None:
        return entries_for_device(text, device)
    return tuple(e for e in entries(text) if e.source == f"UUID={wanted.uuid}")


def _notes(path: str, entry: Entry) -> tuple[Finding, ...]:
    """An entry of somebody else is left as it is; what it lacks is said."""
    if "nofail" in entry.option_list:
        return ()
    text = f"{path} line {entry.number} has no nofail: the host will not boot without this disk"
    return (Finding("missing-nofail", "warning", text, entry.raw.strip(), f"add nofail to the options in {path}"),)
