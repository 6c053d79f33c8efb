"""What lint says of lines, by release: each line of memcached/lines.txt is a case in each release."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from opskit.memcached.line.edit import corrected
from opskit.memcached.line.lint import Judgement, judge
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import NEWEST, Release, release_text

LINES = Path(__file__).with_name("lines.txt")
RELEASES: tuple[Release, ...] = ((1, 4, 15), (1, 5, 22), (1, 6, 18), (1, 6, 45))
Case = tuple[str, Release, str, tuple[str, ...]]


def cases() -> list[Case]:
    """(line, release, how it ends, ids of the findings)"""
    listed: list[Case] = []
    line = ""
    for text in LINES.read_text(encoding="utf-8").splitlines():
        if text.startswith("#"):
            continue
        if not text.startswith("    "):
            line = text
            continue
        releases, _, verdict = text.strip().partition(": ")
        first, last = (re.findall(r"\d+\.\d+\.\d+", releases) * 2)[:2]
        names = [release_text(release) for release in RELEASES]
        how, *ids = verdict.split()
        listed += [(line, release, how, tuple(ids)) for release in RELEASES[names.index(first) : names.index(last) + 1]]
    return listed


CASES = cases()


def judged(line: str, release: Release) -> Judgement:
    return judge(parse(shlex.split(line), release))


def ends(judgement: Judgement) -> str:
    """How a line ends, as lines.txt writes it."""
    effect = judgement.effect
    if effect.prints or effect.silent:
        return "prints" if effect.prints else "silent"
    return "runs" if effect.status is None else str(effect.status)


@pytest.mark.parametrize(("line", "release", "how", "ids"), CASES, ids=str)
def test_the_line(line: str, release: Release, how: str, ids: tuple[str, ...]) -> None:
    judgement = judged(line, release)
    assert (ends(judgement), tuple(finding.id for finding in judgement.findings)) == (how, ids)


def test_the_newest_release_is_one_of_them() -> None:
    """And lines.txt says of each line what it makes of that: its number is the last of every line's ranges."""
    assert RELEASES[-1] == NEWEST


def test_there_are_enough_of_them() -> None:
    assert len({line for line, *_ in CASES}) >= 120
    assert len(CASES) == len({line for line, *_ in CASES}) * len(RELEASES)


@pytest.mark.parametrize(("line", "release", "how", "ids"), CASES, ids=str)
def test_a_correction_keeps_addresses_and_ports(line: str, release: Release, how: str, ids: tuple[str, ...]) -> None:  # noqa: ARG001
    """Whatever was written as an address or a port is in the corrected line, or in one that means no less."""
    judgement = judged(line, release)
    again = parse(corrected(judgement.line, judgement.results), release)
    if judgement.effect.socket or judgement.effect.prints:
        return
    for letter in "pU":
        # -U 0 in its place is what goes with a password.
        if any(option.letter == letter and not option.wrong for option in judgement.line.options):
            assert again.has(letter), letter
    written = {address.text.strip() for option in judgement.line.all("l") for address in option.addresses}
    kept = {address.text.strip() for option in again.all("l") for address in option.addresses}
    if "listeners-clash" not in ids:
        assert written <= kept


@pytest.mark.parametrize(("line", "release", "how", "ids"), CASES, ids=str)
def test_the_corrected_line_is_better(line: str, release: Release, how: str, ids: tuple[str, ...]) -> None:  # noqa: ARG001
    """What lint corrects has none of the findings any more, but those that only a person can settle."""
    judgement = judged(line, release)
    again = judge(parse(corrected(judgement.line, judgement.results), release))
    settled = {result.finding.id for result in judgement.results if result.edits and result.finding.severity != "info"}
    # Addresses that somebody wrote are kept: only UDP is turned off, where that is a default.
    settled -= {"user-missing", *(["exposed"] if judgement.line.has("l") else [])}
    left = {finding.id for finding in again.findings if finding.severity != "info"}
    assert left <= set(ids), f"new: {left - set(ids)}"
    assert not left & settled, f"still: {left & settled}"
