"""What `opskit df` and `opskit du` answer with --json: types alone (core/results.py). Sizes are in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Optional, TypedDict

from opskit.core.jsonable import Moment, Shape
from opskit.core.results import Merged, planned
from opskit.usage.du.model import TreeEntry, TreeGroup, Unreadable


class InodeFigures(TypedDict):
    """The inodes of a filesystem; null where there is no figure."""

    total: Optional[int]
    used: Optional[int]
    free: Optional[int]
    used_percent: Optional[int]


class FilesystemRow(TypedDict):
    """A filesystem; null where there is no figure.

    answered: whether its server did
    why: the reason that there are no figures
    """

    source: str
    fstype: str
    mount_point: str
    size_bytes: Optional[int]
    used_bytes: Optional[int]
    available_bytes: Optional[int]
    used_percent: Optional[int]
    inodes: InodeFigures
    readonly: bool
    remote: bool
    answered: bool
    why: str


class FilesystemList(TypedDict):
    """The filesystems. total: their sums, with --total."""

    filesystems: list[FilesystemRow]
    total: Optional[FilesystemRow]
    unreadable: list[Unreadable]


class HolderRow(TypedDict):
    """A process that keeps a deleted file.

    descriptors: those it has open on the file
    mapped: whether it has mapped the file
    frees: the command that makes it let go
    """

    pid: int
    command: str
    user: str
    descriptors: list[int]
    mapped: bool
    unit: str
    frees: str


class DeletedRow(TypedDict):
    """A deleted file that is still open or mapped.

    bytes: that it takes, which are freed with it
    apparent_bytes: its length
    mount_point: in our mount namespace, or in that of the process with the pid `namespace`
    namespace: a pid, 0 for our own mount namespace
    overlay: the mount point of the overlay that it is open through, "" without one
    device: major:minor
    truncate: the command that empties it, at a risk; "" for none
    """

    path: str
    bytes: int
    apparent_bytes: int
    mount_point: str
    namespace: int
    overlay: str
    device: str
    inode: int
    holders: list[HolderRow]
    truncate: str


class KernelRow(TypedDict):
    """A deleted file that the kernel holds. most_bytes: that it can take; holder: the loop device, or "swap"."""

    path: str
    most_bytes: int
    mount_point: str
    device: str
    holder: str
    frees: str


class DeletedTotal(TypedDict):
    """What deleted files keep on one filesystem."""

    mount_point: str
    bytes: int
    namespace: int


class DeletedList(TypedDict):
    """The files that are deleted but still open. unseen_processes: how many could not be looked at."""

    deleted: list[DeletedRow]
    kernel: list[KernelRow]
    total_bytes: int
    filesystems: list[DeletedTotal]
    unseen_processes: int
    truncate_risk: str


class PartRow(TypedDict):
    """A part of what df calls used. bytes: below 0 only for the rest; command: what shows or frees it."""

    id: str
    bytes: int
    note: str
    command: str


class LargestRow(TypedDict):
    """A directory to look into, with all that is in it."""

    path: str
    bytes: int
    entries: int


class HiddenRow(TypedDict):
    """What is hidden under a mount point."""

    mount_point: str
    bytes: int


class PlaceRow(TypedDict):
    """What often fills a host and can be emptied. frees_bytes: null where only the command knows."""

    id: str
    paths: list[str]
    bytes: int
    frees_bytes: Optional[int]
    command: str


class Why(TypedDict):
    """What fills a filesystem: the parts add up to its used_bytes. missing: what could not be seen."""

    filesystem: FilesystemRow
    parts: list[PartRow]
    largest: list[LargestRow]
    hidden: list[HiddenRow]
    reserved_bytes: int
    places: list[PlaceRow]
    missing: list[str]


class ScanAnswer(TypedDict):
    """What a scan counted; entries and groups the largest first.

    groups: with --by
    partial: it was interrupted, and this is what had been counted by then
    """

    entries: list[TreeEntry]
    groups: list[TreeGroup]
    total_bytes: int
    total_entries: int
    unreadable: Sequence[Unreadable]
    partial: bool


class SavedRow(TypedDict):
    """Where the scan was written. path: with --save; run: its name, with --keep; bytes: its size."""

    path: Optional[str]
    run: Optional[str]
    bytes: int


class Saved(TypedDict):
    """saved: null where it was not written."""

    saved: Optional[SavedRow]


class ChangeRow(TypedDict):
    """A directory or file in two scans; per day null over less than a minute."""

    path: str
    change: Annotated[str, Shape(words=("added", "grown", "shrunk", "gone", "unchanged"))]
    before_bytes: int
    after_bytes: int
    bytes_per_day: Optional[int]
    entries_before: int
    entries_after: int
    entries_per_day: Optional[int]


class ChangesAnswer(TypedDict):
    """What changed between two scans, the largest first."""

    since: Moment
    until: Moment
    changes: list[ChangeRow]
    total: ChangeRow
    unreadable: Sequence[Unreadable]


class DeleteResult(TypedDict):
    """What --browse deletes. entries: how many."""

    entries: int
    frees_bytes: int


RESULTS = {
    "df": (FilesystemList, DeletedList, Why),
    "du": (ScanAnswer, Merged((ScanAnswer, Saved)), Merged((ChangesAnswer, Saved)), *planned(DeleteResult)),
}
