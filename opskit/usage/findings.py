"""The findings of this area: what `opskit findings` says of each. A test holds it against the code that makes them."""

from __future__ import annotations

from opskit.core.finding import FindingKind

FINDINGS = (
    FindingKind("nearly-full", ("warning", "error"), "the blocks of a filesystem are nearly used up"),
    FindingKind("nearly-out-of-inodes", ("warning", "error"), "the inodes of a filesystem are nearly used up"),
    FindingKind("not-answering", ("error",), "a filesystem does not answer"),
)
