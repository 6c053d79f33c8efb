"""What Python's os does not ask of the kernel: statx(2), ioctl(2) and calls of the C library, each number once.

The layouts are those of the kernel's uapi headers; requests of ioctl are those of x86_64 and aarch64.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import struct
import sys
from typing import Any, NamedTuple

# statx(2), linux/stat.h and linux/fcntl.h; the layout of struct statx is the same on every architecture.
STATX_BYTES = 256
STATX_BASIC_STATS, STATX_BTIME = 0x7FF, 0x800
STATX_ATTR_IMMUTABLE, STATX_ATTR_APPEND = 0x10, 0x20
AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH, AT_STATX_DONT_SYNC = 0x100, 0x800, 0x1000, 0x4000
_ALL, _FIXED = STATX_BASIC_STATS | STATX_BTIME, STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND
_SYNCED = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH  # as stat(2): a server is asked
# stx_mask, stx_attributes, stx_nlink, stx_mode, stx_ino, stx_size, stx_blocks, stx_atime, _btime, _ctime, _mtime
_STATX = struct.Struct("=I4xQI8xH2xQQQ8x qI4x qI4x qI4x qI")
_UNTIMED = struct.Struct("=8xQI8xH2xQQQ")  # its stx_attributes to stx_blocks

# Of ioctl_iflags(2).
_FS_IOC_GETFLAGS = 0x80086601 if sys.maxsize > 1 << 32 else 0x80046601
FS_IMMUTABLE_FL, FS_APPEND_FL, FS_NOATIME_FL = 0x10, 0x20, 0x80
# Of ioctl_ficlone(2).
_FICLONE = 0x40049409
# linux/loop.h: struct loop_info64 begins with lo_device, lo_inode, lo_rdevice.
_LOOP_GET_STATUS64 = 0x4C05
_LOOP_INFO = struct.Struct("=QQQ208x")
# xfs_fs.h: struct xfs_fsop_geom_v1 and struct xfs_fsop_counts (freedata, freertx, freeino, allocino)
_XFS_IOC_FSGEOMETRY_V1 = 0x80705864
_XFS_GEOMETRY = struct.Struct("=8I4Q48x")
_XFS_IOC_FSCOUNTS = 0x80205871
_XFS_COUNTS = struct.Struct("=4Q")
# Of ioctl_getfsmap(2) and linux/fsmap.h.
_GETFSMAP = 0xC0C0583B
_FSMAP_HEAD = struct.Struct("=4I48x")
_FSMAP_KEY = struct.Struct("=IIQQQQ24x")
_FSMAP_RECORDS = 4096
_FMR_OF_SPECIAL_OWNER, _FMR_OF_LAST = 0x10, 0x20

# Of prctl(2), unshare(2) and mount(2).
PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18


@functools.cache
def libc() -> Any:
    """The C library by ctypes; checked() has the errno of a call."""
    import ctypes  # noqa: PLC0415 - most commands do without

    return ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    """The result of a call of libc(). Raises OSError, with its errno, for -1."""
    if result < 0:
        import ctypes  # noqa: PLC0415

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def kernel_release() -> tuple[int, int]:
    """The first two numbers of the release of the kernel that runs; (0, 0) for one that does not begin with them."""
    match = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def device_number(number: int) -> str:
    """A device number (st_dev, st_rdev) as mountinfo and sysfs write it: `253:0`."""
    return f"{os.major(number)}:{os.minor(number)}"


def statx_function() -> Any:
    """statx() of the C library. PyDLL keeps the interpreter's lock, which is cheaper for one thread.

    Raises OSError for a C library before 2.28; the kernel (before 4.11) may still have none.
    """
    import ctypes  # noqa: PLC0415

    try:
        return ctypes.PyDLL(None).statx
    except AttributeError:
        raise OSError("the C library has no statx") from None


class InodeStatus(NamedTuple):
    """What an inode tells of itself. allocated: its blocks in bytes; times: microseconds since 1970, 0 for not known.

    fixed: it is immutable or append-only (chattr +i, +a), and cannot be removed.
    """

    mode: int
    size: int
    allocated: int
    inode: int
    links: int
    atime: int
    ctime: int
    mtime: int
    birth: int
    fixed: bool


class Statx:
    """What statx(2) tells of a file; os.stat leaves out its time of birth, and whether it is immutable."""

    def __init__(self) -> None:
        self._buffer = bytearray(STATX_BYTES)
        self._statx: Any = None
        try:
            self._statx = statx_function()
        except OSError:
            return
        import ctypes  # noqa: PLC0415

        self._place = (ctypes.c_char * STATX_BYTES).from_buffer(self._buffer)

    def of(self, directory: int, name: str) -> tuple[int, bool]:
        """A name in an open directory: its birth in microseconds since 1970, and whether it cannot be removed.

        0 for a birth that is not known. With "" for a name it is the open file itself.
        """
        flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_STATX_DONT_SYNC
        path = os.fsencode(name) if name else b""
        if self._statx is None or self._statx(directory, path, flags, STATX_BTIME, self._place):
            return 0, False
        status = _status_of(*_STATX.unpack_from(self._buffer))
        return status.birth, status.fixed

    def status(self, directory: int, name: str = "") -> InodeStatus:
        """All of a name in an open directory, or of an open file. Raises OSError.

        Where there is no statx the birth is not known, and nothing is fixed.
        """
        path = os.fsencode(name) if name else b""
        if self._statx is None or self._statx(directory, path, _SYNCED, _ALL, self._place):
            return _without_statx(
                os.stat(name, dir_fd=directory, follow_symlinks=False) if name else os.fstat(directory)
            )
        return _status_of(*_STATX.unpack_from(self._buffer))

    def untimed(self, descriptor: int) -> tuple[int, int, int, int, int, bool]:
        """Of an open file what status() tells, without the times: mode, size, allocated, inode, links, fixed.

        It takes half as long. Raises OSError.
        """
        if self._statx is None or self._statx(descriptor, b"", _SYNCED, STATX_BASIC_STATS, self._place):
            status = self.status(descriptor)
            return (*status[:5], status.fixed)
        attributes, links, mode, inode, size, blocks = _UNTIMED.unpack_from(self._buffer)
        return mode, size, blocks * 512, inode, links, attributes & _FIXED != 0


def _status_of(
    mask: int, attributes: int, links: int, mode: int, inode: int, size: int, blocks: int, atime: int, atime_ns: int,
    born: int, born_ns: int, ctime: int, ctime_ns: int, mtime: int, mtime_ns: int,
) -> InodeStatus:  # fmt: skip
    """What _STATX has of an inode. A time before 1970 is not known, as for systemd's timespec_load."""
    return InodeStatus(
        mode,
        size,
        blocks * 512,
        inode,
        links,
        atime * 1_000_000 + atime_ns // 1000 if atime >= 0 else 0,
        ctime * 1_000_000 + ctime_ns // 1000 if ctime >= 0 else 0,
        mtime * 1_000_000 + mtime_ns // 1000 if mtime >= 0 else 0,
        born * 1_000_000 + born_ns // 1000 if mask & STATX_BTIME and born > 0 else 0,
        attributes & _FIXED != 0,
    )


def _without_statx(status: os.stat_result) -> InodeStatus:
    """The same of os.stat."""
    return InodeStatus(
        mode=status.st_mode,
        size=status.st_size,
        allocated=status.st_blocks * 512,
        inode=status.st_ino,
        links=status.st_nlink,
        atime=max(status.st_atime_ns, 0) // 1000,
        ctime=max(status.st_ctime_ns, 0) // 1000,
        mtime=max(status.st_mtime_ns, 0) // 1000,
        birth=0,
        fixed=False,
    )


def inode_flags(descriptor: int) -> int:
    """The flags of chattr(1) of an open file (FS_…_FL); 0 where the filesystem has none."""
    try:
        data = fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, bytes(8))
    except OSError:
        return 0
    return int.from_bytes(data[:4], sys.byteorder)


def clone_data(source: int, target: int) -> None:
    """Make the data of one open file those of another, without copying. Raises OSError where that cannot be."""
    fcntl.ioctl(target, _FICLONE, source)


def loop_backing(descriptor: int) -> str:
    """The number of the device under an open loop device, or of that which its file is on. Raises OSError."""
    device, _inode, of_device_file = _LOOP_INFO.unpack(
        fcntl.ioctl(descriptor, _LOOP_GET_STATUS64, bytes(_LOOP_INFO.size))
    )
    return device_number(of_device_file or device)


class XfsGeometry(NamedTuple):
    """The geometry of a mounted xfs.

    group_blocks: of an allocation group
    inode_bytes: the size of an inode
    log_blocks: of its blocks those of the log; 0 with a log elsewhere
    """

    block_bytes: int
    group_blocks: int
    inode_bytes: int
    blocks: int
    log_blocks: int


def xfs_geometry(descriptor: int) -> XfsGeometry:
    """The geometry of the xfs that an open directory is on. Raises OSError."""
    data = fcntl.ioctl(descriptor, _XFS_IOC_FSGEOMETRY_V1, bytes(_XFS_GEOMETRY.size))
    numbers = _XFS_GEOMETRY.unpack(data)
    log = numbers[4] if numbers[11] else 0  # logstart: 0 says that it is not among them
    return XfsGeometry(
        block_bytes=numbers[0], group_blocks=numbers[2], inode_bytes=numbers[6], blocks=numbers[8], log_blocks=log
    )


def xfs_allocated_inodes(descriptor: int) -> int:
    """How many inodes the xfs that an open directory is on has made. Raises OSError: EPERM without root."""
    allocated: int = _XFS_COUNTS.unpack(fcntl.ioctl(descriptor, _XFS_IOC_FSCOUNTS, bytes(_XFS_COUNTS.size)))[3]
    return allocated


def special_owners(descriptor: int) -> dict[int, int]:
    """The bytes of each special owner (free, unknown, log …) of a filesystem, by ioctl_getfsmap(2).

    descriptor: of an open directory on it

    Raises OSError: EPERM without root, EOPNOTSUPP or ENOTTY where filesystem or kernel (before 4.12) has none.
    """
    sums: dict[int, int] = {}
    low = bytes(_FSMAP_KEY.size)
    high = _FSMAP_KEY.pack(*[(1 << 32) - 1] * 2, *[(1 << 64) - 1] * 3, 0)
    while True:
        head = _FSMAP_HEAD.pack(0, 0, _FSMAP_RECORDS, 0)
        buffer = bytearray(head + low + high + bytes(_FSMAP_KEY.size * _FSMAP_RECORDS))
        fcntl.ioctl(descriptor, _GETFSMAP, buffer)
        count = _FSMAP_HEAD.unpack_from(buffer)[3]
        begin = _FSMAP_HEAD.size + 2 * _FSMAP_KEY.size
        records = bytes(buffer[begin : begin + count * _FSMAP_KEY.size])
        flags = _FMR_OF_LAST
        for _, flags, _, owner, _, length in _FSMAP_KEY.iter_unpack(records):
            if flags & _FMR_OF_SPECIAL_OWNER:
                sums[owner] = sums.get(owner, 0) + length
        if flags & _FMR_OF_LAST:
            return sums
        low = records[-_FSMAP_KEY.size :]
