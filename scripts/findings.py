"""Write .github/FINDINGS.md, the page of all findings, from the registries of the areas: run it from the checkout.

A test fails when what is there is stale: python scripts/findings.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / ".github" / "FINDINGS.md"


def page() -> str:
    """The content of the page."""
    from opskit.areas import load_findings  # noqa: PLC0415 - from the checkout, when this is run

    lines = ["# Findings", "", "Written by scripts/findings.py from the findings.py of each area: do not edit.", ""]
    lines += ["`opskit findings [ID]` prints the same. An id is an interface: it keeps its meaning.", ""]
    before = ""
    for area, kind in load_findings():
        if area != before:
            title = "Any command" if area == "opskit" else area
            lines += [f"## {title}", "", "| id | severity | meaning |", "|---|---|---|"]
        before = area
        lines.append(f"| `{kind.id}` | {', '.join(kind.severities)} | {kind.meaning.replace('|', chr(92) + '|')} |")
    # A blank line before each heading but the first.
    text = "\n".join(lines).replace("|\n## ", "|\n\n## ")
    return text + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
