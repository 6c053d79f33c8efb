"""What keeps a checkout from being released (scripts/release)."""

from __future__ import annotations

from dataclasses import replace

from release_checks import Checkout, problems

FIT = Checkout(
    version="0.2.0",
    changelog="# Changelog\n\n## 0.2.0 (2026-12-01)\n\n- x\n\n## 0.1.0 (2026-11-01)\n",
    texts={"README.md": "yum install ./opskit-0.2.0-1.x86_64.rpm, opskit_0.2.0-1_amd64.deb, opskit-0.2.0.pyz"},
    tags=("v0.1.0",),
)


def test_one_that_is_fit() -> None:
    assert list(problems(FIT)) == []


def test_what_keeps_one_from_it() -> None:
    first = "CHANGELOG.md begins with '0.2.0 (unreleased)', not with 0.2.0 and the day in brackets"
    cases = {
        first: replace(FIT, changelog="## 0.2.0 (unreleased)\n"),
        "CHANGELOG.md begins with '', not with 0.2.0 and the day in brackets": replace(FIT, changelog=""),
        "CHANGELOG.md: 0.1.0 (unreleased): it came before, and has no day": replace(
            FIT, changelog="## 0.2.0 (2026-12-01)\n## 0.1.0 (unreleased)\n"
        ),
        "README.md names files of 0.1.0": replace(FIT, texts={"README.md": "opskit-0.1.0.pyz opskit-0.2.0.pyz"}),
        "v0.2.0 is released: give opskit/__init__.py the next version": replace(FIT, tags=("v0.1.0", "v0.2.0")),
        "not committed:  M opskit/cli.py": replace(FIT, changed=(" M opskit/cli.py",)),
        "no ledger of a run with disk.swap-on is recorded: tests/host/history/record.py": replace(
            FIT, unrecorded=("disk.swap-on",)
        ),
    }
    for told, checkout in cases.items():
        assert list(problems(checkout)) == [told]
    assert "opskit/__init__.py: 0.2.0.dev1 is no version of a release, such as 0.2.0" in problems(
        replace(FIT, version="0.2.0.dev1")
    )
