"""Write .github/FINDINGS.md, the page of all findings, and the tables of README.md: run it from the checkout.

They are from the registries of the areas, and from the tree of commands. A test fails when what is there is stale:
python scripts/findings.py, which scripts/completions runs, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / ".github" / "FINDINGS.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- thresholds: begin -->\n", "<!-- thresholds: end -->\n"
COMMANDS, COMMANDS_END = "<!-- commands: begin -->\n", "<!-- commands: end -->\n"


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


def with_thresholds(readme: str) -> str:
    """The README with the thresholds as a config file has them."""
    from opskit.areas import load_thresholds  # noqa: PLC0415 - from the checkout, when this is run

    lines = []
    for area, thresholds in load_thresholds().items():
        lines += ["", f"[check.{area}]"] if thresholds else []
        for name, threshold in thresholds.items():
            lines.append(f"{f'{name} = {threshold.text}':<28}# {threshold.meaning} ({threshold.finding})")
    block = "\n".join(["```toml", *lines[1:], "```", ""])
    before, _, rest = readme.partition(BEGIN)
    return before + BEGIN + block + END + rest.partition(END)[2]


def with_commands(readme: str) -> str:
    """The README with every command, what it does, and its own options."""
    from opskit.completion.cli import tree  # noqa: PLC0415 - from the checkout, when this is run
    from opskit.completion.man import common_options  # noqa: PLC0415

    commands = [node for node in tree().walk() if node.runs and len(node.words) > 1]
    shared = common_options(commands)
    lines = ["| command | what it does | its own options |", "|---|---|---|"]
    for node in commands:
        own = ", ".join(f"`{max(option.names, key=len)}`" for option in node.options if option not in shared)
        lines.append(f"| `{node.path}` | {node.summary.replace('|', chr(92) + '|')} | {own} |")
    before, _, rest = readme.partition(COMMANDS)
    return before + COMMANDS + "\n".join([*lines, ""]) + COMMANDS_END + rest.partition(COMMANDS_END)[2]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(with_commands(with_thresholds(README.read_text(encoding="utf-8"))), encoding="utf-8")
