"""Shell lines that stop the script of `--format sh` when the host is not what was decided on. Pure."""

from __future__ import annotations

import shlex

from opskit.disk.model import BlockDevice
from opskit.disk.probe import sample_ranges
from opskit.disk.sysfs import SYSFS_SECTOR


def disk_checks(disk: BlockDevice, *, blank: bool) -> tuple[str, ...]:
    """It is the same disk; and, for one that was blank, it has no signature and the bytes that were read are zero."""
    folder = shlex.quote(f"/sys/class/block/{disk.name}")
    lines = [
        f'[ "$(cat {folder}/dev)" = {disk.number} ]',
        f'[ "$(cat {folder}/size)" = {disk.size // SYSFS_SECTOR} ]',
        f'[ "$(cat {folder}/ro)" = {int(disk.read_only)} ]',
    ]
    if disk.diskseq:
        lines.append(f'[ "$(cat {folder}/diskseq)" = {disk.diskseq} ]')
    if blank and not disk.table:
        path = shlex.quote(disk.path)
        lines += [f'[ -z "$(wipefs -n {path})" ]', *_zero(path, disk.size)]
    return tuple(lines)


def _zero(path: str, size: int) -> list[str]:
    """cmp(1) over the ranges that opskit itself reads: one line for each length."""
    offsets: dict[int, list[str]] = {}
    for offset, length in sample_ranges(size):
        offsets.setdefault(length, []).append(str(offset))
    return [
        f'for at in {" ".join(found)}; do cmp -i "$at:0" -n {length} {path} /dev/zero; done'
        for length, found in offsets.items()
    ]


def mount_point_checks(target: str) -> tuple[str, ...]:
    """Nothing would be hidden: no symlink, no file, no directory with something in it."""
    path = shlex.quote(target)
    return (f"[ ! -L {path} ]", f'[ -z "$(ls -A {path} 2>/dev/null)" ]')
