"""Each case of tests/cases.md names tests and golden lines that are there."""

from __future__ import annotations

import re

from checkout import ROOT

TESTS = ROOT / "tests"


def test_each_case_has_its_test() -> None:
    golden = (TESTS / "golden/memcached/lines.txt").read_text(encoding="utf-8").splitlines()
    rows = [row for row in (TESTS / "cases.md").read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    cases = [row for row in rows if not row.startswith("| case |")]
    missing = []
    for row in cases:
        held_by = row.rstrip(" |").rpartition(" | ")[2]
        files = re.findall(r"`(\S+\.py)::(\w+)`", held_by)
        lines = re.findall(r"line `(.+?)`", held_by)
        there = [f"def {name}(" in (TESTS / path).read_text(encoding="utf-8") for path, name in files]
        there += [any(text.endswith(f" {line}") or text == line for text in golden) for line in lines]
        if not there or not all(there):
            missing.append(row)
    assert missing == []
    assert len(cases) > 50
