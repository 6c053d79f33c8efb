"""Which release of opskit fits who calls it."""

from __future__ import annotations

import pytest

import opskit
from opskit.core.build import fits


@pytest.mark.parametrize("needed", ["0.2.0", "0.2", "0.1.9", "0", "0.2.0.0"])
def test_it_fits(needed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opskit, "__version__", "0.2.0")
    assert fits(needed)


@pytest.mark.parametrize(
    "needed",
    ["", "0.2.1", "0.10", "0.2.0.1", "9" * 5000, "new", "0.2.0rc1", "0.2.0\n", "-1", "\u0660.\u0661"],
    ids=lambda text: ascii(text)[:12],
)
def test_it_does_not(needed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opskit, "__version__", "0.2.0")
    assert not fits(needed)
