"""`opskit findings`: what the id of a finding means, from the registry that each area has."""

from __future__ import annotations

import difflib
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from opskit import areas
from opskit.commands import new_app
from opskit.core.errors import UsageFault
from opskit.core.finding import SEVERITIES, FindingKind
from opskit.options import reads
from opskit.session import Session
from opskit.ui.errors import SEVERITY_STYLE
from opskit.ui.screen import GAP, Column, Screen, draw_table, width_of

if TYPE_CHECKING:
    from opskit.findings.results import KindRow

app = new_app("", single=True)


@reads(app, "findings", example="opskit findings nearly-full")
def findings(
    session: Session,
    name: Annotated[Optional[str], typer.Argument(metavar="[ID]", help="Only this one.")] = None,
) -> None:
    """List the findings: id, area, severity, and what each means.

    Each finding of a command has such an id. Several areas can have the same one, each with its own meaning.
    """
    kinds = areas.load_findings()
    chosen = [(area, kind) for area, kind in kinds if name in {None, kind.id}]
    if not chosen:
        near = difflib.get_close_matches(str(name), [kind.id for _, kind in kinds], 1, 0.5)
        todo = f"did you mean {near[0]!r}?" if near else "opskit findings lists them"
        raise UsageFault(f"opskit findings {name}", "no finding has this id", todo=todo)
    session.screen.answer({"findings": [_as_json(*each) for each in chosen]}, lambda: _draw(session, chosen))


def _as_json(area: str, kind: FindingKind) -> KindRow:
    return {"id": kind.id, "area": area, "severities": list(kind.severities), "meaning": kind.meaning}


def _style(severities: str) -> str:
    """The colour of the worst of them."""
    return SEVERITY_STYLE[max(severities.split(", "), key=SEVERITIES.index)]


def _draw(session: Session, chosen: Sequence[tuple[str, FindingKind]]) -> None:
    titles = ["AREA", "ID", "SEVERITY", "MEANING"]
    rows = [[area, kind.id, ", ".join(kind.severities), kind.meaning] for area, kind in chosen]
    if session.screen.chinese:
        titles.append("TO DO")
        texts = areas.load_chinese()
        rows = [[*row[:3], *texts[row[0]][row[1]]] for row in rows]
    columns = [Column(title, style=_style if title == "SEVERITY" else None) for title in titles]
    widths = [max(map(width_of, (title, *cells))) for title, cells in zip(titles, zip(*rows))]
    if not sys.stdout.isatty() or sum(widths) + GAP * (len(widths) - 1) <= shutil.get_terminal_size().columns:
        draw_table(session.screen, columns, rows)
        return
    for row in rows:  # the narrow column that a table would leave for what each means is read by nobody
        _draw_kind(session.screen, *row)


def _draw_kind(screen: Screen, area: str, ident: str, severities: str, meaning: str, todo: str = "") -> None:
    """A line for what it is, and one below it for what it means, and what to do about it."""
    named = f"{screen.styled(ident, 'bold', sys.stdout)}  {screen.styled(severities, _style(severities), sys.stdout)}"
    screen.line(f"{area}  {named}")
    for text in (meaning, f"to do: {todo}" if todo else ""):
        if text:
            screen.line(screen.sentence(f"    {text}", sys.stdout))
