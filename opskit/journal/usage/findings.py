"""What the journal takes, and what it may take: each directory with the limits that journald keeps to there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from opskit.core.finding import Finding
from opskit.journal.files.model import ACTIVE, DENIED, Directory
from opskit.journal.files.verify import damaged_files
from opskit.journal.retain.bounds import Bounds
from opskit.journal.retain.conf import Setting


@dataclass(frozen=True)
class Usage:
    """A directory, and the limits for it; None where no journald of this system writes."""

    directory: Directory
    bounds: Optional[Bounds]
    bad: tuple[Setting, ...] = ()


def damaged(directory: Directory) -> list[tuple[str, str]]:
    """The name of each file whose header cannot be believed, or that cannot be read, and why."""
    pairs = [(file.name, file.damage) for file in directory.files]
    return [(name, why) for name, why in pairs if why and why != DENIED]


def findings(found: Sequence[Usage]) -> Iterator[Finding]:
    """What is not as it should be."""
    for one in found:
        path = one.directory.path
        if one.directory.problem:
            yield Finding("unreadable-directory", "warning", f"{path}: {one.directory.problem}")
        unseen = sum(file.opens == DENIED for file in one.directory.files)
        if unseen:
            title = f"{unseen} files in {path} may not be read by this user: their entries are not told"
            yield Finding("not-seen", "info", title, remedy="the same with sudo")
        hurt = damaged(one.directory)
        if hurt:
            yield damaged_files(one.directory, [name for name, _ in hurt])
        for bad in one.bad:
            title = f"{bad.where}: {bad.name}={bad.value} is not understood, and passed over by journald"
            yield Finding("bad-setting", "warning", title)
        yield from _over(one)


def _over(one: Usage) -> Iterator[Finding]:
    if one.bounds is None:
        return
    taken = sum(file.allocated for file in one.directory.files)
    use = one.bounds.max_use
    if 0 < use.value < taken:
        active = sum(file.allocated for file in one.directory.files if file.said.kind == ACTIVE)
        title = f"{one.directory.path} takes {taken} bytes, more than {use.name} of {use.value} ({use.source})"
        yield Finding("over-limit", "warning", title, f"{active} of them in active files", "opskit journal vacuum")
