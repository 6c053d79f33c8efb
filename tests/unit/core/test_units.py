"""Sizes as people write them."""

from __future__ import annotations

import pytest

from opskit.core.units import ceiling_text


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
