"""Decide what `opskit yum unlock` does: exactly what is safe in this state, or why nothing is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.yum.database.plan import rebuild, unusable
from opskit.yum.findings import after_broken, holder_text
from opskit.yum.model import TRANSACTION, Facts, ProcessFacts
from opskit.yum.state import (
    CLEAR,
    CONTINUE,
    FREE,
    INTERRUPT,
    STALE,
    TAKEN,
    UNKNOWN,
    WAIT,
    LockVerdict,
    judge,
    opskit_line,
    signal_line,
)
from opskit.yum.unlock.steps import SIGNALS, Clear, Continue

_NAMES = {INTERRUPT: "INT", CONTINUE: "CONT"}


def decide_unlock(facts: Facts, run: str) -> Decision:
    """The plan that makes the locks free; refused in a transaction, whatever else there is. run: names backups."""
    title = f"free the locks below {facts.root}" if facts.root else "free the locks of the package managers"
    verdicts = judge(facts)
    refused = [*_in_transaction(facts, verdicts), *_odd(verdicts)]
    if refused:
        return Refusal(title, tuple(refused))
    steps = tuple(_steps(facts, verdicts, run))
    waiting = list(_waiting(facts, verdicts))
    databases = [database for database in facts.databases if database.broken]
    # Not beside a holder that ends or goes on: it has the database open.
    if databases and not waiting and all(isinstance(step, Clear) for step in steps):
        waiting = list(unusable(facts, databases))
        if not waiting:
            steps = (*steps, *(step for database in databases for step in rebuild(facts, database, run)))
    if waiting and not steps:
        return Refusal(title, tuple(waiting))
    if not facts.pidfd and any(not isinstance(step, Clear) for step in steps):
        return Refusal(title, tuple(_without_pidfd(verdicts)))
    notes = [*_stale(verdicts), *waiting, *after_broken(facts, verdicts)]
    taken = [verdict for verdict in verdicts if verdict.state != FREE]
    basis = [f"{verdict.path} {verdict.state} {verdict.lock.pid}" for verdict in taken if verdict.state != STALE]
    basis += [f"{database.folder} {database.inode}" for database in databases]
    locks = [{"path": verdict.path, "state": verdict.state, "advice": verdict.advice} for verdict in taken]
    return Plan(title, steps, tuple(basis), notes=tuple(notes), result={"locks": locks})


def _in_transaction(facts: Facts, verdicts: Sequence[LockVerdict]) -> Iterator[Reason]:
    """A transaction that runs is only waited for. One that is stopped may go on."""
    pids = set()
    for verdict in verdicts:
        pid = verdict.holder.pid if verdict.holder else verdict.lock.pid
        if verdict.phase != TRANSACTION or verdict.advice == CONTINUE or verdict.state not in TAKEN or pid in pids:
            continue
        pids.add(pid)
        who = holder_text(verdict.holder) if verdict.holder else f"pid {pid}"
        title = f"{who} is in a transaction: ending it now would leave packages half installed"
        yield Reason("in-transaction", title, opskit_line(facts.root, "wait"), f"{verdict.path}: {verdict.why}")


def _odd(verdicts: Sequence[LockVerdict]) -> Iterator[Reason]:
    for verdict in verdicts:
        path = verdict.path
        if verdict.odd:
            yield Reason("not-a-file", f"{path}: {verdict.why}", verdict.commands[0])
        elif verdict.state == UNKNOWN:
            yield Reason("not-readable", f"{path}: {verdict.why}", verdict.commands[0])


def _steps(facts: Facts, verdicts: Sequence[LockVerdict], run: str) -> Iterator[Step]:
    pids: set[int] = set()
    for verdict in verdicts:
        lock, holder = verdict.lock, verdict.holder
        if verdict.advice == CLEAR:
            backup = f"{lock.place.path}.opskit-{run}"
            yield Clear(facts.root, lock.place.path, lock.device, lock.inode, lock.content, verdict.state, backup)
        elif verdict.advice in SIGNALS and holder and holder.pid not in pids:
            pids.add(holder.pid)
            paths = tuple(v.lock.place.path for v in verdicts if v.holder and v.holder.pid == holder.pid)
            yield SIGNALS[verdict.advice](facts.root, holder.pid, holder.start_ticks, holder.name, paths)
            if verdict.advice == CONTINUE:
                yield from _children(facts, holder, paths)


def _children(facts: Facts, holder: ProcessFacts, paths: tuple[str, ...]) -> Iterator[Step]:
    """Ctrl-Z stops a scriptlet together with who runs it."""
    for child in holder.children:
        if child.state == "T":
            yield Continue(facts.root, child.pid, child.start_ticks, child.name, paths)


def _waiting(facts: Facts, verdicts: Sequence[LockVerdict]) -> Iterator[Reason]:
    pids = set()
    for verdict in verdicts:
        pid = verdict.holder.pid if verdict.holder else verdict.lock.pid
        if verdict.advice == WAIT and pid not in pids:
            pids.add(pid)
            who = f" by {holder_text(verdict.holder)}" if verdict.holder else ""
            title = f"{verdict.path} is held{who}: {verdict.why}"
            yield Reason("only-waiting-is-safe", title, opskit_line(facts.root, "wait"), exit_code=ExitCode.BUSY)


def _without_pidfd(verdicts: Sequence[LockVerdict]) -> Iterator[Reason]:
    """No signal by pid: between the look and the signal the pid can become another process's."""
    for verdict in verdicts:
        if verdict.advice in _NAMES and verdict.holder:
            title = "this kernel or Python cannot signal through a pidfd (Linux 5.3), and a pid alone could be reused"
            line = signal_line(verdict.holder.pid, verdict.holder.start_ticks, _NAMES[verdict.advice])
            yield Reason("no-pidfd", title, line, verdict.why, exit_code=ExitCode.MISSING)


def _stale(verdicts: Sequence[LockVerdict]) -> Iterator[Finding]:
    for verdict in verdicts:
        if verdict.state != FREE and verdict.state not in TAKEN and verdict.advice not in {CLEAR, WAIT}:
            yield Finding("taken-over", "info", f"{verdict.path}: {verdict.why}; nothing to do")
