"""The findings of this area: what `opskit findings` says of each. A test holds it against the code that makes them."""

from __future__ import annotations

from opskit.core.finding import FindingKind

FINDINGS = (
    FindingKind("already-taken-back", ("info",), "the run failed, and took itself back as far as it could"),
    FindingKind("already-undone", ("info",), "the run has been undone"),
    FindingKind("another-host", ("critical",), "the run was made on another host"),
    FindingKind("cannot-undo", ("warning", "error", "critical"), "a step is kept, with its reason"),
    FindingKind("ledger-damaged", ("warning", "critical"), "a line of the ledger is broken, missing or there twice"),
    FindingKind("lost-step", ("error",), "a step may have been done, and the ledger has lost what an undo needs of it"),
    FindingKind("nothing-left", ("info",), "nothing of the run is left on this host, or a later run did the same"),
    FindingKind("run-kept", ("info",), "a prune keeps a run that is old enough, with its reason"),
    FindingKind("run-waits", ("error",), "a run was cut short, or failed and could not be taken back whole"),
    FindingKind("takes-back-more", ("info",), "after this undo something of an earlier run can be taken back, too"),
    FindingKind("undo-of-undo", ("error",), "the run is itself an undo"),
)
