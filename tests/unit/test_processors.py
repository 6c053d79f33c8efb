"""How many processes walk a tree."""

from __future__ import annotations

import os

import pytest

from opskit.usage.processors import WAITS, fitting


@pytest.mark.parametrize(
    ("processors", "waited", "workers"),
    [(1, 0, 1), (2, 0, 2), (2, WAITS, 8), (8, 0, 8), (64, 0, 8), (64, WAITS, 64)],
)
def test_one_for_each_processor_and_more_for_a_disk_that_is_waited_for(
    processors: int, waited: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    assert fitting(waited) == workers
