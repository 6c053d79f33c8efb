"""How large resize2fs makes an ext filesystem on a device of any size: as grow says before."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from host.tools import MIB, run
from opskit.disk.see.superblock import ext_size
from tiers import Agree, ranges

KINDS = {
    "1 KiB": ("-b", "1024"),
    "2 KiB": ("-b", "2048"),
    "4 KiB": ("-b", "4096"),
    "32 bits": ("-b", "1024", "-O", "^64bit"),
    "no resize_inode": ("-b", "1024", "-O", "meta_bg,^resize_inode"),
    "bigalloc": ("-O", "bigalloc", "-C", "16384"),
    "bigalloc, 1 KiB": ("-b", "1024", "-O", "bigalloc", "-C", "8192"),
}


def superblock(image: Path) -> bytes:
    with open(image, "rb") as file:
        file.seek(1024)
        return file.read(1024)


def predicted_and_made(image: Path, options: Sequence[str], rnd: random.Random) -> tuple[int, int]:
    """How many blocks grow says, and how many there are after resize2fs.

    It is not mounted: the kernel would want CAP_SYS_RESOURCE. tests/vm has mounted ones.
    """
    with open(image, "wb") as file:
        file.truncate(rnd.randrange(8 * MIB, 32 * MIB) // 512 * 512)
    run("mkfs.ext4", "-q", *options, str(image))
    size = os.path.getsize(image) + rnd.randrange(MIB, 48 * MIB) // 512 * 512
    os.truncate(image, size)
    before = ext_size(superblock(image), size)
    # Not mounted, bigalloc is too new for it.
    run("resize2fs", *(["-f"] if "bigalloc" in options else []), str(image))
    after = ext_size(superblock(image), size)
    assert before
    assert after
    return before.blocks_possible, after.blocks


@pytest.mark.parametrize("numbers", ranges(2, 15, 100, size=25))
@pytest.mark.parametrize("kind", KINDS)
def test_ext_is_as_large_as_was_said(kind: str, numbers: Sequence[int], tmp_path: Path, agree: Agree) -> None:
    sizes = [predicted_and_made(tmp_path / "image", KINDS[kind], random.Random(f"{kind} {n}")) for n in numbers]
    right = [foretold for foretold, made in sizes if foretold == made]
    agree("ext filesystems as large as grow says", len(right), len(sizes))


def test_ext_with_block_numbers_of_32_bits_ends_where_grow_says(tmp_path: Path) -> None:
    """8 TiB with blocks of 2 KiB: all but the last of 2^32 blocks there, and nothing on a larger device."""
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(64 * MIB)
    features = "^64bit,^resize_inode,^metadata_csum,uninit_bg,flex_bg"  # few tables, which are written late
    run("mkfs.ext4", "-q", "-b", "2048", "-N", "16", "-G", "4096", "-O", features, str(image))
    limit = (1 << 32) * 2048
    os.truncate(image, limit)
    before = ext_size(superblock(image), limit)
    assert before
    assert (before.blocks_possible, before.most_blocks) == ((1 << 32) - 1, 1 << 32)
    run("resize2fs", str(image))
    after = ext_size(superblock(image), limit)
    assert after
    assert after.blocks == after.blocks_possible == before.blocks_possible
    os.truncate(image, limit + MIB)
    assert run("resize2fs", str(image), check=False).returncode == 1
    made = ext_size(superblock(image), limit)
    assert made == after
