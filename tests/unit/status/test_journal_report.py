"""What the journal reports for status and check."""

from __future__ import annotations

from opskit.core.systemd import FailedUnit
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.errors.report import report_of


def test_a_journal_that_is_empty_is_no_failure_and_failed_units_are_told() -> None:
    facts = ErrorFacts(Tally(3), (FailedUnit("a.service", "A", "exit-code"),))
    report = report_of([], facts, came_back=0, unread="the journal is empty: so")
    assert report.lines == ("the journal is empty: so", "failed now: a.service")
    assert [finding.id for finding in report.findings] == ["unit-failed"]
    assert report_of([], ErrorFacts(Tally(3)), came_back=2).lines == (
        "0B, no limit known", "no errors in the last hour", "no unit is failed now; 2 failed in the last hour",
    )  # fmt: skip
