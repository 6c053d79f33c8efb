"""Bad input: the device itself, who uses it, and what is on it."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest

from host.disk import signatures
from host.disk.cases import REFUSED, USAGE, Case, case, each
from host.hosts import Host
from host.tools import GIB, MIB, Disk, run

# What the device is


@case
def no_such_device(_host: Host) -> Case:
    return Case("/dev/nonesuch", USAGE, "no-such-device", words=("/dev/nonesuch",))


@case
def character_device(_host: Host) -> Case:
    return Case("/dev/zero", USAGE, "not-a-block-device", words=("character device",))


@case
def plain_file(host: Host) -> Case:
    return Case(str(host.new_disk().image), USAGE, "not-a-block-device", words=("a file",))


@case
def directory(host: Host) -> Case:
    return Case(str(host.folder), USAGE, "not-a-block-device", words=("a directory",))


@case
def empty_loop_device(host: Host) -> Case:
    return Case(host.new_disk(0).path, REFUSED, "no-size")


@case
def partition_where_a_disk_is_meant(host: Host) -> Case:
    disk = host.new_disk()
    return Case(disk.make_partition(), USAGE, "partition", words=(disk.path,))


@case
def disk_where_a_partition_is_meant(host: Host) -> Case:
    disk = host.new_disk()
    disk.make_partition("gpt", "size=20MiB", "size=20MiB")
    for partition in disk.partitions:
        run("mkfs.ext4", "-q", partition)
    return Case(disk.path, REFUSED, "several-partitions", words=tuple(disk.partitions))


# Who uses it


@case
def mounted(host: Host) -> Case:
    disk = host.new_disk()
    run("mkfs.ext4", "-q", disk.path)
    other = host.folder / "other"
    other.mkdir()
    run("mount", "-o", "ro", disk.path, str(other))
    return Case(disk.path, REFUSED, "mounted", words=(str(other),), wipe=True)


@case
def partition_mounted(host: Host) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition()
    run("mkfs.ext4", "-q", partition)
    other = host.folder / "other"
    other.mkdir()
    run("mount", "-o", "ro", partition, str(other))
    return Case(disk.path, REFUSED, "mounted", words=(partition, str(other)), wipe=True)


@case
def mounted_in_another_namespace_only(host: Host) -> Case:
    disk = host.new_disk()
    run("mkfs.ext4", "-q", disk.path)
    other = host.folder / "other"
    other.mkdir()
    namespace = host.namespace(f"mount -o ro {disk.path} {other}")
    assert host.mounted(str(other)) is None
    return Case(disk.path, REFUSED, "mounted", words=(f"namespace of pid {namespace.process.pid}",), wipe=True)


@case
def swap_in_use(host: Host) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition()
    run("mkswap", partition)
    done = run("swapon", partition, check=False)
    if done.returncode:
        pytest.skip(f"swapon is not allowed here: {done.stderr.strip()}")
    disk.compared = (
        MIB + 4096
    )  # behind the header of the area the kernel puts pages there, when it wants room for others
    return Case(disk.path, REFUSED, "system-disk", words=("swap",), wipe=True)


@case
def loop_device_over_it(host: Host) -> Case:
    disk = host.new_disk()
    over = host.attach(Path(disk.path))
    return Case(disk.path, REFUSED, "held", words=(over.path,), wipe=True)


@case
def held_open_for_oneself_alone(host: Host) -> Case:
    disk = host.new_disk()
    descriptor = os.open(disk.path, os.O_RDONLY | os.O_EXCL)
    host.after.append(lambda: os.close(descriptor))
    return Case(disk.path, REFUSED, "held-exclusively", wipe=True)


def member(host: Host, kind: str) -> Case:
    disk = host.new_disk()
    getattr(signatures, kind)(disk)
    assert disk.type_of(), "this is no signature"
    return Case(disk.path, REFUSED, "member", wipe=True)


each("member", member, "lvm_pv", "luks", "md_member", "zfs_member")


@case
def member_on_a_partition(host: Host) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition()
    signatures.lvm_pv(Disk(disk.image, partition))
    return Case(disk.path, REFUSED, "member", words=(partition,), wipe=True)


@case
def member_on_a_partition_that_the_kernel_does_not_show(host: Host) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition("gpt", "size=20MiB", "size=20MiB")
    signatures.lvm_pv(Disk(disk.image, partition))
    disk.forget_partitions()
    assert disk.partitions == []
    return Case(disk.path, REFUSED, "member", words=("partition 2 ", "LVM"), wipe=True)


@case
def named_in_fstab_by_path(host: Host) -> Case:
    disk = host.new_disk()
    with host.fstab.open("a") as file:
        file.write(f"{disk.path}p1 /somewhere ext4 defaults 0 0\n")
    return Case(disk.path, REFUSED, "named-in-fstab", words=("/somewhere",), wipe=True)


@case
def filesystem_with_an_entry_for_another_mount_point(host: Host) -> Case:
    disk = host.new_disk()
    run("mkfs.ext4", "-q", disk.path)
    with host.fstab.open("a") as file:
        file.write(f"UUID={disk.value('UUID')} /somewhere ext4 defaults 0 0\n")
    return Case(disk.path, REFUSED, "filesystem-in-fstab", words=("/somewhere",))


@case
def mount_point_with_an_entry_for_another_filesystem(host: Host) -> Case:
    with host.fstab.open("a") as file:
        file.write(f"UUID=1234-5678 {host.target} ext4 defaults 0 0\n")
    return Case(host.new_disk().path, REFUSED, "mount-point-in-fstab")


# What is on it


@case
def read_only_disk(host: Host) -> Case:
    disk = host.new_disk()
    disk.take_down()
    return Case(host.attach(disk.image, "-r").path, REFUSED, "read-only", wipe=True)


@case
def unreadable_sectors(host: Host) -> Case:
    disk = host.new_disk()
    # Behind the end of its file a loop device gives EIO, as a failing disk does.
    os.truncate(disk.image, 40 * MIB)
    return Case(disk.path, REFUSED, "unreadable", wipe=True)


@case
def a_signature_that_opskit_does_not_know(host: Host) -> Case:
    disk = host.new_disk(GIB)
    run("mkfs.xfs", "-q", disk.path)
    disk.write(b"\xf5\xfc\x01\xa5", 1024)  # vxfs: somebody's cluster may be behind it
    return Case(disk.path, REFUSED, "unknown-signature", words=("vxfs",), wipe=True)


@case
def two_signatures(host: Host) -> Case:
    disk = host.new_disk(GIB)
    signatures.ext_in_xfs(disk)
    return Case(disk.path, REFUSED, "ambivalent", words=("xfs", "ext4"))


@case
def only_a_backup_gpt(host: Host) -> Case:
    disk = host.new_disk()
    signatures.backup_gpt_only(disk)
    return Case(disk.path, REFUSED, "backup-gpt")


@case
def ext_with_a_dead_superblock(host: Host) -> Case:
    disk = host.new_disk(256 * MIB)
    run("mkfs.ext4", "-q", "-b", "4096", disk.path)
    disk.write(b"\0" * 1024, 1024)
    assert not disk.type_of()
    return Case(disk.path, REFUSED, "damaged-superblock", words=("e2fsck",))


@case
def xfs_with_a_dead_superblock(host: Host) -> Case:
    disk = host.new_disk(GIB)
    run("mkfs.xfs", "-q", disk.path)
    disk.write(b"\0" * 512, 0)
    assert not disk.type_of()
    return Case(disk.path, REFUSED, "unknown-data")


@case
def unknown_data_in_the_middle(host: Host) -> Case:
    disk = host.new_disk()
    disk.write(os.urandom(2 * MIB), 30 * MIB)
    return Case(disk.path, REFUSED, "unknown-data")


@case
def unknown_data_in_the_last_sector(host: Host) -> Case:
    disk = host.new_disk()
    disk.write(b"x", 64 * MIB - 1)
    return Case(disk.path, REFUSED, "unknown-data")


@case
def swap_area(host: Host) -> Case:
    disk = host.new_disk()
    run("mkswap", disk.path)
    return Case(disk.path, REFUSED, "has-data", words=("swap",))


@case
def empty_partition(host: Host) -> Case:
    disk = host.new_disk()
    disk.make_partition()
    return Case(disk.path, REFUSED, "has-partition")


@case
def empty_table(host: Host) -> Case:
    disk = host.new_disk()
    run("sfdisk", "-q", disk.path, input="label: gpt\n", stdin=None)
    return Case(disk.path, REFUSED, "has-table")


@case
def two_disks_with_one_uuid(host: Host) -> Case:
    disk, other, uuid = host.new_disk(), host.new_disk(), str(uuid4())
    for each_disk in (disk, other):
        run("mkfs.ext4", "-q", "-U", uuid, each_disk.path)
    return Case(disk.path, REFUSED, "duplicate-uuid", words=(other.path,))


def other_than_it_holds(host: Host, option: str) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition()
    run("mkfs.ext4", "-q", "-L", "old", partition)
    options = {"fstype": ("--fstype", "xfs"), "label": ("--label", "new"), "place": ("--whole-disk",)}[option]
    return Case(disk.path, REFUSED, {"fstype": "other-filesystem"}.get(option, f"other-{option}"), options)


each("other_than_it_holds", other_than_it_holds, "fstype", "label", "place")


@case
def too_small_for_xfs(host: Host) -> Case:
    return Case(host.new_disk().path, REFUSED, "too-small", ("--fstype", "xfs"))


@case
def too_small_for_anything(host: Host) -> Case:
    return Case(host.new_disk(MIB).path, REFUSED, "too-small")
