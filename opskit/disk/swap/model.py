"""What is known of the swap of a host, and what `opskit disk swap` is asked for. Sizes are in bytes."""

from __future__ import annotations

from typing import Optional

from opskit.core.record import dataclass
from opskit.disk.model import HostFacts, SwapArea

# Between the path of a swap file and the id of the run that makes it: its name until it is whole.
DRAFT_MARK = ".opskit-"


@dataclass(frozen=True)
class SwapFile:
    """The file that is to be swap, or its absence, with the filesystem that it is or will be on.

    directory: whether the directory above it is there.
    mode: its permissions; owner: its uid.
    allocated: the blocks that it has: less than its size means holes.
    uuid: that of the swap area in it; "" without one.
    drafts: what runs that were killed as they made it have left beside it.
    fstype, mount_point, read_only, room: of the filesystem; fstype is "" where nobody could look.
    unmakable: why no file can be made there, "" if one can.
    profiles: how a btrfs keeps its data: single, dup, raid1 …; () of any other, and where the kernel does not tell.
    """

    path: str
    exists: bool = False
    directory: bool = True
    size: int = 0
    mode: int = 0
    owner: int = 0
    allocated: int = 0
    uuid: str = ""
    drafts: tuple[str, ...] = ()
    fstype: str = ""
    mount_point: str = ""
    read_only: bool = False
    room: int = 0
    unmakable: str = ""
    profiles: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether it is a swap file as opskit makes one: root's alone, without holes, with a swap area."""
        mine = self.exists and self.mode == 0o600 and self.owner == 0
        return mine and bool(self.uuid) and self.allocated >= self.size


@dataclass(frozen=True)
class SwapFacts:
    """All that a decision on swap stands on.

    host: fstab, the devices, paths and tools.
    file: the file in question; None where a device is.
    available: the memory that can be had without swapping (MemAvailable).
    resume: the words of the kernel's command line by which it finds its hibernation image.
    unusable: why the kernel would not take the swap area that is there; "" if it would, or there is none.
    kernel: its release, the first two numbers.
    selinux: whether it is on: only then a file has a type.
    """

    host: HostFacts
    areas: tuple[SwapArea, ...] = ()
    file: Optional[SwapFile] = None
    available: int = 0
    resume: tuple[str, ...] = ()
    unusable: str = ""
    kernel: tuple[int, int] = (0, 0)
    selinux: bool = False

    def area(self, path: str) -> Optional[SwapArea]:
        """The swap in use by this path."""
        return next((area for area in self.areas if area.path == path), None)


@dataclass(frozen=True)
class SwapRequest:
    """What is asked for.

    path: the file, or the device.
    size: of a new file; 0 for a device.
    leave_free: what has to stay free on the filesystem of a new file.
    """

    path: str
    size: int = 0
    leave_free: int = 0
    use_fstab: bool = True
