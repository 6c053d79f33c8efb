"""The command lines of the READMEs that only look, run as they stand there; and that no other one is forgotten."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from opskit.cli import main
from opskit.core.config import load_config
from readmes import FLEET, HERE, MACHINE, NOWHERE, of_both
from tiers import Agree
from unit.findings.test_chinese_guide import ROOT


def test_each_line_is_run_somewhere() -> None:
    wanted = of_both()
    known = [*HERE, *FLEET, *(line for line, _ in MACHINE), *NOWHERE]
    assert [line for line in wanted if line not in known] == []
    assert [line for line in known if line not in wanted] == []
    for line, (_why, path) in NOWHERE.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        assert all(word in text for word in line.split()[1:3]), (line, path)


def test_lines_run_as_they_stand_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], agree: Agree
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPSKIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("OPSKIT_CONFIG", os.devnull)
    load_config.cache_clear()
    right = 0
    for line, codes in HERE.items():
        command, _, file = line.partition(" > ")
        words = shlex.split(command)[1:]
        monkeypatch.setattr(sys, "argv", ["opskit", *words])
        code = main(words)
        shown = capsys.readouterr()
        if file:
            Path(file).write_text(shown.out, encoding="utf-8")
        assert code in codes, (line, code, shown)
        assert "Traceback" not in shown.err, shown.err
        assert "fault in opskit" not in shown.err, shown.err
        assert shown.out or code in {1, 2, 5, 6}, (line, shown)
        right += 1
    agree("command lines of the READMEs, run as they stand there", right, len(HERE))
