"""The command `opskit journal errors`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Optional

import typer

from opskit.commands import PlainCommand, new_app
from opskit.core.caller import machine_id
from opskit.core.errors import CommandFailed, ExitCode, UsageFault
from opskit.core.runner import StreamingRunner
from opskit.core.systemd import FailedUnit, failed_units
from opskit.core.units import now
from opskit.journal.cli import InDirectory, Namespace, Root, scope_of
from opskit.journal.errors.failures import of_units
from opskit.journal.errors.findings import CHECKED, findings_of, not_seen
from opskit.journal.errors.groups import EXAMPLE_BYTES, PRIORITIES, MessageGroup, Tally
from opskit.journal.errors.incidents import FAILED, Incident
from opskit.journal.errors.kernel import OOM
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.errors.moments import journalctl_moment, moment_of
from opskit.journal.errors.query import ALL, DEFAULT_SINCE, ErrorsRequest
from opskit.journal.errors.see.careful import CarefulReading
from opskit.journal.errors.see.catalog import catalog_texts, fill, needs_fields, read_entry
from opskit.journal.errors.see.entries import Reading, host_zone, readable_scope, see_files
from opskit.journal.errors.see.failures import LastLines
from opskit.journal.errors.select import Selection
from opskit.journal.errors.show import (
    DRAW_SECONDS,
    ErrorListing,
    draw_errors,
    errors_json,
    follow_errors,
    progress,
    tell_findings,
)
from opskit.journal.files.see.directories import namespaces
from opskit.journal.releases import Version, rules_of
from opskit.journal.see import running_version
from opskit.options import offered, reads
from opskit.session import Session

app = new_app("", single=True)
THIS_BOOT = "0"
_BOOT = re.compile(r"[+-]?\d{1,9}|[0-9a-fA-F]{32}(?:[+-]\d{1,9})?", re.ASCII)


class ErrorsCommand(PlainCommand):
    """--boot alone is this boot, as for journalctl; knows options of it that opskit has by another word."""

    bare = (frozenset({"--boot", "-b"}), THIS_BOOT, _BOOT)
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("-n", "--lines"), "--top 10"),
        **dict.fromkeys(("-x", "-e", "-r"), "leave it out: the worst comes first"),
    }


@reads(app, "errors", example="opskit journal errors --since 1h", command=ErrorsCommand)
def errors(
    session: Session,
    since: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            help="From then on: 1h, 2d, yesterday, '2026-11-21 15:00', 2026-11-21T15:00:00Z.  [default: 1d]",
        ),
    ] = "",
    until: Annotated[str, typer.Option(metavar="WHEN", help="Up to then.")] = "",
    boot: Annotated[
        str, typer.Option("--boot", "-b", metavar="BOOT", help="Only of this boot; -1: of the one before it.")
    ] = "",
    unit: Annotated[
        Optional[list[str]], typer.Option("--unit", "-u", metavar="UNIT", help="Only of this unit; several add up.")
    ] = None,
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
    top: Annotated[int, typer.Option(metavar="N", min=0, help="Only the N most important groups; 0: all.")] = 20,
    check: Annotated[bool, typer.Option("--check", help="Exit 4 when there are errors.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as entries come.")] = False,
    namespace: Namespace = "",
    directory: InDirectory = "",
    root: Root = "",
) -> None:
    """Show what is wrong: similar messages in groups, failed units, OOM kills, core dumps, disk errors, lost messages.

    Numbers, addresses, ids and paths do not tell messages apart. A group has an example in full and what systemd's
    catalogue says of it. Without --since or --boot it is the last day; of files named by -D or --root it is all.
    What journalctl passes over in a damaged file is read all the same, or named. Text that was changed in place is
    shown as it is: opskit journal verify finds that.
    """
    if check and follow:
        raise UsageFault("--check", "it cannot be used with --follow, which has no end")
    if boot and not _BOOT.fullmatch(boot):
        raise UsageFault("--boot", f"{boot!r} is no boot", todo="0: this one, -1: the one before it, or an id")
    elsewhere = bool(directory or root)
    version = running_version(session.runner)
    if namespace and not rules_of(version).namespaces:
        raise UsageFault("--namespace", "this journalctl knows no namespaces", todo="leave it out")
    scope = readable_scope(scope_of(directory, root, namespace), version)
    given = since or ("" if elsewhere or boot else DEFAULT_SINCE)
    start, end, selection = _selected(Selection(_priority(priority), tuple(unit or ())), since, given, until, version)
    request = ErrorsRequest(scope, start, end, boot, selection.units, selection.limit, follow)
    directories = see_files(scope)
    options = {"since": given or None, "until": until or None, "boot": boot or None, "units": list(request.units)}
    listing = ErrorListing(top, request={**options, "priority": PRIORITIES[request.limit]})
    if follow:
        batches = Reading(session.runner, request, version).batches(DRAW_SECONDS)
        with contextlib.closing(batches):
            tell_findings(session.screen, not_seen(directories))
            follow_errors(session.screen, batches, Tally(request.limit), listing)
        return
    facts = _read(
        session, CarefulReading(session.runner, request, version, selection, directories), units=not elsewhere
    )
    findings = findings_of(facts)
    listing = _explained(session.runner, request, listing.groups(facts), listing)
    session.screen.answer(
        errors_json(facts, listing), lambda: draw_errors(session.screen, facts, findings, listing), findings=findings
    )
    if check and (facts.groups or any(finding.severity in CHECKED for finding in findings)):
        raise typer.Exit(ExitCode.FINDINGS)


def _selected(selection: Selection, since: str, given: str, until: str, version: Version) -> tuple[str, str, Selection]:
    """--since and --until as journalctl takes them, and the selection with both. Raises UsageFault.

    since: as it was typed
    given: that, or what it is by default
    """
    start, after = _moment("--since", given, version)
    end, before = _moment("--until", until, version)
    if after and before and after > before:
        why = f"it is later than --until {until}" if since else f"it is {DEFAULT_SINCE} unless given"
        raise UsageFault("--since", why, todo="--since must be earlier than --until")
    return start, end, replace(selection, since=after, until=before)


def _moment(option: str, text: str, version: Version) -> tuple[str, int]:
    """A moment as journalctl takes it, and in microseconds since 1970: 0 for none, or one that is journalctl's to read.

    Raises UsageFault.
    """
    microseconds = moment_of(option, text, now().astimezone()) if text else None
    if microseconds is None:
        return text, 0
    return journalctl_moment(microseconds, None if rules_of(version).at_sign else host_zone()), microseconds


def _priority(text: str) -> int:
    """The number of a priority. Raises UsageFault."""
    names = {**{name: number for number, name in enumerate(PRIORITIES)}, "error": 3, "warn": 4, "panic": 0}
    if text.isdecimal() and int(text) <= ALL:
        return int(text)
    if text.lower() not in names:
        raise UsageFault("--priority", f"{text!r} is none of {', '.join(PRIORITIES)}, or 0 to 7")
    return names[text.lower()]


def _read(session: Session, reading: CarefulReading, *, units: bool) -> ErrorFacts:
    """Read everything there is. units: whether the journal is that of this host, whose systemd can be asked."""
    with progress(session.screen) as tick:
        reading.tick = tick
        reading.read()
    failed: tuple[FailedUnit, ...] = ()
    systemctl_error = ""
    try:
        failed = failed_units(session.runner) if units else ()
    except CommandFailed as error:
        systemctl_error = str(error)
    failed = tuple(unit for unit in failed if of_units(unit.name, reading.request.units))
    incidents = reading.tally.incidents
    causes = LastLines(session.runner, reading.request.scope, reading.version)
    return ErrorFacts(
        reading.tally,
        failed,
        reading.without_priority,
        reading.directories,
        reading.losses,
        reading.stderr,
        systemctl_error,
        causes.failures(_failures(failed, incidents.of(FAILED))),
        causes.killed_in(incidents.of(OOM)),
        reading.request.scope,
        namespaces(machine_id()) if units else (),
    )


def _failures(failed: Sequence[FailedUnit], logged: Sequence[Incident]) -> dict[str, tuple[str, int]]:
    """The result of each unit that failed, and when that was, 0 for not known; those that are failed now first."""
    failures = {unit.name: (unit.result, 0) for unit in failed}
    for incident in logged:
        result, _ = failures.get(incident.subject, (incident.detail, 0))
        failures[incident.subject] = (result, incident.last)
    return failures


def _explained(
    runner: StreamingRunner, request: ErrorsRequest, groups: list[MessageGroup], listing: ErrorListing
) -> ErrorListing:
    """The listing with what is only needed of the groups that are shown: long examples, the catalogue's words."""
    texts = catalog_texts(runner, (group.message_id for group in groups))
    examples, catalog = {}, {}
    for group in groups:
        text = texts.get(group.message_id, "")
        long = len(group.example) >= EXAMPLE_BYTES and not group.lines
        fields = read_entry(runner, request.scope, group.cursor) if long or needs_fields(text) else {}
        if long and fields:
            examples[group.cursor] = fields["MESSAGE"]
        if text:
            catalog[group.cursor] = fill(text, fields)
    return ErrorListing(listing.top, examples, catalog, listing.request)
