"""`opskit df --deleted` with real processes that hold deleted files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from host.hosts import Host, Namespace
from host.tools import OPSKIT, run

HOLDS = Path(__file__).with_name("holds.py")


def holder(host: Host, folder: Path, *arguments: str, inside: Namespace) -> subprocess.Popen[Any]:
    argv = [*inside.prefix, sys.executable, str(HOLDS), str(folder), *arguments]
    process = host.start(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture
def folder(host: Host) -> Path:
    made = host.folder / "held"
    made.mkdir()
    return made


@pytest.fixture
def inside(host: Host, folder: Path) -> Namespace:
    disk = host.new_disk()
    run("mkfs.ext4", "-q", "-F", "-b", "4096", disk.path)
    return host.namespace(f"mount {disk.path} {folder}")


def test_every_deleted_file_once_with_its_holders(host: Host, folder: Path, inside: Namespace) -> None:
    before = host.run("df", "--json", str(folder), inside=inside).well().json["result"]["filesystems"][0]["used_bytes"]
    process = holder(host, folder, "child", inside=inside)
    run(*inside.prefix, "sync", "-f", str(folder))
    answer = host.run("df", "--deleted", "--json", str(folder), inside=inside).well()
    large, mapped = answer.json["result"]["deleted"]
    assert large["path"] == f"{folder}/large\n(deleted)"
    assert (large["bytes"], large["apparent_bytes"]) == (3_002_368, 3_000_000)
    assert large["mount_point"] == str(folder)
    assert [h["descriptors"] for h in large["holders"]] == [[3, 4], [3, 4]]
    assert process.pid in [h["pid"] for h in large["holders"]]
    assert {h["user"] for h in large["holders"]} == {"root"}
    assert {h["command"] for h in large["holders"]} == {Path(f"/proc/{process.pid}/comm").read_text().strip()}
    assert large["truncate"] in [f"truncate -s 0 /proc/{h['pid']}/fd/3" for h in large["holders"]]
    assert mapped["path"] == f"{folder}/mapped"
    assert all(h["mapped"] and h["descriptors"] == [] for h in mapped["holders"])
    assert mapped["truncate"] == ""
    total = answer.json["result"]["total_bytes"]
    assert total == large["bytes"] + mapped["bytes"]
    assert answer.json["result"]["filesystems"] == [{"mount_point": str(folder), "bytes": total, "namespace": 0}]
    # They are what df counts and du does not find.
    named = 2 * 12_288
    after = host.run("df", "--json", str(folder), inside=inside).well().json["result"]["filesystems"][0]["used_bytes"]
    assert after - before == total + named


def test_the_line_that_is_shown_empties_the_file(host: Host, folder: Path, inside: Namespace) -> None:
    holder(host, folder, inside=inside)
    shown = host.run("df", "--deleted", str(folder), inside=inside).well()
    line = next(line for line in shown.out.splitlines() if "large" in line)
    words = line[line.index("truncate") :].split()
    assert "truncate frees without a restart; its risk" in shown.err
    run(*inside.prefix, *words)
    answer = host.run("df", "--deleted", "--json", str(folder), inside=inside).well()
    assert {Path(f["path"]).name: f["bytes"] for f in answer.json["result"]["deleted"]}["large\n(deleted)"] == 0


def test_piped_is_one_line_a_file_and_nothing_acts(host: Host, folder: Path, inside: Namespace) -> None:
    holder(host, folder, "child", inside=inside)
    answer = host.run("df", "--deleted", str(folder), inside=inside).well()
    assert len(answer.out.splitlines()) == 3
    assert "large\\n(deleted)" in answer.out


def test_without_a_deleted_file(host: Host, folder: Path, inside: Namespace) -> None:
    answer = host.run("df", "--deleted", "--json", str(folder), inside=inside).well()
    assert answer.json["result"]["deleted"] == []
    assert answer.json["result"]["total_bytes"] == 0
    answer = host.run("df", "--deleted", str(folder), inside=inside).well()
    assert answer.out.startswith("no deleted file is still open")


def test_in_another_mount_namespace(host: Host, folder: Path, inside: Namespace) -> None:
    """As in a container: the filesystem is not mounted where opskit runs."""
    process = holder(host, folder, inside=inside)
    result = host.run("df", "--deleted", "--json").well().json["result"]["deleted"]
    mine = [f for f in result if f["path"].startswith(str(folder))]
    assert [f["mount_point"] for f in mine] == [str(folder)] * 2
    assert [f["namespace"] for f in mine] == [process.pid] * 2


def test_without_root_what_can_be_seen_is_shown(host: Host, folder: Path, inside: Namespace) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if run(*nobody, OPSKIT[0], "--version", check=False).returncode:
        pytest.skip("the Python of the tests is where nobody else may read it")
    holder(host, folder, inside=inside)
    done = run(
        *inside.prefix,
        *nobody,
        *OPSKIT,
        *("df", "--deleted"),
        check=False,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH") or str(ROOT)},
    )
    if "No module named" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("this user may not read the checkout")
    assert done.returncode == 0, done.stderr
    assert str(folder) not in done.stdout
    assert "of other users" in done.stderr
    assert "sudo" in done.stderr
