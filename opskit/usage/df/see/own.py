"""What a filesystem keeps for itself of what df calls used: inode tables, trees, and what it sets aside for them.

Measured on fresh and filled ones (tests/host/usage/test_df_why.py): ext3 and ext4 leave their tables out of size, and
4 to 24 KiB are left; tmpfs has none; xfs and btrfs have tens of MiB, and say so.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import Optional

from opskit.usage.df.model import Filesystem

# ioctl_getfsmap(2), linux/fsmap.h: 64-bit requests, as on x86_64 and aarch64.
GETFSMAP = 0xC0C0583B
_HEAD = struct.Struct("=4I48x")
_KEY = struct.Struct("=IIQQQQ24x")
_RECORDS = 4096
_SPECIAL_OWNER, _LAST = 0x10, 0x20
_FREE, _UNKNOWN = 1, 2
_X = ord("X") << 32
_LOG, _INODES = _X | 2, _X | 5
# xfs_fs.h: freedata, freertx, freeino, allocino; and the geometry, whose seventh number is the size of an inode.
XFS_IOC_FSCOUNTS = 0x80205871
XFS_IOC_FSGEOMETRY_V1 = 0x80705864


def own_bytes(filesystem: Filesystem) -> tuple[Optional[int], str]:
    """The bytes of `used` that a filesystem keeps for itself, and what they are; None, and why, where nothing says."""
    kind = filesystem.fstype
    if kind in {"ext2", "ext3", "ext4"}:
        return 0, f"df leaves the tables of {kind} out of its size already"
    if kind == "tmpfs":
        return 0, "tmpfs needs no blocks for itself"
    try:
        if kind == "xfs":
            return _xfs(filesystem), "inodes, trees, and free blocks that xfs sets aside for their growth"
        if kind == "btrfs":
            return _btrfs(filesystem.source), "metadata, system, and the global reserve of btrfs"
    except OSError as error:
        why = "only root may ask xfs" if error.errno == errno.EPERM else error.strerror
        return None, f"not measured: {why}"
    return None, f"not measured: opskit knows no way to ask {kind}"


def _xfs(filesystem: Filesystem) -> int:
    """Blocks that belong to no file; and the free ones that df does not see as free: set aside for the trees."""
    descriptor = os.open(filesystem.mount_point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        owners = fsmap(descriptor)
        figures = os.fstatvfs(descriptor)
        counts = struct.unpack("=4Q", fcntl.ioctl(descriptor, XFS_IOC_FSCOUNTS, bytes(32)))
        inode_size = struct.unpack_from("=7I", fcntl.ioctl(descriptor, XFS_IOC_FSGEOMETRY_V1, bytes(112)))[6]
    finally:
        os.close(descriptor)
    set_aside = owners.get(_FREE, 0) - figures.f_bfree * figures.f_frsize
    # df leaves the log out of the size. Without a reverse map (rmapbt) inodes are among what has no known owner.
    known = sum(size for owner, size in owners.items() if owner not in {_FREE, _UNKNOWN, _LOG})
    inodes = 0 if _INODES in owners else counts[3] * inode_size
    return max(0, set_aside) + known + inodes


def fsmap(descriptor: int) -> dict[int, int]:
    """The bytes of each special owner (free, unknown, log …) of the filesystem, by ioctl_getfsmap(2).

    Raises OSError: EPERM without root, EOPNOTSUPP or ENOTTY where filesystem or kernel (before 4.12) has none.
    """
    sums: dict[int, int] = {}
    low = bytes(_KEY.size)
    high = _KEY.pack(*[(1 << 32) - 1] * 2, *[(1 << 64) - 1] * 3, 0)
    while True:
        buffer = bytearray(_HEAD.pack(0, 0, _RECORDS, 0) + low + high + bytes(_KEY.size * _RECORDS))
        fcntl.ioctl(descriptor, GETFSMAP, buffer)
        count = _HEAD.unpack_from(buffer)[3]
        begin = _HEAD.size + 2 * _KEY.size
        records = bytes(buffer[begin : begin + count * _KEY.size])
        flags = _LAST
        for _, flags, _, owner, _, length in _KEY.iter_unpack(records):
            if flags & _SPECIAL_OWNER:
                sums[owner] = sums.get(owner, 0) + length
        if flags & _LAST:
            return sums
        low = records[-_KEY.size :]


def _btrfs(source: str, sysfs: str = "/sys/fs/btrfs") -> int:
    """All but the data: what sysfs says of the filesystem that this device is a part of. Raises OSError."""
    name = os.path.basename(os.path.realpath(source))
    for identity in os.listdir(sysfs):
        folder = os.path.join(sysfs, identity)
        if os.path.exists(os.path.join(folder, "devices", name)):
            parts = ("metadata/disk_used", "system/disk_used", "global_rsv_size")
            return sum(_number(os.path.join(folder, "allocation", part)) for part in parts)
    raise OSError(errno.ENOENT, f"{sysfs} does not have {name}")


def _number(path: str) -> int:
    with open(path, "rb") as file:
        return int(file.read())
