"""opskit's prediction of a vacuum against the journalctl of this machine, on generated directories."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from journals import MARGIN, PROFILES, SECOND, Made, Pool, make, missing, vacuum

from opskit.core.runner import HostRunner
from opskit.journal.model import Limits
from opskit.journal.scope import Scope, read_scope
from opskit.journal.vacuum import Vacuum, age_of, cut_of, predict
from opskit.journal.version import Rules, rules_of, running_version

QUICK, FULL = 50, 1000
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
    found = [tmp_path]
    if SHM.is_dir():
        found.append(SHM / f"opskit-{tmp_path.name}-{time.monotonic_ns()}")
    yield found
    for place in found[1:]:
        shutil.rmtree(place, ignore_errors=True)


def predicted(made: Made, rules: Rules) -> list[Vacuum]:
    directories = read_scope(Scope(directory=str(made.path)), rules, "")
    return [predict(one, Limits(made.span, made.size, made.files), rules, made.now) for one in directories]


def away_from_limit(made: Made, rules: Rules) -> Made:
    """The same with a span that no file's age is near to: journalctl looks at its clock a moment later."""
    while made.span:
        limits = Limits(made.span)
        cut = cut_of(limits, made.now)
        ages = [
            age_of(candidate.file, birth=rules.birth) for one in predicted(made, rules) for candidate in one.order
        ]  # fmt: skip
        if not cut or not any(cut <= age < cut + MARGIN for age in ages):
            break
        made = made.with_limits(span=made.span + 10 * SECOND)
    return made


def compare(pool: Pool, rules: Rules, root: Path, seed: int) -> Counter[str]:
    """Make, predict, vacuum, compare: the set, the order where it can be seen, the bytes, what stays."""
    made = make(pool, root, seed)
    made = away_from_limit(made.with_limits(now=time.time_ns() // 1000), rules)
    made = made.with_limits(now=time.time_ns() // 1000)
    found = predicted(made, rules)
    gone = {f"{one.directory.path}/{file.name}": file.allocated for one in found for file in one.deletes}
    done = vacuum(made)
    where = f"seed {seed} ({PROFILES[seed % len(PROFILES)]}), {made.limits}\n{done.said}"
    assert gone == done.gone, where
    for one in found:
        wanted = [f"{one.directory.path}/{file.name}" for file in one.deletes]
        said = [path for path in done.order if path.rpartition("/")[0] == one.directory.path]
        if done.order:
            assert said == wanted, where
    return Counter({"directories": 1, "files": len(gone), "changed": bool(gone), "ordered": bool(done.order)})


@pytest.mark.parametrize("start", range(0, QUICK, 10))
def test_the_prediction_is_what_journalctl_does(pool: Pool, rules: Rules, places: list[Path], start: int) -> None:
    for seed in range(start, start + 10):
        compare(pool, rules, places[seed % len(places)] / str(seed), seed)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_prediction_is_what_journalctl_does_a_thousand_times(
    pool: Pool, rules: Rules, places: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    agreed: Counter[str] = Counter()
    for seed in range(QUICK, QUICK + FULL):
        root = places[seed % len(places)] / str(seed)
        agreed += compare(pool, rules, root, seed)
        shutil.rmtree(root)
    with capsys.disabled():
        print(
            f"\nvacuum predicted: {agreed['directories']} of {FULL} directories agree, files went in "
            f"{agreed['changed']} of them ({agreed['files']} in all), the order was seen in {agreed['ordered']}"
        )
    assert agreed["directories"] == FULL
