"""What the benchmarks say of themselves in README.md."""

from __future__ import annotations

import pytest

from bench_journal import about, above


@pytest.mark.parametrize(("rounds", "of_processors"), [(3, 15), (20, 20)])
def test_the_journals_table_says_in_how_many_rounds_each_was_measured(rounds: int, of_processors: int) -> None:
    told = f"medians of {rounds} interleaved rounds; of {of_processors} differences for the processor time."
    assert about(2000, rounds) == f"2000 journal files; {told}"


def test_what_is_above_another_is_the_median_of_the_differences_in_each_round() -> None:
    assert above([30, 12, 50], [10, 10, 41]) == 9
