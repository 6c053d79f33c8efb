"""Decide: the drop-in that makes journald keep to a limit from now on, and what its restart will delete."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.core.text import counted
from opskit.core.units import HOUR, INFINITY, MIB, MONTH, SECOND, size_text
from opskit.journal.files.model import ACTIVE, JournalDirectory, JournalFile, Scope, moment_text, to_the_second
from opskit.journal.files.verify import other_namespaces
from opskit.journal.releases import rules_of
from opskit.journal.retain.bounds import Bounds, bounds_of, parse_iec, parse_seconds
from opskit.journal.retain.conf import Setting, parse_settings, winner
from opskit.journal.retain.model import DROPIN, RetainFacts, RetainRequest
from opskit.journal.retain.steps import RetainJournal
from opskit.journal.vacuum.model import VacuumLimits
from opskit.journal.vacuum.notes import Deletion
from opskit.journal.vacuum.rules import archived, predict

# What journald keeps of one file past the limit is at most so much of it.
_PARTS = 8


def wanted(facts: RetainFacts, request: RetainRequest) -> dict[str, str]:
    """The assignments that the limit takes."""
    prefix = "System" if facts.persistent else "Runtime"
    assignments = {}
    if request.size is not None:
        assignments[f"{prefix}MaxUse"] = iec_text(request.size)
    if request.span is not None:
        typed = request.span_text if rules_of(request.version).every_unit else f"{request.span // SECOND}s"
        assignments["MaxRetentionSec"] = typed
        # The default of a month would let one rotation lose a month at once.
        part = max(request.span // _PARTS // HOUR, 1) * HOUR
        others = [setting for setting in facts.settings if setting.path != facts.path]
        now = winner(others, "MaxFileSec")
        set_now = parse_seconds(now.value) if now else None
        if 0 < part < (set_now or MONTH):
            assignments["MaxFileSec"] = f"{part // HOUR}h"
    return assignments


def iec_text(size: int) -> str:
    """A size as journald.conf has it, exact: `500M`, `1536K`."""
    for unit, factor in (("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def dropin_text(values: dict[str, str]) -> str:
    """The text of the drop-in."""
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    return f"# Written by opskit journal retain; opskit history has the run that did.\n[Journal]\n{lines}"


def decide_retain(facts: RetainFacts, request: RetainRequest) -> Decision:
    """The plan that writes the drop-in and restarts journald, or every reason against it."""
    keeps = [request.span_text] if request.span is not None else []
    keeps += [size_text(request.size)] if request.size is not None else []
    title = f"keep the journal to {' and '.join(keeps)}"
    values = wanted(facts, request)
    others = [setting for setting in facts.settings if setting.path != facts.path]
    ours = [Setting(name, value, facts.path, 0) for name, value in values.items()]
    after = bounds_of([*others, *ours], facts.filesystem, runtime=not facts.persistent)
    reasons = tuple(_reasons(facts, request, values, after))
    if reasons:
        return Refusal(title, reasons)
    text = dropin_text(values)
    restarts = facts.journald and facts.text != text
    files = _deletes(facts, after, request) if restarts else []
    place = facts.directory.path_of if facts.directory else None
    deletes = [Deletion(place(file), file, 0).as_json() for file in files] if place else []
    result = {
        "drop_in": facts.path,
        "settings": values,
        "deletes": deletes,
        "freed_bytes": sum(setting["bytes"] for setting in deletes),
        "restarts": restarts,
    }
    left, remedy = "the limit is not that of the journals", "a run with --namespace NAME for each"
    scope = Scope(root=request.root, namespace=request.namespace)
    notes = (
        *_notes(facts, request, others, values, files),
        *(_too_large(facts, after, request, files) if restarts else ()),
        *other_namespaces(facts.namespaces, scope, left, remedy),
    )
    if facts.text == text:
        return Plan(title, notes=notes, result=result)
    step = RetainJournal(
        path=facts.path,
        text=text,
        before=facts.text,
        unit=_unit(request.namespace) if facts.journald else "",
        journals=facts.directory.path if facts.directory else "",
        deletes=tuple(setting["path"] for setting in deletes),
    )
    basis = (facts.text or "", *(f"{setting.where} {setting.name}={setting.value}" for setting in others))
    return Plan(title, (step,), basis, notes=notes, result=result)


def _unit(namespace: str) -> str:
    return f"systemd-journald@{namespace}.service" if namespace else "systemd-journald.service"


def _reasons(facts: RetainFacts, request: RetainRequest, values: dict[str, str], after: Bounds) -> Iterator[Reason]:
    if request.span == 0 or request.size == 0:
        remedy = f"{follow_up('undo', 'RUN')} takes a limit back"
        yield Reason("no-limit", "0 means no limit", remedy, exit_code=ExitCode.USAGE)
    if request.span is not None and request.span >= INFINITY:
        # It adds the span to the time of the oldest file, and the sum goes around (journald.c; seen with 252).
        title = "with MaxRetentionSec=infinity journald rotates without end; it is no limit anyway"
        remedy = f"{follow_up('undo', 'RUN')} takes a limit back"
        yield Reason("no-limit", title, remedy, exit_code=ExitCode.USAGE)
    if request.size is not None and 0 < request.size < MIB:
        title = f"journald keeps at least 1M, which is more than {size_text(request.size)}"
        yield Reason("too-small", title, "--size 1M or more", exit_code=ExitCode.USAGE)
    if request.span is not None and 0 < request.span < HOUR:
        yield Reason("too-short", "journald archives a file an hour at most", "1h or more", exit_code=ExitCode.USAGE)
    for setting in facts.settings:
        name = os.path.basename(setting.path)
        later = os.path.dirname(setting.path).endswith(".conf.d") and os.fsencode(name) > os.fsencode(DROPIN)
        if later and setting.name in values and not _same(setting.name, setting.value, values[setting.name]):
            title = f"{setting.where} sets {setting.name}={setting.value}, and wins over {facts.path}"
            yield Reason("drop-in-wins", title, f"edit {shlex.quote(setting.path)}, or take the line out of it")
    part = after.max_file_size
    if request.size and request.size >= MIB and 2 * part.value > request.size:
        title = (
            f"{part.source} sets {part.name}={size_text(part.value)}: journald takes twice that, whatever --size says"
        )
        yield Reason("file-size-wins", title, f"--size {iec_text(2 * part.value)}, or a smaller {part.name} there")


def _same(name: str, value: str, other_value: str) -> bool:
    parse = parse_seconds if name.endswith("Sec") else parse_iec
    return parse(value) == parse(other_value)


def _storage(facts: RetainFacts, root: str, setting: Optional[Setting]) -> Iterator[Finding]:
    """That journald keeps the journal in memory, or not at all. root: of the request, whose journald does not run."""
    restart = "" if root else "; systemctl restart systemd-journald"
    if facts.storage == "none" and setting:
        title = f"{setting.where} sets Storage=none: journald keeps no journal at all, whatever its limits are"
        yield Finding("storage-none", "warning", title, remedy=f"edit {shlex.quote(setting.path)}: Storage=persistent")
    elif not facts.persistent:
        title = "the journal is kept only in /run, and is lost at a reboot"
        remedy = f"mkdir -p {shlex.quote(root + '/var/log/journal')}{restart}"
        if facts.storage == "volatile" and setting:
            title = f"{title}: {setting.where} sets Storage=volatile"
            remedy = f"edit {shlex.quote(setting.path)}: Storage=persistent{restart}"
        yield Finding("volatile", "warning", title, remedy=remedy)


def _deletes(facts: RetainFacts, after: Bounds, request: RetainRequest) -> list[JournalFile]:
    """What journald deletes when it starts with these limits (journald-server.c, do_vacuum).

    Its first message has it archive what it writes to, where that began longer ago than MaxFileSec: then it vacuums
    once more, and a file goes by its first entry, whatever is in it since. By the names that the files have now.
    """
    if facts.directory is None:
        return []
    limits = VacuumLimits(after.retention.value, after.max_use.value, after.max_files.value)
    rules, now = rules_of(request.version), request.now
    deletes = list(predict(facts.directory, limits, rules, now).deletes)
    if _rotates(facts.directory, after, now):
        files: list[JournalFile] = []
        names: dict[str, JournalFile] = {}
        for file in facts.directory.files:
            made = archived(file, rules)
            if made:
                names[made.name] = file
                files += [file, made]  # a new file takes its place, and counts
            elif file not in deletes:
                files.append(file)
        again = predict(replace(facts.directory, files=tuple(files)), limits, rules, now)
        deletes += [names.get(file.name, file) for file in again.deletes]
    return deletes


def _rotates(directory: JournalDirectory, after: Bounds, now: int) -> bool:
    """Whether journald archives what it writes to with its first message (journal_file_rotate_suggested())."""
    longest = after.max_file_time.value
    return any(
        file.name == "system.journal" and not file.damage and longest > 0 and 0 < file.header.head < now - longest
        for file in directory.files
    )


def _too_large(
    facts: RetainFacts, after: Bounds, request: RetainRequest, deletes: Sequence[JournalFile]
) -> Iterator[Finding]:
    """What journald writes to and is larger than the limit by itself: it is deleted once it is archived."""
    limit = after.max_use.value
    for file in facts.directory.files if facts.directory else ():
        if 0 < limit < file.allocated and file not in deletes and archived(file, rules_of(request.version)):
            title = f"{file.name} takes {size_text(file.allocated)}, more than the limit by itself"
            title = f"{title}: when it is full, journald archives and deletes it, newest entries and all"
            words = ["--namespace", request.namespace] if request.namespace else []
            words += ["--size", iec_text(limit), "--rotate", "--keep-copy", "DIR"]
            yield Finding("over-limit", "warning", title, remedy=f"first {follow_up('journal', 'vacuum', *words)}")


def _notes(
    facts: RetainFacts,
    request: RetainRequest,
    others: Sequence[Setting],
    values: dict[str, str],
    deletes: Sequence[JournalFile],
) -> Iterator[Finding]:
    if deletes:
        title = f"the restart of journald deletes {counted(len(deletes), 'file')}, and no undo restores them"
        written = [file for file in deletes if file.parsed.kind == ACTIVE]
        if written:
            newest = to_the_second(moment_text(max(file.header.tail for file in written)))
            names = ", ".join(file.name for file in written)
            title = f"{title}: also {names}, with all entries until {newest}, as a file goes by its first entry"
        limits = [request.span_text] if request.span is not None else []
        limits += ["--size", iec_text(request.size)] if request.size is not None else []
        limits += ["--namespace", request.namespace] if request.namespace else []
        limits += ["--rotate"] if written else []
        remedy = f"first {follow_up('journal', 'vacuum', *limits, '--keep-copy', 'DIR')}"
        yield Finding("restart-deletes", "warning", title, remedy=remedy)
    for name in values:
        beaten = winner(others, name)
        if beaten:
            title = f"this overrides {name}={beaten.value} of {beaten.where}"
            yield Finding("setting-beaten", "info", title)
    for setting in parse_settings(facts.text or "", facts.path):
        if setting.name not in values and setting.name != "MaxFileSec":
            title = f"{setting.name}={setting.value}, set by an earlier retain, is dropped"
            option = "SPAN" if setting.name == "MaxRetentionSec" else f"--size {setting.value}"
            yield Finding("limit-dropped", "warning", title, remedy=f"to keep both limits, name {option} too")
    yield from _storage(facts, request.root, winner(others, "Storage"))
    if not facts.journald:
        yield Finding("not-running", "info", "journald is not running here: the limit applies from its next start")
