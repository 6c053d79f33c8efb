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
        "sound": sum(not verdict.damage and not verdict.skipped for verdict in verdicts),
        "in_use": [verdict.path for verdict in verdicts if verdict.skipped],
        "damaged": [{"path": verdict.path, "why": verdict.damage} for verdict in verdicts if verdict.damage],
    }


def draw_verdicts(screen: Screen, verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> None:
    """The damaged ones, then a line that counts."""
    draw_findings(screen, findings)
    in_use = sum(verdict.skipped for verdict in verdicts)
    sound = len(verdicts) - len(findings) - in_use
    screen.done(
        f"{len(verdicts)} files: {sound} sound, {len(findings)} damaged, {in_use} being written to or never closed"
    )
