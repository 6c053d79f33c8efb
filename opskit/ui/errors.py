"""An error as the person at three in the morning needs it: what, why, what to do, what state the host is in."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from opskit.core.errors import OpskitError
from opskit.core.finding import SEVERITIES, Finding
from opskit.core.text import shown
from opskit.ui.screen import Screen

SEVERITY_STYLE = {"info": "cyan", "warning": "yellow", "error": "red", "critical": "red"}


def draw_error(screen: Screen, error: OpskitError) -> None:
    """`opskit: what: why` on stderr, then what to do, then the state."""
    prefix = screen.styled("opskit:", "red", sys.stderr)
    others = error.findings[1:]
    why = screen.told(error.findings[0].id, error.why) if error.findings else error.why
    # What a usage fault is about begins with `opskit`, as the line does, or is no more than that.
    what = "" if error.what == "opskit" else f"{shown(error.what).removeprefix('opskit ')}: "
    text = _block(screen, f"opskit: {what}{why}")
    lines = [prefix + text.removeprefix("opskit:")]
    lines += [screen.sentence(f"  also: {screen.title(finding)}", sys.stderr) for finding in others]
    lines += ["\n    ".join(shown(line) for line in f"  to do: {error.todo}".split("\n"))] if error.todo else []
    remedies = dict.fromkeys(finding.remedy for finding in others)
    lines += [f"  or: {shown(remedy)}" for remedy in remedies if remedy not in {"", error.todo}]
    if error.state:
        lines.append(screen.sentence(f"  state: {shown(error.state)}", sys.stderr))
    print("\n".join(lines), file=sys.stderr)


def _block(screen: Screen, text: str) -> str:
    """A program's words can be several lines: each is shown, the further ones indented."""
    first, *more = (shown(line) for line in text.split("\n"))
    return "\n".join(screen.sentence(line, sys.stderr) for line in (first, *(f"    {line}" for line in more)))


# What a check that could not be made is to Nagios.
NAGIOS_UNKNOWN = 3


def nagios_unknown(error: OpskitError) -> str:
    """An error as the line that Nagios reads. `|` would begin performance data."""
    return "OPSKIT UNKNOWN - " + shown(str(error)).replace("|", "¦")


def by_severity(findings: Sequence[Finding]) -> list[Finding]:
    """The most important first, else in their order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity), reverse=True)


def draw_findings(screen: Screen, findings: Sequence[Finding], area: str = "") -> None:
    """Each finding as a line with its id, then its evidence and its remedy, on stdout: the most important first.

    area: as of Screen.title
    """
    for finding in by_severity(findings):
        screen.line(_headed(screen, finding, f"{screen.title(finding, area)} [{finding.id}]", sys.stdout))
        for number, line in enumerate(finding.evidence.split("\n") if finding.evidence else ()):
            screen.line(screen.sentence(f"{'    ' if number else '  seen: '}{shown(line)}", sys.stdout))
        if finding.remedy:
            screen.line(f"  to do: {shown(finding.remedy)}")


def note_findings(screen: Screen, findings: Sequence[Finding]) -> None:
    """Each finding beside a table, on stderr: the table stays one record a line."""
    for finding in by_severity(findings):
        seen = f": {shown(finding.evidence)}" if finding.evidence else ""
        screen.note(_headed(screen, finding, f"{screen.title(finding)} [{finding.id}]{seen}", sys.stderr))
        if finding.remedy:
            screen.note(f"  to do: {shown(finding.remedy)}")


def _headed(screen: Screen, finding: Finding, text: str, stream: TextIO) -> str:
    """`error: text`, the severity in its colour. A remedy is no sentence: it is a line to paste, and stays one."""
    text = screen.sentence(f"{finding.severity}: {text}", stream)
    severity = screen.styled(finding.severity, SEVERITY_STYLE[finding.severity], stream)
    return severity + text[len(finding.severity) :]
