"""`opskit du --save`, `--keep` and `--diff`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT


class Runner:
    """`opskit du` in a state directory of its own."""

    def __init__(self, state: Path, cwd: Path) -> None:
        self.state, self.cwd = state, cwd

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "opskit", "du", *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            timeout=300,
            cwd=self.cwd,
            env={**os.environ, "OPSKIT_STATE_DIR": str(self.state), "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == code, done.stderr
        return done

    def result(self, *arguments: str) -> dict[str, Any]:
        """The result of --json."""
        result: dict[str, Any] = json.loads(self(*arguments, "--json").stdout)["result"]
        return result

    def kept(self) -> list[str]:
        """The runs whose scans are kept, the oldest first."""
        files = sorted((self.state / "scans").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [path.name.partition(".")[0] for path in files]


@pytest.fixture
def du(tmp_path: Path) -> Runner:
    """It runs in a directory with a tree in it."""
    for name in ("tree/grows", "tree/shrinks", "tree/goes", "tree/stays"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_bytes(b"x" * 8192)
    return Runner(tmp_path / "state", tmp_path)


def change(root: Path) -> None:
    """Each kind of change."""
    (root / "grows/more").write_bytes(b"x" * 100_000)
    (root / "shrinks/file").unlink()
    shutil.rmtree(root / "goes")
    (root / "comes").mkdir()


def test_what_changed_since_a_saved_file(du: Runner, tmp_path: Path) -> None:
    saved = du("tree", "--save", "before.scan")
    assert saved.stdout.splitlines()[0].split("\t")[1] == str(tmp_path / "tree")
    assert "before.scan" in saved.stderr
    change(tmp_path / "tree")
    before = {entry["path"]: entry["bytes"] for entry in du.result("tree/grows")["entries"]}
    result = du.result("--diff", "before.scan")
    words = {change["path"].rpartition("/")[2]: change["change"] for change in result["changes"]}
    assert words == {"tree": "grown", "grows": "grown", "shrinks": "shrunk", "goes": "gone", "comes": "added"}
    grown = next(change for change in result["changes"] if change["path"].endswith("grows"))
    assert grown["after_bytes"] == before["tree/grows"]
    assert grown["after_bytes"] - grown["before_bytes"] >= 100_000
    assert result["total"]["after_bytes"] - result["total"]["before_bytes"] == sum(
        change["after_bytes"] - change["before_bytes"]
        for change in result["changes"]
        if not change["path"].endswith("tree")
    )
    lines = [line.split("\t") for line in du("--diff", "before.scan").stdout.splitlines()]
    assert lines[0][3:] == ["grown", str(tmp_path / "tree/grows")]
    assert [line[0] for line in lines if line[3] in {"shrunk", "gone"}] == ["-12K", "-8.0K"]
    assert du("--diff", "before.scan", "--min-size", "50K", "-0", "--bytes").stdout.count("\0") == 2


def test_twice_the_same_is_no_change(du: Runner) -> None:
    du("tree", "--save", "x")
    again = du("--diff", "x")
    assert again.stdout == ""
    assert "nothing changed" in again.stderr


def test_kept_scans_are_found_by_run_and_as_the_last_of_their_path(du: Runner, tmp_path: Path) -> None:
    du("tree", "--keep")
    du("tree/grows", "--keep")
    (tmp_path / "tree/grows/more").write_bytes(b"x" * 100_000)
    tree, _ = du.kept()
    assert du("--diff", tree).stdout.count("grown") == 2
    assert du("tree", "--diff", "last").stdout == du("--diff", tree).stdout
    assert du("--diff", "last").stdout.count("grown") == 1
    unknown = du("--diff", "nothing", code=2)
    assert tree in unknown.stderr
    # Comparing and keeping at once compares with the one before.
    assert du("tree", "--diff", "last", "--keep").stdout.count("grown") == 2
    assert du("tree", "--diff", "last").stdout == ""


def test_the_last_thirty_are_kept(du: Runner) -> None:
    du("tree", "--keep")
    du("tree", "--keep", "--depth", "1")
    first, other = du.kept()
    second = other.partition("-")[0]
    for number in range(29):
        # Of the same second, and written after it: neither older than the other one nor newer than the last.
        shutil.copy(du.state / f"scans/{other}.json.gz", du.state / f"scans/{second}-x{number:02}.json.gz")
    du("tree", "--keep", "--depth", "1")
    assert first in du.kept()
    assert other not in du.kept()
    assert len(du.kept()) == 31


def test_what_is_refused_before_anything_is_counted(du: Runner, tmp_path: Path) -> None:
    du("tree", "--save", "x", "--depth", "1")
    for arguments in (
        ("--diff", "x", "--depth", "2"),
        ("--diff", "x", "-x"),
        ("--diff", "x", "tree/grows"),
        ("--diff", "tree/grows/file"),
        ("--save", "tree/grows/file", "tree"),
        ("--save", "y", "--by", "ext"),
        ("--save", "y", "--older-than", "1d"),
    ):
        assert du(*arguments, code=2).stdout == ""
    assert du("--save", "nowhere/y", "tree", code=1).stdout == ""
    assert (tmp_path / "tree/grows/file").read_bytes() == b"x" * 8192
    assert not (tmp_path / "y").exists()
    assert du("--save", "x", "tree").stderr  # over an older scan


def test_a_disk_that_is_full_by_then_does_not_lose_what_was_counted(du: Runner, tmp_path: Path) -> None:
    # Room for the folder, and for no file in it.
    limited = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o nr_inodes=2,mode=700 none "$1" && shift && exec "$@"',
        "sh",
    ]
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    command = [*limited, str(state), sys.executable, "-m", "opskit", "du", "tree", "--keep", "--state-dir", str(state)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=du.cwd,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if "unshare" in done.stderr:
        pytest.skip("mount namespaces are needed: run as root")
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert str(tmp_path / "tree/grows") in done.stdout


def test_a_target_that_is_no_file_is_not_read(du: Runner) -> None:
    assert "not a regular file" in du("tree", "--save", "/dev/full", code=2).stderr
    assert "not a regular file" in du("--diff", "/dev/zero", code=2).stderr


def test_what_cannot_be_read_is_not_said_to_be_unwritable(du: Runner, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert "the saved scan cannot be read (Too many levels" in du("--diff", "loop", code=1).stderr


def test_the_next_command_can_be_typed(du: Runner) -> None:
    assert "--diff 'my scan'\n" in du("tree", "--save", "my scan").stderr
