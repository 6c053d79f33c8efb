"""What a vacuum deletes, before it does: a pure function of the facts of one directory.

The rules are journal_directory_vacuum's (src/libsystemd/sd-journal/journal-vacuum.c). Its order of files is not
transitive, so the outcome depends on the order in which readdir hands them over and on the sort: glibc's qsort is a
merge sort in every release (it was an introsort for some weeks between 2.38 and 2.39).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple, Optional

from opskit.core.plan import Record
from opskit.core.record import dataclass
from opskit.core.units import INFINITY, SECOND
from opskit.journal.files.model import ACTIVE, ARCHIVED, JournalDirectory, JournalFile, ParsedName
from opskit.journal.releases import Rules
from opskit.journal.vacuum.model import VacuumLimits

# What two candidates are compared by: id, number, age, name.
_Key = tuple[str, int, int, str]
# No file's age may come to lie behind the limit while journalctl gets to the point where it looks at its clock.
_SLACK = 60 * SECOND
# What journald gives to its files, the second one with a uid (journald-server.c).
_WRITTEN = re.compile(r"system|user-(?:0|[1-9][0-9]*)", re.ASCII)


class Candidate(NamedTuple):
    """A file that a vacuum may delete, with its age (the time that it goes by, microseconds since 1970)."""

    file: JournalFile
    age: int


@dataclass(frozen=True)
class Prediction:
    """What a vacuum does to one directory.

    empty: the files without entries, which always go, first and in readdir's order. order: the candidates in the order
    in which they are looked at; none in a directory that is passed over. gone: how many of these it deletes. active:
    what a vacuum never deletes. unread: archived files that it cannot open, which stay.
    """

    directory: JournalDirectory
    empty: tuple[JournalFile, ...]
    order: tuple[Candidate, ...]
    gone: int
    active: tuple[JournalFile, ...]
    unread: tuple[JournalFile, ...]

    @functools.cached_property
    def deletes(self) -> tuple[JournalFile, ...]:
        """The files that go, in the order in which they go."""
        return tuple(file for file in self._tried if not file.unremovable)

    @functools.cached_property
    def undeletable(self) -> tuple[JournalFile, ...]:
        """The files that it will try to delete, and cannot: journalctl warns, exits 0, and goes on to newer ones."""
        return tuple(file for file in self._tried if file.unremovable)

    @functools.cached_property
    def _tried(self) -> tuple[JournalFile, ...]:
        return (*self.empty, *(candidate.file for candidate in self.order[: self.gone]))

    @functools.cached_property
    def kept(self) -> tuple[Candidate, ...]:
        """The candidates that stay."""
        return self.order[self.gone :]

    @property
    def freed(self) -> int:
        """Bytes on disk that are freed, as a vacuum counts them."""
        return sum(file.allocated for file in self.deletes)


def age_of(file: JournalFile, *, birth: bool) -> int:
    """The time that a vacuum takes a file to be from: the oldest that is known of it. birth: that counts, too.

    The access time is read only after journalctl has opened the file, which sets it, unless nothing does (noatime).
    """
    age = file.parsed.realtime
    for time in (file.ctime, file.mtime, file.crtime, birth and file.birth, file.atime_stays and file.atime):
        if 0 < time < age:
            age = time
    return age


def predict(directory: JournalDirectory, limits: VacuumLimits, rules: Rules, now: int) -> Prediction:
    """What goes from this directory under these limits at this moment (microseconds since 1970)."""
    active: list[JournalFile] = []
    empty: list[JournalFile] = []
    unread: list[JournalFile] = []
    candidates: list[Candidate] = []
    for file in directory.files:
        if file.parsed.kind == ACTIVE:
            active.append(file)
        elif file.open_error:
            (empty if rules.deletes_unreadable else unread).append(file)
        elif file.size < rules.header_bytes or not file.header.entries:
            empty.append(file)
        else:
            candidates.append(Candidate(file, age_of(file, birth=rules.birth)))
    limited = bool(limits.span or limits.size or limits.files) and not directory.passed_over
    order = () if directory.passed_over else tuple(in_order(candidates))
    return Prediction(
        directory=directory,
        empty=tuple(empty) if limited else (),
        order=order,
        gone=_count(order, active, limits, rules, now) if limited else 0,
        active=tuple(active),
        unread=tuple(unread),
    )


def _count(
    order: Sequence[Candidate], active: Sequence[JournalFile], limits: VacuumLimits, rules: Rules, now: int
) -> int:
    """How many of the candidates go: the loop ends at the first one that every limit lets stay."""
    cut, size, files = cut_of(limits, now), limits.size or 0, limits.files or 0
    total = sum(candidate.file.allocated for candidate in order) if size else 0
    if size and rules.active_size:
        total += sum(file.allocated for file in active)
    for number, (file, age) in enumerate(order):
        left = len(active) + len(order) - number
        if age >= cut and not 0 < size < total and not 0 < files < left:
            return number
        if size and not file.unremovable:
            total = max(total - file.allocated, 0)
    return len(order)


def cut_of(limits: VacuumLimits, now: int) -> int:
    """What is older than this goes, microseconds since 1970; 0 without a limit of time."""
    return max(now - limits.span, 0) if limits.span else 0


def ages_from(limits: VacuumLimits, now: int) -> int:
    """From when on, microseconds since 1970, it matters how old a file is that is ordered by its name: see cut_of."""
    return cut_of(limits, now) or INFINITY


def in_order(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates in the order in which a vacuum looks at them."""
    by_age = sorted(candidates, key=itemgetter(1))
    if _is_plain(by_age):
        return by_age
    return [candidate for candidate, _ in _merged([(candidate, _key(candidate)) for candidate in candidates])]


def _is_plain(by_age: Sequence[Candidate]) -> bool:
    """Whether no two ages are the same and in each id the numbers rise with them: any sort gives this order then."""
    last: dict[str, int] = {}
    before = -1
    for file, age in by_age:
        kind, seqnum_id, seqnum, _ = file.parsed
        if kind != ARCHIVED:
            seqnum_id = ""
        if age == before or (seqnum_id and last.get(seqnum_id, -1) >= seqnum):
            return False
        before = age
        last[seqnum_id] = seqnum
    return True


def _key(candidate: Candidate) -> _Key:
    parsed = candidate.file.parsed
    seqnum_id = parsed.seqnum_id if parsed.kind == ARCHIVED else ""
    return seqnum_id, parsed.seqnum, candidate.age, candidate.file.name


def _after(left: _Key, right: _Key) -> bool:
    """Whether vacuum_compare(left, right) > 0."""
    if left[0] and left[0] == right[0]:
        return left[1] > right[1]
    if left[2] != right[2]:
        return left[2] > right[2]
    if left[0] and right[0]:
        return left[0] > right[0]
    return left[3].encode("utf-8", "surrogateescape") > right[3].encode("utf-8", "surrogateescape")


def _merged(items: list[tuple[Candidate, _Key]]) -> list[tuple[Candidate, _Key]]:
    """As glibc's msort.c: the first half is the smaller one, and of equals the first comes first."""
    if len(items) < 2:
        return items
    half = len(items) // 2
    left, right = _merged(items[:half]), _merged(items[half:])
    merged = []
    at, to = 0, 0
    while at < len(left) and to < len(right):
        if _after(left[at][1], right[to][1]):
            merged.append(right[to])
            to += 1
        else:
            merged.append(left[at])
            at += 1
    return merged + left[at:] + right[to:]


def archived(file: JournalFile, rules: Rules) -> Optional[JournalFile]:
    """What becomes of this file when journald rotates; None for one that it leaves alone."""
    header = file.header
    base = file.name.removesuffix(".journal")
    if file.parsed.kind != ACTIVE or header.damage or not header.entries or base == file.name:
        return None
    if not _WRITTEN.fullmatch(base):
        return None
    # The system's is always open, also while its state is offline: that it becomes with each sync (journald-server.c,
    # server_sync and server_rotate).
    if base != "system" and header.state != "online" and not rules.rotates_closed:
        return None
    name = f"{base}@{header.seqnum_id}-{header.head_seqnum:016x}-{header.head:016x}.journal"
    return file._replace(name=name, parsed=ParsedName(ARCHIVED, header.seqnum_id, header.head_seqnum, header.head))


def compare(old: dict[str, JournalFile], new: dict[str, JournalFile], expected: Sequence[str]) -> Record:
    """What went, what stayed though it was to go (expected), and what went though it was to stay."""
    inodes = {file.inode for file in new.values()}
    # What journald wrote to can be deleted as well, once it is archived: a new file has its name then.
    gone = [
        path for path, file in old.items()
        if path not in new or (new[path].inode != file.inode and file.inode not in inodes)
    ]  # fmt: skip
    # journald may have archived a file meanwhile: that has only another name.
    unexpected = [path for path in gone if path not in expected and old[path].inode not in inodes]
    stayed = [path for path in expected if path in new and path not in gone]
    freed = sum(old[path].allocated for path in gone if path in expected or path in unexpected)
    return {"gone": gone, "stayed": stayed, "unexpected": unexpected, "freed": freed}


def span_now(ages: list[int], span: int, planned: int, now: int) -> Optional[str]:
    """The span that makes the same files go now as the one of the plan did then; None: the same one does.

    planned, now: microseconds since 1970.
    """
    if not span or span >= INFINITY:
        return None
    cut = cut_of(VacuumLimits(span), planned)
    soon = now - span + _SLACK
    if not any(cut <= age < soon for age in ages):
        return None
    below = max((age for age in ages if age < cut), default=0)
    return f"{max(now - below - 1, 1)}us"


def failures(record: Record) -> Iterator[tuple[str, str]]:
    """Each path on which journalctl did not do as predicted: the path, and `stayed` or `unexpected`."""
    for what in ("stayed", "unexpected"):
        for path in record.get(what, ()):
            yield path, what
