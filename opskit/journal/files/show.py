"""`opskit journal verify` as JSON and on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from opskit.core.finding import Finding
from opskit.core.text import counted
from opskit.journal.files.verify import State, Verdict
from opskit.ui.errors import draw_findings
from opskit.ui.screen import Screen


def verdicts_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The result of `journal verify --json`."""
    by_state = {state: [verdict for verdict in verdicts if verdict.state is state] for state in State}
    listed = (State.IN_USE, State.SEALED, State.SEAL_BROKEN, State.NEWER, State.NEVER_CLOSED)
    return {
        "files": len(verdicts),
        "sound": len(by_state[State.SOUND]),
        **{state.value: [verdict.path for verdict in by_state[state]] for state in listed},
        "damaged": [
            {"path": verdict.path, "why": verdict.damage, "entries": loss.entries, "lost": loss.lost}
            for verdict in by_state[State.DAMAGED]
            for loss in (verdict.loss,)
        ],
    }


_WORDS = {
    State.SOUND: "sound", State.DAMAGED: "damaged", State.NEVER_CLOSED: "never closed", State.SEALED: "sealed",
    State.SEAL_BROKEN: "whose seals do not fit", State.NEWER: "of a newer systemd", State.IN_USE: "being written to",
}  # fmt: skip


def draw_verdicts(screen: Screen, verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> None:
    """A line that counts, then the findings."""
    counts = [(sum(verdict.state is state for verdict in verdicts), word) for state, word in _WORDS.items()]
    words = [f"{count} {word}" for count, word in counts[:2]] + [
        f"{count} {word}" for count, word in counts[2:] if count
    ]
    text = f"{counted(len(verdicts), 'file')}: {', '.join(words)}"
    wrong = any(verdict.state in {State.DAMAGED, State.SEAL_BROKEN} for verdict in verdicts)
    screen.done(screen.styled(text, "red" if wrong else "green", sys.stdout))
    draw_findings(screen, findings)
