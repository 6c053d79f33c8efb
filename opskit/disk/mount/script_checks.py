"""Shell lines that stop the script of `--format sh` when the host is not what was decided on. Pure.

A script can be run days later, and nobody decides again then: it asks for the same disk with the same on it.
"""

from __future__ import annotations

import shlex

from opskit.disk import guard
from opskit.disk.layout import SYSFS_SECTOR, sample_ranges, shell_lookup, shell_name
from opskit.disk.model import DATA, BlockDevice, DiskPlace, HostFacts


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
        lines += [*_same_filesystem(shlex.quote(device.path), device), f'[ -z "$(ls -A {holders})" ]']
    return tuple(lines)


def _same_filesystem(path: str, device: BlockDevice) -> tuple[str, ...]:
    """Blkid says nothing (and not 0) of what is blank or ambivalent."""
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
    same = blank_checks(path, device) if makes and not device.signatures else _same_filesystem(path, device)
    return (*shell_lookup(place), *same)


def mount_point_checks(target: str) -> tuple[str, ...]:
    """Nothing would be hidden: no symlink, no file, no directory with something in it."""
    path = shlex.quote(target)
    return (f"[ ! -L {path} ]", f'[ -z "$(ls -A {path} 2>/dev/null)" ]')
