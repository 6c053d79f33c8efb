"""Spans and sizes as they are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.errors import UsageFault
from opskit.core.units import GIB, KIB, MIB
from opskit.journal.spans import INFINITY, SECOND, journalctl_span, parse_size, parse_span

DAY = 86400 * SECOND


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2d", 2 * DAY), ("1seconds", SECOND), ("2 days 3h", 2 * DAY + 3 * 3600 * SECOND), ("1.5d", DAY * 3 // 2),
        (".5d", DAY // 2), ("1w1d", 8 * DAY), ("infinity", INFINITY), ("1m", 60 * SECOND), ("0", 0), ("0d", 0),
        ("1M", 2629800 * SECOND), ("1month", 2629800 * SECOND), (" 2d ", 2 * DAY), ("1us", 1), ("1 h", 3600 * SECOND),
    ],
)  # fmt: skip
def test_a_span(text: str, wanted: int) -> None:
    assert parse_span(text) == wanted


@pytest.mark.parametrize(
    ("text", "why", "todo"),
    [
        ("2", "2 seconds? say 2s or 2d", "seconds"),
        ("2D", "no span", "2d"),
        ("1mon", "no span", "month"),
        ("-1d", "no span", "2d"),
        ("yesterday", "no span", "2d"),
        ("", "no span", "2d"),
        ("1d 2", "without a unit", "2s"),
        ("1e3d", "no span", "2d"),
        ("99999999999999999999d", "no span", "2d"),
    ],
)
def test_what_is_no_span_is_refused(text: str, why: str, todo: str) -> None:
    with pytest.raises(UsageFault) as caught:
        parse_span(text)
    assert why in caught.value.why
    assert todo in caught.value.todo


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("500M", 500 * MIB), ("500MB", 500 * MIB), ("500MiB", 500 * MIB), ("1.5G", GIB * 3 // 2), ("0", 0),
        ("4K", 4 * KIB),
        ("512B", 512), ("1T", 1024 * GIB),
    ],
)  # fmt: skip
def test_a_size(text: str, wanted: int) -> None:
    assert parse_size("--size", text) == wanted


@pytest.mark.parametrize("text", ["500", "500m", "500mb", "-1M", "M", "", "1.M", "1e3M", "20E", "500BB", "5 M"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageFault):
        parse_size("--size", text)


@given(st.text(alphabet="0123456789 .+-smhdwyMinotuec\u00b5", max_size=12))
def test_no_text_makes_a_traceback(text: str) -> None:
    found = journalctl_span(text)
    assert found is None or 0 <= found[0] <= INFINITY
