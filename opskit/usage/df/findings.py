"""What is wrong with the filesystems: nearly full, nearly out of inodes, not answering. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from opskit.core.finding import Finding
from opskit.core.units import ceiling_text
from opskit.usage.df.model import Filesystem

# From here on a warning is an error.
ERROR_FROM = 95


def find(filesystems: Sequence[Filesystem], warn: int) -> tuple[Finding, ...]:
    """A finding for each filesystem that did not answer, and for blocks or inodes of which warn percent are used.

    A read-only filesystem is not judged: an image (squashfs, iso9660) is always full, and nobody can write there.
    """
    findings = []
    for filesystem in filesystems:
        if not filesystem.answered:
            findings.append(_silent(filesystem))
        if filesystem.readonly:
            continue
        if (filesystem.used_percent or 0) >= warn:
            findings.append(_blocks(filesystem))
        if (filesystem.files_percent or 0) >= warn:
            findings.append(_inodes(filesystem))
    return tuple(findings)


def _silent(filesystem: Filesystem) -> Finding:
    evidence = f"{filesystem.source} ({filesystem.fstype}): {filesystem.why}"
    remedy = "see that its server, or its FUSE process, is there"
    return Finding("not-answering", "error", f"{filesystem.mount_point}: no answer", evidence, remedy)


def _blocks(filesystem: Filesystem) -> Finding:
    share, available = filesystem.used_percent or 0, filesystem.available or 0
    left = ceiling_text(available) if available > 0 else "0"
    evidence = f"{ceiling_text(filesystem.used or 0)} of {ceiling_text(filesystem.size or 0)} used, {left} available"
    remedy = f"opskit df --why {quote(filesystem.mount_point)}"
    return Finding("nearly-full", _severity(share), f"{filesystem.mount_point}: {share} % full", evidence, remedy)


def _inodes(filesystem: Filesystem) -> Finding:
    share, figures = filesystem.files_percent or 0, filesystem.figures
    total, free = (figures.files, figures.files_free) if figures else (0, 0)
    evidence = f"{filesystem.files_used} of {total} inodes used, {free} left"
    title = f"{filesystem.mount_point}: {share} % of the inodes are used"
    remedy = f"opskit du --inodes {quote(filesystem.mount_point)}"
    return Finding("nearly-out-of-inodes", _severity(share), title, evidence, remedy)


def _severity(share: int) -> str:
    return "error" if share >= ERROR_FROM else "warning"
