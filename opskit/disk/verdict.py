"""The verdict on each block device in `opskit disk list`: system, in use, has data, ready; and why.

And what every plan says of what could not be looked at.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan
from opskit.core.text import counted
from opskit.disk import guard
from opskit.disk.model import DATA, SILENT, UNREADABLE, ZERO, BlockDevice, HostFacts
from opskit.disk.naming import is_lvm, member_text, name_of_device

SYSTEM = "system"
IN_USE = "in use"
HAS_DATA = "has data"
READY = "ready"
UNKNOWN = "unknown"  # it could not be looked at


def verdict(facts: HostFacts, device: BlockDevice) -> tuple[str, str]:
    """The verdict and its reason. A partition is judged by itself, a disk with its partitions."""
    family = guard.related(facts, device)
    system = tuple(dict.fromkeys(why for d in family for why in d.system))
    if system:
        return SYSTEM, ", ".join(system)
    use = tuple(guard.in_use(facts, device))
    if use:
        return IN_USE, use[0].title
    return _data(facts, device)


def _data(facts: HostFacts, device: BlockDevice) -> tuple[str, str]:
    if device.size <= 0:
        return UNKNOWN, "size 0"
    if device.contents == SILENT:
        return UNKNOWN, "it does not answer"
    if device.ambivalent or device.signatures:
        return HAS_DATA, _signatures(facts, device)
    if device.table_backup_only:
        return HAS_DATA, "a backup GPT without its primary"
    if device.table or facts.partitions(device):
        return HAS_DATA, _table(device, facts)
    if device.contents == UNREADABLE:
        return UNKNOWN, "it cannot be read in full"
    if device.superblock_damaged:
        return HAS_DATA, "an ext filesystem whose primary superblock is damaged"
    if device.contents == DATA:
        return HAS_DATA, "unknown data, no signature"
    if device.contents == ZERO:
        return _blank(facts, device)
    return UNKNOWN, "its contents were not read"


def _signatures(facts: HostFacts, device: BlockDevice) -> str:
    if device.ambivalent:
        return "two signatures that contradict each other"
    if len(device.signatures) == 1 and guard.is_member(device.signatures[0]):
        return member_text(facts, device, device.signatures[0].type)
    return " and ".join(s.type for s in device.signatures)


def _blank(facts: HostFacts, device: BlockDevice) -> tuple[str, str]:
    """Only a raw disk can be put into service; a partition of it is already part of something."""
    if device.kind in guard.FORMATTABLE:
        return READY, "blank"
    # The inner parts of logical volumes are nobody's to use, however blank they are.
    volume = facts.volume_of(device) is not None
    if device.kind == "md" or (device.kind == "dm" and (volume or not is_lvm(device))):
        return HAS_DATA, f"blank: mkfs.xfs {shlex.quote(name_of_device(device))} makes a filesystem"
    return HAS_DATA, f"blank, but part of {device.disk}" if device.disk else "blank, but not a raw disk"


def _table(device: BlockDevice, facts: HostFacts) -> str:
    count = len(facts.partitions(device))
    if not device.table:
        return "partitions that the kernel still shows, but no table"
    if not count:
        return f"{device.table} table, but the kernel shows no partition in it"
    return f"{device.table} table with {counted(count, 'partition')}"


def with_silence(decision: Decision, facts: HostFacts) -> Decision:
    """A plan with a note on each path that did not answer; what it does is the same without."""
    if not isinstance(decision, Plan):
        return decision
    silent = (fact for fact in facts.paths if fact.unanswered)
    notes = tuple(
        Finding("silent-mount", "warning", f"{fact.path} was not looked at: {fact.unanswered}") for fact in silent
    )
    return replace(decision, notes=(*decision.notes, *notes)) if notes else decision
