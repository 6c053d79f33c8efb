"""What of the journal and of failed units goes into `opskit status` and `opskit check`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opskit.core.finding import Finding, follow_up
from opskit.core.report import Measure, Report
from opskit.core.text import counted
from opskit.core.units import size_text
from opskit.journal.errors.findings import findings_of
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.thresholds import DEFAULTS
from opskit.journal.usage.findings import Usage, findings

# Errors of so many seconds are looked at.
HOUR = 3600


def report_of(
    usages: Sequence[Usage],
    facts: ErrorFacts,
    *,
    came_back: int,
    unread: str = "",
    thresholds: Mapping[str, int] = DEFAULTS,
) -> Report:
    """The report.

    came_back: how many units the journal says have failed in the last hour
    unread: why there are no entries, "" where there are
    """
    all_of_them = (
        *findings(usages, thresholds["limit_percent"]),
        *findings_of(facts, thresholds),
        *_many(facts.tally.chosen, thresholds["errors_an_hour"]),
    )
    found = {(finding.id, finding.title): finding for finding in all_of_them}
    limits = [
        Measure("opskit_journal_limit_bytes", usage.bounds.max_use.value, {"directory": usage.directory.path})
        for usage in usages
        if usage.bounds and usage.bounds.max_use.value
    ]
    return Report(tuple(_lines(usages, facts, came_back, unread)), tuple(found.values()), tuple(limits))


def _many(count: int, least: int) -> Iterator[Finding]:
    if count >= least:
        title = f"{counted(count, 'error')} in the last hour"
        yield Finding("many-errors", "warning", title, remedy=follow_up("journal", "errors", "--since", "1h"))


def _lines(usages: Sequence[Usage], facts: ErrorFacts, came_back: int, unread: str) -> Iterator[str]:
    taken = sum(file.allocated for usage in usages for file in usage.directory.files)
    limit = sum(usage.bounds.max_use.value for usage in usages if usage.bounds)
    if taken or not unread:
        yield f"{size_text(taken)} of {size_text(limit)}" if limit else f"{size_text(taken)}, no limit known"
    count = facts.tally.chosen
    if unread:
        yield unread
    elif count:
        more = follow_up("journal", "errors", "--since", "1h")
        yield f"{counted(count, 'error')} in the last hour: {more}"
    else:
        yield "no errors in the last hour"
    names = [unit.name for unit in facts.failed_units]
    if facts.systemctl_error:
        yield "failed units: systemd did not answer"
    elif names:
        yield f"failed now: {', '.join(names)}"
    elif came_back:
        yield f"no unit is failed now; {came_back} failed in the last hour"
    else:
        yield "no failed units"
