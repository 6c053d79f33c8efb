"""What a superblock itself says, where no tool tells it by an exit status: sizes, unfinished mkfs, lost tables.

ext: Documentation/filesystems/ext4/super.rst; xfs: xfs_format.h (struct xfs_dsb) and xfs_fs.h; GPT: UEFI 2.10, 5.3.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Optional

from opskit.core.kernel import xfs_geometry
from opskit.core.units import KIB
from opskit.disk.layout import backup_gpt_sectors
from opskit.disk.model import FilesystemSize

EXT_OFFSET = 1024
EXT_MAGIC = 0xEF53
EXT_VALID = 1
EXT_ERRORS = 2
# A cluster is 512 MiB at most (EXT2_MAX_CLUSTER_LOG_SIZE in e2fsprogs' ext2_fs.h); more is damage.
EXT_MAX_LOG_SIZE = 19
# What the block numbers of ext reach to without the feature 64bit: 16 TiB with blocks of 4 KiB.
EXT_32BIT_BLOCKS = 1 << 32
GPT_MAGIC = b"EFI PART"
# _IOR('X', 100, struct xfs_fsop_geom_v1): 112 bytes, in every kernel since xfs came.
# An allocation group smaller than this is not made (XFS_MIN_AG_BLOCKS).
XFS_MIN_AG_BLOCKS = 64
# Where ext keeps its first backup superblock, for blocks of 1, 2 and 4 KiB.
EXT_BACKUPS = (8193 * KIB, 16384 * 2 * KIB, 32768 * 4 * KIB)


def _read(path: str, offset: int, length: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)


def ext_size(superblock: bytes, device_size: int) -> Optional[FilesystemSize]:
    """The size of an ext filesystem from its superblock (1024 bytes), and what resize2fs would make of the device.

    resize2fs takes whole pages of memory and whole clusters, without the feature 64bit all but the last of 2^32 blocks
    (e2fsprogs, resize/main.c), and leaves out a last block group that has no room for its own tables and 50 blocks more
    (resize/resize2fs.c, adjust_fs_info).
    """
    if len(superblock) < 1024 or struct.unpack_from("<H", superblock, 0x38)[0] != EXT_MAGIC:
        return None
    blocks_low, first, log_size, log_cluster = struct.unpack_from("<I12xIII", superblock, 0x4)
    per_group, inodes_per_group = (struct.unpack_from("<I", superblock, at)[0] for at in (0x20, 0x28))
    is_64bit = struct.unpack_from("<I", superblock, 0x60)[0] & 0x80
    blocks = blocks_low + (struct.unpack_from("<I", superblock, 0x150)[0] << 32 if is_64bit else 0)
    if max(log_size, log_cluster) > EXT_MAX_LOG_SIZE:
        return None
    block_size = 1024 << log_size
    inode_size = struct.unpack_from("<H", superblock, 0x58)[0] or 128
    unit = max(mmap.PAGESIZE, 1024 << log_cluster)  # in bytes: of a page of memory, or of a cluster
    possible = device_size // unit * unit // block_size
    if not per_group or not blocks:
        return None
    if not is_64bit and possible == EXT_32BIT_BLOCKS:
        possible -= 1
    group_tables = 2 + -(-inodes_per_group * inode_size // block_size)
    descriptor = 64 if is_64bit else 32
    reserved = struct.unpack_from("<H", superblock, 0xCE)[0]
    descriptors = 1 + reserved + -(-(possible // per_group + 1) * descriptor // block_size)
    rest = (possible - first) % per_group
    if rest and rest < group_tables + descriptors + 50:
        possible -= rest
    return FilesystemSize(block_size, blocks, max(possible, blocks), 0 if is_64bit else EXT_32BIT_BLOCKS)


def xfs_size(block_size: int, blocks: int, device_size: int, ag_blocks: int) -> FilesystemSize:
    """The size of an xfs filesystem, and what xfs_growfs would make of the device."""
    possible = device_size // block_size
    rest = possible % ag_blocks if ag_blocks else 0
    if rest and rest < XFS_MIN_AG_BLOCKS:
        possible -= rest
    return FilesystemSize(block_size, blocks, max(possible, blocks))


def filesystem_size(path: str, fstype: str, device_size: int, target: str) -> Optional[FilesystemSize]:
    """The size of the filesystem on a device; None if unknown.

    device_size: of the device, in bytes.
    target: where it is mounted, "" for nowhere.
    """
    try:
        if fstype in {"ext2", "ext3", "ext4"}:
            return ext_size(_read(path, EXT_OFFSET, 1024), device_size)
        if fstype == "xfs" and target:
            return _mounted_xfs_size(target, device_size)
        if fstype == "xfs":
            head = _read(path, 0, 512)
            block_size, blocks = struct.unpack_from(">IQ", head, 4)
            return xfs_size(block_size, blocks, device_size, struct.unpack_from(">I", head, 84)[0])
    except (OSError, struct.error):
        return None
    return None


def _mounted_xfs_size(target: str, device_size: int) -> FilesystemSize:
    """A mounted xfs writes its superblock back late: its ioctl knows."""
    descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        geometry = xfs_geometry(descriptor)
    finally:
        os.close(descriptor)
    return xfs_size(geometry.block_bytes, geometry.blocks, device_size, geometry.group_blocks)


def made_partly(path: str, fstype: str) -> bool:
    """Whether the mkfs of this filesystem did not come to its end.

    mkfs.xfs sets sb_inprogress and clears it last; mke2fs sets the valid bit last, and the filesystem
    was never mounted if its mount count and mount time are 0.
    """
    try:
        if fstype == "xfs":
            return _read(path, 126, 1) == b"\x01"
        if fstype in {"ext2", "ext3", "ext4"}:
            mount_time, _, mount_count, _, _, state = struct.unpack_from("<IIHHHH", _read(path, EXT_OFFSET, 1024), 0x2C)
            return not state & EXT_VALID and mount_count == 0 and mount_time == 0
    except (OSError, struct.error):
        return False
    return False


def has_errors(path: str, fstype: str) -> bool:
    """Whether ext itself says that it has errors (s_state: bit 1); False where that cannot be read."""
    try:
        superblock = _read(path, EXT_OFFSET, 1024) if fstype.startswith("ext") else b""
    except OSError:
        return False
    return len(superblock) == 1024 and bool(struct.unpack_from("<H", superblock, 0x3A)[0] & EXT_ERRORS)


def superblock_damaged(path: str) -> bool:
    """Whether a backup superblock of ext stands where its primary one is gone."""
    try:
        if struct.unpack_from("<H", _read(path, EXT_OFFSET, 1024), 0x38)[0] == EXT_MAGIC:
            return False
        backups = (_read(path, offset + 0x38, 2) for offset in EXT_BACKUPS)
        return any(struct.unpack("<H", magic)[0] == EXT_MAGIC for magic in backups if len(magic) == 2)
    except (OSError, struct.error):
        return False


def gpt_backup_only(path: str, size: int, sector_size: int) -> bool:
    """Whether only the backup GPT in the last sector is left. EL7's blkid and wipefs are blind to it."""
    try:
        primary = _read(path, sector_size, 8) == GPT_MAGIC
        return not primary and _read(path, size - sector_size, 8) == GPT_MAGIC
    except OSError:
        return False


def gpt_traces(path: str, size: int, sector_size: int) -> tuple[frozenset[str], frozenset[str]]:
    """What is there of a GPT, whole or not: the ids of tables, from the headers, and of what their entries begin with.

    Where there is no entry something else may be taken for one. What cannot be read leaves no trace.
    """
    headers, entries = set(), set()
    tail, _ = backup_gpt_sectors(size, sector_size)
    for header, entry in ((sector_size, 2 * sector_size), (size - sector_size, tail * sector_size)):
        try:
            header_bytes, entry_bytes = _read(path, header, 72), _read(path, entry, 32)
        except OSError:
            continue
        if header_bytes[:8] == GPT_MAGIC:
            headers.add(_guid(header_bytes[56:]))
        entries.add(_guid(entry_bytes[16:]))
    return frozenset(headers), frozenset(entries)


def _guid(data: bytes) -> str:
    """A GUID as it is written (UEFI 2.10, appendix A)."""
    if len(data) < 16:
        return ""
    first, second, third = struct.unpack_from("<IHH", data)
    rest = data[8:16].hex()
    return f"{first:08x}-{second:04x}-{third:04x}-{rest[:4]}-{rest[4:]}"
