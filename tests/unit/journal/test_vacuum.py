"""What a vacuum deletes, by the release; what is proved against journalctl is in tests/cli."""

from __future__ import annotations

import random

from opskit.core.units import INFINITY
from opskit.journal.files.model import ACTIVE, ARCHIVED, DISPOSED, Header, JournalDirectory, JournalFile, ParsedName
from opskit.journal.releases import Version, parse_version, rules_of
from opskit.journal.vacuum.model import VacuumLimits
from opskit.journal.vacuum.rules import Candidate, _key, _merged, age_of, compare, cut_of, in_order, predict, span_now

NOW = 1_000_000_000
RULES = rules_of(Version(257))
KIB = 1024


def file(name: str, at: int, seqnum: int = 0, ident: str = "", **more: object) -> JournalFile:
    kind = ARCHIVED if ident else DISPOSED
    header = Header(entries=1, head=at, tail=at)
    made = JournalFile(name, ParsedName(kind, ident, seqnum, at), 8192, 4 * KIB, header=header)
    return made._replace(**more)  # type: ignore[arg-type]


def active(name: str = "system.journal", **more: object) -> JournalFile:
    return file(name, NOW)._replace(parsed=ParsedName(ACTIVE), **more)  # type: ignore[arg-type]


def gone(files: list[JournalFile], limits: VacuumLimits, version: Version = Version(257)) -> list[str]:  # noqa: B008
    prediction = predict(JournalDirectory("/d", files=tuple(files)), limits, rules_of(version), NOW)
    return [file.name for file in prediction.deletes]


def test_time() -> None:
    files = [file("b", NOW - 50), file("a", NOW - 200), active(), file("c", NOW - 100)]
    assert gone(files, VacuumLimits(span=100)) == ["a"]
    assert gone(files, VacuumLimits(span=99)) == ["a", "c"]
    assert gone(files, VacuumLimits(span=NOW + 1)) == []
    assert gone(files, VacuumLimits(span=INFINITY)) == []
    assert gone(files, VacuumLimits(span=0)) == []
    assert gone(files, VacuumLimits()) == []


def test_size_counts_active_files_by_the_release() -> None:
    files = [file("a", 1), file("b", 2), active()]
    assert gone(files, VacuumLimits(size=8 * KIB)) == ["a"]
    for text, counts in (
        ("252-14.el9", False), ("252-16.el9", True), ("252-32.el9_4", True), ("239-76.el8", False),
        ("239-78.el8_10.1", True), ("252", False), ("254", True), ("219", False), ("252.39-1~deb12u2", True),
    ):  # fmt: skip
        assert rules_of(parse_version(text)).active_size == counts, text
        assert gone(files, VacuumLimits(size=8 * KIB), parse_version(text)) == (["a"] if counts else [])


def test_files_counts_active_files() -> None:
    files = [file("a", 1), file("b", 2), active()]
    assert gone(files, VacuumLimits(files=2)) == ["a"]
    assert gone(files, VacuumLimits(files=1)) == ["a", "b"]


def test_files_without_entries_go_under_any_limit() -> None:
    empty = file("e", NOW, header=Header())
    short = file("s", NOW, size=263)
    assert gone([empty, short], VacuumLimits(files=100)) == ["e", "s"]
    assert gone([empty, short], VacuumLimits(span=0, size=0, files=0)) == []
    assert gone([short], VacuumLimits(span=1), Version(239)) == []
    assert gone([file("s", NOW, size=271)], VacuumLimits(span=1), Version(252)) == []
    assert gone([file("s", NOW, size=271)], VacuumLimits(span=1), Version(257)) == ["s"]


def test_what_cannot_be_read_stays_but_for_219() -> None:
    unread = file("u", 1, open_error="Input/output error")
    assert gone([unread], VacuumLimits(span=1)) == []
    assert gone([unread], VacuumLimits(span=1), Version(219)) == ["u"]


def test_the_oldest_time_is_the_age() -> None:
    journal_file = file("x", 100, ctime=90, mtime=80, crtime=70, birth=60, atime=50)
    assert age_of(journal_file, birth=True) == 60
    assert age_of(journal_file, birth=False) == 70
    assert age_of(journal_file._replace(atime_stays=True), birth=True) == 50
    assert age_of(journal_file._replace(ctime=0, mtime=0, crtime=0, birth=0), birth=True) == 100


def test_the_loop_ends_at_the_first_file_that_stays() -> None:
    # By number the young one comes first, so the old one behind it stays.
    files = [file("young", NOW - 1, 1, "a" * 32), file("old", 1, 2, "a" * 32)]
    assert gone(files, VacuumLimits(span=100)) == []


def test_a_file_that_cannot_be_removed_makes_the_loop_go_on() -> None:
    files = [file("a", 1, unremovable=True), file("b", 2), file("c", 3)]
    prediction = predict(JournalDirectory("/d", files=tuple(files)), VacuumLimits(size=8 * KIB), RULES, NOW)
    assert [file.name for file in prediction.undeletable] == ["a"]
    assert [file.name for file in prediction.deletes] == ["b"]
    assert prediction.freed == 4 * KIB


def test_what_is_passed_over_stays() -> None:
    prediction = predict(
        JournalDirectory("/d", files=(file("a", 1),), passed_over=True), VacuumLimits(span=1), RULES, NOW
    )
    assert prediction.deletes == ()


def test_the_quick_order_is_that_of_the_merge_sort() -> None:
    rnd = random.Random(9)
    plain = 0
    for _ in range(3000):
        files = [
            Candidate(file(f"f{n}", 0, rnd.randrange(4), rnd.choice(("", "a" * 32, "b" * 32))), rnd.randrange(12))
            for n in range(rnd.randrange(7))
        ]
        merged = [file for file, _ in _merged([(file, _key(file)) for file in files])]
        assert in_order(files) == merged
        plain += merged == sorted(files, key=lambda file: file.age)
    assert 100 < plain < 2900


def test_the_span_for_later_makes_the_same_go() -> None:
    minute = 60_000_000
    planned, span = 100_000 * minute, 1000 * minute
    cut = cut_of(VacuumLimits(span), planned)
    # Nothing near: as it was typed.
    assert span_now([cut - 1, cut + 10 * minute], span, planned, planned + minute) is None
    # Ten minutes later the second one would go as well.
    later = planned + 10 * minute
    text = span_now([cut - 500, cut + 10 * minute], span, planned, later)
    assert text is not None
    assert cut - 500 < later - int(text.removesuffix("us")) <= cut
    assert span_now([cut], INFINITY, planned, later) is None
    assert span_now([cut], 0, planned, later) is None
    alone = span_now([cut + 1], span, planned, later)
    assert alone is not None
    assert later - int(alone.removesuffix("us")) == 1


def test_what_went_is_compared_with_what_was_to_go() -> None:
    a, b, c = (file(name, 1, inode=n) for n, name in enumerate("abc", 1))
    record = compare({"a": a, "b": b, "c": c}, {"b": b}, ["a", "b"])
    assert record == {"gone": ["a", "c"], "stayed": ["b"], "unexpected": ["c"], "freed": 8 * KIB}
    # journald archived c meanwhile: it has another name.
    renamed = compare({"a": a, "c": c}, {"c@": c}, ["a"])
    assert renamed["unexpected"] == []
    # It archived a, which was to go, and a new file has its name: the old one is gone, or has another name.
    assert compare({"a": a}, {"a": b}, ["a"])["gone"] == ["a"]
    assert compare({"a": a}, {"a": b, "a@": a}, ["a"])["stayed"] == ["a"]
