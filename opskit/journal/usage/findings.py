"""What the journal takes, and what it may take: each directory with the limits that journald keeps to there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Optional

from opskit.core.finding import Finding, follow_up
from opskit.core.record import dataclass
from opskit.core.text import counted
from opskit.journal.files.model import ACTIVE, DENIED, JournalDirectory
from opskit.journal.files.verify import damaged_files
from opskit.journal.releases import NEWEST, rules_of
from opskit.journal.retain.bounds import Bounds
from opskit.journal.retain.conf import Setting
from opskit.journal.thresholds import DEFAULTS


@dataclass(frozen=True)
class Usage:
    """A directory, and the limits for it; None where no journald of this system writes.

    bad: settings whose value journald does not understand
    storage: what sets Storage=
    strays: settings that journald passes over, and why
    """

    directory: JournalDirectory
    bounds: Optional[Bounds]
    bad: tuple[Setting, ...] = ()
    storage: Optional[Setting] = None
    strays: tuple[tuple[Setting, str], ...] = ()


def damaged(directory: JournalDirectory) -> list[tuple[str, str]]:
    """The name of each file whose header cannot be believed, or that cannot be read, and why."""
    known = rules_of(NEWEST).incompatible
    pairs = [(file.name, file.damage) for file in directory.files if not file.header.incompatible & ~known]
    return [(name, why) for name, why in pairs if why and why != DENIED]


def findings(usages: Sequence[Usage], limit_percent: int = DEFAULTS["limit_percent"]) -> Iterator[Finding]:
    """What is not as it should be. limit_percent: of its limit, which a journal may take before it is told."""
    for usage in usages:
        path = usage.directory.path
        if usage.directory.read_error:
            yield Finding("unreadable-directory", "warning", f"{path}: {usage.directory.read_error}")
        unseen = sum(file.open_error == DENIED for file in usage.directory.files)
        if unseen:
            title = f"this user may not read {counted(unseen, 'file')} in {path}: their entries are not counted"
            yield Finding("not-seen", "info", title, remedy="run it with sudo")
        damages = damaged(usage.directory)
        if damages:
            yield damaged_files(usage.directory, [name for name, _ in damages])
        yield from of_settings(usage.bad, usage.strays)
        yield from _over(usage, limit_percent)


def of_settings(bad: Sequence[Setting], strays: Sequence[tuple[Setting, str]]) -> Iterator[Finding]:
    """Settings that journald does not take. bad, strays: as in Usage."""
    for each in bad:
        title = f"{each.where}: journald does not understand {each.name}={each.value}, and ignores it"
        yield Finding("bad-setting", "warning", title)
    for stray, why in strays:
        title = f"{stray.where}: journald passes over {stray.name}={stray.value}: {why}"
        yield Finding("bad-setting", "warning", title, remedy=f"edit {shlex.quote(stray.path)}")


def without_journals(
    storage: Optional[Setting], bad: Sequence[Setting], strays: Sequence[tuple[Setting, str]]
) -> Iterator[Finding]:
    """What the settings tell where there is no journal at all. storage, bad, strays: as in Usage."""
    if storage and storage.value == "none":
        yield _storage_none(storage, f"{storage.where} sets Storage=none: journald keeps no journal")
    yield from of_settings(bad, strays)


def _storage_none(storage: Setting, title: str) -> Finding:
    remedy = f"edit {shlex.quote(storage.path)}: Storage=persistent; systemctl restart systemd-journald"
    return Finding("storage-none", "warning", title, remedy=remedy)


def _over(usage: Usage, percent: int) -> Iterator[Finding]:
    if usage.bounds is None:
        return
    taken = sum(file.allocated for file in usage.directory.files)
    use = usage.bounds.max_use
    if usage.storage and usage.storage.value == "none":
        title = f"{usage.storage.where} sets Storage=none: journald keeps no journal, and these files are old ones"
        yield _storage_none(usage.storage, title)
    if 0 < use.value * percent < taken * 100:
        active = sum(file.allocated for file in usage.directory.files if file.parsed.kind == ACTIVE)
        than = "more than" if taken > use.value else "near"
        title = f"{usage.directory.path} takes {taken} bytes, {than} {use.name} of {use.value} ({use.source})"
        size = use.value * min(percent, 100) // 100
        rotate = ("--rotate",) if active > size else ()
        remedy = follow_up("journal", "vacuum", "--size", f"{size}B", *rotate, "--dry-run")
        yield Finding("over-limit", "warning", title, f"{active} of them in active files", remedy)
