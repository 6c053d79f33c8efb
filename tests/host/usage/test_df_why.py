"""`opskit df --why` on filesystems that are filled in each of its ways: the parts add up, and none is unexplained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host, Namespace
from host.tools import GIB, MAKE, MIB, Answer, make_filesystem, run
from host.usage.test_df_deleted import HOLDS

KINDS = [*MAKE, "tmpfs"]


class Full:
    """A filesystem in a mount namespace of its own, and what opskit says of it."""

    def __init__(self, host: Host, kind: str, setup: str = "", options: tuple[str, ...] = ()) -> None:
        self.host, self.at = host, host.folder / "full"
        self.at.mkdir()
        mount = f"mount -t tmpfs -o size=400m none {self.at}"
        if kind != "tmpfs":
            disk = host.new_disk(GIB // 2)
            make_filesystem(kind, disk.path, *options)
            mount = f"mount {disk.path} {self.at}"
        self.inside: Namespace = host.namespace(f"{mount}\ncd {self.at}\n{setup}\ncd /")
        self.sync()

    def sync(self) -> None:
        run(*self.inside.prefix, "sync", "-f", str(self.at))

    def why(self, *options: str) -> Answer:
        return self.host.run("df", "--why", str(self.at), *options, inside=self.inside).well()

    def parts(self) -> tuple[dict[str, int], Any]:
        """The parts, which add up to what GNU df says; at most 1 % of it is unexplained."""
        result = self.why("--json").json["result"]
        parts = {part["id"]: part["bytes"] for part in result["parts"]}
        used = int(run(*self.inside.prefix, "df", "-B1", "--output=used", str(self.at)).stdout.split()[-1])
        assert sum(parts.values()) == used == result["filesystem"]["used_bytes"]
        assert abs(parts["unexplained"]) <= used // 100, parts
        return parts, result


@pytest.mark.parametrize("kind", KINDS)
def test_large_files(host: Host, kind: str) -> None:
    full = Full(host, kind, "head -c 40000000 /dev/urandom > large; mkdir a; head -c 3000000 /dev/urandom > a/b")
    parts, _ = full.parts()
    assert parts["files"] > 43_000_000
    assert parts["deleted"] == parts["hidden"] == 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "btrfs"])
def test_many_small_files(host: Host, kind: str) -> None:
    full = Full(host, kind, "mkdir d; cd d; for n in $(seq 3000); do echo $n > $n; done")
    full.parts()


def test_small_files_in_the_metadata_of_btrfs(host: Host) -> None:
    """du counts a block for each, which is not there: the answer says so, and still adds up."""
    full = Full(host, "btrfs", "mkdir d; cd d; for n in $(seq 3000); do echo $n > $n; done")
    answer = full.why("--json").json["result"]
    rest = next(part for part in answer["parts"] if part["id"] == "unexplained")
    assert rest["bytes"] == answer["filesystem"]["used_bytes"] - sum(p["bytes"] for p in answer["parts"][:-1])
    assert rest["bytes"] < 0
    assert "du counts more" in rest["note"]


def test_a_part_that_is_mounted_in_it_again(host: Host) -> None:
    """A folder over itself, as podman has its storage, with something mounted in that; and one at another place."""
    setup = """mkdir -p pod/merged data/log log; head -c 20000000 /dev/urandom > pod/layer; ln pod/layer data/name
head -c 3000000 /dev/urandom > pod/merged/hidden; head -c 5000000 /dev/urandom > data/log/x; echo > log/hidden
mount --bind pod pod; mount -t tmpfs none pod/merged; mount --bind data/log log"""
    full = Full(host, "ext4", setup)
    parts, result = full.parts()
    assert 25_000_000 <= parts["files"] < 25_200_000
    assert {Path(entry["mount_point"]).name for entry in result["hidden"]} == {"merged", "log"}
    assert f"{full.at}/log" not in {entry["path"] for entry in result["largest"]}
    assert f"mounted again at {full.at}/log; du counts that twice, this sum once" in full.why().out


@pytest.mark.parametrize("kind", KINDS)
def test_deleted_but_open(host: Host, kind: str) -> None:
    full = Full(host, kind, "head -c 10000000 /dev/urandom > named")
    argv = [*full.inside.prefix, sys.executable, str(HOLDS), str(full.at)]
    process = host.start(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    full.sync()
    parts, result = full.parts()
    assert 4_000_000 <= parts["deleted"] < 4_100_000
    commands = [part["command"] for part in result["parts"] if part["id"] == "deleted"]
    assert commands == [f"opskit df --deleted {full.at}"]


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_under_mount_points(host: Host, kind: str) -> None:
    """Two mount points with files under them, one below a third that is hidden itself, and a file that is covered."""
    setup = (
        "head -c 10000000 /dev/urandom > named; mkdir -p one/deep 'two words'\n"
        "head -c 20000000 /dev/urandom > one/deep/x; head -c 5000000 /dev/urandom > 'two words/y'\n"
        "head -c 2000000 /dev/urandom > covered\n"
        "mount -t tmpfs none one; mkdir one/deep; mount -t tmpfs none one/deep; mount -t tmpfs none 'two words'\n"
        "head -c 7000000 /dev/urandom > one/not-on-it; mount --bind /etc/hostname covered"
    )
    full = Full(host, kind, setup)
    before = full.inside.mounts()
    parts, result = full.parts()
    assert 27_000_000 <= parts["hidden"] < 27_200_000
    hidden = {Path(entry["mount_point"]).name: entry["bytes"] for entry in result["hidden"]}
    assert set(hidden) == {"one", "two words", "covered"}
    assert hidden["one"] >= 20_000_000
    note = next(part["note"] for part in result["parts"] if part["id"] == "hidden")
    assert note.startswith(f"{full.at}/one (2")
    # There may be a process that even root may not look at.
    assert [text for text in result["missing"] if not text.startswith("deleted files of")] == []
    assert full.inside.mounts() == before


def test_a_swap_file_in_use_is_a_file(host: Host) -> None:
    setup = "dd if=/dev/zero of=swap bs=1M count=60 status=none; chmod 600 swap; mkswap -q swap; swapon swap"
    full = Full(host, "ext4", setup)
    try:
        parts, _ = full.parts()
        # Nobody can delete it while it is in use: nothing is held without a name.
        assert run(*full.inside.prefix, "rm", str(full.at / "swap"), check=False).returncode == 1
        assert host.run("df", "--deleted", "--json", str(full.at), inside=full.inside).json["result"]["kernel"] == []
    finally:
        run(*full.inside.prefix, "swapoff", str(full.at / "swap"))
    assert 60 * MIB <= parts["files"] < 61 * MIB


def test_what_only_a_snapshot_of_btrfs_has(host: Host) -> None:
    """du of the live files does not find it: the answer names snapshots, and the line that lists them."""
    setup = (
        "head -c 30000000 /dev/urandom > gone; head -c 5000000 /dev/urandom > kept; sync -f .\n"
        "btrfs subvolume snapshot -r . snapshot >/dev/null; rm gone"
    )
    full = Full(host, "btrfs", setup)
    answer = full.why("--json").json["result"]
    parts = {part["id"]: part for part in answer["parts"]}
    assert 5_000_000 <= parts["files"]["bytes"] < 5_200_000
    assert abs(parts["unexplained"]["bytes"] - 30_000_000) <= answer["filesystem"]["used_bytes"] // 100
    assert parts["unexplained"]["note"] == "snapshots and other subvolumes may be in it"
    assert parts["unexplained"]["command"] == f"btrfs subvolume list {full.at}"
    run(*full.inside.prefix, "sh", "-c", parts["unexplained"]["command"])


def test_reserved_blocks(host: Host) -> None:
    full = Full(host, "ext4", "head -c 40000000 /dev/urandom > large", ("-m", "20"))
    _, result = full.parts()
    filesystem = result["filesystem"]
    assert result["reserved_bytes"] > GIB // 2 // 6
    assert (
        filesystem["used_bytes"] + filesystem["available_bytes"] + result["reserved_bytes"] == filesystem["size_bytes"]
    )
    assert "neither used nor available" in full.why().out


def test_all_of_it_at_once_piped(host: Host) -> None:
    full = Full(host, "ext4", "head -c 10000000 /dev/urandom > named; mkdir m; cp named m; mount -t tmpfs none m")
    lines = full.why().out.splitlines()
    assert lines[0].split()[:3] == ["SIZE", "SHARE", "WHAT"]
    assert lines[-2].split()[2:4] == ["used,", "as"]
    assert lines[-1].split()[1:3] == ["-", "reserved"]
    assert len(lines) == 8


def test_one_mount_point_is_needed(host: Host) -> None:
    assert host.run("df", "--why").code == 2
    assert host.run("df", "--why", "/", "/proc").code == 2
    assert host.run("df", "--why", "--deleted", "/").code == 2
    assert host.run("df", "--why", "/proc").code == 1
