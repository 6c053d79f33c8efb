"""`opskit memcached flags`, `explain` and `lint` for a person."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from opskit.core.finding import Finding
from opskit.core.text import shown
from opskit.core.units import size_text
from opskit.memcached.line.effect import end_text
from opskit.ui.errors import draw_findings
from opskit.ui.screen import Column, Screen, draw_table

NO_LIMIT = 2**62
LESS = ("LONG", "VALUE", "UNIT", "SINCE", "CHANGED")


def draw_flags(screen: Screen, result: Mapping[str, Any]) -> None:
    """The options of a release, a line each; on a terminal without the columns that there is no room for."""
    titles = ("OPTION", "LONG", "VALUE", "DEFAULT", "RANGE", "UNIT", "SINCE", "CHANGED", "MEANING", "DOES")
    keys = ("option", "long", "value", "default", "range", "unit", "since", "changed", "meaning", "does")
    rows = [
        [",".join(row[key]) if key == "changed" else str(row[key] or "") for key in keys] for row in result["options"]
    ]
    rows += [
        [row["option"], "", row["value"] or "", "", _bounds(row), "", row["since"] or "", "", row["meaning"], ""]
        for row in result["extended"]
    ]
    kept = [n for n, title in enumerate(titles) if not (sys.stdout.isatty() and title in LESS)]
    draw_table(screen, [Column(titles[n]) for n in kept], [[row[n] for n in kept] for row in rows], less=("RANGE",))


def _bounds(row: Mapping[str, Any]) -> str:
    if row["least"] is None or row["value"] == "float":
        return ""
    return f"{row['least']:.0f} to {row['most']:.0f}" if row["most"] is not None else f"{row['least']:.0f} and up"


def draw_explained(screen: Screen, result: Mapping[str, Any], findings: Sequence[Finding]) -> None:
    """The findings, what comes of the line, and the line word by word."""
    draw_findings(screen, findings)
    draw_effect(screen, result)
    columns = [Column(title) for title in ("WORD", "OPTION", "MEANING", "READ AS", "DOES")]
    keys = ("text", "option", "meaning", "read_as", "does")
    rows = [[row[key] or "" for key in keys] for row in result["words"]]
    draw_table(screen, columns, rows, less=("OPTION", "MEANING"))


def draw_effect(screen: Screen, result: Mapping[str, Any]) -> None:
    """What this release makes of the line, in a line."""
    effect = result["effect"]
    if not effect["starts"]:
        screen.line(f"memcached {result['release']}: {end_text(effect['exit_status'])}: {shown(effect['why'])}")
        return
    where = effect["socket"] or ", ".join(effect["listeners"]) or "nowhere"
    memory = "no limit" if effect["memory_bytes"] > NO_LIMIT else size_text(effect["memory_bytes"])
    clients = f"{effect['clients']['least']:,} to {effect['clients']['most']:,} clients"
    text = f"memcached {result['release']} listens on {shown(where)}; {memory} for items; serves {clients}"
    screen.line(screen.sentence(text, sys.stdout))


def draw_lint(screen: Screen, result: Mapping[str, Any], findings: Sequence[Finding]) -> None:
    """The findings, and the corrected line."""
    if not findings:
        draw_effect(screen, result)
        screen.done("no findings")
        return
    draw_findings(screen, findings)
    if result["corrected"]:
        screen.line(f"corrected: {shown(result['corrected'])}")
