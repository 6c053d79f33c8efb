"""What the entries come to: each OOM kill, core dump, failing disk, failed unit and loss of messages is a finding."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Callable

from opskit.core.finding import Finding
from opskit.core.systemd import FailedUnit
from opskit.journal.errors.groups import GROUPS
from opskit.journal.errors.model import Seen
from opskit.journal.errors.trouble import DISK, DUMP, FAILED, LOST, OOM, Trouble
from opskit.journal.files.verify import verify_line

# What --check takes for an error beside the entries themselves.
CHECKED = {"warning", "error", "critical"}


def find(seen: Seen) -> tuple[Finding, ...]:
    """The findings, what is worst first."""
    troubles = seen.tally.troubles
    found = [of_trouble(one) for kind in (DISK, OOM) for one in troubles.of(kind)]
    found += _units(seen.failed, troubles.of(FAILED))
    found += [of_trouble(one) for kind in (DUMP, LOST) for one in troubles.of(kind)]
    found += _reading(seen)
    return tuple(found)


def of_trouble(one: Trouble) -> Finding:
    """The finding for what the journal tells of one subject."""
    return _KINDS[one.kind](one)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _disk(one: Trouble) -> Finding:
    title = f"disk {one.subject}: {_many(one.count, 'error message')} of the kernel"
    remedy = "copy its data away first; then opskit disk list, smartctl -a, or ask the provider of the disk"
    return Finding(DISK, "critical", title, one.example, remedy)


def _oom(one: Trouble) -> Finding:
    title = f"{one.subject} was killed {_times(one.count)}: out of memory"
    remedy = "more memory, a lower limit in its own settings, or MemoryMax= where a control group was full"
    return Finding(OOM, "error", title, one.example, remedy)


def _dump(one: Trouble) -> Finding:
    title = f"{one.subject} dumped core {_times(one.count)}" + (f" ({one.unit})" if one.unit else "")
    return Finding(DUMP, "error", title, one.example, f"coredumpctl info {one.detail}")


def _units(failed: Sequence[FailedUnit], logged: Sequence[Trouble]) -> Iterator[Finding]:
    """Those that are failed now, then those that failed and came back, or of a host whose systemd cannot be asked."""
    by_name = {one.subject: one for one in logged}
    for unit in failed:
        past = by_name.pop(unit.name, None)
        often = f"; it failed {_times(past.count)} in this time" if past else ""
        title = f"{unit.name} is failed{f' ({unit.result})' if unit.result else ''}{often}"
        evidence = f"{unit.description}{f', since {unit.since}' if unit.since else ''}"
        yield Finding(FAILED, "error", title, evidence, f"systemctl status {shlex.quote(unit.name)}")
    yield from map(_failed_before, by_name.values())


def _failed_before(one: Trouble) -> Finding:
    title = f"{one.subject} failed {_times(one.count)}{f' ({one.detail})' if one.detail else ''}"
    remedy = f"the same with --unit {shlex.quote(one.subject)}"
    return Finding(FAILED, "warning", title, one.example, remedy)


def _lost(one: Trouble) -> Finding:
    """Messages that nobody will find: what is counted here was more."""
    if one.unit == "kernel":
        what = _many(one.amount, "message") if one.amount else "messages"
        title = f"the kernel suppressed {what} of {one.subject}, in {_many(one.count, 'notice')}"
        remedy = "sysctl kernel.printk_ratelimit, kernel.printk_ratelimit_burst; or find who calls it so often"
        if one.subject == "audit":
            remedy = "auditctl -s; a larger backlog: auditctl -b"
    elif one.subject.startswith("im"):
        title = (
            f"rsyslog dropped messages{f' ({one.amount} that it counted)' if one.amount else ''}, input {one.subject}"
        )
        remedy = "its module's RateLimit.Interval and RateLimit.Burst (imjournal: ratelimit.*) in /etc/rsyslog.conf"
    else:
        title = f"journald dropped {_many(one.amount, 'message')} of {one.subject}, in {_many(one.count, 'notice')}"
        remedy = "RateLimitBurst= in journald.conf, or (from 240) LogRateLimitBurst= in the unit, lets more in"
    return Finding(LOST, "warning", title, one.example, remedy)


_KINDS: dict[str, Callable[[Trouble], Finding]] = {
    DISK: _disk, OOM: _oom, FAILED: _failed_before, DUMP: _dump, LOST: _lost
}  # fmt: skip


def _reading(seen: Seen) -> Iterator[Finding]:
    """What keeps the answer from being whole."""
    damaged = [file for directory in seen.directories for file in directory.files if file.damage]
    if damaged or seen.said.strip():
        title = f"not all could be read: {_many(len(damaged), 'damaged file')}" if damaged else "not all could be read"
        evidence = seen.said.strip() or f"{damaged[0].name}: {damaged[0].damage}"
        where = next((one for one in seen.directories if damaged and damaged[0] in one.files), None)
        yield Finding("journal-damaged", "warning", title, evidence, verify_line(where.path if where else ""))
    without = seen.unjudged.entries - seen.unjudged.audit
    if without and not seen.tally.everything:
        title = f"entries without a PRIORITY in the files read, which no -p but debug finds: {without}"
        yield Finding("no-priority", "info", title, remedy="the same with -p debug")
    if seen.tally.overflowed:
        title = f"more than {GROUPS} groups: further messages were counted together, for each unit"
        yield Finding("too-many-groups", "info", title, remedy="--unit, or a shorter --since")
    if seen.trouble:
        yield Finding("units-not-seen", "warning", "which units are failed now is not known", seen.trouble)
