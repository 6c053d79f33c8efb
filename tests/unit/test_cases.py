"""Each case of tests/cases.md names tests and golden lines that are there."""

from __future__ import annotations

import re

from checkout import ROOT
from conftest import Agree

TESTS = ROOT / "tests"
# A file, maybe with a test in it; or with a text that it has: `path`, with `text`.
PLACE = re.compile(r"`([^`\s]+\.(?:py|json))(?:::(\w+))?`(?:, with `([^`]+)`)?")
# In host/disk/test_causes.py a cause is an entry of a table.
CAUSE = re.compile(r'^    "[^"]+": Case\(', re.MULTILINE)


def _sections() -> dict[str, list[str]]:
    """The rows of each section."""
    _head, *sections = (TESTS / "cases.md").read_text(encoding="utf-8").split("\n## ")
    parts = [section.partition("\n") for section in sections]
    return {
        title: [row for row in text.splitlines() if row.startswith("| ") and not row.endswith("| held by |")]
        for title, _, text in parts
    }


def _holds(path: str, test: str, text: str) -> bool:
    file = TESTS / path
    if not file.exists():
        return False
    content = file.read_text(encoding="utf-8")
    return (not test or f"\ndef {test}(" in content) and (not text or text in content)


def test_each_case_has_its_test() -> None:
    golden = (TESTS / "golden/memcached/lines.txt").read_text(encoding="utf-8").splitlines()
    missing = []
    sections = _sections()
    for row in (row for rows in sections.values() for row in rows):
        held_by = row.rstrip(" |").rpartition(" | ")[2]
        lines = re.findall(r"line `(.+?)`", held_by)
        there = [_holds(*place) for place in PLACE.findall(held_by)]
        there += [any(text.endswith(f" {line}") or text == line for text in golden) for line in lines]
        if not there or not all(there):
            missing.append(row)
    assert missing == []
    assert {title: len(rows) for title, rows in sections.items() if len(rows) < 10} == {}


def test_causes_that_are_made_happen(agree: Agree) -> None:
    """At least 25 causes of a failure on disks, each on a real filesystem or host."""
    mounts = len(CAUSE.findall((TESTS / "host/disk/test_causes.py").read_text(encoding="utf-8")))
    real = mounts + len(_sections()["disk: causes of a failure"])
    assert real >= 25
    agree("causes of a failure on disks have a real reproduction", real, real)
