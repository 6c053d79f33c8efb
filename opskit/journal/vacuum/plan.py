"""Decide: what `opskit journal vacuum` deletes, or why it does not. A pure function of facts and the request."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Optional

from opskit.core.checks import inode_checks, names_checks, no_new_directory_checks, time_checks
from opskit.core.errors import ExitCode
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.record import dataclass
from opskit.core.text import counted
from opskit.core.units import SECOND, size_text
from opskit.journal.files.model import ACTIVE, JournalDirectory, JournalFile, files_by_path, moment_text
from opskit.journal.files.verify import other_namespaces
from opskit.journal.vacuum.model import VacuumFacts, VacuumRequest, copy_names
from opskit.journal.vacuum.notes import Deletion, Survivor, vacuum_notes
from opskit.journal.vacuum.rules import Prediction, age_of, archived, cut_of, predict
from opskit.journal.vacuum.steps import Copied, CopyJournals, RotateJournal, VacuumJournal


def decide_vacuum(facts: VacuumFacts, request: VacuumRequest) -> Decision:
    """The plan that vacuums, or every reason against it."""
    title = f"vacuum the journal {_limits_text(request)}"
    reasons = list(_reasons(facts, request))
    if reasons:
        return Refusal(title, tuple(reasons))
    before: dict[str, str] = {}  # the archived name of an active file that is rotated → the name it has now
    directories = tuple(_rotated(facts, request, before)) if request.rotate else facts.directories
    predictions = [predict(directory, request.limits, request.rules, request.now) for directory in directories]
    cut = cut_of(request.limits, request.now)
    deletions = [
        Deletion(path, file, _newer(facts, before.get(path, path), file, cut))
        for prediction in predictions
        for file in prediction.deletes
        for path in (prediction.directory.path_of(file),)
    ]
    survivors = [survivor for prediction in predictions for survivor in _survivors(prediction, request)]
    reasons = list(_copy_reasons(facts, request, deletions)) if deletions else []
    if reasons:
        return Refusal(title, tuple(reasons))
    freed = sum(deletion.file.allocated for deletion in deletions)
    result = {
        "deletes": [deletion.as_json() for deletion in deletions],
        "freed_bytes": freed,
        "newer_entries_lost": sum(deletion.newer or 0 for deletion in deletions) if cut else 0,
        "survives": [survivor.as_json() for survivor in survivors],
        "systemd": request.version.release or str(request.version.number),
        "limit": moment_text(cut),
    }
    left, remedy = "this leaves out the journals", "--namespace NAME, or --namespace '*' for all of them"
    others = other_namespaces(facts.namespaces, request.scope, left, remedy)
    notes = (*vacuum_notes(request, predictions, deletions, survivors), *others)
    if not deletions and not any(prediction.undeletable for prediction in predictions):
        return Plan(title, notes=notes, result=result)
    steps = tuple(_steps(facts, request, deletions, freed))
    # What journald still writes to grows while the plan is read. And not what is allocated: that is other than before
    # once the kernel has written a new file back (ext4 gave 14 of 272 one block more).
    basis = tuple(f"{path} {file.inode} {0 if path in before else file.size}" for path, file, _ in deletions)
    checks = ScriptChecks(facts, request, predictions, deletions)
    return Plan(title, steps, basis, notes=notes, result=result, checks=checks)


def _limits_text(request: VacuumRequest) -> str:
    limits = request.limits
    words = [f"to {request.span_text}"] if limits.span is not None else []
    words += [f"to {size_text(limits.size)}"] if limits.size is not None else []
    words += [f"to {counted(limits.files, 'file')}"] if limits.files is not None else []
    scope = request.scope
    where = [f"in {scope.directory}"] if scope.directory else [f"below {scope.root}"] if scope.root else []
    where += [f"of namespace {scope.namespace}"] if scope.namespace else []
    return " ".join([" and ".join(words), *where])


def _reasons(facts: VacuumFacts, request: VacuumRequest) -> Iterator[Reason]:
    """What this journalctl cannot do, or would do elsewhere."""
    rules, number, scope = request.rules, request.version.number, request.scope
    if request.limits.files and not rules.files:
        yield _usage("no-vacuum-files", f"journalctl {number} has no --vacuum-files", "leave --files out; --size")
    if scope.root and not rules.root:
        remedy = f"-D {shlex.quote(scope.root.rstrip('/') + '/var/log/journal')}"
        yield _usage("no-root", f"journalctl {number} would vacuum this host's journal, whatever --root says", remedy)
    if scope.namespace and not rules.namespaces:
        yield _usage("no-namespaces", f"journalctl {number} knows no namespaces", "leave --namespace out")
    if not any(directory.files and not directory.passed_over for directory in facts.directories):
        for directory in facts.directories:
            if not directory.files:
                continue
            title = f"journalctl {number} ignores the files in {directory.path} itself: with -D it looks only below"
            yield _usage("directory-ignored", title, f"-D {shlex.quote(os.path.dirname(directory.path))}")
    yield from _place_reasons(facts)
    if request.rotate and (scope.directory or scope.root):
        yield _usage("rotate-elsewhere", "--rotate works on the journal of this host only", "leave --rotate out")
    elif request.rotate and scope.namespace[:1] in {"*", "+"}:
        title = "journalctl rotates the journal of one namespace at a time"
        yield _usage("rotate-several", title, "--namespace with one name; or leave --rotate out")
    elif request.rotate and not facts.journald:
        whose = f" of namespace {scope.namespace}" if scope.namespace else ""
        title = f"systemd-journald{whose} is not running: nothing can be rotated"
        yield Reason("no-journald", title, "leave --rotate out")


def _place_reasons(facts: VacuumFacts) -> Iterator[Reason]:
    """What would make the outcome another than what is decided: for each of these journalctl says nothing."""
    paths: dict[str, str] = {}
    for directory in facts.directories:
        if directory.read_only and directory.files:
            title = f"{directory.path} is on a filesystem that is mounted read-only: nothing can be deleted"
            yield Reason("read-only", title, "mount -o remount,rw, if it is meant to be written")
        elif directory.denied and directory.files:
            title = f"{directory.path}: this user may not delete in it, and journalctl would only warn"
            remedy = f"ls -ld {shlex.quote(directory.path)}; as its owner, or outside the container"
            yield Reason("not-writable", title, remedy)
        if directory.identity and directory.identity in paths:
            title = (
                f"{directory.path} and {paths[directory.identity]} are the same directory: it would be vacuumed twice"
            )
            yield Reason("same-directory", title, f"-D {shlex.quote(directory.path)}")
        paths.setdefault(directory.identity, directory.path)


def _usage(ident: str, title: str, remedy: str) -> Reason:
    return Reason(ident, title, remedy, exit_code=ExitCode.USAGE)


def _rotated(facts: VacuumFacts, request: VacuumRequest, before: dict[str, str]) -> Iterator[JournalDirectory]:
    """The directories as they will be once journald has archived what it writes to; their names now go to before."""
    for directory in facts.directories:
        files = []
        for file in directory.files:
            made = archived(file, request.rules) if directory.machine_id == facts.machine_id else None
            files.append(file)
            if made:
                # It is renamed, and a new one takes its place; what that takes is known only then.
                files.append(made)
                before[directory.path_of(made)] = directory.path_of(file)
        yield replace(directory, files=tuple(files))


def _newer(facts: VacuumFacts, path: str, file: JournalFile, cut: int) -> Optional[int]:
    """How many entries of a file are newer than the limit of time, by its header where that tells."""
    if not cut:
        return 0
    if path in facts.newer:
        return facts.newer[path]
    return file.header.entries if file.header.head >= cut else 0


def _survivors(prediction: Prediction, request: VacuumRequest) -> Iterator[Survivor]:
    """What is old and stays, and why."""
    cut = cut_of(request.limits, request.now)
    path_of = prediction.directory.path_of
    if not cut:
        return
    for file in prediction.active:
        if file.header.entries and not file.header.damage and file.header.head < cut:
            # With --rotate it has been counted under its new name.
            if request.rotate and any(other.inode == file.inode for other in prediction.deletes):
                continue
            yield Survivor(path_of(file), file, "active")
    archived = _ignored if prediction.directory.passed_over else _stopped
    yield from archived(prediction, cut, birth=request.rules.birth)


def _ignored(prediction: Prediction, cut: int, *, birth: bool) -> Iterator[Survivor]:
    """What is old in a directory that is passed over. birth: as age_of has it."""
    for file in prediction.directory.files:
        if file.parsed.kind != ACTIVE and age_of(file, birth=birth) < cut:
            yield Survivor(prediction.directory.path_of(file), file, "this journalctl ignores its directory")


def _stopped(prediction: Prediction, cut: int, *, birth: bool) -> Iterator[Survivor]:
    """What is old and archived, and stays where the vacuum looks. birth: as age_of has it."""
    path_of = prediction.directory.path_of
    for file in prediction.unread:
        if age_of(file, birth=birth) < cut:
            yield Survivor(path_of(file), file, f"cannot be read: {file.open_error}")
    for file in prediction.undeletable:
        yield Survivor(path_of(file), file, "immutable")
    for candidate in prediction.kept[1:]:
        if candidate.age < cut:
            first = prediction.kept[0].file.name
            yield Survivor(path_of(candidate.file), candidate.file, f"behind {first}, where the vacuum stops")


def _copy_reasons(facts: VacuumFacts, request: VacuumRequest, deletions: Sequence[Deletion]) -> Iterator[Reason]:
    """Why no copies can be made."""
    place = facts.place
    if place is None:
        return
    if place.kind == "other":
        yield Reason(
            "no-copy-directory", f"{request.keep_copy} is not a directory, and cannot be made", "another directory"
        )
        return
    if place.weak:
        title = f"others could take or replace the copies in {request.keep_copy}: {place.weak}"
        yield Reason("copy-directory-open", title, "a directory that only root can write to, as each one above it")
    inside = [directory.path for directory in facts.directories if (place.real + "/").startswith(directory.path + "/")]
    if inside:
        title = f"{request.keep_copy} is in {inside[0]}, where the copies would count as journals"
        yield Reason("copy-among-journals", title, "a directory elsewhere")
    taken = set(place.taken) & {target for _, target in _copies(facts, place.real, deletions)}
    if taken:
        yield Reason("copy-exists", f"{min(taken)} exists already", "another directory; or move it away")
    need = sum(deletion.file.allocated for deletion in deletions)
    if place.free < need:
        title = f"{request.keep_copy} has {size_text(place.free)} free, and the copies take {size_text(need)}"
        yield Reason("no-space-for-copies", title, "a directory on another filesystem")


def _copies(facts: VacuumFacts, place: str, deletions: Sequence[Deletion]) -> Iterator[tuple[str, str]]:
    """Each file that goes, and its copy."""
    names = copy_names(facts.directories)
    for deletion in deletions:
        directory, _, name = deletion.path.rpartition("/")
        yield deletion.path, os.path.join(place, names[directory], name)


def _steps(facts: VacuumFacts, request: VacuumRequest, deletions: Sequence[Deletion], freed: int) -> Iterator[Step]:
    expects = tuple(deletion.path for deletion in deletions)
    place = facts.place.real if facts.place else ""
    copies = tuple(Copied(*pair) for pair in _copies(facts, place, deletions)) if place else ()
    if request.rotate:
        yield from _rotation(facts, request, deletions, place, copies)
    elif copies:
        yield CopyJournals(place, copies, freed)
    yield VacuumJournal(
        scope=request.scope,
        version=request.version,
        limits=request.limits,
        span_text=request.span_text,
        now=request.now,
        deletes=expects,
        bytes=0 if request.rotate else freed,
        copies=copies,
        rotated=request.rotate,
    )


def _rotation(
    facts: VacuumFacts, request: VacuumRequest, deletions: Sequence[Deletion], place: str, copies: Sequence[Copied]
) -> Iterator[Step]:
    """The rotation, between the copies of what is there before and of what it makes."""
    present = files_by_path(facts.directories)
    # Before the rotation: journald keeps to its own limits with each, and deletes what is oldest.
    first = tuple(copy for copy in copies if copy.path in present)
    if first:
        yield CopyJournals(place, first, sum(each.file.allocated for each in deletions if each.path in present))
    made = tuple(deletion.path for deletion in deletions if deletion.path not in present)
    yield RotateJournal(request.scope.namespace, request.version.number, made)
    if len(first) < len(copies):
        yield CopyJournals(place, tuple(copy for copy in copies if copy.path not in present), 0)


@dataclass(frozen=True)
class ScriptChecks:
    """Shell lines that stop a script, which can be run days later, when other files would go than were shown.

    That is when one of them is another file, when one was archived since, when there is a directory more, and when
    one more file has become old enough. They are made when a script is.
    """

    facts: VacuumFacts
    request: VacuumRequest
    predictions: Sequence[Prediction]
    deletions: Sequence[Deletion]

    def __iter__(self) -> Iterator[str]:
        patterns = ("*.journal", "*.journal~")
        for directory in self.facts.directories:
            if not directory.passed_over:
                names = (*(file.name for file in directory.files), *directory.ignored)
                yield from names_checks(directory.path, patterns, names)
        tops = {os.path.dirname(each.path) for each in self.facts.directories if each.machine_id}
        for top in sorted(filter(None, tops | {self.request.scope.directory})):
            yield from no_new_directory_checks(top, self.request.now)
        if not self.request.rotate:  # what a rotation makes is not there yet
            for path, file, _ in self.deletions:
                yield from inode_checks(path, file.inode, size=file.size)
        # By which file a vacuum stops: what is kept behind it can be older.
        stops = [prediction.kept[0].age for prediction in self.predictions if prediction.kept]
        if self.request.limits.span and stops:
            yield from time_checks((min(stops) + self.request.limits.span) // SECOND)
