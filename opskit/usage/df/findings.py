"""What is wrong with the filesystems: nearly full, nearly out of inodes, not answering. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import quote

from opskit.core.finding import Finding
from opskit.core.units import ceiling_text
from opskit.usage.df.model import Filesystem
from opskit.usage.thresholds import DEFAULTS

NAMED = 3


def find(
    filesystems: Sequence[Filesystem], warn: int, warn_inodes: int = 0, errors: Mapping[str, int] = DEFAULTS
) -> tuple[Finding, ...]:
    """A finding for each filesystem that did not answer, and for blocks or inodes of which warn percent are used.

    warn_inodes: for inodes, 0 for the same
    errors: full_error_percent and inodes_error_percent: from then on it is an error

    A disk has one of each kind, however often it is mounted, and under however many overlays. A read-only filesystem is
    not judged: an image (squashfs, iso9660) is always full, and nobody can write there.
    """
    findings = []
    others = _of_the_same_disk([filesystem for filesystem in filesystems if not filesystem.readonly])
    for filesystem in filesystems:
        if not filesystem.answered:
            findings.append(_silent(filesystem))
        if filesystem.mount_point not in others:
            continue
        also = _also(others[filesystem.mount_point])
        if (filesystem.used_percent or 0) >= warn:
            findings.append(_blocks(filesystem, also, errors["full_error_percent"]))
        if (filesystem.files_percent or 0) >= (warn_inodes or warn):
            findings.append(_inodes(filesystem, also, errors["inodes_error_percent"]))
    return tuple(findings)


def _of_the_same_disk(filesystems: Sequence[Filesystem]) -> dict[str, list[str]]:
    """For the mount point that stands for a disk, the others on it: those of overlays, and of bind mounts.

    A part with other figures (a project quota of xfs) is judged by itself.
    """
    disks: dict[object, list[Filesystem]] = {}
    for filesystem in filesystems:
        figures = filesystem.figures
        whole = (
            (filesystem.disk or filesystem.mount_point, figures.blocks * figures.block_size, figures.files)
            if figures
            else filesystem
        )
        disks.setdefault(whole, []).append(filesystem)
    groups = {}
    for same in disks.values():
        first = min(same, key=lambda filesystem: filesystem.fstype == "overlay")
        groups[first.mount_point] = [other.mount_point for other in same if other.mount_point != first.mount_point]
    return groups


def _also(others: Sequence[str]) -> str:
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return f"; the same disk is at {', '.join(others[:NAMED])}{more}" if others else ""


def _silent(filesystem: Filesystem) -> Finding:
    evidence = f"{filesystem.source} ({filesystem.fstype}): {filesystem.why}"
    remedy = "see that its server, or its FUSE process, is there"
    return Finding("not-answering", "error", f"{filesystem.mount_point}: no answer", evidence, remedy)


def _blocks(filesystem: Filesystem, also: str, error: int) -> Finding:
    share, available = filesystem.used_percent or 0, filesystem.available or 0
    left = ceiling_text(available) if available > 0 else "0"
    evidence = (
        f"{ceiling_text(filesystem.used or 0)} of {ceiling_text(filesystem.size or 0)} used, {left} available{also}"
    )
    remedy = f"opskit df --why {quote(filesystem.mount_point)}"
    return Finding(
        "nearly-full", _severity(share, error), f"{filesystem.mount_point}: {share} % full", evidence, remedy
    )


def _inodes(filesystem: Filesystem, also: str, error: int) -> Finding:
    share, figures = filesystem.files_percent or 0, filesystem.figures
    total, free = (figures.files, figures.files_free) if figures else (0, 0)
    evidence = f"{filesystem.files_used} of {total} inodes used, {free} left{also}"
    title = f"{filesystem.mount_point}: {share} % of the inodes are used"
    remedy = f"opskit du --inodes {quote(filesystem.mount_point)}"
    return Finding("nearly-out-of-inodes", _severity(share, error), title, evidence, remedy)


def _severity(share: int, error: int) -> str:
    return "error" if share >= error else "warning"
