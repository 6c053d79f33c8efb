"""The steps of growing: the partition to the end of its disk, then the filesystem to the end of its partition."""

from __future__ import annotations

import os
from typing import ClassVar, Optional, Union

from opskit.core.command import MINUTE, Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, Failed
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.units import size_text
from opskit.disk.layout import SYSFS_SECTOR, device_path
from opskit.disk.lvm.model import MEMBER
from opskit.disk.model import FilesystemSize
from opskit.disk.mount.steps.tried import run_on_disk
from opskit.disk.see import lvm
from opskit.disk.see.superblock import filesystem_size
from opskit.disk.see.sysfs import read_device

GROW_SECONDS = 60 * MINUTE


@dataclass(frozen=True)
class GrowPartition(Step):
    """Move the end of the last partition; a GPT's backup goes to the new end of the disk with it.

    tool: sfdisk (2.29 up), or growpart where sfdisk is older (EL7).
    """

    kind: ClassVar[str] = "disk.grow-partition"
    under_lock: ClassVar[bool] = True

    disk: str  # kernel name
    partition: str  # kernel name
    number: int
    start: int
    size: int
    new_size: int
    sector_size: int
    tool: str
    fstype: str
    target: str

    @property
    def change(self) -> Change:
        before, after, lines = size_text(self.size), size_text(self.new_size), shell_lines(self.commands)
        return Change("grow-partition", device_path(self.partition), before, after, lines, reversible=False)

    @property
    def commands(self) -> tuple[Command, ...]:
        return self._resize(self.new_size)

    @property
    def locks_disk(self) -> bool:
        """Whether its program takes the disk's lock itself (growpart 0.33), and would wait for us if we had it."""
        return self.tool == "growpart"

    def _resize(self, size: int) -> tuple[Command, ...]:
        """The commands that give the partition this size."""
        path = device_path(self.disk)
        if self.tool == "growpart":
            return (Command(("growpart", path, str(self.number)), mutates=True),)
        line = f"start={self.start // self.sector_size}, size={size // self.sector_size}\n"
        # The disk is in use, and stays so: sfdisk leaves telling the kernel to partx.
        argv = ("sfdisk", "-q", "--no-reread", "--no-tell-kernel", "-N", str(self.number), path)
        update = Command(("partx", "-u", "--nr", str(self.number), path), mutates=True)
        return (Command(argv, mutates=True, input=line), update)

    def remember(self, runner: Runner) -> Record:
        return {"size": self.size}

    def verify(self, runner: Runner, record: Record) -> None:
        device = read_device(self.partition)
        if (
            device.start != self.start
            or device.size < self.size
            or (self.tool == "sfdisk" and device.size != self.new_size)
        ):
            why = f"the kernel has it at {device.start // SYSFS_SECTOR} with {size_text(device.size)}"
            raise Failed(device.path, why, todo=f"partx -u {device_path(self.disk)}; dmesg | tail")

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "making the partition smaller could cut its filesystem"

    def undo(self, runner: Runner, record: Record) -> None:
        """Give the partition its old size back, as long as what is on it has not grown into the new one."""
        device = read_device(self.partition)
        if self.fstype == MEMBER:
            group, physical = lvm.physical_volume_at(runner, device.path)
            end = physical.start + physical.extents * group.extent_size if physical and group else None
            what = "its physical volume"
        else:
            filesystem = filesystem_size(device.path, self.fstype, device.size, self.target)
            end = filesystem.blocks * filesystem.block_size if filesystem else None
            what = "its filesystem"
        if end is None or end > record["size"]:
            raise CannotUndo(f"{what} has grown into the new size")
        if self.tool != "sfdisk" and device.size == record["size"]:
            return  # growpart changes nothing, or both the table and what the kernel has of it
        # sfdisk's table can be larger already although the kernel does not show it: it is written in any case.
        if self.tool != "sfdisk":
            raise CannotUndo("the partition is kept as large as it became; nothing on it was changed")
        for command in self._resize(self.size):
            runner.run(command)


@dataclass(frozen=True)
class GrowFilesystem(Step):
    """Grow a mounted filesystem to the end of its device (resize2fs(8), xfs_growfs(8)).

    path: the name of a device that the kernel may call another after a boot (a logical volume); "" where it may not.
    """

    kind: ClassVar[str] = "disk.grow-filesystem"
    under_lock: ClassVar[bool] = True

    device: str  # kernel name
    fstype: str
    target: str
    before: int
    after: int
    path: str = ""

    @property
    def change(self) -> Change:
        before, after, lines = size_text(self.before), size_text(self.after), shell_lines(self.commands)
        return Change("grow-filesystem", f"{self.fstype} on {self.target}", before, after, lines, reversible=False)

    @property
    def commands(self) -> tuple[Command, ...]:
        argv = ("xfs_growfs", self.target) if self.fstype == "xfs" else ("resize2fs", self._path)
        return (Command(argv, mutates=True, timeout=GROW_SECONDS),)

    def apply(self, runner: Runner, record: Record) -> Record:
        for command in self.commands:
            run_on_disk(runner, command, self._path, fstype=self.fstype, target=self.target)
        return {}

    @property
    def _path(self) -> str:
        return self.path or device_path(self.device)

    def _size(self) -> Optional[FilesystemSize]:
        device = read_device(os.path.basename(os.path.realpath(self.path)) if self.path else self.device)
        return filesystem_size(self._path, self.fstype, device.size, self.target)

    def verify(self, runner: Runner, record: Record) -> None:
        size = self._size()
        if size is None or size.blocks < size.blocks_possible:
            raise Failed(self.target, "the filesystem does not fill its device", todo="dmesg | tail")

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "the filesystem cannot be made smaller while it is in use"

    def undo(self, runner: Runner, record: Record) -> None:
        """It cannot be made smaller; if it did not grow there is nothing to take back."""
        size = self._size()
        if size is None or size.blocks * size.block_size != self.before:
            raise CannotUndo("the filesystem has begun to grow, and is kept as large as it became")


STEPS: tuple[type[Step], ...] = (GrowPartition, GrowFilesystem)
