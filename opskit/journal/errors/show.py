"""`opskit journal errors` as JSON, as a list on a terminal, and as one line a group elsewhere.

--follow: the table anew as entries come; a line for each new group in a pipe.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Optional

from opskit.core.finding import Finding
from opskit.core.record import dataclass
from opskit.core.text import counted, shown
from opskit.journal.errors.export import Batches
from opskit.journal.errors.failures import cause_text, place_of
from opskit.journal.errors.findings import finding_of_incident, findings_of
from opskit.journal.errors.groups import PRIORITIES, MessageGroup, Tally
from opskit.journal.errors.incidents import DUMP, FAILED, Incident
from opskit.journal.errors.kernel import DISK, KINDS, LOST, OOM
from opskit.journal.errors.model import ErrorFacts, UnitFailure
from opskit.journal.files.model import Loss, moment_text, to_the_second
from opskit.ui.errors import draw_findings
from opskit.ui.live import Draw, live_table
from opskit.ui.progress import progress_line
from opskit.ui.screen import Column, Screen, draw_table

if TYPE_CHECKING:
    from opskit.journal.results import FailureRow, GroupRow, IncidentRow, LossRow

COLUMNS = (
    Column("COUNT", right=True),
    Column("PRIORITY"),
    Column("UNIT"),
    Column("FIRST"),
    Column("LAST"),
    Column("RATE", right=True),
    Column("MESSAGE"),
)
_STYLES = {"emerg": "red", "alert": "red", "crit": "red", "err": "red", "warning": "yellow"}
_INCIDENTS = {
    "oom_kills": OOM, "core_dumps": DUMP, "disk_errors": DISK, "units_failed_before": FAILED, "messages_lost": LOST
}  # fmt: skip
# How often, by the shortest span in which it is one at least.
_RATES = ((3600.0, "s"), (60.0, "min"), (1.0, "h"), (1 / 24, "d"))
# --follow: the table is drawn so often at most, and what came in between at the latest after this.
DRAW_SECONDS = 0.25
# Lines of a terminal that the head of the table and what is below it take.
OTHER_LINES = 4
FINDINGS_MOST = 5
WIDE_FROM = 120
LAST = 4
# Of a message, in characters; --json has the rest, as far as it is kept.
MESSAGE_MOST = 10_000


@dataclass(frozen=True)
class ErrorListing:
    """What of it is shown. examples: whole messages, catalog: the catalogue's text, by the group's cursor.

    request: the options, as JSON has them.
    """

    top: int
    examples: Mapping[str, str] = field(default_factory=dict)
    catalog: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)

    def groups(self, facts: ErrorFacts) -> list[MessageGroup]:
        """The most important ones."""
        return facts.groups[: self.top] if self.top else facts.groups

    def example(self, group: MessageGroup) -> str:
        """The message in full."""
        return self.examples.get(group.cursor) or os.fsdecode(group.example)

    def brief(self, group: MessageGroup) -> str:
        """The message, or its beginning; of a stack trace its first and its last line."""
        example = self.example(group)
        if not group.lines:
            return beginning(example)
        return f"{example.partition(chr(10))[0]} [{group.lines} lines of stack traces] {os.fsdecode(group.tail)}"


def beginning(text: str) -> str:
    """A text of at most MESSAGE_MOST characters as it is; of a longer one so many, and that it goes on."""
    return text if len(text) <= MESSAGE_MOST else f"{text[:MESSAGE_MOST]} … (it goes on; --json has more of it)"


@contextmanager
def progress(screen: Screen) -> Iterator[Callable[[int], None]]:
    """What is told how many entries were read."""
    with progress_line(screen) as tell:

        def tick(entries: int) -> None:
            if tell:
                tell(lambda seconds: f"{entries:,} entries  {entries / seconds:,.0f}/s")

        yield tick


def errors_json(facts: ErrorFacts, listing: ErrorListing) -> dict[str, Any]:
    """The result for --json."""
    incidents = {
        name: [_incident_json(incident) for incident in facts.tally.incidents.of(kind)]
        for name, kind in _INCIDENTS.items()
    }
    return {
        **listing.request,
        "entries": facts.tally.chosen,
        "groups_total": len(facts.groups),
        "groups": [group_json(group, listing) for group in listing.groups(facts)],
        "units_failed": list(facts.failed_units),
        "failures": [_failure_json(failure) for failure in facts.failures],
        **incidents,
        "kernel": [
            {"kind": kind, **_incident_json(incident)} for kind in KINDS for incident in facts.tally.incidents.of(kind)
        ],
        "without_priority": facts.without_priority,
        "damaged": [_loss_json(loss) for loss in facts.losses if not loss.clock_back],
    }


def _failure_json(failure: UnitFailure) -> FailureRow:
    return {
        "unit": failure.unit,
        "result": failure.result or None,
        "cause": cause_text(failure) or None,
        "process": failure.process or None,
        "ended": failure.ended or None,
        "status": failure.status if failure.ended else None,
        "gave_up": failure.gave_up,
        "path": place_of(failure.unit) or None,
        "lines": list(failure.lines),
    }


def _loss_json(loss: Loss) -> LossRow:
    return {
        "path": loss.path,
        "entries": loss.entries,
        "lost": loss.lost,
        "partial": loss.partial,
        "first": moment_text(loss.first),
        "last": moment_text(loss.last),
        "why": loss.why,
    }


def group_json(group: MessageGroup, listing: ErrorListing) -> GroupRow:
    """One group; times with their zone, the rate as entries an hour."""
    return {
        "unit": group.unit,
        "identifier": group.identifier,
        "priority": priority_text(group.priority) or None,
        "pattern": group.pattern,
        "count": group.count,
        "first": moment_text(group.first),
        "last": moment_text(group.last),
        "per_hour": None if group.per_hour is None else round(group.per_hour, 3),
        "example": listing.example(group),
        "trace_lines": group.lines,
        "cursor": group.cursor,
        "message_id": group.message_id or None,
        "catalog": listing.catalog.get(group.cursor),
    }


def _incident_json(incident: Incident) -> IncidentRow:
    return {
        "subject": incident.subject,
        "unit": incident.unit,
        "count": incident.count,
        "amount": incident.amount,
        "first": moment_text(incident.first),
        "last": moment_text(incident.last),
        "example": incident.example,
    }


def priority_text(priority: Optional[int]) -> str:
    """err, crit …; "" for none."""
    return "" if priority is None else PRIORITIES[priority]


def rate_text(group: MessageGroup) -> str:
    """`3.1/min`; "" for what was once."""
    rate = group.per_hour
    if rate is None:
        return ""
    unit, name = next(((hours, name) for hours, name in _RATES if rate >= hours), _RATES[-1])
    value = rate / unit
    return f"{value:.0f}/{name}" if value >= 10 else f"{value:.1f}/{name}"


def _when(microseconds: int) -> str:
    return to_the_second(moment_text(microseconds))


def draw_errors(screen: Screen, facts: ErrorFacts, findings: Sequence[Finding], listing: ErrorListing) -> None:
    """The findings and the groups: everything is the result. On a terminal what is wrong comes first."""
    groups = listing.groups(facts)
    if sys.stdout.isatty():
        draw_findings(screen, findings)
        if findings and groups:
            screen.line("")
        for group in groups:
            _draw_group(screen, group, listing)
    elif groups:
        draw_table(screen, COLUMNS, [row(group, listing) for group in groups])
    if not sys.stdout.isatty():
        for finding in findings:
            screen.line(finding_line(screen, finding))
    total = len(facts.groups)
    if not total and not findings:
        screen.done("nothing found")
    elif total:
        more = f", {len(groups)} shown" if len(groups) < total else ""
        screen.note(f"{counted(facts.tally.chosen, 'entry', 'entries')} in {counted(total, 'group')}{more}")


def finding_line(screen: Screen, finding: Finding) -> str:
    """A finding as one line, for a pipe."""
    parts = [f"{finding.severity}: {screen.title(finding)} [{finding.id}]"]
    parts += [f"seen: {finding.evidence}"] if finding.evidence else []
    parts += [f"to do: {finding.remedy}"] if finding.remedy else []
    return shown("; ".join(parts))


def row(group: MessageGroup, listing: ErrorListing) -> tuple[str, ...]:
    """A row of the table; the last column has the pattern and the example, both whole."""
    *few, pattern = cells(group)
    example = listing.brief(group)
    return (*few, pattern if example == pattern else f"{pattern}  like: {example}")


def cells(group: MessageGroup) -> tuple[str, ...]:
    """How often, whose, when, and what is alike."""
    return (
        str(group.count),
        priority_text(group.priority),
        group.unit,
        _when(group.first),
        _when(group.last),
        rate_text(group),
        beginning(group.pattern),
    )


def _draw_group(screen: Screen, group: MessageGroup, listing: ErrorListing) -> None:
    """A few lines: how often and whose, what is alike, an example of it in full, what systemd says of it."""
    priority = priority_text(group.priority) or "no priority"
    first, last, rate = _when(group.first), _when(group.last), rate_text(group)
    when = first if first == last else f"{first} to {last}" + (f", {rate}" if rate else "")
    colored = screen.styled(priority, _STYLES[priority], sys.stdout) if priority in _STYLES else priority
    screen.line(f"{group.count} x  {colored}  {screen.styled(shown(group.unit) or '-', 'bold', sys.stdout)}  {when}")
    screen.line(f"    {shown(beginning(group.pattern)) or '(no message)'}")
    example = listing.brief(group)
    if example and shown(example) != shown(beginning(group.pattern)):
        _block(screen, "like: ", example)
    if text := listing.catalog.get(group.cursor):
        _block(screen, "systemd: ", text)
    screen.line("")


def _block(screen: Screen, word: str, text: str) -> None:
    """Text of several lines, each escaped by itself and indented."""
    for line in text.rstrip("\n").split("\n"):
        text = screen.sentence(f"    {word}{shown(line)}", sys.stdout, " " * 6)
        end = 4 + len(word)  # behind it may be a fold in place of the space
        screen.line(f"    {screen.styled(text[4:end], 'dim', sys.stdout)}{text[end:]}")
        word = " " * len(word)


def follow_errors(screen: Screen, batches: Batches, tally: Tally, listing: ErrorListing) -> None:
    """Show what comes until it is interrupted: Ctrl-C ends it with 130, and the last table stays.

    batches: some entries at a time, none at all after DRAW_SECONDS without any.
    """
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not screen.json
    try:
        if terminal:
            _draw(screen, batches, tally, listing)
        else:
            _tell(screen, batches, tally, listing)
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None


def _draw(screen: Screen, batches: Batches, tally: Tally, listing: ErrorListing) -> None:
    wide = shutil.get_terminal_size().columns >= WIDE_FROM
    with live_table(screen, [COLUMNS[number] for number in _shown_columns(wide=wide)]) as draw:
        drawn, stale = 0.0, True
        _frame(screen, draw, tally, listing, wide=wide)
        for entries in batches:
            tally.add(entries)
            stale = stale or bool(entries)
            if stale and time.monotonic() - drawn >= DRAW_SECONDS:
                _frame(screen, draw, tally, listing, wide=wide)
                drawn, stale = time.monotonic(), False


def _shown_columns(*, wide: bool) -> Sequence[int]:
    """Which columns of the table: on a narrow terminal not when it began, nor the rate."""
    return range(len(COLUMNS)) if wide else (0, 1, 2, LAST, 6)


def _frame(screen: Screen, draw: Draw, tally: Tally, listing: ErrorListing, *, wide: bool) -> None:
    groups = tally.groups()
    findings = findings_of(ErrorFacts(tally))[:FINDINGS_MOST]
    below = [f"{finding.severity}: {screen.title(finding)}" for finding in findings]
    below.append(f"{counted(tally.chosen, 'entry', 'entries')} in {counted(len(groups), 'group')}; Ctrl-C ends it")
    room = max(1, shutil.get_terminal_size().lines - OTHER_LINES - len(below))
    most = min(listing.top or room, room)
    rows = []
    for group in groups[:most]:
        texts = list(cells(group))
        if not wide:
            texts[LAST] = texts[LAST][11:]  # the time of day
        rows.append([shown(texts[number]) or "-" for number in _shown_columns(wide=wide)])
    draw(rows, below)


def _tell(screen: Screen, batches: Batches, tally: Tally, listing: ErrorListing) -> None:
    """A line for each group and each incident when it first appears; with --json an envelope."""
    groups = incidents = 0
    for entries in batches:
        tally.add(entries)
        for group in tally.new_groups(groups):
            groups += 1
            _tell_group(screen, group, listing)
        for incident in tally.incidents.all()[incidents:]:
            incidents += 1
            _tell_finding(screen, finding_of_incident(incident))
        sys.stdout.flush()


def _tell_group(screen: Screen, group: MessageGroup, listing: ErrorListing) -> None:
    # Without the count: it goes on.
    line = "  ".join(shown(cell) or "-" for cell in row(group, listing)[1:])
    screen.answer({"group": group_json(group, listing)}, lambda: screen.line(line))


def tell_findings(screen: Screen, findings: Iterable[Finding]) -> None:
    """What keeps an answer that goes on from being whole: a line each beside it, with --json an envelope."""
    for finding in findings:
        screen.answer(None, partial(screen.note, finding_line(screen, finding)), findings=(finding,))


def _tell_finding(screen: Screen, finding: Finding) -> None:
    screen.answer(None, lambda: screen.line(finding_line(screen, finding)), findings=(finding,))
