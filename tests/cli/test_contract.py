"""What every command promises to scripts, asked of each command of the tree: a new one is covered by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opskit.cli import main
from opskit.completion.cli import tree
from opskit.completion.tree import Node
from opskit.core.envelope import OK

COMMANDS = {node.path.partition(" ")[2]: node for node in tree().walk() if node.runs and len(node.words) > 1}
# What a command that reads is asked for its answer with, where it cannot do without.
ANSWERED = {"history show": ["last"], "completion": ["bash"], "memcached explain": ["--", "-m", "64"]}
ANSWERED |= {"memcached lint": ["--", "-m", "64"], "yum wait": ["--timeout", "0s"]}


def arguments(node: Node) -> list[str]:
    """The command with a word for each argument it must have: one that names nothing."""
    dry_run = ["--dry-run"] if any("--dry-run" in option.names for option in node.options) else []
    words = ["nothing-of-this-name" for argument in node.arguments if argument.required]
    return [*node.words[1:], "--json", *dry_run, *words]


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Run it: the one envelope must say what the exit code says."""
    code = main(words)
    out = capsys.readouterr().out
    envelope = json.loads(out)
    assert out.count("\n") == 1, words
    assert set(envelope) == {"schema", "ok", "command", "result", "findings", "error"}
    assert envelope["ok"] is (code in {0, 3, 4}), (words, code, envelope["error"])
    assert envelope["error"] is None or envelope["error"]["exit_code"] == code


@pytest.mark.parametrize("name", COMMANDS)
def test_ok_is_what_the_exit_code_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    place = ["--state-dir", str(tmp_path / "state")]
    node = COMMANDS[name]
    answer([*arguments(node), "--no-such-option"], capsys)
    if name in ANSWERED:
        answer([*node.words[1:], "--json", *place, *ANSWERED[name]], capsys)
    else:
        answer([*arguments(node), *place], capsys)


@pytest.mark.parametrize(("code", "ok"), [(0, True), (4, True), (7, False)])
def test_yum_lock(code: int, ok: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock that is held is exit 7, which is not ok, though the answer is whole."""
    monkeypatch.setattr("opskit.yum.cli.exit_code", lambda *_: code)
    assert main(["yum", "lock", "--sample", "0s", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["ok"] is ok


def test_what_is_ok() -> None:
    """Not an exit code more than DESIGN has: a new one has to be thought about."""
    assert sorted(OK) == [0, 3, 4]
