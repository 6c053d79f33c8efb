"""Shell lines that stop the script of `--format sh` when a disk is not what was decided on (core/checks.py). Pure.

One function for each kind of thing: a disk, what is blank, what is wiped, a partition, a filesystem, a place, a mount,
a mount point.
"""

from __future__ import annotations

import shlex
from typing import Optional

from opskit.disk import guard
from opskit.disk.layout import SYSFS_SECTOR, sample_ranges, shell_lookup, shell_name
from opskit.disk.model import DATA, BlockDevice, DiskPlace, HostFacts, Mount


def disk_checks(disk: BlockDevice) -> tuple[str, ...]:
    """It is the same disk: number, size, serial number or WWN, and the kernel's sequence number."""
    folder = shlex.quote(f"/sys/class/block/{disk.name}")
    lines = [
        f'[ "$(cat {folder}/dev)" = {disk.number} ]',
        f'[ "$(cat {folder}/size)" = {disk.size // SYSFS_SECTOR} ]',
        f'[ "$(cat {folder}/ro)" = {int(disk.read_only)} ]',
    ]
    if disk.diskseq:
        lines.append(f'[ "$(cat {folder}/diskseq)" = {disk.diskseq} ]')
    if disk.identity_file:
        value = shlex.quote("".join(disk.identity.partition(":")[2].split()))
        lines.append(f"[ \"$(tr -d '[:space:]' < {shlex.quote(disk.identity_file)})\" = {value} ]")
    return tuple(lines)


def blank_checks(path: str, device: BlockDevice) -> tuple[str, ...]:
    """No signature, and the bytes that opskit read are zero.

    path: the device as it stands in a shell line.
    """
    offsets: dict[int, list[str]] = {}
    for offset, length in sample_ranges(device.size):
        offsets.setdefault(length, []).append(str(offset))
    zero = (
        f'for at in {" ".join(places)}; do cmp -i "$at:0" -n {length} {path} /dev/zero; done'
        for length, places in offsets.items()
    )
    return (f'[ -z "$(wipefs -n {path})" ]', *zero)


def wipe_checks(facts: HostFacts, disk: BlockDevice) -> tuple[str, ...]:
    """What is to be destroyed is what was seen, and nobody holds it; a disk that could be any other is not wiped."""
    lines = []
    if not (disk.identity_file or disk.diskseq):
        lines.append("false  # this disk has no serial number by which a script could know it")
    for device in guard.related(facts, disk):
        holders = shlex.quote(f"/sys/class/block/{device.name}/holders")
        lines += [*filesystem_checks(shlex.quote(device.path), device), f'[ -z "$(ls -A {holders})" ]']
    return tuple(lines)


def partition_checks(facts: HostFacts, device: BlockDevice) -> tuple[str, ...]:
    """The partition by this name begins where it did, is as large, has its PARTUUID, and is one of as many.

    Nothing for what is no partition.
    """
    if not device.disk:
        return ()
    disk, name = shlex.quote(f"/sys/class/block/{device.disk}"), shlex.quote(device.name)
    return (
        f'[ "$(cat {disk}/{name}/start)" = {device.start // SYSFS_SECTOR} ]',
        f'[ "$(cat {disk}/{name}/size)" = {device.size // SYSFS_SECTOR} ]',
        f'[ "$(cat {disk}/*/partition | wc -l)" = {len(facts.partitions(facts.disk_of(device)))} ]',
        *_partition_uuid_checks(shlex.quote(device.path), device.partition_uuid),
    )


def _partition_uuid_checks(path: str, uuid: str) -> tuple[str, ...]:
    return (f'[ "$(blkid -p -s PART_ENTRY_UUID -o value {path} || true)" = {shlex.quote(uuid)} ]',) if uuid else ()


def in_service_checks(facts: HostFacts, device: BlockDevice, mount: Optional[Mount]) -> tuple[str, ...]:
    """The disk, the partition and its filesystem are the same, and that is what is mounted there (None: nowhere)."""
    return (
        *disk_checks(facts.disk_of(device)),
        *partition_checks(facts, device),
        *filesystem_checks(shlex.quote(device.path), device),
        *(mount_checks(mount, device) if mount else ()),
    )


def mount_checks(mount: Mount, device: BlockDevice) -> tuple[str, ...]:
    """This device is mounted there: by the number that it has by now, or by its name where btrfs has one of its own.

    The number of a partition is another one each time that the kernel reads the table (259:…).
    """
    target = shlex.quote(mount.target)
    if mount.fstype != "btrfs":
        number = f"cat {shlex.quote(f'/sys/class/block/{device.name}/dev')}"
        return (f'[ "$(mountpoint -d {target})" = "$({number})" ]',)
    source = f"findmnt -n -v -o SOURCE --target {target} | tail -n 1"
    return (f"mountpoint -q {target}", f'[ "$({source})" = {shlex.quote(mount.source)} ]')


def filesystem_checks(path: str, device: BlockDevice) -> tuple[str, ...]:
    """Type and UUID are the same. Blkid says nothing (and not 0) of what is blank or ambivalent.

    path: the device as it stands in a shell line.
    """
    signature = device.signatures[0] if len(device.signatures) == 1 and not device.ambivalent else None
    values = (("TYPE", signature.type), ("UUID", signature.uuid)) if signature else (("TYPE", ""),)
    return tuple(f'[ "$(blkid -p -s {tag} -o value {path} || true)" = {shlex.quote(value)} ]' for tag, value in values)


def place_checks(place: DiskPlace, device: BlockDevice, *, makes: bool) -> tuple[str, ...]:
    """What is at a place that is there already is what was seen: a filesystem, or (makes) nothing yet."""
    path = shell_name(place)
    if makes and not device.signatures and device.contents == DATA:
        return (
            *shell_lookup(place),
            "false  # what a failed mkfs left: opskit itself knows it again, a script does not",
        )
    same = blank_checks(path, device) if makes and not device.signatures else filesystem_checks(path, device)
    partition = (*_place_size_checks(place), *_partition_uuid_checks(path, device.partition_uuid))
    return (*shell_lookup(place), *partition, *same)


def _place_size_checks(place: DiskPlace) -> tuple[str, ...]:
    """The partition that shell_lookup has found is as large. "" where the place is the disk itself."""
    if not place.partition_number:
        return ()
    return (f'[ "$(cat "/sys/class/block/${{part#/dev/}}/size")" = {place.size // SYSFS_SECTOR} ]',)


def mount_point_checks(target: str) -> tuple[str, ...]:
    """Nothing would be hidden: no symlink, no file, no directory with something in it, no filesystem that is empty."""
    path = shlex.quote(target)
    return (
        f"[ ! -L {path} ]",
        f'[ -z "$(ls -A {path} 2>/dev/null)" ]',
        f"if mountpoint -q {path}; then exit 1; fi",
    )
