"""What a person should know about the locks, and what to check after a transaction that broke. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from shlex import quote

from opskit.core.finding import Finding, FindingKind
from opskit.core.units import local_epoch, local_text
from opskit.yum.explain import explain, service_of
from opskit.yum.model import TRANSACTION, Facts, ProcessFacts, RpmDatabase
from opskit.yum.state import (
    BROKEN,
    CLEAR,
    FREE,
    HELD,
    INTERRUPT,
    MALFORMED,
    OUTSIDE,
    PROMPT,
    REUSED,
    STALE,
    STOPPED,
    UNKNOWN,
    ZOMBIE,
    LockVerdict,
    opskit_line,
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

FINDINGS = (
    FindingKind("check-dependencies", ("error",), "packages lack what they depend on"),
    FindingKind("check-duplicates", ("error",), "a package is installed in several versions"),
    FindingKind("check-rpm-database", ("error",), "the rpm database may be damaged"),
    FindingKind("holder-is-a-service", ("info",), "a service holds the lock, and can be started again by itself"),
    FindingKind("holder-idle", ("info",), "the process that holds the lock has been idle"),
    FindingKind(
        "in-transaction",
        ("critical",),
        "the holder is in a transaction: ending it now would leave packages half installed",
    ),
    FindingKind("lock-held", ("info", "warning", "error"), "a process holds the lock and works"),
    FindingKind("lock-malformed", ("info", "warning", "error"), "the lock does not name a process"),
    FindingKind("lock-not-readable", ("info", "warning", "error"), "the lock could not be looked at"),
    FindingKind("lock-outside", ("info", "warning", "error"), "a process outside this pid namespace holds the lock"),
    FindingKind("lock-reused", ("info", "warning", "error"), "the pid in the lock is that of another process by now"),
    FindingKind("lock-stale", ("info", "warning", "error"), "the process that took the lock has ended"),
    FindingKind("lock-stopped", ("info", "warning", "error"), "a stopped process holds the lock"),
    FindingKind(
        "lock-waiting-at-a-prompt",
        ("info", "warning", "error"),
        "a process holds the lock and waits for an answer",
    ),
    FindingKind(
        "lock-zombie",
        ("info", "warning", "error"),
        "the process that holds the lock has ended, and its parent has not noticed",
    ),
    FindingKind(
        "no-pidfd",
        ("error",),
        "kernel or Python cannot signal through a pidfd, and a pid alone could be reused",
    ),
    FindingKind("no-systemd", ("error",), "systemd does not run"),
    FindingKind("not-a-file", ("critical",), "the lock is something else than a file"),
    FindingKind("not-held", ("warning",), "a timer or service is not held"),
    FindingKind("not-readable", ("warning", "critical"), "a file or process could not be looked at"),
    FindingKind("only-waiting-is-safe", ("error",), "nothing but waiting is safe"),
    FindingKind("orphaned-scriptlet", ("warning",), "a scriptlet of a package still runs, without its package manager"),
    FindingKind(
        "rpm-database-recovery",
        ("error",),
        "a killed process left the Berkeley DB of rpm in a state in which rpm does not open it (DB_RUNRECOVERY)",
    ),
    FindingKind("rpm-database-no-room", ("critical",), "there is no room to copy and rebuild the database of rpm"),
    FindingKind("rpm-database-open", ("error",), "a process has the database of rpm open"),
    FindingKind("runs-without-lock", ("info",), "a package manager runs without the lock"),
    FindingKind("systemd-silent", ("warning", "critical"), "systemd did not answer"),
    FindingKind("taken-over", ("info",), "a lock that needs nothing to be done"),
    FindingKind("unfinished-transaction", ("warning",), "a transaction did not finish"),
)


def find(facts: Facts, verdicts: Sequence[LockVerdict]) -> tuple[Finding, ...]:
    """A finding for each lock that is not free, then those on broken transactions, then the managers without a lock."""
    findings = [_of_lock(verdict) for verdict in verdicts if verdict.state != FREE]
    findings += unusable_databases(facts.databases, facts.root)
    findings += after_broken(facts, verdicts)
    findings += _services(verdicts)
    findings += _idle(verdicts)
    findings += _without_lock(facts, verdicts)
    return tuple(findings)


def _of_lock(verdict: LockVerdict) -> Finding:
    severity = _SEVERITY[verdict.state]
    if verdict.advice == CLEAR or verdict.odd:
        severity = "error"
    elif verdict.state in BROKEN:
        severity = "warning"
    who = f" by {holder_text(verdict.holder)}" if verdict.holder else ""
    since = f", since {local_epoch(verdict.since)}" if verdict.since else ""
    title = f"{verdict.path}: {verdict.state}{who}{since}"
    remedy = verdict.commands[0] if verdict.commands else "nothing to do"
    why = verdict.why
    if verdict.lock.place.owner:
        severity, why = "info", f"{why}; it is in a user's own folder, and blocks nobody else"
    return Finding(finding_id(verdict), severity, title, why, remedy)


def finding_id(verdict: LockVerdict) -> str:
    """The id of the finding on a lock in this state."""
    return f"lock-{_IDS.get(verdict.state, verdict.state)}"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def holder_text(process: ProcessFacts) -> str:
    """A process for a message: pid, name, user, and who is behind it."""
    if process.hidden:
        return f"pid {process.pid} (hidden from this user)"
    who = explain(process)
    return f"pid {process.pid} ({process.name}, user {process.user}{', ' + who if who else ''})"


def after_broken(facts: Facts, verdicts: Sequence[LockVerdict]) -> Iterator[Finding]:
    """What to check after a transaction that did not end as it should; nothing while one is under way.

    The signs: a dead pid in the lock of transactions, the files that yum leaves, a history of dnf without the end
    of its newest transaction, scriptlets without a parent.
    """
    signs = list(_signs(facts, verdicts))
    for orphan in facts.orphans:
        title = f"a scriptlet was cut off from the rpm that started it, and runs on: pid {orphan.pid} ({orphan.name})"
        remedy = opskit_line(facts.root, "wait")
        yield Finding("orphaned-scriptlet", "warning", title, orphan.command, remedy)
        signs.append(f"pid {orphan.pid} is a scriptlet whose rpm has ended")
    if not signs or any(verdict.phase == TRANSACTION for verdict in verdicts):
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
        title = "a transaction broke: the history shows it as unfinished (no status, or *)"
        yield Finding("unfinished-transaction", "warning", title, evidence, unfinished)


def _signs(facts: Facts, verdicts: Sequence[LockVerdict]) -> Iterator[str]:
    """What tells of a broken transaction in the files that package managers leave."""
    for verdict in verdicts:
        place = verdict.lock.place
        dead = verdict.state in {STALE, REUSED, ZOMBIE} and verdict.lock.content.strip()
        if dead and place.phase == TRANSACTION and not place.owner:
            yield f"{verdict.path} names a process that is gone"
    for path in facts.unfinished:
        yield f"{path} belongs to a yum transaction that did not end"
    for unended in facts.unended:
        began = local_text(_moment(unended.began))
        yield f"transaction {unended.number} in {unended.history}, of {began}, did not end"


def unusable_databases(databases: Sequence[RpmDatabase], root: str) -> Iterator[Finding]:
    """A finding for each database that rpm does not open; root: the installroot, "" for the host."""
    for database in databases:
        if database.broken:
            pids = ", ".join(map(str, database.killed))
            why = f"pid {pids} was killed at work on it" if pids else "Berkeley DB has noted a fatal error in it"
            title = f"{database.folder}: rpm does not open its database (DB_RUNRECOVERY): {why}"
            evidence = f"noted in {database.folder}/__db.001"
            yield Finding("rpm-database-recovery", "error", title, evidence, opskit_line(root, "unlock"))


def _services(verdicts: Sequence[LockVerdict]) -> Iterator[Finding]:
    """Who interrupts a service, or stops it, sees it again when its timer elapses."""
    holders = {
        verdict.holder.pid: verdict.holder for verdict in verdicts if verdict.advice == INTERRUPT and verdict.holder
    }
    for holder in holders.values():
        service = service_of(holder)
        if service:
            behind = explain(holder)
            timers = holder.timers or ((behind,) if behind.endswith(".timer") else ())
            if timers:
                verb = "starts" if len(timers) == 1 else "start"
                title = f"pid {holder.pid} belongs to {service}, and {' and '.join(timers)} {verb} it again"
                remedy = f"systemctl stop {' '.join(map(quote, timers))}"
            else:
                title = f"pid {holder.pid} belongs to {service}: a timer or Restart= can start it again"
                remedy = "opskit yum why"
            yield Finding("holder-is-a-service", "info", title, holder.cgroup, remedy)


def _idle(verdicts: Sequence[LockVerdict]) -> Iterator[Finding]:
    """A holder that did nothing at all while it was watched."""
    pids = set()
    for verdict in verdicts:
        holder = verdict.holder
        if verdict.state != HELD or holder is None or holder.pid in pids or not holder.activity:
            continue
        pids.add(holder.pid)
        acts = holder.activity
        if not acts.cpu_seconds and not (acts.read_bytes or acts.written_bytes) and not holder.children:
            where = f"; it sleeps in {holder.wchan}" if holder.wchan else ""
            evidence = f"no CPU time, no bytes read or written in {acts.seconds:g} s{where}"
            title = f"pid {holder.pid} did nothing while it was watched"
            # A transaction has downloaded all by then.
            same = "a scriptlet that waits for something" if verdict.phase == TRANSACTION else "a slow mirror"
            yield Finding("holder-idle", "info", title, evidence, f"look again: {same} looks the same")


def _without_lock(facts: Facts, verdicts: Sequence[LockVerdict]) -> Iterator[Finding]:
    """The package managers that run without a lock: dnf has none at its prompt, and none while it resolves."""
    holders = {verdict.holder.pid for verdict in verdicts if verdict.holder}
    for process in facts.processes:
        if process.manager and process.pid not in holders and process.state not in {"Z", "X"}:
            what = "waits at its prompt" if process.reads_stdin else "is stopped" if process.state == "T" else "runs"
            title = f"{holder_text(process)} {what}, and holds none of these locks"
            yield Finding("runs-without-lock", "info", title, process.command)
