"""`opskit journal errors --follow`: the table anew as entries come; a line for each new group in a pipe."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Generator, Sequence

from opskit.core.finding import Finding
from opskit.core.text import shown
from opskit.journal.errors_export import Entry
from opskit.journal.errors_findings import Seen, find, of_trouble
from opskit.journal.errors_groups import Group, Tally
from opskit.journal.errors_read import OUTPUT_FIELDS_SINCE, Reading, Request, command_of
from opskit.journal.model import Version
from opskit.journal.show_errors import COLUMNS, Listing, cells, finding_line, group_json, row
from opskit.session import Session
from opskit.ui.live import Draw, live_table
from opskit.ui.screen import Screen

# The table is drawn so often at most, and what came in between at the latest after this.
DRAW_SECONDS = 0.25
# Lines of a terminal that the head of the table and what is below it take.
OTHER_LINES = 4
FINDINGS_MOST = 5
WIDE_FROM = 120
LAST = 4


def follow_errors(session: Session, request: Request, version: Version, listing: Listing) -> None:
    """Go on until it is interrupted: Ctrl-C ends it with 130, and the last table stays."""
    tally = Tally(request.limit)
    narrow = version.number < OUTPUT_FIELDS_SINCE
    batches = Reading().entries(session.runner, command_of(request, version), narrow=narrow, seconds=DRAW_SECONDS)
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not session.screen.json
    try:
        with contextlib.closing(batches):
            if terminal:
                _draw(session.screen, batches, tally, listing)
            else:
                _tell(session.screen, batches, tally, listing)
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None


Batches = Generator[Sequence[Entry], None, None]


def _draw(screen: Screen, batches: Batches, tally: Tally, listing: Listing) -> None:
    wide = shutil.get_terminal_size().columns >= WIDE_FROM
    with live_table(screen, [COLUMNS[number] for number in _shown_columns(wide=wide)]) as draw:
        drawn, stale = 0.0, True
        _frame(draw, tally, listing, wide=wide)
        for entries in batches:
            tally.add(entries)
            stale = stale or bool(entries)
            if stale and time.monotonic() - drawn >= DRAW_SECONDS:
                _frame(draw, tally, listing, wide=wide)
                drawn, stale = time.monotonic(), False


def _shown_columns(*, wide: bool) -> Sequence[int]:
    """Which columns of the table: on a narrow terminal not when it began, nor the rate."""
    return range(len(COLUMNS)) if wide else (0, 1, 2, LAST, 6)


def _frame(draw: Draw, tally: Tally, listing: Listing, *, wide: bool) -> None:
    groups = tally.groups()
    below = [shown(f"{one.severity}: {one.title}") for one in find(Seen(tally))][:FINDINGS_MOST]
    below.append(f"{tally.chosen} entries in {len(groups)} groups; Ctrl-C ends it")
    room = max(1, shutil.get_terminal_size().lines - OTHER_LINES - len(below))
    most = min(listing.top or room, room)
    rows = []
    for group in groups[:most]:
        texts = list(cells(group))
        if not wide:
            texts[LAST] = texts[LAST][11:]  # the time of day
        rows.append([shown(texts[number]) or "-" for number in _shown_columns(wide=wide)])
    draw(rows, below)


def _tell(screen: Screen, batches: Batches, tally: Tally, listing: Listing) -> None:
    """A line for each group and each trouble when it is first seen; with --json an envelope."""
    groups = troubles = 0
    for entries in batches:
        tally.add(entries)
        for group in tally.new_groups(groups):
            groups += 1
            _tell_group(screen, group, listing)
        for one in tally.troubles.all()[troubles:]:
            troubles += 1
            _tell_finding(screen, of_trouble(one))
        sys.stdout.flush()


def _tell_group(screen: Screen, group: Group, listing: Listing) -> None:
    # Without the count: it goes on.
    line = "  ".join(shown(cell) or "-" for cell in row(group, listing)[1:])
    screen.answer({"group": group_json(group, listing)}, lambda: screen.line(line))


def _tell_finding(screen: Screen, finding: Finding) -> None:
    screen.answer(None, lambda: screen.line(finding_line(finding)), findings=(finding,))
