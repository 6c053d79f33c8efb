"""`opskit status` as one screen, and `opskit check` as text and JSON."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Callable, NoReturn, Optional

from opskit.core.finding import SEVERITIES, follow_up
from opskit.core.text import shown
from opskit.status.conclusion import COUNTED
from opskit.status.model import AreaFinding, Conclusion, Looked
from opskit.ui.errors import SEVERITY_STYLE, draw_findings
from opskit.ui.screen import Screen, fitted, folded

if TYPE_CHECKING:
    from opskit.status.results import HostAnswer

# The headings have a column of their own.
HEADING = 13
# The row under the screen is the shell's.
PROMPT = 1
# What the further lines of a finding begin with.
FURTHER = "    "
# What stands before a line that the last look had not.
CHANGED = "* "


def conclusion_json(conclusion: Conclusion) -> HostAnswer:
    """The result for --json; the findings are the envelope's."""
    return {
        "areas": [{"area": area, "exit_code": code} for area, code in conclusion.codes.items()],
        "looks": [
            {
                "area": look.area,
                "name": look.name,
                "failure": look.failure or None,
                "lines": list(look.report.lines),
                "finding_ids": [finding.id for finding in look.report.findings],
                "measures": list(look.report.measures),
                "unseen": list(look.report.unseen),
            }
            for look in conclusion.looks
        ],
        "ignored": [
            {
                "area": each.area,
                "id": each.finding.id,
                "title": each.finding.title,
                "reason": ignore.reason,
                "until": ignore.until.isoformat(),
            }
            for each, ignore in conclusion.ignored
        ],
    }


def draw_check(screen: Screen, conclusion: Conclusion) -> None:
    """The findings; beside them what is ignored, and what could not be seen."""
    for each in conclusion.findings:
        draw_findings(screen, [each.finding], each.area)
    if not conclusion.findings:
        screen.done(f"in order: {', '.join(conclusion.codes)}")
    for each, ignore in conclusion.ignored:
        title = f"{screen.title(each.finding, each.area)} [{each.finding.id}]"
        screen.note(f"ignored until {ignore.until}: {title}: {shown(ignore.reason)}")
    for name, what in conclusion.unseen:
        screen.note(f"not seen: {name}: {shown(what)}")


def draw_status(screen: Screen, conclusion: Conclusion, host: str) -> None:
    """The host on one screen of a terminal; elsewhere all that is known, one record a line."""
    if sys.stdout.isatty():
        size = shutil.get_terminal_size()
        lines = status_lines(screen, conclusion, host, rows=size.lines - PROMPT, columns=size.columns)
    else:
        lines = status_lines(screen, conclusion, host, rows=0, columns=0)
    for line in lines:
        screen.line(line)


def watch(screen: Screen, conclude: Callable[[], Conclusion], host: str, interval: float) -> NoReturn:
    """The same again and again, until it is interrupted. interval: seconds between two looks."""
    from opskit.ui.live import live_lines  # noqa: PLC0415 - rich

    before: Optional[list[str]] = None
    with live_lines(screen) as draw:
        while True:
            conclusion = conclude()
            size = shutil.get_terminal_size()
            columns = max(1, size.columns - len(CHANGED))  # 0 is no limit
            lines = status_lines(screen, conclusion, host, rows=size.lines - PROMPT, columns=columns)
            draw(marked(lines, lines if before is None else before))
            before = lines
            time.sleep(interval)


def marked(lines: Sequence[str], before: Sequence[str]) -> list[str]:
    """The lines, with a mark before each that was not there before."""
    return [(" " * len(CHANGED) if line in before else CHANGED) + line for line in lines]


def status_lines(screen: Screen, conclusion: Conclusion, host: str, *, rows: int, columns: int) -> list[str]:
    """The lines of the screen: the verdict, what each look came to, the findings with what mends them.

    rows, columns: how large the screen is; 0 for as much as there is
    """
    looks, findings = conclusion.looks, conclusion.findings
    head = _verdict(screen, conclusion, host)
    unseen = [fitted(f"not seen: {name}: {shown(what)}", columns) for name, what in conclusion.unseen]
    unseen = unseen[:1] if rows else unseen
    # Findings have room first, with what mends each, up to a third of the screen and at least some.
    wanted = min(2 * len(findings), max(6, rows // 3))
    most = rows or sys.maxsize
    while True:
        sections = [line for look in looks for line in _section(screen, look, most, columns)]
        room = (rows - 1 - len(sections) - len(unseen)) if rows else sys.maxsize
        if most == 1 or room >= wanted:
            return [head, *sections, *_findings(screen, findings, room, columns), *unseen]
        most -= 1


def _verdict(screen: Screen, conclusion: Conclusion, host: str) -> str:
    counts = Counter(each.finding.severity for each in conclusion.findings)
    texts = [_count(counts[severity], severity) for severity in reversed(SEVERITIES) if counts[severity]]
    worst = next((severity for severity in reversed(SEVERITIES) if counts[severity]), "")
    if worst in COUNTED:
        return screen.styled(f"{shown(host)}: {', '.join(texts)}", SEVERITY_STYLE[worst], sys.stdout)
    beside = f" ({', '.join(texts)})" if texts else ""
    return screen.styled(f"{shown(host)}: in order{beside}", "green", sys.stdout)


def _count(count: int, severity: str) -> str:
    """`1 error`, `2 errors`; `2 critical`, `1 info`."""
    return f"{count} {severity}{'s' if count > 1 and severity in {'warning', 'error'} else ''}"


def _section(screen: Screen, look: Looked, most: int, columns: int) -> Iterator[str]:
    """The lines of a look, the first with its name, which has the colour of the worst finding."""
    lines = [*([f"not looked at: {look.failure}"] if look.failure else []), *look.report.lines]
    if len(lines) > most:
        more = len(lines) - most + (most > 1)
        rest = f"and {more} more: {look.command}"
        lines = [*lines[: most - 1], rest] if most > 1 else [f"{lines[0]}  ({rest})"]
    for number, line in enumerate(lines):  # none, where there is nothing to tell
        heading = look.name if number == 0 or not columns else ""
        text = fitted(f"{heading:<{HEADING}}{shown(line)}", columns)
        yield screen.styled(heading, _style(look), sys.stdout) + text[len(heading) :] if heading else text


def _style(look: Looked) -> str:
    """The colour of what a look came to."""
    severities = {finding.severity for finding in look.report.findings}
    worst = "error" if look.failure else next((each for each in reversed(SEVERITIES) if each in severities), "")
    return SEVERITY_STYLE[worst] if worst in COUNTED else "green"


def _findings(screen: Screen, findings: Sequence[AreaFinding], room: int, columns: int) -> Iterator[str]:
    """What is wrong and what mends it, of as many as there is room for, and how many more there are."""
    for number, each in enumerate(findings):
        lines = list(_finding(screen, each, columns))
        rest = number + 1 < len(findings)
        if len(lines) + rest > room:
            if room > 0:
                yield f"and {len(findings) - number} more: {follow_up('check')}"
            return
        yield from lines
        room -= len(lines)


def _finding(screen: Screen, each: AreaFinding, columns: int) -> Iterator[str]:
    """The lines of a finding: nothing of it is left out, for an id or a command that is cut is of no use."""
    finding = each.finding
    title = screen.title(finding, each.area)
    first, *more = folded(f"{finding.severity}: {title} [{finding.id}]", columns, FURTHER)
    yield screen.styled(finding.severity, SEVERITY_STYLE[finding.severity], sys.stdout) + first[len(finding.severity) :]
    yield from more
    seen = finding.evidence and not finding.remedy
    beside = f"seen: {finding.evidence}" if seen else f"to do: {finding.remedy or follow_up('findings', finding.id)}"
    yield from folded(f"  {shown(beside)}", columns, FURTHER)
