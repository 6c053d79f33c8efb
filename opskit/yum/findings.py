"""What a person should know about the locks, and what to check after a transaction that broke. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from shlex import quote

from opskit.core.finding import Finding
from opskit.core.units import time_text
from opskit.yum.explain import explain
from opskit.yum.model import TRANSACTION, Facts, Process
from opskit.yum.state import (
    BROKEN,
    CLEAR,
    FREE,
    HELD,
    MALFORMED,
    OUTSIDE,
    PROMPT,
    REUSED,
    STALE,
    STOPPED,
    UNKNOWN,
    ZOMBIE,
    Verdict,
)

_SEVERITY = {
    HELD: "info",
    PROMPT: "warning",
    STOPPED: "error",
    STALE: "warning",
    REUSED: "error",
    ZOMBIE: "error",
    MALFORMED: "error",
    OUTSIDE: "info",
    UNKNOWN: "warning",
}
_IDS = {PROMPT: "waiting-at-a-prompt", UNKNOWN: "not-readable"}


def find(facts: Facts, verdicts: Sequence[Verdict]) -> tuple[Finding, ...]:
    """A finding for each lock that is not free, then what has to do with transactions, then who holds no lock yet."""
    found = [_of_lock(one) for one in verdicts if one.state != FREE]
    found += after_broken(facts, verdicts)
    found += _idle(verdicts)
    found += _without_lock(facts, verdicts)
    return tuple(found)


def _of_lock(one: Verdict) -> Finding:
    severity = _SEVERITY[one.state]
    if one.advice == CLEAR or one.odd:
        severity = "error"
    elif one.state in BROKEN:
        severity = "warning"
    who = f" by {holder_text(one.holder)}" if one.holder else ""
    since = f", since {time_text(_moment(one.since))}" if one.since else ""
    title = f"{one.lock.place.path}: {one.state}{who}{since}"
    remedy = one.commands[0] if one.commands else "nothing to do"
    why = one.why
    if one.lock.place.owner:
        severity, why = "info", f"{why}; a user's own, in nobody else's way"
    return Finding(f"lock-{_IDS.get(one.state, one.state)}", severity, title, why, remedy)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def holder_text(process: Process) -> str:
    """A process for a message: pid, name, user, and who is behind it."""
    if process.hidden:
        return f"pid {process.pid} (hidden from this user)"
    who = explain(process)
    return f"pid {process.pid} ({process.name}, user {process.user}{', ' + who if who else ''})"


def after_broken(facts: Facts, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """What to check where a transaction did not end as it should; nothing where one is under way now.

    The signs: a dead pid in the lock of transactions, what yum left, scriptlets without a parent.
    """
    signs = [
        f"{one.lock.place.path} names a process that is gone"
        for one in verdicts
        if one.state in {STALE, REUSED, ZOMBIE}
        and one.lock.place.phase == TRANSACTION
        and one.lock.content.strip()
        and not one.lock.place.owner
    ]
    signs += [f"{path} is of a yum transaction that did not end" for path in facts.unfinished]
    for orphan in facts.orphans:
        title = f"a scriptlet goes on without the transaction that started it: pid {orphan.pid} ({orphan.name})"
        remedy = f"let it end before the package manager runs again: tail --pid={orphan.pid} -f /dev/null"
        yield Finding("orphaned-scriptlet", "warning", title, orphan.command, remedy)
        signs.append(f"pid {orphan.pid} is a scriptlet without a parent")
    if not signs or any(one.phase == TRANSACTION for one in verdicts):
        return
    evidence = "; ".join(signs)
    root = f" --root {quote(facts.root)}" if facts.root else ""
    below = f" --installroot {quote(facts.root)}" if facts.root else ""
    dnf = next((tool for tool in ("dnf", "dnf5") if tool in facts.tools), "")
    if "rpm" in facts.tools:
        line = f"rpm{root} --verifydb"
        yield Finding("check-rpm-database", "error", "a transaction broke: check the rpm database", evidence, line)
    manager = dnf or "yum"
    if dnf or "yum" in facts.tools:
        yield Finding(
            "check-dependencies",
            "error",
            "a transaction broke: check dependencies",
            evidence,
            f"{manager}{below} check",
        )
        duplicates = f"{dnf}{below} check --duplicates" if dnf else "package-cleanup --dupes"
        yield Finding("check-duplicates", "error", "a transaction broke: look for duplicates", evidence, duplicates)
        unfinished = f"{manager}{below} history list" if dnf else "yum-complete-transaction --cleanup-only"
        title = "a transaction broke: it is not finished in the history (no status, or *)"
        yield Finding("unfinished-transaction", "warning", title, evidence, unfinished)


def _idle(verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """A holder that did nothing at all while it was watched."""
    seen = set()
    for one in verdicts:
        holder = one.holder
        if one.state != HELD or holder is None or holder.pid in seen or not holder.activity:
            continue
        seen.add(holder.pid)
        acts = holder.activity
        if not acts.cpu_seconds and not (acts.read_bytes or acts.written_bytes) and not holder.children:
            where = f"; sleeps in {holder.wchan}" if holder.wchan else ""
            evidence = f"no time on a processor, no bytes read or written in {acts.seconds:g} s{where}"
            title = f"pid {holder.pid} did nothing while it was watched"
            yield Finding("holder-idle", "info", title, evidence, "look again; a slow mirror looks like this, too")


def _without_lock(facts: Facts, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """Who runs: dnf holds no lock at its prompt, and none while it resolves."""
    holders = {one.holder.pid for one in verdicts if one.holder}
    for process in facts.processes:
        if process.manager and process.pid not in holders and process.state not in {"Z", "X"}:
            what = "waits at its prompt" if process.reads_stdin else "is stopped" if process.state == "T" else "runs"
            title = f"{holder_text(process)} {what}, and holds no lock here"
            yield Finding("runs-without-lock", "info", title, process.command)
