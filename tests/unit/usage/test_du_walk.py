"""How many processes walk a tree."""

from __future__ import annotations

import os

import pytest

from opskit.usage.du.model import MOST_WORKERS
from opskit.usage.du.see.count import Board
from opskit.usage.du.see.walk import WAITS, fitting


@pytest.mark.parametrize(
    ("processors", "waited", "workers"),
    [(1, 0, 1), (2, 0, 2), (2, WAITS, 8), (8, 0, 8), (64, 0, 8), (64, WAITS, 64), (448, WAITS, MOST_WORKERS)],
)
def test_one_for_each_processor_and_more_for_a_disk_that_is_waited_for(
    processors: int, waited: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    assert fitting(waited) == workers


def test_the_board_has_room_for_the_first_process_and_all_workers() -> None:
    assert Board.COUNTS + 2 * (1 + MOST_WORKERS) <= Board.PATH // 8
