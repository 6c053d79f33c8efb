"""What the looks come to: findings in order, what is ignored, the exit code. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from opskit.core.errors import ExitCode
from opskit.core.finding import SEVERITIES, Finding
from opskit.status.model import AreaFinding, Conclusion, Ignore, Looked

# What only says how things are, is no reason to act.
COUNTED = frozenset({"warning", "error", "critical"})
NOT_LOOKED_AT = "area-not-looked-at"


def conclude(looks: Sequence[Looked], ignores: Sequence[Ignore], today: date) -> Conclusion:
    """What the looks come to. today: the day at which an ignore may have ended."""
    found: list[AreaFinding] = []
    ignored = []
    for finding in _all(looks):
        ignore = next((each for each in ignores if is_ignored(finding.finding, each, today)), None)
        if ignore:
            ignored.append((finding, ignore))
        else:
            found.append(finding)
    found.sort(key=lambda each: -SEVERITIES.index(each.finding.severity))
    codes = {look.area: _code(look.area, looks, found) for look in looks}
    unseen = tuple((look.name, text) for look in looks for text in look.report.unseen)
    return Conclusion(tuple(looks), tuple(found), tuple(ignored), codes, unseen)


def _all(looks: Sequence[Looked]) -> list[AreaFinding]:
    """The findings of all looks, each once: a failed unit is one of memcached and of the journal."""
    findings: dict[tuple[str, str], AreaFinding] = {}
    for look in looks:
        if look.failure:
            title = f"{look.name}: not looked at: {look.failure}"
            finding = Finding(NOT_LOOKED_AT, "error", title, remedy=look.command)
            findings[look.name, ""] = AreaFinding(look.area, finding)
        for finding in look.report.findings:
            findings.setdefault((finding.id, finding.title), AreaFinding(look.area, finding))
    return list(findings.values())


def is_ignored(finding: Finding, ignore: Ignore, today: date) -> bool:
    """Whether a finding is ignored on a day. That an area was not looked at never is."""
    if finding.id != ignore.id or today > ignore.until or finding.id == NOT_LOOKED_AT:
        return False
    return not ignore.target or names(finding.title, ignore.target)


def names(title: str, target: str) -> bool:
    """Whether a title names just this target: /var is not /var/lib, and 127.0.0.1 not 127.0.0.1:11211."""
    return re.search(rf"(?<![\w/.@:-]){re.escape(target)}(?![\w/@-]|[.:]\w)", title) is not None


def _code(area: str, looks: Sequence[Looked], findings: Sequence[AreaFinding]) -> int:
    if any(look.failure for look in looks if look.area == area):
        return ExitCode.FAILED
    counted = any(each.area == area and each.finding.severity in COUNTED for each in findings)
    return ExitCode.FINDINGS if counted else ExitCode.DONE


def exit_code(conclusion: Conclusion) -> int:
    """1 when an area could not be looked at, 4 with findings, else 0."""
    codes = set(conclusion.codes.values())
    return next((code for code in (ExitCode.FAILED, ExitCode.FINDINGS) if code in codes), ExitCode.DONE)
