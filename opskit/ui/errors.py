"""An error as the person at three in the morning needs it: what, why, what to do, what state the host is in."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from opskit.core.errors import OpskitError
from opskit.core.finding import Finding
from opskit.ui.screen import Screen
from opskit.ui.text import shown

SEVERITY_STYLE = {"info": "cyan", "warning": "yellow", "error": "red", "critical": "red"}


def draw_error(screen: Screen, error: OpskitError) -> None:
    """`opskit: what: why` on stderr, then what to do, then the state."""
    prefix = screen.styled("opskit:", "red", sys.stderr)
    lines = [f"{prefix} {shown(error.what)}: {_block(error.why)}"]
    for finding in error.findings[1:]:
        lines.append(f"  also: {shown(finding.title)}")
    if error.todo:
        lines.append(f"  to do: {_block(error.todo)}")
    lines += [f"  or: {shown(finding.remedy)}" for finding in error.findings[1:] if finding.remedy != error.todo and finding.remedy]
    if error.state:
        lines.append(f"  state: {shown(error.state)}")
    print("\n".join(lines), file=sys.stderr)


def _block(text: str) -> str:
    """A program's words can be several lines: each is shown, indented."""
    return "\n    ".join(shown(line) for line in text.split("\n"))


def draw_findings(screen: Screen, findings: Sequence[Finding]) -> None:
    """Each finding as a line with its id, then its evidence and its remedy, on stdout."""
    for finding in findings:
        severity = screen.styled(finding.severity, SEVERITY_STYLE[finding.severity], sys.stdout)
        screen.line(f"{severity}: {shown(finding.title)} [{finding.id}]")
        if finding.evidence:
            screen.line(f"  seen: {shown(finding.evidence)}")
        if finding.remedy:
            screen.line(f"  to do: {shown(finding.remedy)}")
