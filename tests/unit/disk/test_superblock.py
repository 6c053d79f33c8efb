"""What superblocks say, on crafted bytes; real filesystems are in tests/host."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from opskit.disk.model import FilesystemSize
from opskit.disk.see import superblock

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


# What 32 bits count.
COUNTED = 1 << 32


def ext(blocks: int, *, log: int = 2, state: int = 1, mounts: int = 0, time: int = 0, high: int = 0) -> bytes:
    """A superblock of ext4 with 4 KiB blocks unless log says otherwise."""
    block = bytearray(1024)
    struct.pack_into("<I", block, 0x4, blocks)
    struct.pack_into("<I", block, 0x14, 1 if log == 0 else 0)  # s_first_data_block
    struct.pack_into("<I", block, 0x18, log)
    struct.pack_into("<I", block, 0x20, 8 * (1024 << log))  # blocks per group
    struct.pack_into("<I", block, 0x28, 8192)  # inodes per group
    struct.pack_into("<IIHHHH", block, 0x2C, time, 0, mounts, 0, 0xEF53, state)
    struct.pack_into("<H", block, 0x58, 256)
    if high:
        struct.pack_into("<I", block, 0x60, 0x80)
        struct.pack_into("<I", block, 0x150, high)
    return bytes(block)


def disk(path: Path, size: int, *parts: tuple[int, bytes]) -> str:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in parts:
            file.seek(offset)
            file.write(data)
    return str(path)


def test_ext_that_fills_its_device() -> None:
    assert superblock.ext_size(ext(262144), GIB) == FilesystemSize(4096, 262144, 262144, COUNTED)


def test_ext_with_room_to_grow() -> None:
    assert superblock.ext_size(ext(262144), 2 * GIB) == FilesystemSize(4096, 262144, 524288, COUNTED)


def test_ext_leaves_out_a_last_group_that_is_too_small() -> None:
    """100 blocks in a new last group are less than its own tables (512 blocks of inodes)."""
    assert superblock.ext_size(ext(262144), GIB + 100 * 4096) == FilesystemSize(4096, 262144, 262144, COUNTED)


def test_ext_counts_its_blocks_with_32_bits_or_more() -> None:
    """At 2^32 blocks resize2fs leaves out the last one; what has 64bit has no such end."""
    exactly = superblock.ext_size(ext(262144), COUNTED * 4096)
    assert exactly == FilesystemSize(4096, 262144, COUNTED - 1, COUNTED)
    large = superblock.ext_size(ext(0, high=1), 2 * COUNTED * 4096)
    assert large == FilesystemSize(4096, COUNTED, 2 * COUNTED)


@pytest.mark.parametrize("place", [0x18, 0x1C])
def test_ext_with_a_block_size_that_cannot_be(place: int) -> None:
    block = bytearray(ext(262144))
    struct.pack_into("<I", block, place, 0xFFFFFFF0)
    assert superblock.ext_size(bytes(block), GIB) is None


def test_ext_over_16_tib_has_the_high_half_of_its_blocks() -> None:
    size = superblock.ext_size(ext(0, high=2), 0)
    assert size is not None
    assert size.blocks == 2 << 32


@pytest.mark.parametrize("data", [b"", bytes(1024), ext(1)[:1000], ext(0)])
def test_what_is_no_ext_has_no_size(data: bytes) -> None:
    assert superblock.ext_size(data, GIB) is None


def test_xfs_leaves_out_a_tiny_allocation_group() -> None:
    assert superblock.xfs_size(4096, 65536, 65536 * 4096, 16384) == FilesystemSize(4096, 65536, 65536)
    assert superblock.xfs_size(4096, 65536, (65536 + 63) * 4096, 16384) == FilesystemSize(4096, 65536, 65536)
    assert superblock.xfs_size(4096, 65536, (65536 + 64) * 4096, 16384) == FilesystemSize(4096, 65536, 65600)


def test_filesystem_size_reads_the_device(tmp_path: Path) -> None:
    path = disk(tmp_path / "d", 16 * MIB, (1024, ext(2048)))
    assert superblock.filesystem_size(path, "ext4", 16 * MIB, "") == FilesystemSize(4096, 2048, 4096, COUNTED)
    xfs = struct.pack(">4sIQ", b"XFSB", 4096, 2048) + bytes(68) + struct.pack(">I", 1024)
    path = disk(tmp_path / "x", 16 * MIB, (0, xfs))
    assert superblock.filesystem_size(path, "xfs", 16 * MIB, "") == FilesystemSize(4096, 2048, 4096)


def test_filesystem_size_of_what_cannot_be_read(tmp_path: Path) -> None:
    assert superblock.filesystem_size(str(tmp_path / "absent"), "ext4", GIB, "") is None
    assert superblock.filesystem_size(str(tmp_path), "btrfs", GIB, "") is None


@pytest.mark.parametrize(
    ("block", "partly"),
    [
        (ext(2048, state=1), False),
        (ext(2048, state=0), True),
        (ext(2048, state=0, mounts=1), False),  # it is mounted, or was not unmounted
        (ext(2048, state=0, time=1), False),
        (ext(2048, state=2), True),  # EXT4_ERROR_FS alone, never mounted
    ],
)
def test_made_partly_ext(tmp_path: Path, block: bytes, partly: bool) -> None:
    assert superblock.made_partly(disk(tmp_path / "d", MIB, (1024, block)), "ext4") is partly


@pytest.mark.parametrize(("flag", "partly"), [(b"\x00", False), (b"\x01", True)])
def test_made_partly_xfs(tmp_path: Path, flag: bytes, partly: bool) -> None:
    assert superblock.made_partly(disk(tmp_path / "d", MIB, (0, b"XFSB"), (126, flag)), "xfs") is partly


def test_made_partly_of_nothing(tmp_path: Path) -> None:
    assert not superblock.made_partly(str(tmp_path / "absent"), "xfs")
    assert not superblock.made_partly(disk(tmp_path / "d", 10), "ext4")


@pytest.mark.parametrize("backup", [8193 * KIB, 32768 * KIB, 131072 * KIB])
def test_a_dead_superblock_has_its_backup(tmp_path: Path, backup: int) -> None:
    path = disk(tmp_path / "d", 160 * MIB, (backup, ext(2048)))
    assert superblock.superblock_damaged(path)
    assert not superblock.superblock_damaged(disk(tmp_path / "whole", 160 * MIB, (1024, ext(1)), (backup, ext(1))))


def test_a_blank_disk_has_no_dead_superblock(tmp_path: Path) -> None:
    assert not superblock.superblock_damaged(disk(tmp_path / "d", 160 * MIB))
    assert not superblock.superblock_damaged(disk(tmp_path / "small", MIB))


@pytest.mark.parametrize("sector", [512, 4096])
def test_only_the_backup_gpt(tmp_path: Path, sector: int) -> None:
    size = 4 * MIB
    last = (size - sector, b"EFI PART")
    assert superblock.gpt_backup_only(disk(tmp_path / "a", size, last), size, sector)
    assert not superblock.gpt_backup_only(disk(tmp_path / "b", size, (sector, b"EFI PART"), last), size, sector)
    assert not superblock.gpt_backup_only(disk(tmp_path / "c", size, (sector, b"EFI PART")), size, sector)
    assert not superblock.gpt_backup_only(disk(tmp_path / "d", size), size, sector)


GUID = bytes.fromhex("33221100554477668899aabbccddeeff")
NAME = "00112233-4455-6677-8899-aabbccddeeff"
NONE = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("parts", "headers", "entries"),
    [
        ((), set(), {NONE}),
        (((512, b"EFI PART" + bytes(48) + GUID),), {NAME}, {NONE}),
        (((MIB - 512, b"EFI PART" + bytes(48) + GUID),), {NAME}, {NONE}),
        (((MIB - 512, b"EFI TRAP" + bytes(48) + GUID),), set(), {NONE}),
        (((1024 + 16, GUID),), set(), {NONE, NAME}),
        (((MIB - 33 * 512 + 16, GUID),), set(), {NONE, NAME}),
    ],
)
def test_what_is_there_of_a_gpt(tmp_path: Path, parts: Any, headers: set[str], entries: set[str]) -> None:
    path = disk(tmp_path / "d", MIB, *parts)
    assert superblock.gpt_traces(path, MIB, 512) == (headers, entries)


def test_what_cannot_be_read_leaves_no_trace(tmp_path: Path) -> None:
    assert superblock.gpt_traces(str(tmp_path / "absent"), MIB, 512) == (set(), set())
