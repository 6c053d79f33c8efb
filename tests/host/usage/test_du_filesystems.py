"""`opskit du` on each kind of filesystem: the lines and sizes of GNU du, with links wherever there can be some."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host
from host.tools import GIB, make_filesystem, run
from tiers import Agree, slow
from trees import du, make_tree, opskit_du, options_of

MIRROR = Path(__file__).with_name("fuse_mirror.py")
ENGINES: tuple[dict[str, Any], ...] = ({"engine": "stat"}, {"engine": "statx"}, {"workers": 1}, {"workers": 3})
KINDS = ("ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuse")


class Mounts:
    """What a test mounts on a folder, in the namespace of the tests; taken down after it."""

    def __init__(self, host: Host, at: Path) -> None:
        self.host, self.at = host, at
        self.made: list[Path] = []

    def mount(self, at: Path, *words: str) -> None:
        at.mkdir(exist_ok=True)
        run("mount", *words, str(at))
        self.made.append(at)

    def disk(self, kind: str) -> None:
        disk = self.host.new_disk(GIB // 2)
        make_filesystem(kind, disk.path)
        self.mount(self.at, disk.path)

    def mirror(self, folder: Path) -> None:
        """A FUSE filesystem that shows this folder."""
        if not os.path.exists("/dev/fuse"):
            pytest.skip("no /dev/fuse here")
        self.at.mkdir()
        argv = (sys.executable, str(MIRROR), str(self.at), str(folder))
        server = self.host.start(*argv, stdout=subprocess.PIPE, cwd="/")
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        self.made.append(self.at)

    def close(self) -> None:
        for at in reversed(self.made):
            run("umount", str(at))


@pytest.fixture
def mounts(host: Host) -> Iterator[Mounts]:
    made = Mounts(host, host.folder / "at")
    yield made
    made.close()


def generations(folder: Path, number: int) -> None:
    """Copies of a tree whose files are links, as backups are kept.

    Beside them are as many directories: that hid the links, where a directory itself has one link.
    """
    for name in ("a/d/one", "a/d/two", "b/d/one"):
        (folder / "0" / name).mkdir(parents=True)
    (folder / "0/a/d/large").write_bytes(b"x" * 300_000)
    (folder / "0/a/d/small").write_bytes(b"x" * 3_000)
    os.link(folder / "0/a/d/large", folder / "0/b/d/link")
    for generation in range(1, number):
        run("cp", "-al", str(folder / "0"), str(folder / str(generation)))


def trees(folder: Path, seed: int) -> None:
    """Generated directories with links within and across them, and generations of backups."""
    make_tree(folder / "tree", seed, entries=120)
    generations(folder / "backup", 4 + seed % 5)


def make(mounts: Mounts, kind: str, seed: int) -> Path:
    """A filesystem of a kind with trees on it. Returns their folder."""
    at = mounts.at
    folder = at / "root"
    if kind == "overlay":
        return _overlay(mounts, seed)
    if kind == "fuse":
        source = mounts.host.folder / "source"
        trees(source / "root", seed)
        mounts.mirror(source)
        return folder
    if kind == "tmpfs":
        mounts.mount(at, "-t", "tmpfs", "-o", "size=400m", "none")
    else:
        mounts.disk(kind)
    trees(folder, seed)
    if kind == "btrfs":
        run("btrfs", "subvolume", "create", str(folder / "subvolume"))
        trees(folder / "subvolume/in", seed + 1000)
        run("btrfs", "subvolume", "create", str(folder / "subvolume/nested"))
        make_tree(folder / "subvolume/nested/in", seed + 3000)
        run("btrfs", "subvolume", "snapshot", str(folder / "subvolume"), str(folder / "snapshot"))
        make_tree(folder / "snapshot/since", seed + 2000)
        run("cp", "-a", "--reflink=always", str(folder / "backup"), str(folder / "shared"))
        run("sync", "-f", str(at))
    return folder


def _overlay(mounts: Mounts, seed: int) -> Path:
    """Two lower folders and an upper one, each with some of the same directories; changed after it was mounted."""
    layers = mounts.host.folder / "layers"
    mounts.mount(layers, "-t", "tmpfs", "-o", "size=400m", "none")
    for number, layer in enumerate(("lower", "middle", "upper")):
        trees(layers / layer / "root" / f"own{number}", seed + 1000 * number)
        for merged in ("tree", "backup"):
            make_tree(layers / layer / "root" / merged, seed + 1000 * number, entries=60)
        generations(layers / layer / "root" / "backup" / "kept" / str(number), 3)
    (layers / "work").mkdir()
    options = f"lowerdir={layers}/middle:{layers}/lower,upperdir={layers}/upper,workdir={layers}/work"
    mounts.mount(mounts.at, "-t", "overlay", "-o", options, "overlay")
    folder = mounts.at / "root"
    rnd = random.Random(seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    for path in rnd.sample(files, len(files) // 4):
        path.unlink() if rnd.random() < 0.5 else os.utime(path)  # of a link, only this name is copied up
    make_tree(folder / "since", seed + 5000)
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, *map(slow, range(2, 4))])
def test_as_gnu_du(mounts: Mounts, kind: str, seed: int, agree: Agree) -> None:
    folder = make(mounts, kind, seed)
    inside = [str(path) for path in sorted(folder.rglob("*"))]
    rnd = random.Random(seed)
    agreed = compared = 0
    for number, (gnu, own) in enumerate(options_of(rnd)):
        roots = [str(folder)] if number % 3 else rnd.choices([str(folder), *inside], k=rnd.randrange(1, 5))
        expected = du(*gnu, "--", *roots)
        for engine in ENGINES:
            compared += 1
            agreed += opskit_du(roots, **own, **engine) == expected
    agree(f"du on {kind}", agreed, compared)


@pytest.mark.parametrize("kind", ["btrfs", "overlay"])
def test_a_tree_that_is_worth_forking(mounts: Mounts, kind: str) -> None:
    """Links between the shares of all workers, where directories have one link."""
    folder = make(mounts, kind, 5)
    make_tree(folder / "large", 7, entries=6000)
    generations(folder / "kept", 100)
    expected = du("--max-depth=8", str(folder))
    for workers in (0, 1, 2, 5):
        assert opskit_du([str(folder)], depth=8, workers=workers) == expected
