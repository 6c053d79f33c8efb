"""A mounted filesystem with its figures, and the arithmetic of df. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from opskit.core.record import dataclass


@dataclass(frozen=True)
class FilesystemFigures:
    """What statvfs(3) says, blocks in units of block_size bytes.

    available: blocks for others than root; below 0 when root has used what is reserved
    """

    block_size: int
    blocks: int
    free: int
    available: int
    files: int
    files_free: int


@dataclass(frozen=True)
class Filesystem:
    """A mounted filesystem.

    device: major:minor
    disk: the device (major:minor, as mountinfo has it) that its files take space on: for an overlay what is beneath it
    answered: False when it was silent for the whole time, or has lost its device or server (ESTALE, ENOTCONN, EIO)
    why: why there are no figures
    """

    source: str
    fstype: str
    mount_point: str
    device: str
    readonly: bool
    remote: bool
    figures: Optional[FilesystemFigures] = None
    answered: bool = True
    why: str = ""
    disk: str = ""

    @property
    def size(self) -> Optional[int]:
        """Bytes."""
        return self.figures.blocks * self.figures.block_size if self.figures else None

    @property
    def used(self) -> Optional[int]:
        """Bytes, as df: all that is not free to root."""
        return (self.figures.blocks - self.figures.free) * self.figures.block_size if self.figures else None

    @property
    def available(self) -> Optional[int]:
        """Bytes that others than root can still write."""
        return self.figures.available * self.figures.block_size if self.figures else None

    @property
    def used_percent(self) -> Optional[int]:
        """Of what others than root can use, rounded up; None where that is nothing."""
        return percent(self.figures.blocks - self.figures.free, self.figures.available) if self.figures else None

    @property
    def files_used(self) -> Optional[int]:
        """Inodes in use."""
        return self.figures.files - self.figures.files_free if self.figures else None

    @property
    def files_percent(self) -> Optional[int]:
        """Of the inodes, rounded up; None where the filesystem counts none."""
        return percent(self.figures.files - self.figures.files_free, self.figures.files_free) if self.figures else None


def total(filesystems: Sequence[Filesystem]) -> Filesystem:
    """The sums of all that have figures, as a filesystem: `df --total`."""
    with_figures = [filesystem for filesystem in filesystems if filesystem.figures]
    figures = FilesystemFigures(
        block_size=1,
        blocks=sum(filesystem.size or 0 for filesystem in with_figures),
        free=sum((filesystem.size or 0) - (filesystem.used or 0) for filesystem in with_figures),
        available=sum(filesystem.available or 0 for filesystem in with_figures),
        files=sum(filesystem.figures.files for filesystem in with_figures if filesystem.figures),
        files_free=sum(filesystem.figures.files_free for filesystem in with_figures if filesystem.figures),
    )
    return Filesystem("total", "-", "-", "", readonly=True, remote=False, figures=figures)


def percent(used: int, available: int) -> Optional[int]:
    """Use % as df has it: used of used and available, rounded up."""
    whole = used + available
    share = -(-used * 100 // whole) if whole else -1
    return share if share >= 0 else None
