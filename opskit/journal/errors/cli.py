"""The command `opskit journal errors`."""

from __future__ import annotations

import contextlib
import time
from typing import Annotated

import typer

from opskit.core.errors import CommandFailed, ExitCode, UsageFault
from opskit.core.runner import StreamingRunner
from opskit.core.systemd import FailedUnit, failed_units
from opskit.journal.cli import InDirectory, Root, scope_of
from opskit.journal.errors.findings import CHECKED, findings_of
from opskit.journal.errors.groups import EXAMPLE_BYTES, PRIORITIES, MessageGroup, Tally
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.errors.query import ALL, DEFAULT_SINCE, ErrorsRequest, moment
from opskit.journal.errors.see.catalog import catalog_texts, fill, needs_fields, read_entry
from opskit.journal.errors.see.entries import Reading, readable_scope, see_files
from opskit.journal.errors.see.priorities import count_without_priority
from opskit.journal.errors.show import DRAW_SECONDS, ErrorListing, draw_errors, errors_json, follow_errors, progress
from opskit.journal.files.model import JournalDirectory
from opskit.journal.releases import Version
from opskit.journal.see import running_version
from opskit.options import new_app, offered, reads
from opskit.session import Session

app = new_app("", single=True)


@reads(app, "errors", example="opskit journal errors --since 1h")
def errors(
    session: Session,
    since: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            help="From then on: 1h, 2d, yesterday, '2026-11-21 15:00'.  [default: 1d]",
        ),
    ] = "",
    until: Annotated[str, typer.Option(metavar="WHEN", help="Up to then.")] = "",
    boot: Annotated[bool, typer.Option("--boot", "-b", help="Only since this boot.")] = False,
    unit: Annotated[str, typer.Option("--unit", "-u", metavar="UNIT", help="Only of this unit.")] = "",
    priority: Annotated[
        str,
        typer.Option(
            "--priority",
            "-p",
            metavar="PRIORITY",
            parser=offered("--priority", *PRIORITIES),
            help="Down to this one: err, 4, debug for everything.",
        ),
    ] = "err",
    top: Annotated[int, typer.Option(metavar="N", min=0, help="Only the N most frequent groups; 0: all.")] = 20,
    check: Annotated[bool, typer.Option("--check", help="Exit 4 when there are errors.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as entries come.")] = False,
    directory: InDirectory = "",
    root: Root = "",
) -> None:
    """Show what is wrong: like messages in groups, failed units, OOM kills, core dumps, disk errors, lost messages.

    Numbers, addresses, ids and paths do not tell messages apart. A group has an example in full and what systemd's
    catalogue says of it. Without --since or --boot it is the last day; of files named by -D or --root it is all.
    """
    if check and follow:
        raise UsageFault("--check", "it cannot be used with --follow, which has no end")
    limit = _priority(priority)
    elsewhere = bool(directory or root)
    given = since or ("" if elsewhere or boot else DEFAULT_SINCE)
    start, ago = moment("--since", given) if given else ("", None)
    end = moment("--until", until)[0] if until else ""
    version = running_version(session.runner)
    scope = readable_scope(scope_of(directory, root, ""), version)
    request = ErrorsRequest(scope, start, end, boot, unit, limit, follow)
    directories = see_files(scope)
    options = {"since": given or None, "until": until or None, "boot": boot, "unit": unit or None}
    listing = ErrorListing(top, request={**options, "priority": PRIORITIES[limit]})
    if follow:
        batches = Reading(session.runner, request, version).batches(DRAW_SECONDS)
        with contextlib.closing(batches):
            follow_errors(session.screen, batches, Tally(limit), listing)
        return
    earliest = 0 if ago is None else time.time_ns() // 1000 - ago
    facts = _read(session, request, version, directories, earliest, units=not elsewhere)
    findings = findings_of(facts)
    listing = _explained(session.runner, request, listing.groups(facts), listing)
    session.screen.answer(
        errors_json(facts, listing), lambda: draw_errors(session.screen, facts, findings, listing), findings=findings
    )
    if check and (facts.groups or any(finding.severity in CHECKED for finding in findings)):
        raise typer.Exit(ExitCode.FINDINGS)


def _priority(text: str) -> int:
    """The number of a priority. Raises UsageFault."""
    names = {**{name: number for number, name in enumerate(PRIORITIES)}, "error": 3, "warn": 4, "panic": 0}
    if text.isdecimal() and int(text) <= ALL:
        return int(text)
    if text.lower() not in names:
        raise UsageFault("--priority", f"{text!r} is none of {', '.join(PRIORITIES)}, or 0 to 7")
    return names[text.lower()]


def _read(
    session: Session,
    request: ErrorsRequest,
    version: Version,
    directories: tuple[JournalDirectory, ...],
    earliest: int,
    *,
    units: bool,
) -> ErrorFacts:
    """Read everything there is. units: whether this host's systemd can be asked."""
    tally, reading = Tally(request.limit), Reading(session.runner, request, version)
    batches = reading.batches()
    with progress(session.screen) as tick, contextlib.closing(batches):
        for entries in batches:
            tally.add(entries)
            tick(tally.entries)
    failed: tuple[FailedUnit, ...] = ()
    systemctl_error = ""
    try:
        failed = failed_units(session.runner) if units and not request.unit else ()
    except CommandFailed as error:
        systemctl_error = str(error)
    without_priority = count_without_priority(directories, earliest)
    return ErrorFacts(tally, failed, without_priority, directories, reading.stderr, systemctl_error)


def _explained(
    runner: StreamingRunner, request: ErrorsRequest, groups: list[MessageGroup], listing: ErrorListing
) -> ErrorListing:
    """The listing with what is only needed of the groups that are shown: long examples, the catalogue's words."""
    texts = catalog_texts(runner, (group.message_id for group in groups))
    examples, catalog = {}, {}
    for group in groups:
        text = texts.get(group.message_id, "")
        long = len(group.example) >= EXAMPLE_BYTES
        fields = read_entry(runner, request.scope, group.cursor) if long or needs_fields(text) else {}
        if long and fields:
            examples[group.cursor] = fields["MESSAGE"]
        if text:
            catalog[group.cursor] = fill(text, fields)
    return ErrorListing(listing.top, examples, catalog, listing.request)
