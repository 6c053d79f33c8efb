"""opskit's prediction of a vacuum beside what a journalctl does."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from journals import MARGIN, PROFILES, SECOND, Made, Pool, make, vacuum
from opskit.journal.files.model import Scope
from opskit.journal.files.see.directories import read_scope
from opskit.journal.releases import Rules
from opskit.journal.vacuum.model import VacuumLimits
from opskit.journal.vacuum.rules import Prediction, age_of, ages_from, cut_of, predict


def predicted(made: Made, rules: Rules) -> list[Prediction]:
    limits = VacuumLimits(made.span, made.size, made.files)
    directories = read_scope(Scope(directory=str(made.path)), rules, "", ages_from(limits, made.now))
    return [predict(directory, limits, rules, made.now) for directory in directories]


def away_from_limit(made: Made, rules: Rules) -> Made:
    """The same with a span that no file's age is near to: journalctl looks at its clock a moment later."""
    while made.span:
        limits = VacuumLimits(made.span)
        cut = cut_of(limits, made.now)
        ages = [
            age_of(candidate.file, birth=rules.birth)
            for prediction in predicted(made, rules)
            for candidate in prediction.order
        ]  # fmt: skip
        if not cut or not any(cut <= age < cut + MARGIN for age in ages):
            break
        made = made.with_limits(span=made.span + 10 * SECOND)
    return made


def compare(pool: Pool, rules: Rules, root: Path, seed: int, chroot: str = "", profile: str = "") -> Counter[str]:
    """Make, predict, vacuum, compare: the set, the order where it can be seen, the bytes.

    chroot: of another release, whose journalctl it is then; root is in it.
    profile: as make() has it
    """
    made = make(pool, root, seed, profile)
    made = away_from_limit(made.with_limits(now=time.time_ns() // 1000), rules)
    made = made.with_limits(now=time.time_ns() // 1000)
    predictions = predicted(made, rules)
    gone = {
        f"{prediction.directory.path}/{file.name}": file.allocated
        for prediction in predictions
        for file in prediction.deletes
    }
    done = vacuum(made, chroot)
    where = f"seed {seed} ({profile or PROFILES[seed % len(PROFILES)]}), {made.limits}\n{done.said}"
    assert gone == done.gone, where
    for prediction in predictions:
        wanted = [f"{prediction.directory.path}/{file.name}" for file in prediction.deletes]
        in_order = [path for path in done.order if path.rpartition("/")[0] == prediction.directory.path]
        if done.order:
            assert in_order == wanted, where
    return Counter({"directories": 1, "files": len(gone), "changed": bool(gone), "ordered": bool(done.order)})
