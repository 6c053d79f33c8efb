"""`opskit history prune` on ledgers of 0.1.0, killed at each entry that it writes: no run is lost that it keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledgers import Sample, samples
from tiers import slow

OLD = "0.1.0"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a prune needs root")


def opskit(state: Path, *arguments: str, kill: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "opskit", "history", *arguments, "--state-dir", str(state)]
    environment = {**os.environ, "OPSKIT_TEST_KILL": kill}
    return subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=environment)


def listed(state: Path) -> dict[str, Any]:
    answer = json.loads(opskit(state, "--json").stdout)
    assert answer["findings"] == []
    return {run["id"]: run["outcome"] for run in answer["result"]["runs"]}


@pytest.mark.parametrize(
    ("kill", "gone"), [("step:1", False), ("stepped:1", True), slow("begin:0", False), slow("end:0", True)]
)
def test_killed_at_an_entry(kill: str, gone: bool, tmp_path: Path) -> None:
    state = tmp_path / "state"
    runs = samples(OLD, "memcached")
    crashed = Sample(tuple(line for line in samples(OLD, "yum")[0].lines if '"end"' not in line))
    Sample(tuple(line for run in (*runs, crashed) for line in run.lines)).put(state)
    options = ("prune", "--older-than", "1s", "--all", "--yes")
    assert opskit(state, *options, kill=kill).returncode == -9
    left = listed(state)
    assert [run.run in left for run in runs] == [not gone] * len(runs)
    assert left[crashed.run] == "unfinished"
    done = opskit(state, *options)
    assert done.returncode == 0, done.stderr
    left = listed(state)
    assert not any(run.run in left for run in runs)
    assert left[crashed.run] == "unfinished", "it can still be finished, or taken back"
