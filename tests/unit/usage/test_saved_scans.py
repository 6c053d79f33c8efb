"""Saved scans: the file, and what changed between two of them."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.errors import UsageFault
from opskit.usage.du.changes import comparable, compare
from opskit.usage.du.model import Scan, ScanRequest, TreeEntry
from opskit.usage.du.saved import SavedScan, pack, unpack

WHEN = datetime(2026, 11, 20, 10, 0, 0, tzinfo=timezone.utc)
SIZES = st.integers(0, 2**60)
# Made of what a name can have; a filter of hypothesis sometimes finds too little.
BYTES = st.sampled_from(sorted(set(range(256)) - set(b"\0/")))
NAMES = st.lists(BYTES, min_size=1, max_size=12).map(lambda name: os.fsdecode(bytes(name)))
PATHS = st.lists(NAMES, min_size=1, max_size=5).map(lambda names: "/" + "/".join(names))


def scan_of(*entries: TreeEntry) -> Scan:
    """A scan with these, sorted as a saved one is."""
    ordered = tuple(sorted(entries, key=lambda entry: os.fsencode(entry.path)))
    return Scan(ordered, sum(entry.bytes for entry in ordered), sum(entry.entries for entry in ordered))


def saved_of(*entries: TreeEntry, days: float = 0, **options: object) -> SavedScan:
    """A saved scan of /r so many days after WHEN."""
    return SavedScan(WHEN + timedelta(days=days), "host", ScanRequest((b"/r",), **options), scan_of(*entries))  # type: ignore[arg-type]


@given(
    st.dictionaries(PATHS, st.tuples(SIZES, SIZES, st.sampled_from(["directory", "file"])), max_size=8),
    st.lists(NAMES.map(os.fsencode), max_size=2).map(tuple),
    st.booleans(),
)
def test_what_is_saved_is_what_is_read(
    entries: dict[str, tuple[int, int, str]], exclude: tuple[bytes, ...], flag: bool
) -> None:
    listed = [TreeEntry(path, *rest) for path, rest in entries.items()]
    saved = saved_of(*listed, exclude=exclude, apparent=flag, all=flag)
    assert unpack(pack(saved), "x") == saved


def test_an_entry_takes_less_than_forty_bytes() -> None:
    tree = [
        TreeEntry(f"/r/{a}/department-{b}/{c:032x}", a * b * 4096 + c, 10 + c)
        for a in range(9)
        for b in range(20)
        for c in range(20)
    ]
    assert len(pack(saved_of(*tree))) < 40 * len(tree)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a scan"),
        (b"root:x:0:0\n", "not a scan"),
        (gzip.compress(b"[1]\n"), "not a scan"),
        (gzip.compress(b'{"opskit_scan": 2}\n'), "version 2"),
        (gzip.compress(b'{"opskit_scan": 1}\n'), "damaged"),
        (pack(saved_of(TreeEntry("/r", 1, 1)))[:-9], "damaged"),
        (gzip.compress(gzip.decompress(pack(saved_of(TreeEntry("/r", 1, 1)))) + b"[0]\n"), "damaged"),
        (gzip.compress(gzip.decompress(pack(saved_of(TreeEntry("/r", 1, 1)))).replace(b'Z"', b'"', 1)), "damaged"),
    ],
    # gzip puts the time into its header: a name must be the same in every process.
    ids=["empty", "passwd", "list", "later version", "no end", "cut off", "too long", "a time without a zone"],
)
def test_what_is_no_saved_scan(data: bytes, why: str) -> None:
    with pytest.raises(UsageFault, match=why):
        unpack(data, "/x")


def test_added_grown_shrunk_and_gone() -> None:
    before = saved_of(
        TreeEntry("/r", 100, 9),
        TreeEntry("/r/a", 10, 1),
        TreeEntry("/r/b", 50, 5),
        TreeEntry("/r/c", 7, 1),
        TreeEntry("/r/s", 1, 1),
    )
    after = saved_of(
        TreeEntry("/r", 94, 12),
        TreeEntry("/r/a", 30, 1),
        TreeEntry("/r/b", 40, 8),
        TreeEntry("/r/d", 9, 1),
        TreeEntry("/r/s", 1, 1),
        days=2,
    )
    difference = compare(before, after)
    assert [(change.path, change.change, change.delta) for change in difference.listed] == [
        ("/r/a", "grown", 20),
        ("/r/b", "shrunk", -10),
        ("/r/d", "added", 9),
        ("/r/c", "gone", -7),
        ("/r", "shrunk", -6),
    ]
    assert difference.per_day(20) == 10
    assert [(change.path, change.change) for change in compare(before, after, inodes=True).listed] == [
        ("/r", "grown"),
        ("/r/b", "grown"),
        ("/r/c", "gone"),
        ("/r/d", "added"),
    ]


def test_no_rate_without_time() -> None:
    assert compare(saved_of(), saved_of()).per_day(5) is None
    assert compare(saved_of(days=1), saved_of()).per_day(5) is None


def test_an_option_that_differs_is_refused_and_others_are_taken_over() -> None:
    old = replace(saved_of().request, depth=3, apparent=True)
    assert comparable(old, {}) == old
    assert comparable(old, {"depth": 3, "apparent": True, "roots": (b"/r",)}) == old
    for differs in ({"depth": 2}, {"one_file_system": True}, {"exclude": (b"x",)}, {"roots": (b"/other",)}):
        with pytest.raises(UsageFault, match="saved scan"):
            comparable(old, differs)
