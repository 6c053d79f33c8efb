"""The screens of README.md are those that its plan and its run have today, to the character."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from golden.screens.made_fleet import readme_plan, readme_run
from opskit.fleet.show import draw_plan, draw_run
from opskit.ui.screen import Screen

ROOT = next(parent for parent in Path(__file__).parents if (parent / "pyproject.toml").exists())


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def test_the_screens_of_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "argv", ["opskit"])
    draw_plan(Screen("opskit fleet show", color="never"), readme_plan(), terminal)
    assert f"\n$ opskit fleet show plan.json\n{terminal.getvalue()}```\n" in readme
    terminal.truncate(0)
    terminal.seek(0)
    draw_run(Screen("opskit fleet apply", color="never"), *readme_run())
    assert f"\n{terminal.getvalue()}```\n" in readme
