"""Ctrl-C before the command line is even read: no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from checkout import ROOT


def test_an_interrupt_while_modules_are_imported(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-m", "opskit", "df"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "opskit: interrupted\n")
