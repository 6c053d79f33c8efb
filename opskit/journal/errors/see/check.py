"""What `opskit status` and `opskit check` are told of the journal, its errors of the last hour, and failed units."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from opskit.core.errors import Missing, OpskitError
from opskit.core.report import Report, ReportRequest
from opskit.core.runner import StreamingRunner
from opskit.core.systemd import failed_units, is_booted
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.incidents import FAILED
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.errors.moments import journalctl_moment
from opskit.journal.errors.query import ErrorsRequest
from opskit.journal.errors.report import HOUR, report_of
from opskit.journal.errors.see.careful import CarefulReading
from opskit.journal.errors.see.entries import host_zone, see_files
from opskit.journal.errors.see.failures import LastLines
from opskit.journal.errors.select import Selection
from opskit.journal.files.model import Scope
from opskit.journal.releases import NEWEST, Version, rules_of
from opskit.journal.see import running_version
from opskit.journal.thresholds import DEFAULTS
from opskit.journal.usage.see import see_usage

ERROR = 3


def check(runner: StreamingRunner, request: ReportRequest) -> Report:
    """The report. Raises as what it looks at."""
    if not is_booted():
        return Report(("systemd does not run this host: it keeps no journal",))
    usages = see_usage(Scope(namespace="*", everything=True), rules_of(NEWEST))
    try:
        version = running_version(runner)
    except Missing:
        if os.geteuid() == 0:
            raise
        return Report(("there is no journalctl on this host",))
    tally, reading, unread, hidden = Tally(ERROR), None, "", ""
    if not any(usage.directory.files for usage in usages):
        unread = "the journal is empty: nothing has been written, or Storage= in journald.conf is none"
    else:
        try:
            reading = _read_last_hour(runner, version)
            tally = reading.tally
        except Missing as error:
            if os.geteuid() == 0:
                raise
            unread = hidden = str(error)
    systemctl_error = ""
    try:
        failed = failed_units(runner)
    except OpskitError as error:
        failed, systemctl_error = (), str(error)
    causes = LastLines(runner, Scope(), version)
    names = {unit.name: (unit.result, 0) for unit in failed}
    facts = ErrorFacts(
        tally,
        failed,
        directories=reading.directories if reading else (),
        losses=reading.losses if reading else (),
        journalctl_stderr=reading.stderr if reading else "",
        systemctl_error=systemctl_error,
        failures=causes.failures(names) if failed and reading else (),
        scope=Scope(),
    )
    came_back = len(tally.incidents.of(FAILED))
    limits = {**DEFAULTS, **request.thresholds}
    report = report_of(usages, facts, came_back=came_back, unread=unread, thresholds=limits)
    return replace(report, unseen=(hidden,)) if hidden else report


def _read_last_hour(runner: StreamingRunner, version: Version) -> CarefulReading:
    """The errors of the last hour. Raises as see_files, and what journalctl's failure raises."""
    since = time.time_ns() // 1000 - HOUR * 1_000_000
    start = journalctl_moment(since, None if rules_of(version).at_sign else host_zone())
    request = ErrorsRequest(Scope(), start, limit=ERROR)
    reading = CarefulReading(runner, request, version, Selection(ERROR, since=since), see_files(Scope()))
    reading.read()
    return reading
