"""What the entries come to: each OOM kill, core dump, failing disk, failed unit and loss of messages is a finding."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Callable, Optional

from opskit.core.finding import Finding, follow_up
from opskit.core.text import counted, times
from opskit.journal.errors.failures import cause_text, place_of, remedy_of
from opskit.journal.errors.groups import GROUPS
from opskit.journal.errors.incidents import DUMP, FAILED, Incident
from opskit.journal.errors.kernel import DISK, LOST, OOM
from opskit.journal.errors.kernel import KINDS as KERNEL_KINDS
from opskit.journal.errors.model import ErrorFacts, UnitFailure
from opskit.journal.files.model import DENIED, JournalDirectory, Loss, files_by_path
from opskit.journal.files.verify import loss_text, other_namespaces, verify_line
from opskit.journal.thresholds import BY_FINDING, DEFAULTS

# What --check takes for an error beside the entries themselves.
CHECKED = {"warning", "error", "critical"}
_READERS = "the same with sudo; who is to read it always: usermod -aG systemd-journal USER, and log in anew"
# So many units are named in one line to paste.
_UNITS_NAMED = 20


def findings_of(facts: ErrorFacts, thresholds: Mapping[str, int] = DEFAULTS) -> tuple[Finding, ...]:
    """The findings, what is worst first. thresholds: of journal.thresholds, all."""

    def of(kind: str) -> list[Incident]:
        least = thresholds[BY_FINDING[kind]] if kind in BY_FINDING else 1
        return [incident for incident in facts.tally.incidents.of(kind) if incident.count >= least]

    findings = [finding_of_incident(incident) for incident in of(DISK)]
    findings += [_oom(incident, facts.oom_units.get(incident.subject, "")) for incident in of(OOM)]
    findings += [finding_of_incident(incident) for kind in KERNEL_KINDS for incident in of(kind)]
    findings += _units(facts, of(FAILED))
    findings += [finding_of_incident(incident) for kind in (DUMP, LOST) for incident in of(kind)]
    findings += _reading(facts)
    return tuple(findings)


def finding_of_incident(incident: Incident) -> Finding:
    """The finding for what the journal tells of one subject."""
    return _KINDS.get(incident.kind, _kernel)(incident)


def _disk(incident: Incident) -> Finding:
    title = f"disk {incident.subject or 'of an array'}: {counted(incident.count, 'kernel error message')}"
    remedy = f"copy its data away first; then {follow_up('disk', 'list')}, smartctl -a, or ask the provider of the disk"
    return Finding(DISK, "critical", title, incident.example, remedy)


def _kernel(incident: Incident) -> Finding:
    """What kernel.py has words for."""
    kind = KERNEL_KINDS[incident.kind]
    title = f"{kind.title.format(subject=incident.subject)}: {counted(incident.count, 'message')}"
    return Finding(incident.kind, kind.severity, title, incident.example, kind.remedy)


def _oom(incident: Incident, unit: str = "") -> Finding:
    """unit: that of the last process that was killed, "" for not known."""
    title = f"{incident.subject} was killed {times(incident.count)}: out of memory{f' ({unit})' if unit else ''}"
    remedy = "more memory, a lower limit in its own settings, or MemoryMax= where a control group was full"
    return Finding(OOM, "error", title, incident.example, remedy)


def _dump(incident: Incident) -> Finding:
    title = f"{incident.subject} dumped core {times(incident.count)}" + (f" ({incident.unit})" if incident.unit else "")
    return Finding(DUMP, "error", title, incident.example, f"coredumpctl info {incident.detail}")


def _units(facts: ErrorFacts, logged: Sequence[Incident]) -> Iterator[Finding]:
    """Those that are failed now, then those that failed and came back, or of a host whose systemd cannot be asked."""
    by_name = {incident.subject: incident for incident in logged}
    failures = {failure.unit: failure for failure in facts.failures}
    for unit in facts.failed_units:
        past = by_name.pop(unit.name, None)
        failure = failures.get(unit.name) or UnitFailure(unit.name, unit.result)
        often = f"; it failed {times(past.count)} in this time" if past else ""
        title = f"{unit.name} is failed{_why(failure, 'is not mounted')}{often}"
        evidence = f"{unit.description}{f', since {unit.since}' if unit.since else ''}"
        yield _unit_failed("error", title, evidence, failure)
    for incident in by_name.values():
        yield _failed_before(incident, failures.get(incident.subject))
    if left := [failure.unit for failure in facts.failures if failure.left_out]:
        title = f"{len(left)} of {len(facts.failures)} units that failed: the last lines were not looked up"
        remedy = " ".join(["add", *(f"--unit {shlex.quote(unit)}" for unit in left[:_UNITS_NAMED])])
        yield Finding("causes-left-out", "info", title, ", ".join(left), remedy)


def _failed_before(incident: Incident, failure: Optional[UnitFailure] = None) -> Finding:
    failure = failure or UnitFailure(incident.subject, incident.detail)
    title = f"{incident.subject} failed {times(incident.count)}{_why(failure, 'was not mounted')}"
    return _unit_failed("warning", title, "" if failure.lines else incident.example, failure)


def _why(failure: UnitFailure, not_mounted: str) -> str:
    """What follows the name of a unit that failed: its result, the path that it stands for, and the cause."""
    path = place_of(failure.unit)
    where = f", {path}{f' {not_mounted}' if failure.unit.endswith('.mount') else ''}" if path else ""
    cause = cause_text(failure)
    named = f" ({failure.result})" if failure.result else ""
    return f"{named}{where}{f': {cause}' if cause and cause != failure.result else ''}"


def _unit_failed(severity: str, title: str, evidence: str, failure: UnitFailure) -> Finding:
    lines = [evidence] if evidence else []
    return Finding(
        FAILED, severity, title, "\n".join([*lines, *failure.lines]), remedy_of(failure, shlex.quote(failure.unit))
    )


def _lost(incident: Incident) -> Finding:
    """Messages that nobody will find: what is counted here was more."""
    subject, notices = incident.subject, counted(incident.count, "notice")
    if incident.unit == "kernel":
        what = counted(incident.amount, "message") if incident.amount else "messages"
        title = f"the kernel suppressed {what} of {subject}, in {notices}"
        remedy = "sysctl kernel.printk_ratelimit, kernel.printk_ratelimit_burst; or find who calls it so often"
        if subject == "audit":
            remedy = "auditctl -s; a larger backlog: auditctl -b"
    elif subject.startswith("im"):
        amount = f" ({incident.amount:,} that it counted)" if incident.amount else ""
        title = f"rsyslog dropped messages{amount}, input {subject}"
        remedy = "its module's RateLimit.Interval and RateLimit.Burst (imjournal: ratelimit.*) in /etc/rsyslog.conf"
    else:
        title = f"journald dropped {counted(incident.amount, 'message')} of {subject}, in {notices}"
        remedy = "RateLimitBurst= in journald.conf, or (from 240) LogRateLimitBurst= in the unit, lets more in"
    return Finding(LOST, "warning", title, incident.example, remedy)


_KINDS: dict[str, Callable[[Incident], Finding]] = {
    DISK: _disk, OOM: _oom, FAILED: _failed_before, DUMP: _dump, LOST: _lost
}  # fmt: skip


def _reading(facts: ErrorFacts) -> Iterator[Finding]:
    """What keeps the answer from being whole."""
    left = "these are not the messages"
    yield from other_namespaces(facts.namespaces, facts.scope, left, "add --namespace '*', or the name of one")
    yield from not_seen(facts.directories)
    yield from map(_loss, facts.losses)
    known = {loss.path for loss in facts.losses}
    files = files_by_path(facts.directories)
    damaged = [(path, file) for path, file in files.items() if file.damage and file.open_error != DENIED]
    for path, file in damaged:
        if path not in known:
            title = f"{path}: none of its entries can be read"
            yield Finding("journal-damaged", "warning", title, file.damage, verify_line(os.path.dirname(path)))
    if facts.journalctl_stderr.strip() and not (damaged or known):
        yield Finding(
            "journal-damaged", "warning", "not all could be read", facts.journalctl_stderr.strip(), verify_line()
        )
    without = facts.without_priority.entries - facts.without_priority.audit
    if without and not facts.tally.everything:
        title = f"{counted(without, 'entry', 'entries')} without a PRIORITY: only -p debug shows them"
        yield Finding("no-priority", "info", title, remedy="add -p debug")
    if facts.tally.overflowed:
        title = f"more than {GROUPS} groups: other messages are counted together, by unit"
        yield Finding("too-many-groups", "info", title, remedy="--unit, or a shorter --since")
    if facts.systemctl_error:
        yield Finding("units-not-seen", "warning", "it is not known which units are failed now", facts.systemctl_error)


def not_seen(directories: Sequence[JournalDirectory]) -> Iterator[Finding]:
    """What this user may not read, beside the files that he may, and directories that cannot be read."""
    for directory in directories:
        if directory.read_error:
            title = f"{directory.path} cannot be read: {directory.read_error}"
            remedy = _READERS if directory.read_error == DENIED else ""
            yield Finding("unreadable-directory", "warning", title, remedy=remedy)
        denied = [file.name for file in directory.files if file.open_error == DENIED]
        if denied:
            of = f"{len(denied)} of {counted(len(directory.files), 'file')}"
            title = f"this user may not read {of} in {directory.path}: their entries are missing here"
            yield Finding("not-seen", "warning", title, f"{DENIED}: {', '.join(denied)}", _READERS)


def _loss(loss: Loss) -> Finding:
    """What of a damaged file journalctl would have passed over, and what nobody can read."""
    if loss.clock_back:
        title = f"{loss.path}: the clock went back; entries that journalctl passes over by --since or --until are shown"
        return Finding("clock-went-back", "info", title)
    title = f"{loss.path}: {loss_text(loss)}"
    if not (loss.lost or loss.partial):
        title = f"{loss.path} is damaged; all of its entries could be read"
    evidence = loss.why or "journalctl stops before its end"
    return Finding("journal-damaged", "warning", title, evidence, verify_line(os.path.dirname(loss.path)))
