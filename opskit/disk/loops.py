"""What a loop device stands on: the disk itself, or the filesystem that its file is on. sysfs does not tell.

The kernel does (loop(4), LOOP_GET_STATUS64), also of a file whose filesystem is mounted nowhere any more
(`umount --lazy`), and whatever the file was called when the loop device was set up.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Sequence
from dataclasses import replace

from opskit.disk.model import BlockDevice, HostFacts

LOOP_GET_STATUS64 = 0x4C05
# struct loop_info64 (linux/loop.h) begins with lo_device, lo_inode, lo_rdevice.
_INFO = struct.Struct("=QQQ208x")


def with_slaves(devices: Sequence[BlockDevice]) -> tuple[BlockDevice, ...]:
    """The devices, each loop device with the name of what it stands on among its slaves. Needs root to see any."""
    names = {device.number: device.name for device in devices}
    below = {d.name: names.get(backing_number(d.path), "") for d in devices if d.kind == "loop" and d.backing_file}
    return tuple(replace(d, slaves=(below[d.name],)) if below.get(d.name) else d for d in devices)


def backing_number(path: str) -> str:
    """The major:minor of the block device under a loop device, or of the filesystem its file is on; "" if unknown."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        device, _inode, of_device_file = _INFO.unpack(fcntl.ioctl(descriptor, LOOP_GET_STATUS64, bytes(_INFO.size)))
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    number = of_device_file or device
    return f"{os.major(number)}:{os.minor(number)}"


def over_files(facts: HostFacts, device: BlockDevice) -> tuple[BlockDevice, ...]:
    """The loop devices over files of the filesystem on this device."""
    return tuple(
        d for d in facts.devices if d.kind == "loop" and device.name in d.slaves and d.name not in device.holders
    )
