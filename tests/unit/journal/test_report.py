"""What the journal reports for status and check."""

from __future__ import annotations

import pytest

from opskit.core.errors import Failed, Missing, OpskitError
from opskit.core.report import ReportRequest
from opskit.core.runner import HostRunner
from opskit.core.systemd import FailedUnit
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.errors.report import report_of
from opskit.journal.errors.see import check as module


def test_a_journal_that_is_empty_is_no_failure_and_failed_units_are_told() -> None:
    facts = ErrorFacts(Tally(3), (FailedUnit("a.service", "A", "exit-code"),))
    report = report_of([], facts, came_back=0, unread="the journal is empty: so")
    assert report.lines == ("the journal is empty: so", "failed now: a.service")
    assert [finding.id for finding in report.findings] == ["unit-failed"]
    assert report_of([], ErrorFacts(Tally(3)), came_back=2).lines == (
        "0B, no limit known", "no errors in the last hour", "no unit is failed now; 2 failed in the last hour",
    )  # fmt: skip


GONE = Missing("journalctl", "this program is not on the host")
DENIED = Missing("/var/log/journal", "this user may not read it")
DEAD = Failed("/var/log/journal", "it does not answer")


@pytest.mark.parametrize(
    ("uid", "error", "failure", "unseen"),
    [(0, DEAD, True, False), (0, GONE, True, False), (99, DEAD, True, False), (99, GONE, False, False),
     (99, DENIED, False, True)],
)  # fmt: skip
def test_failed_units_are_told_where_the_journal_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, uid: int, error: OpskitError, failure: bool, unseen: bool
) -> None:
    def fails(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(module.os, "geteuid", lambda: uid)
    monkeypatch.setattr(module, "is_booted", lambda: True)
    monkeypatch.setattr(module, "see_usage", fails)
    monkeypatch.setattr(module, "failed_units", lambda _runner: (FailedUnit("a.service", "A", "exit-code"),))
    report = module.check(HostRunner(), ReportRequest())
    assert [finding.id for finding in report.findings] == ["unit-failed"]
    assert report.lines[-1] == "failed now: a.service"
    assert (bool(report.failure), bool(report.unseen)) == (failure, unseen)
