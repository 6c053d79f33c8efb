"""Names from the host can hold anything; shown, none of it acts on a terminal or breaks a line."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.text import shown


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
