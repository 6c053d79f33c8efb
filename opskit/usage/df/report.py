"""What of the filesystems goes into `opskit status` and `opskit check`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote

from opskit.core.finding import Finding
from opskit.core.report import Measure, Report
from opskit.core.text import counted
from opskit.core.units import ceiling_text
from opskit.usage.df.deleted import DeletedFiles
from opskit.usage.df.findings import find
from opskit.usage.df.model import Filesystem
from opskit.usage.thresholds import DEFAULTS

BAR = 20
MEMORY = frozenset({"tmpfs", "devtmpfs", "ramfs"})
HALF = 50


def report_of(
    filesystems: Sequence[Filesystem], deleted: DeletedFiles, thresholds: Mapping[str, int] = DEFAULTS
) -> Report:
    """The report. thresholds: of usage.thresholds, all."""
    # What is an error is told, also where a file has warnings begin above it.
    blocks, inodes = (min(thresholds[f"{of}_percent"], thresholds[f"{of}_error_percent"]) for of in ("full", "inodes"))
    full = find(filesystems, blocks, inodes, thresholds)
    held = _held(filesystems, deleted)
    findings = (*full, *_deleted(filesystems, held, thresholds["deleted_percent"]))
    measures = [Measure("opskit_deleted_open_bytes", size, {"mountpoint": point}) for point, size in held.items()]
    unseen = [f"deleted files of {counted(deleted.unseen, 'process', 'processes')}"] if deleted.unseen else []
    return Report(tuple(_lines(filesystems)), findings, tuple(measures), tuple(unseen))


def _held(filesystems: Sequence[Filesystem], deleted: DeletedFiles) -> dict[str, int]:
    """What deleted files that are open take on each filesystem, by its first mount point; 0 where they take nothing.

    One that is read-only has none: nothing could be deleted there.
    """
    sizes: dict[str, int] = {}
    for file in deleted.files:
        sizes[file.device] = sizes.get(file.device, 0) + file.size
    held: dict[str, int] = {}
    disks: set[str] = set()
    for filesystem in filesystems:
        disk = filesystem.disk or filesystem.device
        if not filesystem.readonly and filesystem.answered and disk not in disks:
            held[filesystem.mount_point] = sizes.get(disk, 0)
            disks.add(disk)
    return held


def _deleted(filesystems: Sequence[Filesystem], held: Mapping[str, int], percent: int) -> Iterator[Finding]:
    for filesystem in filesystems:
        size, whole = held.get(filesystem.mount_point, 0), filesystem.size or 0
        share = size * 100 // whole if whole else 0
        if size and share >= percent:
            title = f"{filesystem.mount_point}: deleted files that are still open take {share} %"
            remedy = f"opskit df --deleted {quote(filesystem.mount_point)}"
            yield Finding("deleted-open", "warning", title, f"{ceiling_text(size)} of {ceiling_text(whole)}", remedy)


def _lines(filesystems: Sequence[Filesystem]) -> Iterator[str]:
    """A line each, the fullest first; one that did not answer before all.

    What is memory only has one from half full on: a host has a dozen of them, nearly all empty.
    """
    for filesystem in sorted(filesystems, key=lambda each: (each.answered, -(each.used_percent or 0))):
        if not filesystem.answered:
            yield f"{filesystem.mount_point}  does not answer"
        elif filesystem.used_percent is None or filesystem.readonly:
            continue
        elif filesystem.fstype not in MEMORY or filesystem.used_percent >= HALF:
            full = min(BAR, round(filesystem.used_percent * BAR / 100))
            sizes = f"{ceiling_text(filesystem.used or 0)} of {ceiling_text(filesystem.size or 0)}"
            percent = f"{filesystem.used_percent:>3} %"
            yield f"{'#' * full}{'.' * (BAR - full)}  {percent}  {sizes}  {filesystem.mount_point}"
