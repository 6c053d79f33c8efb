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

    A read-only one is not judged: an image (squashfs, iso9660) is always full, and nobody can write there.
    """
    found = []
    for one in filesystems:
        if not one.answered:
            found.append(_silent(one))
        if one.readonly or one.figures is None:
            continue
        where = quote(one.mount_point)
        if (share := one.used_percent) is not None and share >= warn:
            left = ceiling_text(one.available or 0) if (one.available or 0) > 0 else "0"
            evidence = f"{ceiling_text(one.used or 0)} of {ceiling_text(one.size or 0)} used, {left} available"
            title = f"{one.mount_point}: {share} % full"
            found.append(Finding("nearly-full", _severity(share), title, evidence, f"opskit df --why {where}"))
        if (share := one.files_percent) is not None and share >= warn:
            evidence = f"{one.files_used} of {one.figures.files} inodes used, {one.figures.files_free} left"
            title = f"{one.mount_point}: {share} % of the inodes are used"
            remedy = f"opskit du --inodes {where}"
            found.append(Finding("nearly-out-of-inodes", _severity(share), title, evidence, remedy))
    return tuple(found)


def _severity(share: int) -> str:
    return "error" if share >= ERROR_FROM else "warning"


def _silent(one: Filesystem) -> Finding:
    evidence = f"{one.source} ({one.fstype}): {one.why}"
    remedy = "see that its server, or its FUSE process, is there"
    return Finding("not-answering", "error", f"{one.mount_point}: no answer", evidence, remedy)
