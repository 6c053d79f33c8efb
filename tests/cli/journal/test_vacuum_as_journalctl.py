"""opskit's prediction of a vacuum against the journalctl of this machine, on generated directories."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from journal_agreement import compare
from journals import SEQUENCE, Pool, keeps_creation, make, missing
from opskit.core.runner import HostRunner
from opskit.journal.releases import Rules, rules_of
from opskit.journal.see import running_version
from tiers import Agree, ranges

# The other filesystem: readdir hands names over in another order there.
SHM = Path("/dev/shm")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    if missing():
        pytest.skip(missing())
    return Pool(tmp_path_factory.mktemp("pool"))


@pytest.fixture(scope="module")
def rules() -> Rules:
    if missing():
        pytest.skip(missing())
    return rules_of(running_version(HostRunner()))


@pytest.fixture
def places(tmp_path: Path) -> Iterator[list[Path]]:
    """Where directories are made: the disk, and memory where there is some."""
    directories = [tmp_path]
    if SHM.is_dir():
        directories.append(SHM / f"opskit-{tmp_path.name}-{time.monotonic_ns()}")
    yield directories
    for place in directories[1:]:
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("numbers", ranges(50, 200, 3000, 25))
def test_the_prediction_is_what_journalctl_does(
    pool: Pool, rules: Rules, places: list[Path], numbers: range, agree: Agree
) -> None:
    agreed: Counter[str] = Counter()
    for seed in numbers:
        root = places[seed % len(places)] / str(seed)
        agreed += compare(pool, rules, root, seed)
        shutil.rmtree(root)
    agree("vacuums predicted", agreed["directories"], len(numbers))


@pytest.mark.parametrize("numbers", ranges(15, 40, 600, 15))
def test_a_time_of_creation_that_is_not_read_would_have_changed_nothing(
    pool: Pool, rules: Rules, places: list[Path], numbers: range, agree: Agree
) -> None:
    """All archived, of one id, as on a host that never crashed: of what is old enough by name no xattr is read."""
    agreed: Counter[str] = Counter()
    keeping = [place for place in places if keeps_creation(place)]
    if not keeping:
        pytest.skip("no filesystem here keeps extended attributes of users")
    for seed in numbers:
        root = keeping[seed % len(keeping)] / str(seed)
        agreed += compare(pool, rules, root, seed, profile=SEQUENCE)
        shutil.rmtree(root)
    agree("vacuums of one sequence predicted", agreed["directories"], len(numbers))


def test_a_place_that_keeps_no_time_of_creation_is_told_and_not_taken_for_one_that_does(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or they would agree on files that have none."""
    assert not list(tmp_path.iterdir())

    def refuse(*_words: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "setxattr", refuse)
    assert not keeps_creation(tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="supported"):
        [make(pool, tmp_path / str(seed), seed, SEQUENCE) for seed in range(10)]
