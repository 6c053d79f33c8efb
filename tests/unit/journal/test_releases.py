"""Which systemd this is, and that what is known of its releases is asked for."""

from __future__ import annotations

import dataclasses
import re

import pytest

from checkout import ROOT
from opskit.core.errors import UsageFault
from opskit.journal.releases import NEWEST, OLDEST, Rules, Version, parse_version, rules_of


@pytest.mark.parametrize("text", ["", "x", "25", "218", "systemd"])
def test_no_version(text: str) -> None:
    with pytest.raises(UsageFault):
        parse_version(text)


def test_the_version_that_journalctl_says() -> None:
    assert parse_version("systemd 252 (252-32.el9_4)\n+PAM") == Version(252, "252-32.el9_4")
    assert parse_version("systemd 219\n+PAM").number == 219
    assert [rules_of(Version(n)).roots for n in (219, 239, 243, 244, 257)] == [False, False, False, True, True]


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Rules)])
def test_a_rule_is_asked_for(name: str) -> None:
    """A difference between releases that nothing goes by is none of opskit's."""
    files = [path for path in (ROOT / "opskit" / "journal").rglob("*.py") if path.name != "releases.py"]
    assert any(re.search(rf"rules(_of\(.*\))?\.{name}\b", path.read_text(encoding="utf-8")) for path in files)


def test_the_oldest_and_the_newest_differ_in_every_rule() -> None:
    """Or the first release that has it is one that opskit does not know."""
    oldest, newest = (dataclasses.asdict(rules_of(version)) for version in (Version(OLDEST), NEWEST))
    assert [name for name in newest if newest[name] == oldest[name]] == []
