"""The findings of this area: what `opskit findings` says of each."""

from __future__ import annotations

from opskit.core.finding import FindingKind

FINDINGS = (
    FindingKind("no-shell", ("error",), "the host has no shell that opskit completes for"),
    FindingKind("zsh-not-in-fpath", ("info",), "zsh looks for a user's own completions only where fpath says"),
)
