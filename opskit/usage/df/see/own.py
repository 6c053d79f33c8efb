"""What a filesystem keeps for itself of what df calls used: inode tables, trees, and what it sets aside for them.

Measured on fresh and filled ones (tests/host/usage/test_df_why.py): ext3 and ext4 leave their tables out of size, and
4 to 24 KiB are left; tmpfs has none; xfs and btrfs have tens of MiB, and say so.
"""

from __future__ import annotations

import errno
import os
from typing import Optional

from opskit.core.kernel import special_owners, xfs_allocated_inodes, xfs_geometry
from opskit.usage.df.model import Filesystem

# Special owners of ioctl_getfsmap(2), linux/fsmap.h, and those of xfs.
_FREE, _UNKNOWN = 1, 2
_X = ord("X") << 32
_LOG, _INODES = _X | 2, _X | 5


def own_bytes(filesystem: Filesystem) -> tuple[Optional[int], str]:
    """The bytes of `used` that a filesystem keeps for itself, and what they are; None, and why, where nothing says."""
    kind = filesystem.fstype
    if kind in {"ext2", "ext3", "ext4"}:
        return 0, f"df leaves the tables of {kind} out of its size already"
    if kind == "tmpfs":
        return 0, "tmpfs needs no blocks for itself"
    try:
        if kind == "xfs":
            return _xfs(filesystem)
        if kind == "btrfs":
            return _btrfs(filesystem.source), "metadata, system, and the global reserve of btrfs"
    except OSError as error:
        why = "only root may ask xfs" if error.errno == errno.EPERM else error.strerror
        return None, f"not measured: {why}"
    return None, f"not measured: opskit knows no way to ask {kind}"


def _xfs(filesystem: Filesystem) -> tuple[int, str]:
    """Blocks that belong to no file; and the free ones that df does not see as free: set aside for the trees.

    Below a directory with a project quota the figures of df are those of the project (xfs_fs_statfs of the kernel),
    which has none of them.
    """
    descriptor = os.open(filesystem.mount_point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        figures, geometry = os.fstatvfs(descriptor), xfs_geometry(descriptor)
        whole = (geometry.blocks - geometry.log_blocks) * geometry.block_bytes
        if figures.f_blocks * figures.f_frsize < whole:
            return 0, "a project quota limits what is used here, and counts files only"
        owners = special_owners(descriptor)
        inode_bytes = xfs_allocated_inodes(descriptor) * geometry.inode_bytes
    finally:
        os.close(descriptor)
    set_aside = owners.get(_FREE, 0) - figures.f_bfree * figures.f_frsize
    # df leaves the log out of the size. Without a reverse map (rmapbt) inodes are among what has no known owner.
    of_owners = sum(size for owner, size in owners.items() if owner not in {_FREE, _UNKNOWN, _LOG})
    inodes = 0 if _INODES in owners else inode_bytes
    return max(0, set_aside) + of_owners + inodes, "inodes, trees, and free blocks that xfs sets aside for their growth"


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
