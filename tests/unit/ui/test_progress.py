"""The line that tells the step under way, on a terminal."""

from __future__ import annotations

import io
import sys

import pytest
from rich.cells import cell_len
from rich.status import Status

from opskit.ui.progress import step_line
from opskit.ui.screen import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("directory", ["/var/log/journal/" + "0123456789abcdef" * 2, "/数据库/" + "日志" * 20])
def test_a_path_loses_its_middle_and_takes_one_line(monkeypatch: pytest.MonkeyPatch, directory: str) -> None:
    """It went on in the next line, from within a word."""
    told: list[str] = []
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(Status, "update", lambda _self, text: told.append(text.plain))
    with step_line(Screen("journal verify")) as tell:
        tell(f"{directory}/system@{'ab' * 16}-{1:016x}-{1:016x}.journal")
        tell("[1/2] mount /data")
    path, short = told
    assert path.startswith(directory[:8])
    assert path.endswith(f"{1:016x}.journal")
    assert 70 < cell_len(path) <= 77
    assert short == "[1/2] mount /data"
