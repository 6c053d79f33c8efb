"""What a vacuum is asked for, and what it is decided on."""

from __future__ import annotations

import os
from typing import Optional

from opskit.core.record import dataclass
from opskit.journal.files.model import JournalDirectory, Scope
from opskit.journal.releases import Rules, Version, rules_of


@dataclass(frozen=True)
class VacuumLimits:
    """What a vacuum is to keep to; None: not asked for, 0: no limit. span in microseconds, size in bytes."""

    span: Optional[int] = None
    size: Optional[int] = None
    files: Optional[int] = None


@dataclass(frozen=True)
class VacuumRequest:
    """What `opskit journal vacuum` was asked for.

    span_text: as it was typed. now: when it was, microseconds since 1970; the limit of time stays with that moment.
    keep_copy: the directory to copy to first, "" for none.
    """

    scope: Scope
    version: Version
    limits: VacuumLimits
    now: int
    span_text: str = ""
    rotate: bool = False
    keep_copy: str = ""

    @property
    def rules(self) -> Rules:
        """What this systemd goes by."""
        return rules_of(self.version)


@dataclass(frozen=True)
class CopyPlace:
    """The directory for copies.

    kind: directory, absent or other
    free: bytes
    taken: paths below it that exist
    weak: what lets others write there, or replace it (core/trust.py)
    """

    real: str
    kind: str
    free: int
    taken: tuple[str, ...] = ()
    weak: str = ""


@dataclass(frozen=True)
class VacuumFacts:
    """What a vacuum is decided on.

    newer: of files with entries on both sides of the limit, how many are newer (None: it cannot be told)
    namespaces: those that have a journal of their own
    """

    directories: tuple[JournalDirectory, ...]
    machine_id: str
    journald: bool
    newer: dict[str, Optional[int]]
    place: Optional[CopyPlace] = None
    namespaces: tuple[str, ...] = ()


def copy_names(directories: tuple[JournalDirectory, ...]) -> dict[str, str]:
    """Where the files of each directory are copied to, below the directory for copies: journalctl -D reads it."""
    names = {}
    for directory in directories:
        below = f"{directory.machine_id}{'.' if directory.namespace else ''}{directory.namespace}"
        if directory.path.startswith("/run/"):
            below = os.path.join("run", below)
        names[directory.path] = below
    return names
