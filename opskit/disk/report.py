"""What of the disks goes into `opskit status` and `opskit check`: each disk with its verdict, and findings of fstab."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.core.finding import follow_up
from opskit.core.report import Report
from opskit.core.units import size_text
from opskit.disk.fstab.check import check
from opskit.disk.model import BlockDevice, HostFacts
from opskit.disk.naming import name_of_device
from opskit.disk.verdict import UNKNOWN, verdict

# What is a disk to somebody; partitions, volumes and arrays have a line in `opskit disk list`.
KINDS = frozenset({"disk", "nbd"})


def report_of(facts: HostFacts) -> Report:
    """The report."""
    return Report(tuple(_lines(facts)), check(facts) if facts.fstab.exists else (), (), facts.unseen)


def _lines(facts: HostFacts) -> Iterator[str]:
    disks = [device for device in facts.devices if device.kind in KINDS and device.size > 0]
    for disk in sorted(disks, key=lambda device: device.name):
        yield f"{name_of_device(disk)}  {size_text(disk.size)}  {_verdict(facts, disk)}"
    if not disks:
        yield "no disks"
    if not facts.fstab.exists:
        yield f"{facts.fstab.path}: there is no such file"


def _verdict(facts: HostFacts, disk: BlockDevice) -> str:
    """The verdict with its reason; what a disk without a signature holds is only known when it is read."""
    word, reason = verdict(facts, disk)
    if word == UNKNOWN and disk.size > 0 and not disk.signatures and not disk.contents:
        return f"no signature; {follow_up('disk', 'list')} reads it"
    return f"{word}: {reason}" if reason else word
