"""Signatures written by hand, for which this kernel has no driver (dm, md) or whose tools would look at every disk."""

from __future__ import annotations

import struct
import uuid
import zlib

from host.tools import MIB, Disk, run

LVM_CRC = 0xF597A6CF


def lvm_pv(disk: Disk) -> None:
    """The label of an LVM2 physical volume in the second sector (lvm2, lib/label/label.c)."""
    rest = struct.pack("<I8s", 32, b"LVM2 001") + b"abcdef0123456789abcdef0123456789" + struct.pack("<Q", 64 * MIB)
    rest = rest.ljust(512 - 20, b"\0")
    checksum = zlib.crc32(rest, LVM_CRC ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    disk.write(b"LABELONE" + struct.pack("<QI", 1, checksum) + rest, 512)


def luks(disk: Disk) -> None:
    """A LUKS1 header (cryptsetup, docs/on-disk-format.pdf)."""
    header = b"LUKS\xba\xbe" + struct.pack(">H", 1) + b"aes".ljust(32, b"\0") + b"xts-plain64".ljust(32, b"\0")
    header += b"sha256".ljust(32, b"\0") + struct.pack(">II", 4096, 32)
    disk.write(header.ljust(168, b"\0") + str(uuid.uuid4()).encode().ljust(40, b"\0"), 0)


def md_member(disk: Disk) -> None:
    """An md superblock of version 1.2, at 4 KiB (linux/raid/md_p.h)."""
    block = struct.pack("<IIII", 0xA92B4EFC, 1, 0, 0) + uuid.uuid4().bytes + b"host:0".ljust(32, b"\0")
    block = block.ljust(128, b"\0") + struct.pack("<QQQ", 2048, 120000, 8)
    disk.write(block.ljust(256, b"\0"), 4096)


def zfs_member(disk: Disk) -> None:
    """The uberblocks of a ZFS vdev label (blkid wants some of them)."""
    for number in range(8):
        disk.write(struct.pack("<QQQ", 0x00BAB10C, 5000, 1).ljust(64, b"\0"), 128 * 1024 + number * 1024)


def ext_in_xfs(disk: Disk) -> None:
    """xfs and ext4 at once, as after a mkfs that did not look."""
    run("mkfs.ext4", "-q", disk.path)
    with disk.image.open("rb") as file:
        file.seek(1024)
        superblock = file.read(1024)
    run("wipefs", "-a", disk.path)
    run("mkfs.xfs", "-q", "-f", disk.path)
    disk.write(superblock, 1024)


def backup_gpt_only(disk: Disk) -> None:
    """A GPT whose first sectors were lost."""
    disk.make_partition("gpt")
    disk.forget_partitions()
    disk.write(b"\0" * 34 * 512, 0)
