"""Decide what `opskit yum unlock` does: exactly what is safe in this state, or why nothing is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.yum.findings import after_broken, holder_text
from opskit.yum.model import TRANSACTION, Facts, Process
from opskit.yum.state import (
    CLEAR,
    CONTINUE,
    FREE,
    INTERRUPT,
    STALE,
    TAKEN,
    UNKNOWN,
    WAIT,
    Verdict,
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
    if waiting and not steps:
        return Refusal(title, tuple(waiting))
    if not facts.pidfd and any(not isinstance(step, Clear) for step in steps):
        return Refusal(title, tuple(_without_pidfd(verdicts)))
    notes = [*_stale(verdicts), *(reason.as_finding() for reason in waiting), *after_broken(facts, verdicts)]
    taken = [one for one in verdicts if one.state != FREE]
    basis = [f"{one.lock.place.path} {one.state} {one.lock.pid}" for one in taken if one.state != STALE]
    locks = [{"path": one.lock.place.path, "state": one.state, "advice": one.advice} for one in taken]
    return Plan(title, steps, tuple(basis), notes=tuple(notes), result={"locks": locks})


def _in_transaction(facts: Facts, verdicts: Sequence[Verdict]) -> Iterator[Reason]:
    """A transaction that runs is only waited for. One that is stopped may go on."""
    seen = set()
    for one in verdicts:
        pid = one.holder.pid if one.holder else one.lock.pid
        if one.phase != TRANSACTION or one.advice == CONTINUE or one.state not in TAKEN or pid in seen:
            continue
        seen.add(pid)
        who = holder_text(one.holder) if one.holder else f"pid {pid}"
        title = f"{who} is in a transaction: to end it now would leave packages half installed"
        yield Reason("in-transaction", title, opskit_line(facts.root, "wait"), f"{one.lock.place.path}: {one.why}")


def _odd(verdicts: Sequence[Verdict]) -> Iterator[Reason]:
    for one in verdicts:
        path = one.lock.place.path
        if one.odd:
            yield Reason("not-a-file", f"{path}: {one.why}", one.commands[0])
        elif one.state == UNKNOWN:
            yield Reason("not-readable", f"{path}: {one.why}", one.commands[0])


def _steps(facts: Facts, verdicts: Sequence[Verdict], run: str) -> Iterator[Step]:
    seen: set[int] = set()
    for one in verdicts:
        lock, holder = one.lock, one.holder
        if one.advice == CLEAR:
            backup = f"{lock.place.path}.opskit-{run}"
            yield Clear(facts.root, lock.place.path, lock.device, lock.inode, lock.content, one.state, backup)
        elif one.advice in SIGNALS and holder and holder.pid not in seen:
            seen.add(holder.pid)
            paths = tuple(v.lock.place.path for v in verdicts if v.holder and v.holder.pid == holder.pid)
            yield SIGNALS[one.advice](facts.root, holder.pid, holder.start_ticks, holder.name, paths)
            if one.advice == CONTINUE:
                yield from _children(facts, holder, paths)


def _children(facts: Facts, holder: Process, paths: tuple[str, ...]) -> Iterator[Step]:
    """Ctrl-Z stops a scriptlet together with who runs it."""
    for child in holder.children:
        if child.state == "T":
            yield Continue(facts.root, child.pid, child.start_ticks, child.name, paths)


def _waiting(facts: Facts, verdicts: Sequence[Verdict]) -> Iterator[Reason]:
    seen = set()
    for one in verdicts:
        pid = one.holder.pid if one.holder else one.lock.pid
        if one.advice == WAIT and pid not in seen:
            seen.add(pid)
            who = f" by {holder_text(one.holder)}" if one.holder else ""
            title = f"{one.lock.place.path} is held{who}: {one.why}"
            yield Reason("only-waiting-is-safe", title, opskit_line(facts.root, "wait"), exit_code=ExitCode.BUSY)


def _without_pidfd(verdicts: Sequence[Verdict]) -> Iterator[Reason]:
    """No signal by pid: between the look and the signal the pid can become another process's."""
    for one in verdicts:
        if one.advice in _NAMES and one.holder:
            title = "this kernel or Python cannot signal through a pidfd (Linux 5.3), and a pid alone can be reused"
            line = signal_line(one.holder.pid, one.holder.start_ticks, _NAMES[one.advice])
            yield Reason("no-pidfd", title, line, one.why, exit_code=ExitCode.MISSING)


def _stale(verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    for one in verdicts:
        if one.state != FREE and one.state not in TAKEN and one.advice not in {CLEAR, WAIT}:
            yield Finding("taken-over", "info", f"{one.lock.place.path}: {one.why}; nothing to do")
