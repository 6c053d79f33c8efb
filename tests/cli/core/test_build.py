"""Which build of opskit this is, against real git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from opskit.core import build


def git(folder: Path, *words: str) -> str:
    told = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return told.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_the_commit_is_the_one_that_git_tells(tmp_path: Path) -> None:
    checkout, tree = tmp_path / "checkout", tmp_path / "tree"
    checkout.mkdir()
    git(checkout, "init", "--quiet", ".")
    assert build.head(str(checkout)) == ""  # nothing is committed
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "one")
    first = git(checkout, "rev-parse", "HEAD")
    assert build.head(str(checkout)) == first
    git(checkout, "pack-refs", "--all")
    assert build.head(str(checkout)) == first
    git(checkout, "worktree", "add", "--quiet", "-b", "other", str(tree))
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "two")
    second = git(tree, "rev-parse", "HEAD")
    assert (build.head(str(tree)), build.head(str(checkout))) == (second, first)
    git(checkout, "checkout", "--quiet", "--detach", second)
    assert build.head(str(checkout)) == second


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("standalone x86_64\n", "(standalone x86_64)"),
        (f"wheel\n{'a1' * 20}\n", f"(wheel {'a1' * 6})"),
        ("zipapp\nHEAD\n", "(zipapp)"),
        (None, "(wheel)"),
    ],
)
def test_a_package_tells_what_it_is(
    text: str | None, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_data(path: str) -> bytes:
        if text is None:
            raise FileNotFoundError(path)
        return text.encode()

    own = SimpleNamespace(
        __file__=str(tmp_path / "opskit/__init__.py"), __loader__=SimpleNamespace(get_data=get_data), __version__="1.2"
    )
    monkeypatch.setattr(build, "opskit", own)
    assert build.version_line() == f"opskit 1.2 {line}"
