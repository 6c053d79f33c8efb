"""Names from the host can hold anything; shown, none of it acts on a terminal or breaks a line."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.text import masked, shown, times


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain /dev/vdb", "plain /dev/vdb"),
        ("Grüße", "Grüße"),
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("tab\tx\r", "tab\\tx\\r"),
        (os.fsdecode(b"\xff\xfe"), "\\xff\\xfe"),
        ("\ud800", "\\ud800"),
        ("\u202egnp", "\\u202egnp"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f", "\\x7f"),
    ],
)
def test_shown(text: str, safe: str) -> None:
    assert shown(text) == safe


@given(st.text(alphabet=st.characters()))
def test_what_is_shown_is_printable_and_can_be_encoded(text: str) -> None:
    assert shown(text).isprintable()
    shown(text).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("//nas/x /x cifs user=ann,password=hunter2,vers=3 0 0", "//nas/x /x cifs user=ann,password=***,vers=3 0 0"),
        ("rw,pass=hunter2", "rw,pass=***"),
        ("passwd=hunter2\tx", "passwd=***\tx"),
        ("PASSWORD2=hunter2 0 0", "PASSWORD2=*** 0 0"),
        ('password="hunter2,and,more",ro', "password=***,ro"),
        ("name=admin,secret=AQBhunter2==,noatime", "name=admin,secret=***,noatime"),
        ("user=ann%hunter2,rw", "user=ann%***,rw"),
        ("curlftpfs#ftp://ann:hunter2@host/x /x fuse", "curlftpfs#ftp://ann:***@host/x /x fuse"),
        ("//ann:hunter2@nas/x", "//ann:***@nas/x"),
        ("credentials=/root/.smb,user=ann,rw", "credentials=/root/.smb,user=ann,rw"),
        ("compass=north,bypass=1", "compass=north,bypass=1"),
        ("nfs://[fd00::1]:2049/x", "nfs://[fd00::1]:2049/x"),
        ("subvol=@home", "subvol=@home"),
    ],
)
def test_passwords_are_masked_and_nothing_else(text: str, safe: str) -> None:
    assert masked(text) == safe
    assert masked(safe) == safe


def test_how_often() -> None:
    assert [times(count) for count in (0, 1, 2, 1200)] == ["0 times", "once", "2 times", "1,200 times"]
