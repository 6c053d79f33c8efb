"""What a person should know beside the files that a vacuum deletes. Pure functions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Optional

from opskit.core.finding import Finding
from opskit.core.record import dataclass
from opskit.core.text import counted
from opskit.core.units import size_text
from opskit.journal.files.model import JournalFile, moment_text
from opskit.journal.files.verify import damaged_files, some
from opskit.journal.vacuum.model import VacuumRequest
from opskit.journal.vacuum.rules import Prediction

if TYPE_CHECKING:
    from opskit.journal.results import DeletionRow, SurvivorRow


class Deletion(NamedTuple):
    """A file that will go. newer: entries newer than the limit of time; None when that cannot be told."""

    path: str
    file: JournalFile
    newer: Optional[int]

    def as_json(self) -> DeletionRow:
        """An entry of result.deletes."""
        path, file, _ = self
        # Taken apart at once: a field by its name takes longer, and these are many.
        damage, _, _, _, _, entries, head, tail, _, _, _, _, _ = file.header
        if damage or not entries:
            counted_entries = None if damage else 0
            return {
                "path": path, "bytes": file.allocated, "oldest": None, "newest": None, "entries": counted_entries
            }  # fmt: skip
        oldest, newest = moment_text(head), moment_text(tail)
        return {"path": path, "bytes": file.allocated, "oldest": oldest, "newest": newest, "entries": entries}


@dataclass(frozen=True)
class Survivor:
    """A file that is older than the limit of time, or holds entries that are, and stays all the same."""

    path: str
    file: JournalFile
    why: str

    def as_json(self) -> SurvivorRow:
        """An entry of result.survives."""
        head = self.file.header.head
        return {"path": self.path, "bytes": self.file.allocated, "oldest": moment_text(head), "reason": self.why}


def vacuum_notes(
    request: VacuumRequest,
    predictions: Sequence[Prediction],
    deletions: Sequence[Deletion],
    survivors: Sequence[Survivor],
) -> Iterator[Finding]:
    """What a person should know beside what goes."""
    limits = request.limits
    if not (limits.span or limits.size or limits.files):
        yield Finding("no-limit", "info", "0 means no limit: nothing is deleted")
    elif not any(prediction.directory.files for prediction in predictions):
        below = request.scope.directory or request.scope.root
        where = f"in {below}" if below else "on this host"
        yield Finding("no-journals", "info", f"there are no journal files {where}", remedy="opskit journal usage")
    lost = [deletion for deletion in deletions if deletion.newer]
    if lost:
        count = sum(deletion.newer or 0 for deletion in lost)
        newer = counted(count, "entry", "entries")
        title = f"{newer} newer than {request.span_text} will go, too: in a file with older ones"
        yield Finding("newer-entries-lost", "warning", title, evidence=", ".join(deletion.path for deletion in lost))
    unsure = [deletion.path for deletion in deletions if deletion.newer is None]
    if unsure:
        title = f"it cannot be told how many newer entries are in {counted(len(unsure), 'damaged file')}"
        yield Finding("newer-entries-unknown", "warning", title, evidence=", ".join(unsure))
    active = [survivor for survivor in survivors if survivor.why == "active"]
    if active:
        words = ("file holds", "is") if len(active) == 1 else ("files hold", "are")
        title = f"{len(active)} active {words[0]} entries older than {request.span_text}, and {words[1]} kept"
        scope = request.scope
        here = not (request.rotate or scope.directory or scope.root or scope.namespace[:1] in {"*", "+"})
        remedy = "--rotate archives them first, so that they are deleted" if here else ""
        yield Finding("active-keep-old", "info", title, ", ".join(survivor.path for survivor in active), remedy)
    for prediction in predictions:
        yield from _active_size(request, prediction)
    behind = [survivor for survivor in survivors if survivor.why.startswith("behind ")]
    if behind:
        verb = "is" if len(behind) == 1 else "are"
        stays = f"{counted(len(behind), 'old file')} {verb} kept"
        title = f"{stays}, because a vacuum stops at the first file that is young enough"
        yield Finding("old-files-stay", "info", title, ", ".join(survivor.path for survivor in behind))
    for prediction in predictions:
        yield from _directory_notes(prediction)
    yield from _bytes_notes(request, deletions)


def _active_size(request: VacuumRequest, prediction: Prediction) -> Iterator[Finding]:
    """That active files alone take more than the limit of size."""
    size = request.limits.size
    taken = sum(file.allocated for file in prediction.active)
    if not size or request.rotate or taken <= size:
        return
    scope = request.scope
    here = not (scope.directory or scope.root or scope.namespace[:1] in {"*", "+"})
    title = (
        f"{prediction.directory.path}: active files take {size_text(taken)}, more than {size_text(size)}; they are kept"
    )
    remedy = "--rotate archives them first, so that they are deleted" if here else ""
    yield Finding("active-keep-size", "info", title, remedy=remedy)


def _bytes_notes(request: VacuumRequest, deletions: Sequence[Deletion]) -> Iterator[Finding]:
    """Where the space that is freed is not what it seems."""
    linked = [deletion.path for deletion in deletions if deletion.file.links > 1]
    if linked:
        have = "has" if len(linked) == 1 else "have"
        title = f"{len(linked)} of the files {have} other hard links: no space is freed until those are deleted, too"
        yield Finding("hard-links", "warning", title, ", ".join(linked))
    if request.rotate and deletions:
        title = "the size of an archived file is known only after the rotation: journald truncates it"
        if request.limits.size or request.limits.files:
            title = "which files a limit of size or number deletes is certain only after the rotation"
        yield Finding("rotate-first", "info", title, remedy="if other files would be deleted then, nothing is")
        title = "journald applies its own limits when it rotates, and may delete the oldest files itself"
        yield Finding("rotate-limits", "info", title, remedy="opskit journal usage shows its limits")


def _directory_notes(prediction: Prediction) -> Iterator[Finding]:
    directory = prediction.directory
    if directory.passed_over and directory.files:
        title = f"this journalctl ignores the {counted(len(directory.files), 'file')} in {directory.path} itself"
        yield Finding("directory-ignored", "warning", title)
    if directory.read_error:
        yield Finding("unreadable-directory", "warning", f"{directory.path}: {directory.read_error}")
    damaged = [file.name for file in directory.files if file.damage]
    if damaged:
        yield damaged_files(directory, damaged)
    odd = [file.name for file in prediction.active if "@" in file.name or file.name.endswith("~")]
    if odd:
        look = "looks archived, but has a name" if len(odd) == 1 else "look archived, but have names"
        title = f"{counted(len(odd), 'file')} in {directory.path} {look} that no vacuum deletes: {some(odd)}"
        yield Finding("looks-archived", "info", title, ", ".join(odd))
    if directory.ignored:
        links = directory.ignored
        be = "is no regular file, and is" if len(links) == 1 else "are no regular files, and are"
        title = f"{counted(len(links), 'name')} in {directory.path} {be} left alone: {some(links)}"
        yield Finding("no-files", "info", title, ", ".join(links))
    if prediction.undeletable:
        names = [directory.path_of(file) for file in prediction.undeletable]
        title = f"{counted(len(names), 'file')} cannot be deleted: {directory.path}, or what is in it, is immutable"
        remedy = "chattr -i -a " + " ".join(map(shlex.quote, [directory.path, *names]))
        yield Finding("immutable", "error", title, ", ".join(names), remedy)
