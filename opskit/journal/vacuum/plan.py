"""Decide: what `opskit journal vacuum` deletes, or why it does not. A pure function of facts and the request."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.units import size_text
from opskit.journal.files.model import ACTIVE, ARCHIVED, Directory, JournalFile, Name, files_by_path, moment_text
from opskit.journal.vacuum.model import VacuumFacts, VacuumRequest, copy_names
from opskit.journal.vacuum.notes import Doomed, Survivor, vacuum_notes
from opskit.journal.vacuum.rules import Vacuum, age_of, cut_of, predict
from opskit.journal.vacuum.steps.copies import Copied, CopyJournals
from opskit.journal.vacuum.steps.journalctl import RotateJournal, VacuumJournal

# What journald gives to its files, the second one with a uid (journald-server.c).
_WRITTEN = re.compile(r"system|user-(?:0|[1-9][0-9]*)", re.ASCII)


def decide_vacuum(facts: VacuumFacts, request: VacuumRequest) -> Decision:
    """The plan that vacuums, or every reason against it."""
    title = f"vacuum the journal {_limits_text(request)}"
    reasons = list(_reasons(facts, request))
    if reasons:
        return Refusal(title, tuple(reasons))
    before: dict[str, str] = {}  # the archived name of an active file that is rotated → the name it has now
    directories = tuple(_rotated(facts, request, before)) if request.rotate else facts.directories
    found = [predict(one, request.limits, request.rules, request.now) for one in directories]
    doomed = [
        Doomed(path, file, _newer(facts, before.get(path, path), file, request))
        for one in found
        for file in one.deletes
        for path in (one.directory.path_of(file),)
    ]
    survivors = [survivor for one in found for survivor in _survivors(one, request)]
    reasons = list(_copy_reasons(facts, request, doomed)) if doomed else []
    if reasons:
        return Refusal(title, tuple(reasons))
    cut = cut_of(request.limits, request.now)
    freed = sum(one.file.allocated for one in doomed)
    result = {
        "deletes": [one.as_json() for one in doomed],
        "freed_bytes": freed,
        "newer_entries_lost": sum(one.newer or 0 for one in doomed) if cut else 0,
        "survives": [one.as_json() for one in survivors],
        "systemd": request.version.release or str(request.version.number),
        "limit": moment_text(cut),
    }
    notes = tuple(vacuum_notes(request, found, doomed, survivors))
    if not doomed and not any(one.sticks for one in found):
        return Plan(title, notes=notes, result=result)
    steps = tuple(_steps(facts, request, doomed))
    # What journald still writes to grows while the plan is read.
    sizes = {one.path: 0 if one.path in before else one.file.allocated for one in doomed}
    basis = tuple(f"{one.path} {one.file.inode} {sizes[one.path]}" for one in doomed)
    return Plan(title, steps, basis, notes=notes, result=result, checks=_checks(doomed, request))


def _limits_text(request: VacuumRequest) -> str:
    limits = request.limits
    words = [f"to {request.span_text}"] if limits.span is not None else []
    words += [f"to {size_text(limits.size)}"] if limits.size is not None else []
    words += [f"to {limits.files} files"] if limits.files is not None else []
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
    if not any(one.files and not one.passed_over for one in facts.directories):
        for directory in facts.directories:
            if not directory.files:
                continue
            title = f"journalctl {number} passes over the files of {directory.path}: with -D it looks below only"
            yield _usage("directory-ignored", title, f"-D {shlex.quote(os.path.dirname(directory.path))}")
    yield from _place_reasons(facts)
    if request.rotate and (scope.directory or scope.root):
        yield _usage("rotate-elsewhere", "--rotate is for the journal of this host", "leave --rotate out")
    elif request.rotate and scope.namespace[:1] in {"*", "+"}:
        title = "journalctl rotates the journal of one namespace at a time"
        yield _usage("rotate-several", title, "--namespace with the name of one; or leave --rotate out")
    elif request.rotate and not facts.journald:
        whose = f" of namespace {scope.namespace}" if scope.namespace else ""
        title = f"systemd-journald{whose} does not run: nothing can be rotated"
        yield Reason("no-journald", title, "leave --rotate out")


def _place_reasons(facts: VacuumFacts) -> Iterator[Reason]:
    """What would make the outcome another than what is decided: for each of these journalctl says nothing."""
    seen: dict[str, str] = {}
    for one in facts.directories:
        if one.read_only and one.files:
            title = f"{one.path} is on a filesystem that is mounted read-only: nothing can be deleted"
            yield Reason("read-only", title, "mount -o remount,rw, if it is meant to be written")
        if one.identity and one.identity in seen:
            title = f"{one.path} and {seen[one.identity]} are the same directory: it would be vacuumed twice"
            yield Reason("same-directory", title, f"-D {shlex.quote(one.path)}")
        seen.setdefault(one.identity, one.path)


def _usage(ident: str, title: str, remedy: str) -> Reason:
    return Reason(ident, title, remedy, exit_code=ExitCode.USAGE)


def _rotated(facts: VacuumFacts, request: VacuumRequest, before: dict[str, str]) -> Iterator[Directory]:
    """The directories as they will be once journald has archived what it writes to; their names now go to before."""
    for directory in facts.directories:
        files = []
        for file in directory.files:
            name = _archived_name(file, request) if directory.machine_id == facts.machine_id else None
            files.append(file)
            if name:
                # It is renamed, and a new one takes its place; what that takes is known only then.
                files.append(replace(file, name=name, said=_said(file)))
                before[f"{directory.path}/{name}"] = directory.path_of(file)
        yield replace(directory, files=tuple(files))


def _archived_name(file: JournalFile, request: VacuumRequest) -> Optional[str]:
    """What journald will call this file when it archives it; None for one that it leaves alone."""
    header = file.header
    base = file.name.removesuffix(".journal")
    if file.said.kind != ACTIVE or header.problem or not header.entries or base == file.name:
        return None
    if not _WRITTEN.fullmatch(base):
        return None
    # The system's is always open, also while its state is offline: that it becomes with each sync (journald-server.c,
    # server_sync and server_rotate).
    if base != "system" and header.state != "online" and not request.rules.rotates_closed:
        return None
    return f"{base}@{header.seqnum_id}-{header.head_seqnum:016x}-{header.head:016x}.journal"


def _said(file: JournalFile) -> Name:
    return Name(ARCHIVED, file.header.seqnum_id, file.header.head_seqnum, file.header.head)


def _newer(facts: VacuumFacts, path: str, file: JournalFile, request: VacuumRequest) -> Optional[int]:
    """How many entries of a file are newer than the limit of time, by its header where that tells."""
    cut = cut_of(request.limits, request.now)
    if not cut:
        return 0
    if path in facts.newer:
        return facts.newer[path]
    return file.header.entries if file.header.head >= cut else 0


def _survivors(vacuum: Vacuum, request: VacuumRequest) -> Iterator[Survivor]:
    """What is old and stays, and why."""
    cut = cut_of(request.limits, request.now)
    path_of = vacuum.directory.path_of
    if not cut:
        return
    for file in vacuum.active:
        if file.header.entries and not file.header.problem and file.header.head < cut:
            # With --rotate it has been counted under its new name.
            if request.rotate and any(one.inode == file.inode for one in vacuum.deletes):
                continue
            yield Survivor(path_of(file), file, "active")
    for file in vacuum.unread:
        if age_of(file, birth=request.rules.birth) < cut:
            yield Survivor(path_of(file), file, f"cannot be read: {file.opens}")
    for file in vacuum.sticks:
        yield Survivor(path_of(file), file, "immutable")
    for candidate in vacuum.kept[1:]:
        if candidate.age < cut:
            first = vacuum.kept[0].file.name
            yield Survivor(path_of(candidate.file), candidate.file, f"behind {first}, where the vacuum stops")


def _copy_reasons(facts: VacuumFacts, request: VacuumRequest, doomed: Sequence[Doomed]) -> Iterator[Reason]:
    """Why no copies can be made."""
    place = facts.place
    if place is None:
        return
    if place.kind == "other":
        yield Reason("no-copy-directory", f"{request.keep_copy} is no directory, nor can it be made", "another one")
        return
    inside = [one.path for one in facts.directories if (place.real + "/").startswith(one.path + "/")]
    if inside:
        title = f"{request.keep_copy} is in {inside[0]}, where the copies would count as journals"
        yield Reason("copy-among-journals", title, "a directory elsewhere")
    taken = set(place.taken) & {target for _, target in _copies(facts, place.real, doomed)}
    if taken:
        yield Reason("copy-exists", f"{min(taken)} exists already", "another directory; or move it away")
    need = sum(one.file.allocated for one in doomed)
    if place.free < need:
        title = f"{request.keep_copy} has {size_text(place.free)} free, and the copies take {size_text(need)}"
        yield Reason("no-space-for-copies", title, "a directory on another filesystem")


def _copies(facts: VacuumFacts, place: str, doomed: Sequence[Doomed]) -> Iterator[tuple[str, str]]:
    """Each file that goes, and its copy."""
    names = copy_names(facts.directories)
    for one in doomed:
        directory, _, name = one.path.rpartition("/")
        yield one.path, os.path.join(place, names[directory], name)


def _steps(facts: VacuumFacts, request: VacuumRequest, doomed: Sequence[Doomed]) -> Iterator[Step]:
    expects = tuple(one.path for one in doomed)
    present = files_by_path(facts.directories)
    there = [one for one in doomed if one.path in present]
    place = facts.place.real if facts.place else ""
    copies = tuple(Copied(*pair) for pair in _copies(facts, place, doomed)) if place else ()
    # Before the rotation: journald keeps to its own limits with each, and deletes what is oldest.
    first = tuple(copy for copy in copies if copy.path in present)
    if first:
        yield CopyJournals(place, first, sum(one.file.allocated for one in there))
    if request.rotate:
        made = tuple(path for path in expects if path not in present)
        yield RotateJournal(request.scope.namespace, request.version.number, made)
    if len(first) < len(copies):
        yield CopyJournals(place, tuple(copy for copy in copies if copy not in first), 0)
    yield VacuumJournal(
        scope=request.scope,
        version=request.version,
        limits=request.limits,
        span_text=request.span_text,
        now=request.now,
        deletes=expects,
        bytes=0 if request.rotate else sum(one.file.allocated for one in doomed),
        copies=copies,
        rotated=request.rotate,
    )


def _checks(doomed: Sequence[Doomed], request: VacuumRequest) -> tuple[str, ...]:
    """Shell lines that stop a script when a file that was to go is no longer there."""
    if request.rotate:
        return ()
    return tuple(f"[ -f {shlex.quote(one.path)} ]" for one in doomed)
