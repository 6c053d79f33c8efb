"""What the benchmarks say of themselves in README.md."""

from __future__ import annotations

import pytest

from bench_journal import about


@pytest.mark.parametrize(("rounds", "of_processors"), [(3, 15), (20, 20)])
def test_the_journals_table_says_in_how_many_rounds_each_was_measured(rounds: int, of_processors: int) -> None:
    told = f"2000 journal files; medians of {rounds} interleaved rounds, of {of_processors} for the processor time."
    assert about(2000, rounds) == told
