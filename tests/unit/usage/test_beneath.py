"""Where what is deleted takes space: beneath overlays; and what the kernel holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.core.child import SILENT, Answer
from opskit.core.mountinfo import MountLine, parse_mountinfo
from opskit.usage.df.see.beneath import beneath, has_name_below
from opskit.usage.df.see.held import see_held
from opskit.usage.mounts import layers


def overlay(folder: Path, *, number: int = 9, upper: str = "up/diff", target: str = "/merged") -> MountLine:
    options = f"rw,rw,lowerdir={folder}/low:low2,upperdir={folder}/{upper},workdir={folder}/up/work"
    return MountLine(number, f"0:{number}", "/", target, "overlay", "overlay", options)


def disk(target: str, number: int = 2, fstype: str = "ext4") -> MountLine:
    return MountLine(number, f"8:{number}", "/", target, fstype, f"/dev/sda{number}", "rw,rw")


def test_the_folders_of_an_overlay(tmp_path: Path) -> None:
    """A relative one is beside the folder that the upper one is in, as docker has it; commas are escaped."""
    assert layers(overlay(tmp_path)) == (f"{tmp_path}/up/diff", [f"{tmp_path}/low", f"{tmp_path}/low2"])
    (line,) = parse_mountinfo("1 0 0:9 / /m rw - overlay o rw,lowerdir=/a\\054b,upperdir=/u\\040p/d,workdir=/w\n")
    assert layers(line) == ("/u p/d", ["/a,b"])
    assert layers(MountLine(1, "0:9", "/", "/m", "overlay", "o", "ro,ro,lowerdir=/a")) == ("", ["/a"])
    many = "rw,lowerdir=l/A:l/B,upperdir=7c/diff,workdir=7c/work"  # as docker and podman mount many layers
    assert layers(MountLine(1, "0:9", "/", "/d/7c/merged", "overlay", "o", many)) == (
        "/d/7c/diff",
        ["/d/l/A", "/d/l/B"],
    )
    reads = MountLine(1, "0:9", "/", "/d/7c/merged", "overlay", "o", "ro,lowerdir=l/A:l/B")
    assert layers(reads) == ("", ["/d/l/A", "/d/l/B"])


def test_an_overlay_takes_space_beneath_it(tmp_path: Path) -> None:
    (tmp_path / "up/diff/inner/diff").mkdir(parents=True)
    line, root = overlay(tmp_path), disk(str(tmp_path))
    assert beneath(root, [root]) == (root, -1)
    assert beneath(line, [root, line]) == (root, tmp_path.stat().st_dev)
    # On an overlay again, as in a container that runs containers.
    again = overlay(tmp_path, number=10, upper="up/diff/inner/diff", target=f"{tmp_path}/up/diff/inner")
    over = overlay(tmp_path, target=f"{tmp_path}/up/diff/inner")
    assert beneath(again, [root, over]).mount == root
    # Not where it cannot be looked at: of another namespace, or on a server.
    far = overlay(tmp_path, upper="elsewhere/diff")
    assert beneath(far, [root]) == (far, -1)
    assert beneath(line, [disk(str(tmp_path), fstype="nfs4")]) == (line, -1)


def test_where_a_mount_may_hang_a_child_looks_at_the_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names are those of whoever mounted them, and a link may lead anywhere."""
    (tmp_path / "up/diff").mkdir(parents=True)
    answers = [Answer([str(tmp_path), 7]), SILENT, Answer([3, 4]), SILENT]
    monkeypatch.setattr("opskit.usage.df.see.beneath.ask", lambda *_: [answers.pop(0)])
    line, lines = overlay(tmp_path), [disk(str(tmp_path)), disk("/far", 3, "nfs4")]
    assert beneath(line, lines) == (lines[0], 7)
    assert beneath(line, lines) == (line, -1)
    assert not has_name_below(line, "/merged/x", tmp_path.stat(), lines)
    assert answers == []


def test_a_file_that_a_lower_folder_still_has(tmp_path: Path) -> None:
    (tmp_path / "low2").mkdir()
    kept, own = tmp_path / "low2/kept", tmp_path / "own"
    kept.write_text("x")
    own.write_text("y" * 9)
    line = overlay(tmp_path)
    assert has_name_below(line, "/merged/kept", kept.stat(), [])
    assert not has_name_below(line, "/merged/kept", own.stat(), [])
    assert not has_name_below(line, "/merged/own", own.stat(), [])


def test_what_the_kernel_holds(tmp_path: Path) -> None:
    swaps = (
        "Filename\tType\tSize\tUsed\tPriority\n"
        "/data/swap\\040file\\040(deleted) file 1024 0 -2\n/data/there file 9 0 -2\n/dev/sda3 partition 9 0 -3\n"
        "/dev/loop990p2 partition 9 0 -4\n/dev/loop9901 partition 9 0 -5\n"
    )
    (tmp_path / "swaps").write_text(swaps)
    (tmp_path / "named (deleted)").touch()
    for number, backing in enumerate(("/data/disk.img (deleted)", "/data/there.img", f"{tmp_path}/named (deleted)")):
        folder = tmp_path / f"block/loop99{number}/loop"
        folder.mkdir(parents=True)
        (folder / "backing_file").write_text(f"{backing}\n")
        (folder / "offset").write_text("1024\n")
        (folder.parent / "size").write_text("4096\n")
    on = MountLine(3, "7:990", "/", "/a b", "ext4", "/dev/loop990p1", "rw")
    image, swap = see_held([disk("/"), disk("/data", 3), on], str(tmp_path), str(tmp_path))
    assert (image.path, image.holder, image.most) == ("/data/disk.img", "/dev/loop990", 4096 * 512 + 1024)
    assert (image.device, image.mount_point) == ("8:3", "/data")
    assert image.frees == "umount '/a b'; swapoff /dev/loop990p2; losetup -d /dev/loop990"
    assert (swap.path, swap.holder, swap.most) == ("/data/swap file", "swap", 1024 * 1024)
    assert os.path.exists(tmp_path / "named (deleted)")
