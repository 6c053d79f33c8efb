"""The shell lines of a replaced text file, run by sh: they do and take back what the step does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Optional

import pytest

from opskit.core.textfile import Replacement, read_text

TEXTS = ["", "a\n", "a", "\n", "a 'b'\n\n\"$c\" \\n%s\n", "\udce4\n", "a\n\tb"]


def run(lines: tuple[str, ...]) -> None:
    script = "set -eu\n" + "\n".join(lines) + "\n"
    subprocess.run(["sh", "-c", os.fsencode(script)], check=True, timeout=300)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("before", [None, *TEXTS])
@pytest.mark.parametrize("backup", ["", "x y.backup"])
def test_the_lines(text: str, before: Optional[str], backup: str, tmp_path: Path) -> None:
    path = tmp_path / "d ir/x y"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before.encode("utf-8", "surrogateescape"))
        path.chmod(0o604)
    names = {"x y"} | ({backup} if backup and before is not None else set())
    replacement = Replacement(str(path), text, before, str(path.parent / backup) if backup else "")
    run(replacement.lines())
    assert read_text(str(path)) == text
    assert {entry.name for entry in path.parent.iterdir()} == names
    assert before is None or path.stat().st_mode & 0o777 == 0o604
    run(replacement.undo_lines())
    assert read_text(str(path)) == before
    assert {entry.name for entry in path.parent.iterdir()} == (set() if before is None else {"x y"})
    assert before is None or path.stat().st_mode & 0o777 == 0o604
