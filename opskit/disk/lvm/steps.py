"""The steps of growing a logical volume: a disk into the volume group, a physical volume, the volume itself."""

from __future__ import annotations

import shlex
from typing import ClassVar, Union

from opskit.core.command import MINUTE, Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, Failed
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.units import size_text
from opskit.disk.lvm.model import VolumeGoal
from opskit.disk.see import lvm
from opskit.disk.see.superblock import filesystem_size

LVM_SECONDS = 10 * MINUTE


def _lvm(*argv: str) -> Command:
    return Command(argv, mutates=True, timeout=LVM_SECONDS)


def _report_check(program: str, fields: str, name: str, values: str) -> tuple[str, ...]:
    """A line that stops a script where LVM reports other values (words with blanks between them)."""
    report = f"{program} --noheadings --nosuffix --units b -o {fields} {shlex.quote(name)}"
    return (f'[ "$({report} | xargs)" = {shlex.quote(values)} ]',)


@dataclass(frozen=True)
class ExtendVolumeGroup(Step):
    """Take a blank device, or a physical volume that is in no group, into a volume group (vgextend(8)).

    vgextend makes the physical volume, and puts it into /etc/lvm/devices/system.devices where LVM goes by that file
    (measured: 2.03.16). It writes nothing where it finds a signature, for nobody answers its question.
    size: of the device, in bytes.
    """

    kind: ClassVar[str] = "disk.extend-volume-group"
    under_lock: ClassVar[bool] = True

    group: str
    group_uuid: str
    path: str
    size: int
    goal: VolumeGoal

    @property
    def change(self) -> Change:
        lines = shell_lines(self.commands)
        after = f"{self.path} ({size_text(self.size)}) added"
        return Change("extend-volume-group", self.group, f"without {self.path}", after, lines, reversible=False)

    @property
    def checks(self) -> tuple[str, ...]:
        return _report_check("vgs", "vg_uuid", self.group, self.group_uuid)

    @property
    def commands(self) -> tuple[Command, ...]:
        return (_lvm("vgextend", self.group, self.path),)

    def verify(self, runner: Runner, record: Record) -> None:
        group, _ = lvm.physical_volume_at(runner, self.path)
        if group is None or group.uuid != self.group_uuid:
            raise Failed(self.path, f"it is not in the volume group {self.group}", todo="pvs; dmesg | tail")

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "the volume has extents on it"

    def undo(self, runner: Runner, record: Record) -> None:
        """Take it out again, as long as nothing lies on it."""
        group, physical = lvm.physical_volume_at(runner, self.path)
        if group is not None and group.uuid == self.group_uuid:
            if physical is None or physical.used_extents:
                raise CannotUndo(f"volumes of {self.group} lie on {self.path}")
            runner.run(_lvm("vgreduce", self.group, self.path))
        elif group is not None:
            raise CannotUndo(f"{self.path} is in the volume group {group.name}")
        if physical is not None:
            runner.run(_lvm("pvremove", self.path))


@dataclass(frozen=True)
class ResizePhysicalVolume(Step):
    """Give a physical volume all of its device, which was made larger (pvresize(8)).

    uuid: its own.
    start: where its extents begin, in bytes.
    extents: how many it has; new_extents: how many it will have.
    """

    kind: ClassVar[str] = "disk.resize-physical-volume"
    under_lock: ClassVar[bool] = True

    path: str
    uuid: str
    group: str
    start: int
    extents: int
    new_extents: int
    extent_size: int
    goal: VolumeGoal

    @property
    def change(self) -> Change:
        before, after = (size_text(count * self.extent_size) for count in (self.extents, self.new_extents))
        target = f"{self.path} of {self.group}"
        lines = shell_lines(self.commands)
        return Change("resize-physical-volume", target, before, after, lines, reversible=False)

    @property
    def checks(self) -> tuple[str, ...]:
        return _report_check(
            "pvs", "pv_uuid,vg_name,pv_pe_count", self.path, f"{self.uuid} {self.group} {self.extents}"
        )

    @property
    def commands(self) -> tuple[Command, ...]:
        return (_lvm("pvresize", self.path),)

    def verify(self, runner: Runner, record: Record) -> None:
        _, physical = lvm.physical_volume(runner, self.uuid)
        if physical is None or physical.extents < self.new_extents:
            count = physical.extents if physical else 0
            why = f"it has {count} extents, not {self.new_extents}"
            raise Failed(self.path, why, todo=f"pvs -o +pv_pe_count,dev_size {self.path}; dmesg | tail")

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "the volume has the new extents"

    def undo(self, runner: Runner, record: Record) -> None:
        """Give it its old size, as long as none of the new extents is in use."""
        _, physical = lvm.physical_volume(runner, self.uuid)
        if physical is None or physical.extents <= self.extents:
            return
        if physical.used_extents > self.extents:
            raise CannotUndo("volumes have the new extents")
        size = self.start + self.extents * self.extent_size
        # LVM itself refuses it where an extent behind that is in use; --yes answers that it is smaller than its device.
        runner.run(_lvm("pvresize", "--yes", "--setphysicalvolumesize", f"{size}b", self.path))


@dataclass(frozen=True)
class ExtendVolume(Step):
    """Make a logical volume larger, to a number of extents (lvextend(8)).

    fstype, target: of the filesystem on it, and where that is mounted.
    """

    kind: ClassVar[str] = "disk.extend-volume"
    under_lock: ClassVar[bool] = True

    group: str
    volume: str
    path: str
    extents: int
    extent_size: int
    fstype: str
    target: str
    goal: VolumeGoal

    @property
    def change(self) -> Change:
        before, after = (size_text(count * self.extent_size) for count in (self.extents, self.goal.extents))
        lines = shell_lines(self.commands)
        return Change("extend-volume", self.path, before, after, lines, reversible=False)

    @property
    def checks(self) -> tuple[str, ...]:
        size = self.extents * self.extent_size
        return _report_check("lvs", "lv_uuid,lv_size", f"{self.group}/{self.volume}", f"{self.goal.uuid} {size}")

    @property
    def commands(self) -> tuple[Command, ...]:
        return (_lvm("lvextend", "--extents", str(self.goal.extents), f"{self.group}/{self.volume}"),)

    def verify(self, runner: Runner, record: Record) -> None:
        _, volume = lvm.logical_volume(runner, self.goal.uuid)
        wanted = self.goal.extents * self.extent_size
        if volume is None or volume.size != wanted:
            why = f"it has {size_text(volume.size if volume else 0)}, not {size_text(wanted)}"
            raise Failed(self.path, why, todo=f"lvs {self.group}; dmesg | tail")

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "making the volume smaller could cut its filesystem"

    def undo(self, runner: Runner, record: Record) -> None:
        """Give it its old size back, as long as its filesystem has not grown into the new one."""
        _, volume = lvm.logical_volume(runner, self.goal.uuid)
        before = self.extents * self.extent_size
        if volume is None or volume.size <= before:
            return
        size = filesystem_size(self.path, self.fstype, volume.size, self.target)
        if size is None or size.blocks * size.block_size > before:
            raise CannotUndo("its filesystem has grown into the new size")
        # --yes answers that this may destroy data: the extents that go have never had any.
        runner.run(_lvm("lvreduce", "--yes", "--extents", str(self.extents), f"{self.group}/{self.volume}"))


STEPS: tuple[type[Step], ...] = (ExtendVolumeGroup, ResizePhysicalVolume, ExtendVolume)
