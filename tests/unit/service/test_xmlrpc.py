"""What supervisord answers, read as Python's own reader of XML-RPC reads it, and refused where it is none."""

from __future__ import annotations

from typing import Any
from xmlrpc.client import Fault, dumps, loads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.service.xmlrpc import Told, answer, call

# Any text that XML can hold: no control characters but these three, no halves of a pair.
CHARACTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
TEXTS = st.text(CHARACTERS | st.sampled_from("<>&'\" ;\t\n\r"))
PLAIN = TEXTS | st.booleans() | st.integers(-(1 << 31), (1 << 31) - 1)
VALUES = st.recursive(
    PLAIN, lambda some: st.lists(some, max_size=4) | st.dictionaries(TEXTS, some, max_size=4), max_leaves=9
)


def answered(value: Any) -> bytes:
    return dumps((value,), methodresponse=True).encode()


@given(VALUES)
def test_an_answer_is_read_as_python_reads_it(value: Any) -> None:
    body = answered(value)
    (wanted,), _ = loads(body)
    assert answer(body) == wanted


def test_what_is_asked_is_what_python_would_ask() -> None:
    assert loads(call("supervisor.getAllProcessInfo")) == ((), "supervisor.getAllProcessInfo")


OPEN = b"<methodResponse><params><param>"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"<x/>",
        b"&amp;",
        answered(1)[:-5],
        answered(1) + b"<more/>",
        answered(1).replace(b"<int>", b'<int a="b">'),
        answered(1).replace(b">1<", b">1_0<"),
        answered(1).replace(b">1<", b">" + b"9" * 1000 + b"<"),
        answered(1.5),
        answered("&").replace(b"&amp;", b"&lol;"),
        answered("&").replace(b"&amp;", b"&#xd800;"),
        answered("&").replace(b"&amp;", b"& "),
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + answered("a"),
        OPEN.replace(b"<params><param>", b"<fault>") + b"<value><int>6</int></value></fault></methodResponse>",
        dumps(Fault(6, "SHUTDOWN_STATE"), methodresponse=True).encode()[:-5],
        OPEN + b"<value>a<int>1</int></value></param></params></methodResponse>",
        OPEN + b"<value><array><data>" * 100_000,
    ],
    ids=lambda body: repr(body[-20:]),
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"no|missing|deep|type|without a code") as caught:
        answer(body)
    assert not isinstance(caught.value, Told)


def test_a_fault_is_told_in_the_words_of_supervisord() -> None:
    body = dumps(Fault(6, "SHUTDOWN_STATE: <&>"), methodresponse=True).encode()
    with pytest.raises(Told, match=r"^fault 6: SHUTDOWN_STATE: <&>$"):
        answer(body)
