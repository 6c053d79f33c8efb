"""The guides: their commands exist; and the screens of the one in Chinese are what opskit says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from opskit.areas import chinese, load_chinese
from opskit.cli import main
from opskit.completion.cli import tree
from opskit.core.errors import ExitCode

ROOT = next(parent for parent in Path(__file__).parents if (parent / "pyproject.toml").exists())
GUIDE = (ROOT / ".github/README.zh-CN.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGING = ["2026[0-9TZ]+-[0-9a-f]{6}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"]


def lines(guide: str) -> list[str]:
    """Every command of a guide, without what stands behind it."""
    blocks = re.findall(r"^(?:[#$] )?(?:sudo )?(opskit [a-z][^\n]*)", guide, re.MULTILINE)
    return [line.split("  #")[0].strip() for line in (*blocks, *re.findall(r"`(opskit [^`\n]+)`", guide))]


@pytest.mark.parametrize("guide", [GUIDE, README], ids=["Chinese", "English"])
def test_its_commands_and_options_exist(guide: str) -> None:
    nodes = {node.path: node for node in tree().walk()}
    assert len(lines(guide)) > 60
    for line in lines(guide):
        words = shlex.split(line.split(" -- ")[0].replace("|", " "))
        path = max((path for path in nodes if words[: len(path.split())] == path.split()), key=len)
        assert path != "opskit" or words[1] in {"--version", "--help", "help"}, line
        names = {name for option in nodes[path].options for name in option.names}
        if path != "opskit memcached start":  # whose other words are memcached's
            assert {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)} <= names, line


def test_its_plan_is_that_of_saved_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    facts = str(ROOT / "tests/golden/disk/hosts/el8.json")
    command = ["disk", "mount", "/dev/vdb", "/data", "--facts", facts, "--state-dir", str(tmp_path)]
    assert main(command) == ExitCode.DONE
    seen, shown = re.sub(r"  warning:.*\n.*\n", "", capsys.readouterr().out), GUIDE
    for changing in CHANGING:
        seen, shown = re.sub(changing, "-", seen), re.sub(changing, "-", shown)
    plan = seen[: seen.index("Dry run:")]
    assert plan.count("\n") > 10
    assert plan in shown


def test_its_findings_have_the_meaning_that_is_shown() -> None:
    shown = [line for line in GUIDE.splitlines() if re.match("error: .*\\]$", line)]
    assert len(shown) == 3
    for line in shown:
        identity = line.rpartition("[")[2].rstrip("]")
        assert line.startswith(f"error: {chinese('memcached lint', identity)}: ")
    assert load_chinese()["disk"]["system-disk"][0] in GUIDE


def test_each_exit_code_is_in_it() -> None:
    codes = set(re.findall(r"^\| ([0-9、]+) \|", GUIDE, re.MULTILINE))
    named = {int(code) for text in codes for code in text.split("、")}
    assert named == {code for name, code in vars(ExitCode).items() if name.isupper()} | {130, 143}
