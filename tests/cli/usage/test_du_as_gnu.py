"""The same lines and sizes as GNU du, to the byte, on trees of every kind and with every option that both have."""

from __future__ import annotations

import os
import random
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opskit.usage.du.model import ScanRequest
from opskit.usage.du.see.scan import scan
from tiers import more, seeds, slow
from trees import NAMES, du, make_tree, opskit_du, options_of


@pytest.mark.parametrize("seed", seeds(50, 150, 1500))
def test_generated_trees(tmp_path: Path, seed: int) -> None:
    rnd = random.Random(seed)
    root = tmp_path / "root"
    make_tree(root, seed)
    inside = [str(path) for path in sorted(root.rglob("*"))]
    engines: list[dict[str, Any]] = [{"engine": "stat"}, {"engine": "statx"}, {"workers": 1 + seed % 4}]
    for number, (gnu, own) in enumerate(options_of(rnd)):
        roots = [str(root)] if number % 3 else rnd.choices([str(root), *inside], k=rnd.randrange(1, 5))
        expected = du(*gnu, "--", *roots)
        apparent = {"directory_sizes": True} if own.get("apparent") else {}
        for engine in engines:
            assert opskit_du(roots, **own, **engine, **apparent) == expected, (gnu, roots, engine)


def test_the_number_of_entries(tmp_path: Path) -> None:
    for seed in range(20):
        root = tmp_path / str(seed)
        make_tree(root, seed)
        scanned = scan(ScanRequest(roots=(os.fsencode(root),), depth=3, workers=2))
        assert sorted((entry.path, entry.entries) for entry in scanned.entries) == du(
            "--inodes", "--max-depth=3", str(root)
        )


def test_a_tree_that_is_worth_forking(tmp_path: Path) -> None:
    """Links between the shares of all workers, and the one process that begins."""
    root = tmp_path / "root"
    make_tree(root, 7, entries=9000)
    expected = du("--max-depth=8", str(root))
    assert sum(1 for _ in root.rglob("*")) > 3000
    for workers in (0, 1, 2, 5, 8):
        assert opskit_du([str(root)], depth=8, workers=workers) == expected


@pytest.mark.parametrize("rounds", [20, slow(100), more(2000)])
def test_the_same_total_each_time(tmp_path: Path, rounds: int) -> None:
    """A tree of which half are links, between directories and workers."""
    files = []
    for number in range(40):
        directory = tmp_path / f"d{number}" / "e" / "f"
        directory.mkdir(parents=True)
        for name in range(10):
            (directory / f"{name}").write_bytes(b"x" * 5000)
            files.append(directory / f"{name}")
    rnd = random.Random(3)
    for number in range(400):
        os.link(rnd.choice(files), rnd.choice(files).parent.parent / f"link{number}")
    expected = du("--max-depth=2", str(tmp_path))
    for _ in range(rounds):
        assert opskit_du([str(tmp_path)], depth=2, workers=8) == expected


def test_inode_order_in_a_large_directory(tmp_path: Path) -> None:
    """Of more than 10,000 names du takes those with small inode numbers first: a link counts elsewhere then."""
    large = tmp_path / "large"
    large.mkdir()
    for number in range(10_001):
        (large / f"file{number}").touch()
    for number in range(30):
        (large / f"d{number}").mkdir()
        (large / f"d{number}" / "own").write_bytes(b"x" * 5000)
    for number in range(30):
        os.link(large / f"d{number}" / "own", large / f"d{(number * 7 + 3) % 30}" / "link")
    expected = du("--max-depth=3", str(tmp_path))
    assert opskit_du([str(tmp_path)], depth=3) == expected
    assert opskit_du([str(tmp_path)], depth=3, workers=3) == expected


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """2,000 levels, with directories beside them; taken down by rm, as pytest cannot."""
    root = tmp_path / "root"
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    try:
        for level in range(2000):
            name = "deep" * 5
            os.mkdir(name, dir_fd=here)
            if level % 3 == 0:
                os.mkdir("beside", dir_fd=here)
                os.mkdir("beside/one", dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    yield root
    subprocess.run(["rm", "-rf", root], check=True)


def test_two_thousand_levels_and_paths_longer_than_path_max(deep: Path, request: pytest.FixtureRequest) -> None:
    expected = du("--max-depth=1", str(deep))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    request.addfinalizer(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    for engine in ({"engine": "stat"}, {"engine": "statx"}, {"workers": 3}):
        assert opskit_du([str(deep)], depth=1, **engine) == expected


def test_every_odd_name_is_kept(tmp_path: Path) -> None:
    for name in NAMES:
        os.mkdir(tmp_path / name)
    assert opskit_du([str(tmp_path)], depth=1) == du("--max-depth=1", str(tmp_path))


def test_roots_of_every_kind(tmp_path: Path) -> None:
    directory = tmp_path / "directory"
    make_tree(directory, 5)
    (tmp_path / "file").write_bytes(b"x" * 9000)
    (tmp_path / "link").symlink_to("directory")
    for root in ("directory", "file", "link"):
        path = str(tmp_path / root)
        assert opskit_du([path]) == du("--max-depth=2", path)
    for path in (f"{directory}/", f"{tmp_path}/link/", f"{directory}//", f"{directory}/."):
        assert opskit_du([path]) == du("--max-depth=2", path)


@pytest.mark.parametrize("files", [64, 256])
def test_few_open_files_are_allowed(tmp_path: Path, files: int) -> None:
    """Each of 300 directories in each other has some beside it: more than can be kept open."""
    names = [os.fsencode(str(number)) for number in range(4)]
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(300):
        for name in names:
            os.mkdir(name, dir_fd=at)
        deeper = os.open(os.listdir(at)[0], os.O_RDONLY, dir_fd=at)  # the one that is read first
        os.close(at)
        at = deeper
    os.close(at)
    expected = du("--max-depth=1", str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        for workers in (0, 3):
            scanned = scan(ScanRequest(roots=(os.fsencode(tmp_path),), depth=1, workers=workers))
            assert (sorted((entry.path, entry.bytes) for entry in scanned.entries), scanned.unreadable) == (
                expected,
                (),
            )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
