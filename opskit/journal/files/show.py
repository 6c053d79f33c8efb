"""`opskit journal verify` as JSON and on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.core.finding import Finding
from opskit.journal.files.verify import Verdict
from opskit.ui.errors import draw_findings
from opskit.ui.screen import Screen


def verdicts_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The result of `journal verify --json`."""
    return {
        "files": len(verdicts),
        "sound": sum(not one.problem and not one.skipped for one in verdicts),
        "in_use": [one.path for one in verdicts if one.skipped],
        "damaged": [{"path": one.path, "why": one.problem} for one in verdicts if one.problem],
    }


def draw_verdicts(screen: Screen, verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> None:
    """The damaged ones, then a line that counts."""
    draw_findings(screen, findings)
    in_use = sum(one.skipped for one in verdicts)
    sound = len(verdicts) - len(findings) - in_use
    screen.done(
        f"{len(verdicts)} files: {sound} sound, {len(findings)} damaged, {in_use} being written to or never closed"
    )
