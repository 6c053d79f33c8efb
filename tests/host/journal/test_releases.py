"""The prediction of a vacuum against the journalctl of other releases, in a chroot of Debian's packages of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from checkout import ROOT
from journal_agreement import compare
from journals import Pool, missing
from opskit.journal.releases import parse_version, rules_of
from tiers import Agree, more

# Beside Debian 12 with 252: one between EL8's 239 and EL9's 252, and that of EL10.
SUITES = {"bullseye": 247, "trixie": 257}
CACHE = ROOT / ".cache" / "journalctl"
FIRST = 9000


def release(suite: str) -> Path:
    """A root directory with the systemd of this suite, unpacked and not set up; kept in .cache."""
    root = CACHE / suite
    if (root / "usr/bin/journalctl").exists() or (root / "bin/journalctl").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    unfinished = CACHE / f"{suite}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    argv = ["mmdebstrap", "--quiet", "--variant=extract", "--include=systemd", suite, str(unfinished)]
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "--", *argv], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{suite} cannot be had: {done.stderr.strip()[-200:]}")
    for name in ("lib", "lib64", "bin", "sbin"):
        if not (unfinished / name).exists() and (unfinished / "usr" / name).exists():
            (unfinished / name).symlink_to(f"usr/{name}")
    (unfinished / "proc").mkdir(exist_ok=True)
    unfinished.rename(root)
    return root


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("numbers", [range(100), more(range(100, 1000))])
@pytest.mark.parametrize("suite", SUITES)
def test_the_prediction_for_another_release(suite: str, numbers: range, agree: Agree) -> None:
    if os.geteuid() != 0 or missing():
        pytest.skip(missing() or "needs root: a chroot")
    if not shutil.which("mmdebstrap"):
        pytest.skip("no mmdebstrap on this machine")
    root = release(suite)
    answer = subprocess.run(["chroot", root, "journalctl", "--version"], capture_output=True, text=True, check=True)
    version = parse_version(answer.stdout.splitlines()[0])
    assert version.number == SUITES[suite]
    place = Path(tempfile.mkdtemp(prefix="opskit-journals-", dir=root / "tmp"))
    try:
        pool = Pool(place)
        agreed: Counter[str] = Counter()
        for seed in (FIRST + number for number in numbers):
            agreed += compare(pool, rules_of(version), place / str(seed), seed, str(root))
            shutil.rmtree(place / str(seed))
    finally:
        shutil.rmtree(place)
    agree(f"vacuums predicted for systemd {version.number}", agreed["directories"], len(numbers))
