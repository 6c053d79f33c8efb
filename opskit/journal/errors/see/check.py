"""What `opskit status` and `opskit check` are told of the journal, its errors of the last hour, and failed units."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Optional

from opskit.core.errors import Missing, OpskitError
from opskit.core.report import Report, ReportRequest
from opskit.core.runner import StreamingRunner
from opskit.core.systemd import FailedUnit, failed_units, is_booted
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.incidents import FAILED
from opskit.journal.errors.model import ErrorFacts, UnitFailure
from opskit.journal.errors.moments import journalctl_moment
from opskit.journal.errors.query import ErrorsRequest
from opskit.journal.errors.report import HOUR, report_of
from opskit.journal.errors.see.careful import CarefulReading
from opskit.journal.errors.see.entries import host_zone, see_files
from opskit.journal.errors.see.failures import LastLines
from opskit.journal.errors.select import Selection
from opskit.journal.files.model import Scope
from opskit.journal.releases import NEWEST, rules_of
from opskit.journal.see import running_version
from opskit.journal.thresholds import DEFAULTS
from opskit.journal.usage.findings import Usage
from opskit.journal.usage.see import see_usage

ERROR = 3


@dataclass
class _Journal:
    """What was read of the journal.

    unread: why there are no entries, "" where there are
    hidden: the same, where that is since this user may not read them
    failure: the same, where the journal, or a part of it, failed to be read
    """

    usages: Sequence[Usage] = ()
    reading: Optional[CarefulReading] = None
    unread: str = ""
    hidden: str = ""
    failure: str = ""


def check(runner: StreamingRunner, request: ReportRequest) -> Report:
    """The report. What fails of the journal takes nothing from what systemd tells of its units, nor the reverse."""
    if not is_booted():
        return Report(("systemd does not run this host: it keeps no journal",))
    failed: tuple[FailedUnit, ...] = ()
    systemctl_error = ""
    try:  # first: a journal can take all the time that there is
        failed = failed_units(runner)
    except OpskitError as error:
        systemctl_error = str(error)
    journal = _read_journal(runner)
    reading = journal.reading
    tally = reading.tally if reading else Tally(ERROR)
    facts = ErrorFacts(
        tally,
        failed,
        directories=reading.directories if reading else (),
        losses=reading.losses if reading else (),
        journalctl_stderr=reading.stderr if reading else "",
        systemctl_error=systemctl_error,
        failures=_causes(runner, failed, reading),
        scope=Scope(),
    )
    came_back = len(tally.incidents.of(FAILED))
    limits = {**DEFAULTS, **request.thresholds}
    report = report_of(journal.usages, facts, came_back=came_back, unread=journal.unread, thresholds=limits)
    return replace(report, unseen=(journal.hidden,) if journal.hidden else (), failure=journal.failure)


def _read_journal(runner: StreamingRunner) -> _Journal:
    """What there is of the journal, and its last hour."""
    journal = _Journal()
    try:
        journal.usages = see_usage(Scope(namespace="*", everything=True), rules_of(NEWEST))
        if any(usage.directory.files for usage in journal.usages):
            journal.reading = _read_last_hour(runner)
        else:
            journal.unread = "the journal is empty: nothing has been written, or Storage= in journald.conf is none"
    except OpskitError as error:
        if isinstance(error, Missing) and os.geteuid() != 0:
            journal.unread = str(error)
            journal.hidden = "" if error.what == "journalctl" else journal.unread
        else:
            journal.unread, journal.failure = "the errors of the last hour are not known", str(error)
    return journal


def _causes(
    runner: StreamingRunner, failed: Sequence[FailedUnit], reading: Optional[CarefulReading]
) -> tuple[UnitFailure, ...]:
    """Why these units failed, as far as the journal tells."""
    if not failed or not reading:
        return ()
    return LastLines(runner, Scope(), reading.version).failures({unit.name: (unit.result, 0) for unit in failed})


def _read_last_hour(runner: StreamingRunner) -> CarefulReading:
    """The errors of the last hour. Raises as see_files, and what journalctl's absence or failure raises."""
    version = running_version(runner)
    since = time.time_ns() // 1000 - HOUR * 1_000_000
    start = journalctl_moment(since, None if rules_of(version).at_sign else host_zone())
    request = ErrorsRequest(Scope(), start, limit=ERROR)
    reading = CarefulReading(runner, request, version, Selection(ERROR, since=since), see_files(Scope()))
    reading.read()
    return reading
