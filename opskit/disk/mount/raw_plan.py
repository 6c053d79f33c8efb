"""Decide what to make on a disk: all of it, the rest of what a crash left unfinished, or nothing. Pure.

It is asked only after the guards of guard.py had no reason against it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Optional, Union

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.packages import install_line
from opskit.core.plan import Reason, Step
from opskit.core.record import dataclass
from opskit.core.text import counted
from opskit.core.units import size_text
from opskit.disk import guard
from opskit.disk.fstab.text import entries
from opskit.disk.layout import DOS_LIMIT, backup_gpt_sectors, single_partition
from opskit.disk.model import (
    SFDISK_NO_TELL_KERNEL,
    SFDISK_SCRIPTS,
    WIPEFS_BACKUP_GPT,
    ZERO,
    BlockDevice,
    DiskPlace,
    HostFacts,
    MadeRecord,
    named_by,
)
from opskit.disk.mount.mkfs import MkfsOptions, size_reasons
from opskit.disk.mount.request import MountRequest
from opskit.disk.mount.steps.make import CreatePartition, EraseSignatures, MakeFilesystem


@dataclass(frozen=True)
class NewFilesystem:
    """What to make: a filesystem, perhaps a partition for it, after what is on the disk was erased.

    erase: the devices whose signatures are erased.
    erase_what: what those are, for the person who reads the plan.
    drop: the disk whose partitions the kernel forgets.
    backup_gpt: see EraseSignatures.
    tool: what makes the partition; "" when it is there already.
    before: what is on the disk, in words.
    stale: see CreatePartition.
    """

    place: DiskPlace
    options: MkfsOptions
    erase: tuple[str, ...] = ()
    erase_what: str = ""
    drop: str = ""
    backup_gpt: tuple[int, ...] = ()
    tool: str = ""
    before: str = "blank"
    stale: bool = False
    notes: tuple[Finding, ...] = ()

    def steps(self, uuid: str) -> tuple[Step, ...]:
        """The steps, in order."""
        steps: list[Step] = []
        if self.erase:
            steps.append(EraseSignatures(self.erase, self.erase_what, self.drop, self.backup_gpt))
        if self.tool:
            steps.append(CreatePartition(self.place, self.tool, self.before, self.stale))
        return (*steps, MakeFilesystem(self.place, uuid, self.options))


def decide_raw(
    facts: HostFacts, device: BlockDevice, request: MountRequest, *, partition: str, table: str, run: str
) -> Union[NewFilesystem, list[Reason]]:
    """What to make for this request, or the reasons against.

    partition: the UUID of a new one.
    table: the UUID of a new one.
    run: the id of the run, which is in the name of a new partition.
    """
    begun = _unfinished(facts, device)
    if begun is not None and not request.wipe:
        return _go_on(facts, device, request, begun)
    if device.disk:
        disk = facts.device(device.disk)
        title = f"{device.path} is a partition, and opskit makes filesystems on whole disks only"
        return [Reason("partition", title, f"name the disk, {disk.path if disk else ''}", exit_code=ExitCode.USAGE)]
    reasons = list(not_blank(facts, device)) if not request.wipe else []
    if reasons:
        return reasons
    return _from_scratch(facts, device, request, partition=partition, table=table, run=run)


def blank_partition(facts: HostFacts, partition: BlockDevice, request: MountRequest) -> Iterator[Reason]:
    """A partition on which nothing is, of a disk that may be in use: to wipe the disk is not the way to use it."""
    if not partition.disk or partition.contents != ZERO or partition.signatures or partition.ambivalent:
        return
    disk = facts.disk_of(partition)
    taken = (*guard.system(facts, disk), *guard.in_use(facts, partition), *guard.named_in_tables(facts, partition))
    if taken or _unfinished(facts, partition) is not None:
        return
    title = f"{partition.path} is a blank partition, and opskit makes filesystems on whole disks only"
    remedy = f"{_mkfs_line(request, partition)} makes one there; then run this again"
    yield Reason("partition", title, remedy, exit_code=ExitCode.USAGE)


def _mkfs_line(request: MountRequest, partition: BlockDevice) -> str:
    return f"{request.mkfs.program} {shlex.quote(partition.path)}"


def not_blank(facts: HostFacts, disk: BlockDevice, *, wipes: bool = True) -> Iterator[Reason]:
    """What is on a disk that only --wipe may destroy.

    wipes: whether the command has that option.
    """
    path = shlex.quote(disk.path)
    wipe = f"if it may be destroyed: --wipe {path}" if wipes else f"if it may be destroyed: wipefs -a {path}"
    partitions = facts.partitions(disk)
    yield from guard.backup_gpt(disk, wipes=wipes)
    bare = not (disk.table or disk.table_backup_only or any(p.signatures or p.ambivalent for p in partitions))
    if guard.filesystem_beside_table(facts, disk) and bare:
        names = " and ".join(partition.path for partition in partitions)
        title = f"{disk.path} holds {disk.signatures[0].type}; the kernel still shows {names} of a table that is gone"
        yield Reason("stale-partitions", title, f"partx -d {shlex.quote(disk.path)}; then run this again")
        return
    if guard.filesystem_beside_table(facts, disk):
        title = f"{disk.path} has a {disk.signatures[0].type} signature and a partition table: one of them is stale"
        yield Reason("filesystem-and-table", title, f"wipefs {disk.path} lists them; {wipe}")
        return
    for device in (disk, *partitions):
        yield from _signatures(disk, device, wipe)
    if disk.table_backup_only:  # told above; what is left of the table is no table
        return
    if disk.table:
        yield from _table(disk, partitions, wipe)
    elif partitions:
        yield from guard.lost_table(facts, disk)
    elif not (disk.signatures or disk.ambivalent or disk.superblock_damaged) and disk.contents != ZERO:
        yield Reason("unknown-data", f"{disk.path} is not blank: it holds data without a known signature", wipe)


def _signatures(disk: BlockDevice, device: BlockDevice, wipe: str) -> Iterator[Reason]:
    """What shows on the disk or on a partition of it."""
    if device.ambivalent:
        what = " and ".join(s.type for s in device.signatures) or "two filesystems"
        title = f"{device.path} has signatures that contradict each other: {what}"
        yield Reason("ambivalent", title, f"wipefs {device.path} lists them; {wipe}")
    elif device.made_partly:
        yield Reason("partial-filesystem", f"{device.path} has a filesystem whose making did not finish", wipe)
    elif device.signatures and device is disk:
        yield Reason("has-data", f"{device.path} holds {device.signatures[0].type}", wipe)
    elif device.superblock_damaged:
        remedy = f"e2fsck -b 32768 {device.path} may save it; {wipe}"
        yield Reason("damaged-superblock", f"{device.path} has an ext filesystem with a damaged superblock", remedy)


def _table(disk: BlockDevice, partitions: tuple[BlockDevice, ...], wipe: str) -> Iterator[Reason]:
    """A partition table that opskit did not make for this purpose."""
    if len(partitions) > 1:
        names = ", ".join(p.path for p in partitions)
        title = f"{disk.path} has {counted(len(partitions), 'partition')}: {names}"
        blank = " or ".join(p.path for p in partitions if p.contents == ZERO and not p.signatures)
        make = f"; {blank} is blank and needs a filesystem first (mkfs.ext4, mkfs.xfs)" if blank else ""
        yield Reason("several-partitions", title, f"name the one to mount{make}; {wipe}")
    elif partitions:
        inside = partitions[0]
        what = inside.signatures[0].type if inside.signatures else "no filesystem"
        title = f"{disk.path} has a {disk.table} table with {inside.path} ({what}), not made by opskit on this host"
        is_blank = inside.contents == ZERO and not inside.signatures
        make = f"mkfs.ext4 {inside.path} makes one there" if is_blank else "make a filesystem there by hand"
        yield Reason("has-partition", title, f"{make}, then name {inside.path}; {wipe}")
    else:
        title = f"{disk.path} has a {disk.table} table, but the kernel shows no partition in it"
        yield Reason("has-table", title, f"partx --show {disk.path} shows what is in it; {wipe}")


def _same_disk(made: MadeRecord, disk: BlockDevice) -> bool:
    return bool(disk.identity) and made.place.disk_identity == disk.identity and made.place.disk_size == disk.size


def _unfinished(facts: HostFacts, device: BlockDevice) -> Optional[MadeRecord]:
    """The newest entry of the ledger that tells of this very place, if its filesystem was not finished."""
    disk = facts.disk_of(device)
    here = [made for made in facts.made if _matches(facts, made, disk)]
    return here[-1] if here and not here[-1].mkfs_done else None


def _matches(facts: HostFacts, made: MadeRecord, disk: BlockDevice) -> bool:
    """Whether what lies on the disk is what this entry of the ledger began."""
    place = made.place
    partitions = facts.partitions(disk)
    if place.partition_number == 0:
        return _same_disk(made, disk) and not disk.table and made.mkfs_began
    if disk.table != place.table or len(partitions) != 1:
        return False
    partition = partitions[0]
    if (partition.start, partition.size) != (place.start, place.size):
        return False
    if place.partition_uuid and partition.partition_uuid.lower() == place.partition_uuid.lower():
        return True
    # parted cannot set a PARTUUID: its name, which has the run's id in it (GPT), or its disk (DOS) stands for it.
    if place.table == "gpt":
        return bool(place.partition_name) and partition.partition_name == place.partition_name
    return _same_disk(made, disk)


def _go_on(
    facts: HostFacts, device: BlockDevice, request: MountRequest, made: MadeRecord
) -> Union[NewFilesystem, list[Reason]]:
    """Go on where a run stopped: over blank bytes, the very filesystem that shows it was not finished, or what it left.

    That the partition is the recorded one says nothing of what somebody put there since.
    """
    disk = facts.disk_of(device)
    inside = next(iter(facts.partitions(disk)), disk)
    filesystem = inside.filesystem
    ours = filesystem is not None and inside.made_partly and filesystem.uuid == made.filesystem_uuid
    blank = inside.contents == ZERO and not (inside.signatures or inside.ambivalent)
    left = bool(made.left) and inside.bytes_hash == made.left
    if not (ours or blank or left):
        title = f"run {made.run} did not finish {inside.path}, and what is on it now may be data"
        remedy = f"if nobody has used it since: --wipe {shlex.quote(request.device)}"
        return [Reason("changed-since-crash", title, remedy)]
    # The disk may have another name since: what was recorded is where on it, and never which /dev/vdX.
    place = replace(made.place, disk=disk.name, disk_path=disk.path)
    reasons = [
        *_other_place(request, made),
        *size_reasons(request.mkfs, place.size),
        *guard.missing_tool(facts, request.mkfs.program),
    ]
    erase = (inside.path,) if filesystem or inside.ambivalent else ()
    what = f"{filesystem.type if filesystem else 'a filesystem'} whose making did not finish" if erase else ""
    note = Finding("goes-on", "info", f"continues on {inside.path} where run {made.run} stopped")
    return reasons or NewFilesystem(place, request.mkfs, erase, what, notes=(note,))


def _other_place(request: MountRequest, made: MadeRecord) -> Iterator[Reason]:
    """A run began a partition, and the whole disk is asked for now, or the other way round."""
    if request.whole_disk == (made.place.partition_number == 0):
        return
    began = "a partition" if made.place.partition_number else "a filesystem on the whole disk"
    title = f"run {made.run} began {began}, but something else is requested this time"
    remedy = f"repeat the options of that run ({follow_up('history', 'show', made.run)}), or --wipe {request.device}"
    yield Reason("other-place", title, remedy)


def _from_scratch(
    facts: HostFacts, disk: BlockDevice, request: MountRequest, *, partition: str, table: str, run: str
) -> Union[NewFilesystem, list[Reason]]:
    """A table, a partition and a filesystem on a blank disk, or on one whose data may be destroyed."""
    kind = request.table
    notes: tuple[Finding, ...] = ()
    if kind == "dos" and disk.size > DOS_LIMIT and not request.whole_disk:
        text = f"{disk.path} has {size_text(disk.size)}: a dos table ends at 2 TiB, so the table is gpt"
        kind, notes = "gpt", (Finding("gpt-over-2-tib", "info", text),)
    place, tool, reasons = _new_place(facts, disk, kind, request, partition=partition, table=table, run=run)
    reasons += [*size_reasons(request.mkfs, place.size), *guard.missing_tool(facts, request.mkfs.program)]
    reasons += _label_taken(facts, disk, request)
    if reasons:
        return reasons
    partitions = facts.partitions(disk)
    dirty = [d for d in (*partitions, disk) if d.signatures or d.table or d.table_backup_only or d.ambivalent]
    what = ", ".join(dict.fromkeys(_contents(d) for d in dirty))
    before = "wiped" if dirty else "blank" if disk.contents == ZERO else "unknown data"
    erase = tuple(d.path for d in dirty)
    if dirty and disk not in dirty:
        erase += (disk.path,)
    drop = disk.path if partitions else ""
    stale = bool(dirty) or disk.contents != ZERO
    blind = not facts.has_tool("sfdisk", WIPEFS_BACKUP_GPT)
    gpt = blind and (disk.table == "gpt" or disk.table_backup_only)
    tail = (*backup_gpt_sectors(disk.size, disk.sector_size), disk.sector_size) if gpt else ()
    return NewFilesystem(place, request.mkfs, erase, what, drop, tail, tool, before, stale, notes=notes)


def _label_taken(facts: HostFacts, disk: BlockDevice, request: MountRequest) -> Iterator[Reason]:
    """Fstab mounts a filesystem by the label that the new one is to have: which of the two would be left to chance."""
    family = {device.name for device in guard.related(facts, disk)}
    for entry in entries(facts.fstab.text):
        others = [d for d in facts.devices if d.name not in family and named_by(entry.source, d)]
        if request.label and entry.source == f"LABEL={request.label}" and others:
            line = f"{facts.fstab.path} line {entry.number}"
            title = f"{line} mounts {others[0].path} by the label {request.label}, which the new filesystem is to have"
            yield Reason("label-in-fstab", title, f"choose another --label; or name that disk in {line} by its UUID")


def _contents(device: BlockDevice) -> str:
    contents = [s.type for s in device.signatures] + ([f"{device.table} table"] if device.table else [])
    contents += [f"{s.type} on its partition {hidden.number}" for hidden in device.hidden for s in hidden.signatures]
    return " and ".join(contents) or "signatures"


def _new_place(
    facts: HostFacts, disk: BlockDevice, kind: str, request: MountRequest, *, partition: str, table: str, run: str
) -> tuple[DiskPlace, str, list[Reason]]:
    base = DiskPlace(disk.name, disk.path, disk.identity, disk.size, disk.sector_size, 0, disk.size)
    if request.whole_disk:
        return base, "", []
    start, size = single_partition(disk, kind)
    tool, reasons = _partition_tool(facts, kind)
    # A dos table has a 32-bit id, and its partitions' UUIDs are made of it.
    table_id = table if kind == "gpt" else "0x" + table[:8]
    uuid = "" if tool == "parted" else partition if kind == "gpt" else f"{table[:8]}-01"
    name = f"opskit-{run}" if kind == "gpt" else ""
    place = DiskPlace(
        disk.name, disk.path, disk.identity, disk.size, disk.sector_size, start, size, kind, table_id, 1, uuid, name
    )
    return place, tool, reasons


def _partition_tool(facts: HostFacts, table: str) -> tuple[str, list[Reason]]:
    """What writes the table here: sfdisk where it knows GPT and scripts, else parted (EL7)."""
    if facts.has_tool("sfdisk", SFDISK_NO_TELL_KERNEL):
        return "sfdisk", []
    if facts.has_tool("sfdisk", SFDISK_SCRIPTS):
        return "sfdisk-reread", []
    if "parted" in facts.tools:
        return "parted", []
    title = f"writing a {table} table needs sfdisk 2.26 or newer, or parted"
    # Debian has sfdisk, in a package that a minimal host lacks; where it is too old parted does the same.
    remedy = install_line(facts.package_manager, "parted" if "sfdisk" in facts.tools else "sfdisk")
    return "", [Reason("missing-tool", title, remedy, exit_code=ExitCode.MISSING)]
