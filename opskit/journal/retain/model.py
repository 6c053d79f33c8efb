"""What a lasting limit is asked for, and what it is decided on."""

from __future__ import annotations

from typing import Optional

from opskit.core.record import dataclass
from opskit.journal.files.model import JournalDirectory
from opskit.journal.releases import Version
from opskit.journal.retain.conf import Setting

DROPIN = "90-opskit-retain.conf"


@dataclass(frozen=True)
class RetainRequest:
    """span, size: what to keep to, microseconds and bytes; None: not asked for. span_text: as it was typed.

    root: where the system's / is, "" for this host. now: microseconds since 1970.
    """

    span: Optional[int]
    size: Optional[int]
    span_text: str
    root: str
    namespace: str
    version: Version
    now: int


@dataclass(frozen=True)
class RetainFacts:
    """directory: where journald keeps this journal; None when there is none. text: of the drop-in, None when absent.

    settings: every assignment in journald's order. filesystem: its size in bytes. persistent: the journal is kept in
    /var. journald: it runs. storage: what Storage= is set to, "" where it is not.
    namespaces: those that have a journal of their own.
    """

    path: str
    text: Optional[str]
    settings: tuple[Setting, ...]
    directory: Optional[JournalDirectory]
    filesystem: int
    persistent: bool
    journald: bool
    storage: str = ""
    namespaces: tuple[str, ...] = ()
