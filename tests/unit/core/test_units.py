"""Spans and sizes: as they are typed, and as they are printed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.errors import UsageFault
from opskit.core.units import (
    DAY,
    GIB,
    HOUR,
    INFINITY,
    KIB,
    MIB,
    MINUTE,
    SECOND,
    ceiling_text,
    minute_text,
    parse_seconds,
    parse_size,
    parse_span,
    seconds_text,
    span_text,
    systemd_span,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"),
        (1, "1"),
        (1023, "1023"),
        (1024, "1.0K"),
        (1025, "1.1K"),
        (1536, "1.5K"),
        (10 * 1024 - 1, "10K"),
        (10 * 1024, "10K"),
        (10 * 1024 + 1, "11K"),
        (1023 * 1024, "1023K"),
        (1023 * 1024 + 1, "1.0M"),
        (1024**2 - 1, "1.0M"),
        (1024**2, "1.0M"),
        (1024**4 - 1, "1.0T"),
        (99 * 1024**5 // 10 + 1, "10P"),
        (2**63 + 1, "8.1E"),
    ],
)
def test_ceiling_text(size: int, text: str) -> None:
    assert ceiling_text(size) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2d", 2 * DAY), ("1seconds", SECOND), ("2 days 3h", 2 * DAY + 3 * 3600 * SECOND), ("1.5d", DAY * 3 // 2),
        (".5d", DAY // 2), ("1w1d", 8 * DAY), ("infinity", INFINITY), ("1m", 60 * SECOND), ("0", 0), ("0d", 0),
        ("1month", 2629800 * SECOND), (" 2d ", 2 * DAY), ("1us", 1), ("1 h", HOUR), ("1h30m", 90 * MINUTE),
        ("1y", 31557600 * SECOND), ("500ms", SECOND // 2),
    ],
)  # fmt: skip
def test_a_span(text: str, wanted: int) -> None:
    assert parse_span("--older-than", text) == wanted


@pytest.mark.parametrize(
    ("text", "why", "todo"),
    [
        ("2", "number without a unit", "2s, 2min, 2h or 2d"),
        ("1.5", "number without a unit", "1.5h"),
        ("1d 2", "number without a unit", "2 days 3h"),
        ("1M", "a month or a minute", "1month or 1min"),
        ("2D", "not a span", "2d"),
        ("1mon", "not a span", "month"),
        ("-1d", "not a span", "2d"),
        ("yesterday", "not a span", "2d"),
        ("", "it is empty", "leave it out"),
        ("1e3d", "not a span", "2d"),
        ("99999999999999999999d", "not a span", "2d"),
        ("9" * 5000, "not a span", "2d"),
        ("nan", "not a span", "2d"),
    ],
)
def test_what_is_no_span_is_refused(text: str, why: str, todo: str) -> None:
    with pytest.raises(UsageFault) as caught:
        parse_span("--older-than", text)
    assert why in caught.value.why
    assert todo in caught.value.todo


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("500M", 500 * MIB), ("500MB", 500 * MIB), ("500MiB", 500 * MIB), ("1.5G", GIB * 3 // 2), ("0", 0),
        ("4K", 4 * KIB),
        ("512B", 512), ("0.0", 0), ("1T", 1024 * GIB),
    ],
)  # fmt: skip
def test_a_size(text: str, wanted: int) -> None:
    assert parse_size("--size", text) == wanted


@pytest.mark.parametrize(
    "text", ["500", "500m", "500mb", "-1M", "M", "", "1.M", "1e3M", "20E", "500BB", "5 M", "512iB", "9" * 5000]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageFault):
        parse_size("--size", text)


@given(st.text(alphabet="0123456789 .+-smhdwyMinotuec\u00b5", max_size=12))
def test_no_text_makes_a_traceback(text: str) -> None:
    span = systemd_span(text)
    assert span is None or 0 <= span[0] <= INFINITY


@pytest.mark.parametrize(
    ("seconds", "text", "short"),
    [
        (0, "0", "0"), (0.5, "500ms", "500ms"), (1, "1s", "1s"), (61, "1min 1s", "1min 1s"),
        (5400, "1h 30min", "1h 30min"),
        (7 * 86400, "1w", "1w"), (30 * 86400, "30d", "30d"), (2629800, "1month", "1month"), (31557600, "1y", "1y"),
        (86400 + 62, "1d 1min 2s", "1d"), (math.inf, "infinity", "infinity"),
    ],
)  # fmt: skip
def test_a_span_is_printed(seconds: float, text: str, short: str) -> None:
    assert (seconds_text(seconds), seconds_text(seconds, 2)) == (text, short)


@given(st.integers(0, 1 << 63))
def test_what_is_printed_is_read_again(microseconds: int) -> None:
    assert parse_span("--x", span_text(microseconds)) == microseconds


def test_seconds_have_limits() -> None:
    assert parse_seconds("--interval", "1m", least=0.1, most=86400) == 60
    assert parse_seconds("--timeout", "infinity") == math.inf
    with pytest.raises(UsageFault, match="'50ms' is less than 100ms"):
        parse_seconds("--interval", "50ms", least=0.1, most=86400)
    with pytest.raises(UsageFault, match="'2d' is more than 1d"):
        parse_seconds("--interval", "2d", least=0.1, most=86400)


@pytest.mark.parametrize("seconds", [(1 << 63) - 1, -(1 << 63), 10**13, -(10**11)])
def test_a_time_that_no_calendar_has_is_its_seconds(seconds: int) -> None:
    """As GNU du has it: an inode can hold any number."""
    assert minute_text(seconds) == str(seconds)
    assert len(minute_text(16725225600)) == len("2500-01-01 00:00")
