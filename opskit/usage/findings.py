"""The findings of this area: what `opskit findings` says of each. A test holds it against the code that makes them."""

from __future__ import annotations

from opskit.core.finding import FindingKind

FINDINGS = (
    FindingKind("delete-frees", ("info",), "how many entries a deletion takes, and how much it frees at once"),
    FindingKind("delete-fstab", ("critical",), "fstab names what is to be deleted"),
    FindingKind("delete-gone", ("critical",), "what is to be deleted is not there any more"),
    FindingKind(
        "delete-immutable", ("critical",), "what is to be deleted cannot be: immutable, append-only, read-only"
    ),
    FindingKind("delete-in-use", ("critical",), "a process or the kernel needs what is to be deleted"),
    FindingKind("delete-linked", ("warning",), "files with other names elsewhere: what they take is not freed"),
    FindingKind(
        "delete-mount-point", ("critical",), "a mount point, something mounted elsewhere, or an overlay's layer"
    ),
    FindingKind("delete-opened", ("warning",), "what a process reads is free only when it closes that"),
    FindingKind("delete-other-filesystem", ("critical",), "a part of it is on another filesystem, or a subvolume"),
    FindingKind("delete-packaged", ("critical",), "a package has files in what is to be deleted"),
    FindingKind("delete-shared", ("warning",), "what snapshots and reflinks share is not freed"),
    FindingKind("delete-system", ("critical",), "what is to be deleted is part of the system, or holds a part of it"),
    FindingKind("delete-unit", ("critical",), "a unit of systemd names what is to be deleted"),
    FindingKind("delete-unreadable", ("critical",), "what is to be deleted cannot be looked at, or not be deleted"),
    FindingKind("delete-unseen", ("warning",), "processes that could not be looked at may need it"),
    FindingKind("deleted-open", ("warning",), "files that are deleted but still open take much of a filesystem"),
    FindingKind("fills-soon", ("warning",), "a filesystem is full within days, if it goes on to grow as it did"),
    FindingKind("nearly-full", ("warning", "error"), "the blocks of a filesystem are nearly used up"),
    FindingKind("nearly-out-of-inodes", ("warning", "error"), "the inodes of a filesystem are nearly used up"),
    FindingKind("not-answering", ("error",), "a filesystem does not answer"),
)
