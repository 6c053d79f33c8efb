"""Where even root gets EACCES: a FUSE filesystem that another user has mounted without allow_other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from host.hosts import Host, Namespace
from host.tools import GIB, MIB, make_filesystem, run

MIRROR = Path(__file__).with_name("fuse_mirror.py")
NOBODY = "65534"


@pytest.fixture
def at(host: Host) -> Path:
    """The mount point of a disk: 3 MiB in `there`, 2 MiB in `theirs`, where a user has mounted a filesystem over."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    folder = host.folder / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def inside(host: Host, at: Path) -> Namespace:
    disk = host.new_disk(GIB // 2)
    make_filesystem("ext4", disk.path)
    fill = f"for name in there:3 theirs:2; do head -c ${{name#*:}}M /dev/urandom > {at}/${{name%:*}}/file; done"
    space = host.namespace(f"mount {disk.path} {at}; mkdir {at}/there {at}/theirs; {fill}; sync -f {at}")
    folder = host.folder / "mirrored"
    folder.mkdir()
    argv = [*space.prefix, sys.executable, str(MIRROR), str(at / "theirs"), str(folder), NOBODY]
    server = host.start(*argv, stdout=subprocess.PIPE, cwd="/")
    assert server.stdout
    assert server.stdout.readline() == b"ready\n"
    assert run(*space.prefix, "stat", str(at / "theirs"), check=False).returncode == 1
    return space


def test_du_names_it_and_counts_the_rest_as_gnu_du_does(host: Host, at: Path, inside: Namespace) -> None:
    gnu = run(*inside.prefix, "du", "-B1", str(at), check=False)
    for more in (), ("--workers", "3"), ("--engine", "stat"), ("--engine", "statx"):
        answer = host.run("du", "--bytes", *more, str(at), inside=inside)
        assert answer.code == gnu.returncode == 1
        assert sorted(answer.out.splitlines()) == sorted(gnu.stdout.splitlines())
        assert f"opskit du: {at}/theirs: Permission denied" in answer.err
        assert "1 could not be read; the rest is right" in answer.err
    failed = host.run("du", "--json", str(at), inside=inside)
    assert (failed.code, failed.json["ok"]) == (1, False)
    # Another filesystem is no part of what -x counts: nobody needs to look at it, though GNU du does.
    gnu = run(*inside.prefix, "du", "-B1", "-x", str(at), check=False)
    stays = host.run("du", "--bytes", "-x", str(at), inside=inside).well()
    assert (sorted(stays.out.splitlines()), stays.err) == (sorted(gnu.stdout.splitlines()), "")


def test_df_leaves_it_out_as_gnu_df_does(host: Host, at: Path, inside: Namespace) -> None:
    assert str(at / "theirs") not in run(*inside.prefix, "df", "--output=target", check=False).stdout
    listed = host.run("df", "--json", inside=inside).well().json["result"]["filesystems"]
    assert str(at) in [filesystem["mount_point"] for filesystem in listed]
    assert str(at / "theirs") not in [filesystem["mount_point"] for filesystem in listed]
    named = host.run("df", "--json", str(at / "theirs"), inside=inside)
    assert (named.code, named.json["ok"]) == (1, False)
    assert "Permission denied" in named.json["error"]["why"]


def test_why_counts_what_is_under_it(host: Host, at: Path, inside: Namespace) -> None:
    result = host.run("df", "--why", "--json", str(at), inside=inside).well().json["result"]
    parts = {part["id"]: part["bytes"] for part in result["parts"]}
    assert 3 * MIB <= parts["files"] < 3 * MIB + 64 * 1024
    assert 2 * MIB <= parts["hidden"] < 2 * MIB + 64 * 1024
    assert abs(parts["unexplained"]) <= result["filesystem"]["used_bytes"] // 100
    assert not [text for text in result["missing"] if "theirs" in text]
