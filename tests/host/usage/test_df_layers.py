"""`opskit df` on a disk under overlays, as containers have it, and where the kernel holds a deleted file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host, Namespace
from host.tools import GIB, MIB, make_filesystem, run
from host.usage.test_df_deleted import HOLDS

OVERLAYS = 3


class Layers:
    """A disk with the layers of three containers, each of them mounted, and one that has written into its own."""

    def __init__(self, host: Host, kind: str) -> None:
        self.host, self.at = host, host.folder / "disk"
        self.at.mkdir()
        disk = host.new_disk(GIB // 2)
        make_filesystem(kind, disk.path)
        lines = [f"mount {disk.path} {self.at}", f"cd {self.at}", "mkdir image1 image2"]
        lines += ["head -c 9000000 /dev/urandom > image1/base; head -c 5000000 /dev/urandom > image2/large"]
        for number in range(OVERLAYS):
            lines += [f"mkdir -p {number}/diff {number}/work {self.merged(number)}"]
            options = (
                f"lowerdir={self.at}/image2:{self.at}/image1,upperdir=$PWD/{number}/diff,workdir=$PWD/{number}/work"
            )
            lines += [f"mount -t overlay -o {options} overlay {self.merged(number)}"]
            lines += [f"head -c 3000000 /dev/urandom > {self.merged(number)}/own"]
        self.inside: Namespace = host.namespace("\n".join([*lines, "cd /"]))
        self.sync()

    def merged(self, number: int) -> Path:
        return self.at / "merged" / str(number)

    def sync(self) -> None:
        run(*self.inside.prefix, "sync", "-f", str(self.at))

    def hold(self, script: str) -> None:
        """A process that does this and then waits: Python, with `folder` as a path of the first overlay."""
        before = f"import sys, pathlib\nfolder = pathlib.Path({str(self.merged(0))!r})\n"
        after = "\nprint('ready', flush=True)\nsys.stdin.read()"
        argv = [*self.inside.prefix, sys.executable, "-c", before + script + after]
        process = self.host.start(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        self.sync()

    def why(self, path: Path) -> tuple[dict[str, int], Any]:
        """The parts, which add up to what GNU df says; at most 1 % of it is unexplained."""
        result = self.host.run("df", "--why", str(path), "--json", inside=self.inside).well().json["result"]
        parts = {part["id"]: part["bytes"] for part in result["parts"]}
        used = int(run(*self.inside.prefix, "df", "-B1", "--output=used", str(self.at)).stdout.split()[-1])
        assert sum(parts.values()) == used == result["filesystem"]["used_bytes"]
        assert abs(parts["unexplained"]) <= used // 100, parts
        return parts, result

    def deleted(self, path: Path) -> Any:
        return self.host.run("df", "--deleted", "--json", str(path), inside=self.inside).well().json["result"]


@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
def test_a_deleted_file_takes_space_beneath_its_overlay(host: Host, kind: str) -> None:
    layers = Layers(host, kind)
    argv = [*layers.inside.prefix, sys.executable, str(HOLDS), str(layers.merged(0))]
    process = host.start(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    layers.sync()
    for path in (layers.at, layers.merged(0), layers.merged(1)):  # the others are on the same disk
        held = layers.deleted(path)["deleted"]
        assert [Path(file["path"]).name for file in held] == ["large\n(deleted)", "mapped"]
        assert {(file["mount_point"], file["overlay"]) for file in held} == {(str(layers.at), str(layers.merged(0)))}
    parts, _ = layers.why(layers.at)
    assert 4_000_000 <= parts["deleted"] < 4_100_000
    again, result = layers.why(layers.merged(1))
    assert (again, result["filesystem"]["mount_point"]) == (parts, str(layers.at))


def test_what_a_lower_layer_still_has_is_not_freed(host: Host) -> None:
    layers = Layers(host, "ext4")
    layers.hold(
        "kept = [open(folder / 'base'), open(folder / 'own')]\n(folder / 'base').unlink(); (folder / 'own').unlink()"
    )
    assert [Path(file["path"]).name for file in layers.deleted(layers.at)["deleted"]] == ["own"]
    layers.why(layers.at)


def test_one_finding_for_a_disk_under_overlays(host: Host) -> None:
    layers = Layers(host, "ext4")
    answer = host.run("df", "--warn", "1", "--json", "--check", inside=layers.inside)
    points = [str(layers.at), *(str(layers.merged(number)) for number in range(OVERLAYS))]
    rows = {row["mount_point"] for row in answer.json["result"]["filesystems"]}
    assert rows >= set(points)  # as GNU df has them
    full = [f for f in answer.json["findings"] if f["id"] == "nearly-full" and str(layers.at) in f["title"]]
    assert [finding["title"].partition(":")[0] for finding in full] == [str(layers.at)]
    assert all(point in full[0]["evidence"] for point in points[1:])


@pytest.mark.parametrize("kind", ["ext4", "btrfs"])
def test_a_deleted_image_of_a_loop_device(host: Host, kind: str) -> None:
    layers = Layers(host, kind)
    image = layers.at / "disk image"
    run(*layers.inside.prefix, "dd", "if=/dev/urandom", f"of={image}", "bs=1M", "count=60", "status=none")
    loop = run(*layers.inside.prefix, "losetup", "--show", "-f", str(image)).stdout.strip()
    try:
        run(*layers.inside.prefix, "rm", str(image))
        layers.sync()
        (held,) = layers.deleted(layers.at)["kernel"]
        assert held == {
            "path": str(image),
            "most_bytes": 60 * MIB,
            "mount_point": str(layers.at),
            "device": held["device"],
            "holder": loop,
            "frees": f"losetup -d {loop}",
        }
        parts, result = layers.why(layers.at)
        assert 59 * MIB <= parts["kernel"] <= 60 * MIB
        assert next(part["note"] for part in result["parts"] if part["id"] == "kernel").startswith(str(image))
        shown = host.run("df", "--deleted", str(layers.at), inside=layers.inside).well()
        assert f"losetup -d {loop}" in shown.out
    finally:
        run("losetup", "-d", loop)


def test_the_deleted_image_of_a_swap_is_freed_by_the_line_that_is_shown(host: Host) -> None:
    """A swap file itself cannot be deleted while it is in use; the image of a loop device that is swap can."""
    layers = Layers(host, "ext4")
    image = layers.at / "swap.img"
    run(*layers.inside.prefix, "dd", "if=/dev/urandom", f"of={image}", "bs=1M", "count=40", "status=none")
    loop = run(*layers.inside.prefix, "losetup", "--show", "-f", str(image)).stdout.strip()
    try:
        run("mkswap", "-q", loop)
        run("swapon", loop)
        run(*layers.inside.prefix, "rm", str(image))
        layers.sync()
        parts, _ = layers.why(layers.at)
        assert 39 * MIB <= parts["kernel"] <= 40 * MIB
        (held,) = layers.deleted(layers.at)["kernel"]
        assert (held["path"], held["frees"]) == (str(image), f"swapoff {loop}; losetup -d {loop}")
        run(*layers.inside.prefix, "sh", "-ec", held["frees"])
        assert layers.deleted(layers.at)["kernel"] == []
        layers.sync()
        assert layers.why(layers.at)[0].get("kernel", 0) == 0
    finally:
        run("swapoff", loop, check=False)
        run("losetup", "-d", loop, check=False)


def test_the_largest_directories_are_named(host: Host) -> None:
    layers = Layers(host, "ext4")
    _, result = layers.why(layers.at)
    names = [Path(entry["path"]).relative_to(layers.at).as_posix() for entry in result["largest"]]
    assert names[:2] == ["image1", "image2"]
    assert sorted(names[2:]) == [f"{number}/diff" for number in range(OVERLAYS)]
    assert "LARGEST DIRECTORIES" in host.run("df", "--why", str(layers.at), inside=layers.inside).well().out
