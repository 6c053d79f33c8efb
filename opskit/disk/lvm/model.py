"""What LVM reports: volume groups with their physical and logical volumes. Sizes are in bytes.

The attributes are LVM's own letters (vgs(8), lvs(8), "attr bits").
"""

from __future__ import annotations

from opskit.core.record import dataclass

# The signature that libblkid gives a physical volume.
MEMBER = "LVM2_member"
# Allocation policies under which any free extent will do; others want extents in certain places (lvmthin(7), lvm(8)).
FREE_CHOICE = frozenset("na")


@dataclass(frozen=True)
class PhysicalVolume:
    """A physical volume.

    path: the device as LVM names it; "[unknown]" for one that is missing.
    device: the kernel's name of it, "" when it is missing.
    device_size: of the device that it is on.
    start: where its extents begin on the device.
    extents, used_extents: 0 where it is in no volume group.
    metadata_areas: a second one is at the end of the device.
    """

    uuid: str
    path: str
    device: str
    device_size: int
    start: int
    extents: int
    used_extents: int
    metadata_areas: int
    allocatable: bool
    missing: bool = False

    def extents_possible(self, extent_size: int) -> int:
        """How many extents it has once pvresize has given it all of its device."""
        return self.extents_on(self.device_size, extent_size)

    def extents_on(self, size: int, extent_size: int) -> int:
        """How many extents it has on a device of this size (lvm2, lib/format_text/format-text.c, pv_resize)."""
        return max(0, size - self.start) // extent_size

    @property
    def free_extents(self) -> int:
        """The extents that a logical volume can get of it."""
        return self.extents - self.used_extents if self.allocatable and not self.missing else 0


@dataclass(frozen=True)
class LogicalVolume:
    """A logical volume.

    device: the kernel's name of it, "" when it is not active.
    layout: what it is made like: linear, striped, raid,raid1, thin,sparse … (lvs -o lv_layout).
    role: what it is for: public, public,origin … (lvs -o lv_role).
    on: the kernel's names of the devices that its extents lie on.
    """

    name: str
    uuid: str
    path: str
    device: str
    size: int
    layout: str
    role: str
    attributes: str
    on: tuple[str, ...] = ()


@dataclass(frozen=True)
class VolumeGroup:
    """A volume group, or (name "") the physical volumes that are in none.

    lock_type: how hosts that share it keep out of each other's way, "" where it is this host's own.
    """

    name: str
    uuid: str
    extent_size: int
    attributes: str
    lock_type: str
    physical: tuple[PhysicalVolume, ...] = ()
    volumes: tuple[LogicalVolume, ...] = ()

    @property
    def free_extents(self) -> int:
        """The extents that logical volumes can get."""
        return sum(physical.free_extents for physical in self.physical)

    @property
    def size(self) -> int:
        """What all of its extents have."""
        return sum(physical.extents for physical in self.physical) * self.extent_size

    @property
    def free(self) -> int:
        """The same as free_extents, in bytes."""
        return self.free_extents * self.extent_size


@dataclass(frozen=True)
class VolumeGoal:
    """How large a run is to make a logical volume: every step of the run has it, so that the ledger tells of it.

    uuid: of the logical volume.
    extents: how many it is to have.
    asked: the --size of the command, "" for none.
    """

    uuid: str
    extents: int
    asked: str = ""


@dataclass(frozen=True)
class UnfinishedGrowth:
    """What the ledger tells of a run that was to make a logical volume larger, and that did not come to its end."""

    run: str
    goal: VolumeGoal
