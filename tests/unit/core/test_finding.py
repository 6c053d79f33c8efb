"""The command that follows on another one."""

from __future__ import annotations

import sys

import pytest

from opskit.core.finding import follow_up


@pytest.mark.parametrize(
    ("typed", "words", "line"),
    [
        ("disk mount /dev/vdb", "disk umount /data", "opskit disk umount /data"),
        ("disk mount --fstab /f x", "disk umount /data", "opskit disk umount /data --fstab /f"),
        ("disk mount --fstab=/f x --state-dir=/s", "disk list", "opskit disk list --fstab /f --state-dir /s"),
        ("disk mount --fstab /f --state-dir /s", "undo last", "opskit undo last --state-dir /s"),
        # What is meant for another table than this command's.
        ("disk mount --fstab /f", "disk umount /d --fstab /etc/fstab", "opskit disk umount /d --fstab /etc/fstab"),
        # Those of another program.
        ("memcached start -- --state-dir /s", "undo last", "opskit undo last"),
        ("undo last --state-dir", "undo last", "opskit undo last --state-dir ''"),
    ],
)
def test_a_command_that_follows_has_what_this_one_was_given(
    typed: str, words: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["opskit", *typed.split()])
    assert follow_up(*words.split()) == line


def test_it_is_a_line_to_paste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["opskit", "disk", "mount", "--state-dir", "/a b"])
    assert follow_up("disk", "umount", "/my data") == "opskit disk umount '/my data' --state-dir '/a b'"
