"""The steps that make something on a disk: erase signatures, create the partition, make the filesystem."""

from __future__ import annotations

from typing import ClassVar, Optional, Union

from opskit.core.command import MINUTE, Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, Failed
from opskit.core.finding import follow_up
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.units import size_text
from opskit.disk.layout import (
    LINUX_DOS,
    LINUX_GPT,
    UNNAMED,
    backup_gpt_sectors,
    name_of,
    shell_line,
    shell_lookup,
    shell_name,
)
from opskit.disk.model import FREE, ZERO, BlockDevice, DiskPlace
from opskit.disk.mount.mkfs import MkfsOptions, mkfs_argv
from opskit.disk.mount.steps.forget import forget, forget_partitions
from opskit.disk.mount.steps.tried import MORE, run_on_disk
from opskit.disk.see import probe, superblock
from opskit.disk.see.sysfs import device_at, read_device, read_partitions

# A discard of a large cloud disk took minutes; two hours is past any of them.
MKFS_SECONDS = 120 * MINUTE


@dataclass(frozen=True)
class EraseSignatures(Step):
    """Erase every signature on these devices, partitions before their disk (wipefs(8)).

    what: the signatures, for the person who reads the plan.
    drop: the disk whose partitions the kernel forgets.
    backup_gpt: (first, count, bytes in each) of the sectors to zero at the end of the last path: the wipefs of EL7 is
        blind to a backup GPT.
    """

    kind: ClassVar[str] = "disk.erase-signatures"
    under_lock: ClassVar[bool] = True

    paths: tuple[str, ...]
    what: str
    drop: str = ""
    backup_gpt: tuple[int, ...] = ()

    @property
    def change(self) -> Change:
        paths, lines = " ".join(self.paths), shell_lines(self.commands)
        return Change("erase-signatures", paths, self.what, "no signatures", lines, reversible=False)

    @property
    def commands(self) -> tuple[Command, ...]:
        commands = [Command(("wipefs", "-a", *self.paths), mutates=True)]
        if self.backup_gpt:
            first, count, size = self.backup_gpt
            at = (f"of={self.paths[-1]}", f"bs={size}", f"seek={first}", f"count={count}")
            commands.append(Command(("dd", "if=/dev/zero", *at, "conv=fsync"), mutates=True))
        return (*commands, *((forget(self.drop),) if self.drop else ()))

    def apply(self, runner: Runner, record: Record) -> Record:
        for command in self.commands:
            if command != forget(self.drop):
                runner.run(command)
            elif staying := forget_partitions(runner, self.drop):
                raise Failed(staying, "the kernel cannot forget it: it is in use", todo=f"fuser -v {staying}")
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        last = read_device(self.paths[-1].removeprefix("/dev/").replace("/", "!"))
        rest = probe.with_wipefs(probe.with_signatures(last, runner), runner)
        if rest.signatures or rest.table:
            raise Failed(last.path, "it still has signatures", todo=f"wipefs {last.path}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "erased signatures are not kept"


@dataclass(frozen=True)
class CreatePartition(Step):
    """Write a new partition table with one partition over the whole disk.

    tool: sfdisk, sfdisk-reread (2.26 to 2.28, which cannot leave telling the kernel to partx) or parted (EL7).
    stale: the disk had data, and a filesystem of old may show where the new partition begins: mkfs.xfs would refuse.
    """

    kind: ClassVar[str] = "disk.create-partition"
    under_lock: ClassVar[bool] = True

    place: DiskPlace
    tool: str
    before: str = "blank"
    stale: bool = False

    @property
    def change(self) -> Change:
        place = self.place
        after = f"{place.table} table, one partition of {size_text(place.size)}"
        erase = (f"wipefs -a {shell_name(place)}",) if self.stale else ()
        lines = (*shell_lines(self.commands), *shell_lookup(place), *erase)
        return Change("create-partition", place.disk_path, self.before, after, lines, reversible=True)

    @property
    def commands(self) -> tuple[Command, ...]:
        if self.tool == "parted":
            return (Command(self._parted_argv(), mutates=True),)
        # sfdisk would wait a quarter of a second for udev before it tells the kernel; partx does not.
        quiet = ("sfdisk", "-q") if self.tool == "sfdisk-reread" else ("sfdisk", "-q", "--no-tell-kernel")
        write = Command((*quiet, self.place.disk_path), mutates=True, input=self._script())
        return (write, Command(("partx", "-u", self.place.disk_path), mutates=True))

    def _script(self) -> str:
        """Input of sfdisk(8): sizes in sectors of the device."""
        place = self.place
        start, size = place.start // place.sector_size, place.size // place.sector_size
        kind = LINUX_GPT if place.table == "gpt" else LINUX_DOS
        line = f"start={start}, size={size}, type={kind}"
        if place.table == "gpt":
            line += f', uuid={place.partition_uuid}, name="{place.partition_name}"'
        return f"label: {place.table}\nlabel-id: {place.table_uuid}\nunit: sectors\n\n{line}\n"

    def _parted_argv(self) -> tuple[str, ...]:
        place = self.place
        label = "gpt" if place.table == "gpt" else "msdos"
        name = place.partition_name if place.table == "gpt" else "primary"
        first = place.start // place.sector_size
        last = (place.start + place.size) // place.sector_size - 1
        make = ("mklabel", label, "mkpart", name, "ext2", f"{first}s", f"{last}s")
        return ("parted", "-s", "-a", "none", place.disk_path, *make)

    def apply(self, runner: Runner, record: Record) -> Record:
        for command in self.commands:
            run_on_disk(runner, command, self.place.disk_path)
        if self.stale:
            runner.run(Command(("wipefs", "-a", device_at(self.place).path), mutates=True))
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        partition = probe.with_signatures(device_at(self.place), runner)
        expected = self.place.partition_uuid
        if self.tool != "parted" and partition.partition_uuid.lower() != expected.lower():
            raise Failed(partition.path, f"its PARTUUID is {partition.partition_uuid}, not {expected}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        path, before, lines = self.place.disk_path, f"{self.place.table} table", shell_lines(self.undo_commands(record))
        after = "blank, if the partition is as empty as it was made"
        return Change("remove-partition", path, before, after, lines, reversible=False)

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return (forget(self.place.disk_path), *(command for command, _, _ in zeros(self.place)))

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where the disk has no table and no trace of one. Raises CannotUndo where more is on it by now."""
        place = self.place
        disk = probe.with_signatures(read_device(place.disk), runner)
        self._check_removable(disk, runner)
        headers, entries = superblock.gpt_traces(place.disk_path, place.disk_size, place.sector_size)
        on_disk = disk.table or headers or place.partition_uuid.lower() in entries
        traces = on_disk or read_partitions(place.disk)
        return super().left(runner, record) if traces else None

    def _check_removable(self, disk: BlockDevice, runner: Runner) -> None:
        """Raise CannotUndo unless the table is the one of this step and its partition is as empty as it was made.

        disk: with its signatures
        """
        place = self.place
        if not disk.number:
            raise CannotUndo(f"{place.disk_path} is gone", todo=f"was it detached? {follow_up('disk', 'list')}")
        if disk.size != place.disk_size or (disk.identity and disk.identity != place.disk_identity):
            raise CannotUndo(f"{place.disk_path} is another disk now")
        if not disk.table and any(not self._is_here(partition) for partition in read_partitions(place.disk)):
            raise CannotUndo("the kernel shows partitions that opskit did not make")
        if not disk.table:
            return  # of a half of one remove_half asks more
        if not self._is_ours(disk, runner):
            raise CannotUndo("the partition table on the disk is not the one that opskit made")
        # Through the disk: the kernel need not show the partition (any more).
        if probe.contents(place.disk_path, place.size, place.start) != ZERO:
            raise CannotUndo(f"there is something on {name_of(place)}; it is kept, and so is the partition")
        for partition in read_partitions(self.place.disk):
            content = probe.with_signatures(partition, runner)
            if content.signatures or content.ambivalent:
                raise CannotUndo(f"there is something on {content.path}; it is kept, and so is the partition")
            if probe.exclusive(content.path) != FREE:
                raise CannotUndo(f"{content.path} is in use")

    def undo(self, runner: Runner, record: Record) -> None:
        """Remove the table. Raises CannotUndo as left does."""
        disk = probe.with_signatures(read_device(self.place.disk), runner)
        self._check_removable(disk, runner)
        # Before the table goes: else what stays is a partition without one, which nothing here would find again.
        shown = disk.table or read_partitions(self.place.disk)
        if shown and (staying := forget_partitions(runner, self.place.disk_path)):
            raise CannotUndo(f"{staying} is in use: the kernel cannot forget it", todo=f"fuser -v {staying}")
        if not disk.table:
            remove_half(runner, disk, self.place, known=self.tool != "parted")
            return
        try:
            for command, _, _ in zeros(self.place):
                runner.run(command)
        except Failed:
            # The table stays: so does what the kernel shows of it, and the next run goes on from there.
            runner.run(Command(("partx", "-u", self.place.disk_path), mutates=True, accept=(0, 1)))
            raise

    def _is_here(self, partition: BlockDevice) -> bool:
        return (partition.start, partition.size) == (self.place.start, self.place.size)

    def _is_ours(self, disk: BlockDevice, runner: Runner) -> bool:
        """By the table's id where the tool could set it, else by where its one partition lies (or none yet)."""
        place = self.place
        if self.tool != "parted":
            return disk.table_uuid.lower() == place.table_uuid.lower().removeprefix("0x")
        partitions = read_partitions(place.disk)
        same = len(partitions) < 2 and all(map(self._is_here, partitions))
        # Without a serial number one disk is like another of its size, unless the partition's name has our run in it.
        names = [probe.with_signatures(p, runner).partition_name for p in partitions]
        known = bool(disk.identity) if place.table == "dos" or not partitions else names == [place.partition_name]
        return disk.table == place.table and same and known


@dataclass(frozen=True)
class MakeFilesystem(Step):
    """Make a filesystem, with a UUID chosen before, at a place that the plan found to be blank or its own."""

    kind: ClassVar[str] = "disk.make-filesystem"
    under_lock: ClassVar[bool] = True

    place: DiskPlace
    uuid: str
    options: MkfsOptions

    @property
    def change(self) -> Change:
        label = f", label {self.options.label}" if self.options.label else ""
        after = f"{self.options.fstype}, UUID {self.uuid}{label}"
        lines = (shell_line(self._command(UNNAMED), self.place),)
        return Change("make-filesystem", name_of(self.place), "no filesystem", after, lines, reversible=False)

    def _command(self, path: str) -> Command:
        return Command(mkfs_argv(self.options, self.uuid, path), mutates=True, timeout=MKFS_SECONDS)

    def remember(self, runner: Runner) -> Record:
        return {"device": device_at(self.place).path}

    def apply(self, runner: Runner, record: Record) -> Record:
        try:
            run_on_disk(runner, self._command(record["device"]), record["device"])
        except Failed as error:
            # Nobody else can have written there yet: by this the next run knows what it may go on over.
            error.record = {"left": probe.look_at_bytes(record["device"], self.place.size)[1]}
            raise
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        filesystem = probe.with_signatures(device_at(self.place), runner).filesystem
        if filesystem is None or (filesystem.type, filesystem.uuid) != (self.options.fstype, self.uuid):
            present = f"{filesystem.type} {filesystem.uuid}" if filesystem else "none at all"
            why = f"it does not hold the filesystem that was made, but {present}"
            raise Failed(record["device"], why, todo=MORE)

    def undo_change(self, record: Record) -> Union[Change, str]:
        return f"what is on {record.get('device', name_of(self.place))} is not destroyed"

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where mkfs wrote nothing. Raises CannotUndo where it did."""
        return None if self._is_blank() else super().left(runner, record)

    def _is_blank(self) -> bool:
        return probe.contents(self.place.disk_path, self.place.size, self.place.start) == ZERO

    def undo(self, runner: Runner, record: Record) -> None:
        """Nothing to do where mkfs wrote nothing. Raises CannotUndo where it did."""
        if not self._is_blank():
            raise CannotUndo("a filesystem is kept once mkfs has begun; the same command continues with it")


STEPS: tuple[type[Step], ...] = (EraseSignatures, CreatePartition, MakeFilesystem)


def zeros(place: DiskPlace) -> list[tuple[Command, int, int]]:
    """The commands that zero where the table of a place lies, each with the first sector and how many."""
    if place.table != "gpt":
        return [_zero(place, 0, 1)]
    first, count = backup_gpt_sectors(place.disk_size, place.sector_size)
    return [_zero(place, 0, count + 1), _zero(place, first, count)]


def _zero(place: DiskPlace, first: int, count: int) -> tuple[Command, int, int]:
    where = (f"of={place.disk_path}", f"bs={place.sector_size}", *((f"seek={first}",) if first else ()))
    return Command(("dd", "if=/dev/zero", *where, f"count={count}", "conv=fsync"), mutates=True), first, count


def remove_half(runner: Runner, disk: BlockDevice, place: DiskPlace, *, known: bool) -> None:
    """Remove what a disk that failed let sfdisk write: entries, then their header, at the end of the disk first.

    disk: with its signatures.
    known: the ids on it are those of the place, for the tool could set them.

    Raises CannotUndo where there is anything beside.
    """
    if place.table != "gpt":
        return
    headers, entries = superblock.gpt_traces(place.disk_path, place.disk_size, place.sector_size)
    if headers and not (known and headers == {place.table_uuid.lower()}):
        raise CannotUndo("the disk has a part of a GPT that opskit did not make")
    if not known or not (headers or place.partition_uuid.lower() in entries):
        return
    _check_empty(disk, place)
    for command, first, count in zeros(place):
        # It need not be possible to write where nothing could be written before.
        if probe.contents(place.disk_path, count * place.sector_size, first * place.sector_size) != ZERO:
            runner.run(command)


def _check_empty(disk: BlockDevice, place: DiskPlace) -> None:
    """Entries outlive a table that somebody replaced by a filesystem. Raises CannotUndo where that may have been."""
    (_, _, head), (_, tail, _) = zeros(place)
    between = ((tail - head) * place.sector_size, head * place.sector_size)
    if disk.signatures or disk.ambivalent or probe.contents(place.disk_path, *between) != ZERO:
        raise CannotUndo(f"there is something on {place.disk_path} beside a part of a table; it is kept")
    if probe.exclusive(place.disk_path) != FREE:
        raise CannotUndo(f"{place.disk_path} is in use")
