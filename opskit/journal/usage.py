"""What the journal takes, and what it may take: each directory with the limits that journald keeps to there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from opskit.core.caller import machine_id
from opskit.core.finding import Finding
from opskit.journal.bounds import Bounds, bad_settings, bounds_of
from opskit.journal.conf import Setting, read_settings
from opskit.journal.facts import DENIED, read_directories
from opskit.journal.model import ACTIVE, Directory
from opskit.journal.scope import Scope
from opskit.journal.verify import damaged_files
from opskit.journal.version import Rules


@dataclass(frozen=True)
class Usage:
    """A directory, and the limits for it; None where no journald of this system writes."""

    directory: Directory
    bounds: Optional[Bounds]
    bad: tuple[Setting, ...] = ()


def see_usage(scope: Scope, rules: Rules) -> list[Usage]:
    """Each directory of the scope that holds something, with its limits. Raises as read_directories."""
    own = _machine_id(scope.root)
    found = []
    for directory in read_directories(scope, rules, all_of_it=False):
        if not (directory.files or directory.ignored or directory.machine_id or directory.problem):
            continue  # a root that holds nothing but the directories of machines
        if scope.directory or directory.machine_id != own:
            found.append(Usage(directory, None))
        else:
            found.append(_with_bounds(directory, scope.root))
    return found


def _machine_id(root: str) -> str:
    """The machine id of the system below root, "" where it has none."""
    if not root:
        return machine_id()
    try:
        with open(f"{root}/etc/machine-id", encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _with_bounds(directory: Directory, root: str) -> Usage:
    try:
        settings = read_settings(root, directory.namespace)
        status = os.statvfs(directory.path)
    except OSError:
        return Usage(directory, None)
    runtime = directory.path.startswith(f"{root}/run/")
    bounds = bounds_of(settings, status.f_blocks * status.f_frsize, runtime=runtime)
    return Usage(directory, bounds, tuple(bad_settings(settings)))


def damaged(directory: Directory) -> list[tuple[str, str]]:
    """The name of each file whose header cannot be believed, or that cannot be read, and why."""
    pairs = [(file.name, file.opens or file.header.problem) for file in directory.files]
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
