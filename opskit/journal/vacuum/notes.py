"""What a person should know beside the files that a vacuum deletes. Pure functions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from opskit.core.finding import Finding
from opskit.journal.files.model import JournalFile, moment_text
from opskit.journal.files.verify import damaged_files, some
from opskit.journal.vacuum.model import VacuumRequest
from opskit.journal.vacuum.rules import Vacuum


@dataclass(frozen=True)
class Doomed:
    """A file that will go. newer: entries newer than the limit of time; None when that cannot be told."""

    path: str
    file: JournalFile
    newer: Optional[int]

    def as_json(self) -> dict[str, Any]:
        """An entry of result.deletes."""
        header = self.file.header
        known = header.entries and not header.problem
        return {
            "path": self.path,
            "bytes": self.file.allocated,
            "oldest": moment_text(header.head) if known else None,
            "newest": moment_text(header.tail) if known else None,
            "entries": header.entries if not header.problem else None,
        }


@dataclass(frozen=True)
class Survivor:
    """A file that is older than the limit of time, or holds entries that are, and stays all the same."""

    path: str
    file: JournalFile
    why: str

    def as_json(self) -> dict[str, Any]:
        """An entry of result.survives."""
        head = self.file.header.head
        return {"path": self.path, "bytes": self.file.allocated, "oldest": moment_text(head), "reason": self.why}


def vacuum_notes(
    request: VacuumRequest,
    found: Sequence[Vacuum],
    doomed: Sequence[Doomed],
    survivors: Sequence[Survivor],
) -> Iterator[Finding]:
    """What a person should know beside what goes."""
    limits = request.limits
    if not (limits.span or limits.size or limits.files):
        yield Finding("no-limit", "info", "0 means no limit: nothing is deleted")
    elif not any(one.directory.files for one in found):
        where = request.scope.directory or request.scope.root or "this host"
        yield Finding("no-journals", "info", f"there are no journal files in {where}", remedy="opskit journal usage")
    lost = [one for one in doomed if one.newer]
    if lost:
        count = sum(one.newer or 0 for one in lost)
        title = f"{count} entries newer than {request.span_text} go along: they share a file with older ones"
        yield Finding("newer-entries-lost", "warning", title, evidence=", ".join(one.path for one in lost))
    unsure = [one.path for one in doomed if one.newer is None]
    if unsure:
        title = f"how many newer entries go cannot be told of {len(unsure)} damaged files"
        yield Finding("newer-entries-unknown", "warning", title, evidence=", ".join(unsure))
    active = [one for one in survivors if one.why == "active"]
    if active:
        title = f"active files hold entries older than {request.span_text}, and stay ({len(active)})"
        scope = request.scope
        here = not (request.rotate or scope.directory or scope.root or scope.namespace[:1] in {"*", "+"})
        remedy = "--rotate archives them first, and then they go" if here else ""
        yield Finding("active-keep-old", "info", title, ", ".join(one.path for one in active), remedy)
    behind = [one for one in survivors if one.why.startswith("behind ")]
    if behind:
        title = f"{len(behind)} old files stay, since a vacuum stops at the first file that is young enough"
        yield Finding("old-files-stay", "info", title, ", ".join(one.path for one in behind))
    for one in found:
        yield from _directory_notes(one)
    yield from _bytes_notes(request, doomed)


def _bytes_notes(request: VacuumRequest, doomed: Sequence[Doomed]) -> Iterator[Finding]:
    """Where the space that is freed is not what it seems."""
    linked = [one.path for one in doomed if one.file.links > 1]
    if linked:
        title = f"{len(linked)} of the files have further names: the space stays taken until those are gone, too"
        yield Finding("hard-links", "warning", title, ", ".join(linked))
    if request.rotate and doomed:
        title = "what an archived file takes is known only once it is: journald cuts it to its size"
        if request.limits.size or request.limits.files:
            title = "what goes to keep to a size or a number is exact only once the journal is rotated"
        yield Finding("rotate-first", "info", title, remedy="should other files go then, nothing is deleted")
        title = "journald keeps to its own limits when it rotates: what is oldest may go by that, too"
        yield Finding("rotate-limits", "info", title, remedy="opskit journal usage shows its limits")


def _directory_notes(vacuum: Vacuum) -> Iterator[Finding]:
    directory = vacuum.directory
    if directory.passed_over and directory.files:
        title = f"the {len(directory.files)} files in {directory.path} itself are passed over by this journalctl"
        yield Finding("directory-ignored", "warning", title)
    if directory.problem:
        yield Finding("unreadable-directory", "warning", f"{directory.path}: {directory.problem}")
    damaged = [file.name for file in directory.files if file.damage]
    if damaged:
        yield damaged_files(directory, damaged)
    odd = [file.name for file in vacuum.active if "@" in file.name or file.name.endswith("~")]
    if odd:
        title = f"{len(odd)} files in {directory.path} only look archived, by their names they never go: {some(odd)}"
        yield Finding("looks-archived", "info", title, ", ".join(odd))
    if directory.ignored:
        links = directory.ignored
        title = f"{len(links)} names in {directory.path} are no regular files, and are left alone: {some(links)}"
        yield Finding("no-files", "info", title, ", ".join(links))
    if vacuum.sticks:
        names = [directory.path_of(file) for file in vacuum.sticks]
        title = f"{len(names)} files cannot be removed: they, or {directory.path}, are immutable"
        remedy = "chattr -i -a " + " ".join(map(shlex.quote, [directory.path, *names]))
        yield Finding("immutable", "error", title, ", ".join(names), remedy)
