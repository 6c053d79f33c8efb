"""What the ledger reports for status and check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from opskit.core.ledger import Run
from opskit.core.lock import lock_path
from opskit.core.report import ReportRequest
from opskit.core.runner import Runner
from opskit.history.report import report_of
from opskit.history.see import check


def run(name: str, outcome: str) -> Run:
    return Run(name, "2026-11-29T08:00:00Z", "", "root", 3, f"plan {name}", (), "", outcome)


def test_runs_that_wait() -> None:
    runs = [run("a", "done"), run("b", "take-back-failed"), run("c", "unfinished")]
    report = report_of(runs, (), at_work=False)
    assert [finding.title for finding in report.findings] == [
        "run c was cut short: plan c",
        "run b failed, and could not be taken back whole: plan b",
    ]
    assert [finding.remedy for finding in report.findings] == ["opskit undo c", "opskit undo b"]
    assert report.measures[0].value == 2
    working = report_of(runs, (), at_work=True)
    assert [finding.remedy for finding in working.findings] == ["opskit undo b"]
    assert [line.partition("Z  ")[2] or line for line in working.lines] == [
        "at work now: plan c", "take-back-failed: plan b", "1 waits for an undo",
    ]  # fmt: skip
    # It has the lock, and its run is not in the ledger yet: the last one is another.
    assert report_of(runs[:1], (), at_work=True).lines[0] == "at work now"
    assert report_of([run("a", "done"), run("b", "taken-back")], (), at_work=False).findings == ()
    assert report_of([], (), at_work=False).lines == ("opskit has changed nothing on this host",)


def test_who_is_at_work_where_stat_shows_another_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On btrfs and overlay its run was told as cut short, with the undo of it."""
    Path(lock_path(str(tmp_path))).write_text("4711\n")
    line = f"1: FLOCK  ADVISORY  WRITE 4711 7f:ff:{os.stat(lock_path(str(tmp_path))).st_ino} 0 EOF\n"
    monkeypatch.setattr("opskit.core.preconditions.procfs.text", lambda _locks: line)
    assert check(cast("Runner", None), ReportRequest(str(tmp_path))).lines[0] == "at work now"
    Path(lock_path(str(tmp_path))).write_text("4712\n")
    assert check(cast("Runner", None), ReportRequest(str(tmp_path))).lines[0].startswith("opskit has changed")
