"""What a vacuum deletes, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Plan, Record
from opskit.core.text import counted, shown
from opskit.core.units import size_text
from opskit.journal.files.model import to_the_second
from opskit.journal.vacuum.rules import failures
from opskit.ui.screen import Column, Screen, draw_table

# A terminal gets so many of the files; a pipe and --json get all.
ROWS_ON_A_TERMINAL = 40
_COLUMNS = (
    Column("OLDEST"),
    Column("NEWEST"),
    Column("ENTRIES", right=True),
    Column("SIZE", right=True),
    Column("FILE", whole=True, path=True),
)


def draw_deletes(screen: Screen, plan: Plan, stream: TextIO) -> None:
    """A line for each file that goes, and what that frees."""
    deletes: Sequence[dict[str, Any]] = plan.result.get("deletes", ())
    survives: Sequence[dict[str, Any]] = plan.result.get("survives", ())
    most = ROWS_ON_A_TERMINAL if stream.isatty() else None
    listed = deletes[:most]
    rows = [
        [
            to_the_second(entry["oldest"]),
            to_the_second(entry["newest"]),
            "" if entry["entries"] is None else str(entry["entries"]),
            size_text(entry["bytes"]),
            entry["path"],
        ]
        for entry in listed
    ]
    if rows:
        draw_table(screen, _COLUMNS, rows, stream, less=("ENTRIES", "NEWEST"))
    if len(listed) < len(deletes):
        print(f"… and {len(deletes) - len(listed)} more; --json lists all", file=stream)
    print(
        f"{counted(len(deletes), 'file is', 'files are')} to be deleted, which frees "
        f"{size_text(plan.result.get('freed_bytes', 0))}",
        file=stream,
    )
    for entry in survives[:most]:
        since = to_the_second(entry["oldest"]) or "an unknown time"
        text = f"kept: {shown(entry['path'])} (from {since}): {shown(entry['reason'])}"
        print(screen.sentence(text, stream), file=stream)
    if len(survives[:most]) < len(survives):
        print(f"… and {len(survives) - ROWS_ON_A_TERMINAL} more are kept; --json lists all", file=stream)


def outcome_findings(record: Record) -> list[Finding]:
    """Each file with which journalctl did not do as predicted."""
    findings = []
    for path, what in failures(record):
        if what == "stayed":
            remedy = "lsattr, or a filesystem that is read-only, may tell why; journalctl only warns, and exits 0"
            findings.append(Finding("not-removed", "error", f"{path} was not removed", remedy=remedy))
        else:
            remedy = f"please report it, with {follow_up('history', 'show', 'last')}"
            findings.append(
                Finding("not-predicted", "critical", f"{path} is gone, although it was to be kept", remedy=remedy)
            )
    return findings
