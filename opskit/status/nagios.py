"""The answer for Nagios and what speaks its language: one line, and an exit status of 0 to 3 (plugin guidelines)."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.core.text import counted, shown
from opskit.status.conclusion import COUNTED
from opskit.status.model import Conclusion

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
CRITICAL = frozenset({"error", "critical"})


def state(conclusion: Conclusion) -> int:
    """The exit status. What is critical comes before what is not known: it needs somebody now."""
    severities = {each.finding.severity for each in conclusion.findings if each.finding.id != "area-not-looked-at"}
    if severities & CRITICAL:
        return 2
    if any(look.failure for look in conclusion.looks):
        return 3
    return 1 if severities & COUNTED else 0


def lines(conclusion: Conclusion) -> Iterator[str]:
    """The first line with the performance data, then a line for each finding, then what could not be seen.

    `|` would begin performance data anywhere.
    """
    told = [each for each in conclusion.findings if each.finding.severity in COUNTED]
    number = len(told)
    text = counted(number, "finding") if number else "no findings"
    yield f"OPSKIT {STATES[state(conclusion)]} - {text} | findings={number};;;0 {_critical(conclusion)}"
    for each in told:
        yield _plain(f"{each.finding.severity}: {each.finding.title} [{each.finding.id}]")
    for name, what in conclusion.unseen:
        yield _plain(f"not seen: {name}: {what}")


def _critical(conclusion: Conclusion) -> str:
    count = sum(each.finding.severity in CRITICAL for each in conclusion.findings)
    failures = sum(bool(look.failure) for look in conclusion.looks)
    return f"critical={count};;;0 not_looked_at={failures};;;0"


def _plain(text: str) -> str:
    return shown(text).replace("|", "¦")
