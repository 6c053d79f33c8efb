"""Run what works on a disk, and say why it failed: the program itself seldom knows."""

from __future__ import annotations

import os

from opskit.core.command import Command, Runner
from opskit.core.errors import CommandFailed
from opskit.core.files import room
from opskit.core.reach import silence_at
from opskit.disk.causes import Attempt, cause_of
from opskit.disk.model import BUSY, BlockDevice
from opskit.disk.mount.mkfs import MkfsOptions, size_reasons
from opskit.disk.see import probe, superblock
from opskit.disk.see.kernel_log import KernelLog, knows_filesystem
from opskit.disk.see.sysfs import read_device

MORE = "dmesg | tail may say more"
# What the kernel answers for the device itself (EIO).
FAILING = "dmesg | tail; the disk may be failing"


def run_on_disk(
    runner: Runner, command: Command, path: str, *, fstype: str = "", options: str = "", target: str = ""
) -> None:
    """Run a command that works on a device.

    path: of the device.
    fstype: of the filesystem that is mounted or grown, "" for none.

    Raises CommandFailed with the cause, as far as the kernel's messages, its filesystems and the device tell it.
    """
    log = KernelLog()
    try:
        runner.run(command)
    except CommandFailed as error:
        name = os.path.basename(os.path.realpath(path))
        device = read_device(name)
        attempt = Attempt(
            name=name,
            path=path,
            disk=device.disk,
            fstype=fstype,
            options=options,
            target=target,
            known=not fstype or knows_filesystem(fstype),
            held=probe.exclusive(path) == BUSY and not target_of_ours(target),
            read_only=device.read_only,
            errors=superblock.has_errors(path, fstype),
            no_room_for=_file_without_room(read_device(device.disk) if device.disk else device),
            too_small=_too_small(command, device),
        )
        cause = cause_of(attempt, log.words())
        if cause is None:
            error.todo = error.todo or MORE
            raise
        explained = CommandFailed(error.result, f"{cause.why} (exit status {error.result.status})")
        explained.todo = cause.todo
        raise explained from error
    finally:
        log.close()


def _file_without_room(disk: BlockDevice) -> str:
    """The file below a loop device, where its filesystem is full: the kernel calls a write to it an I/O error."""
    if disk.kind != "loop" or silence_at(disk.backing_file):
        return ""
    try:
        return "" if room(disk.backing_file) else disk.backing_file
    except OSError:
        return ""


def _too_small(command: Command, device: BlockDevice) -> str:
    """Why no filesystem of this size can be made: of mkfs.xfs this is hidden behind all of its options."""
    program, _, fstype = command.argv[0].partition(".")
    reasons = size_reasons(MkfsOptions(fstype), device.size) if program == "mkfs" else ()
    return next((reason.title for reason in reasons), "")


def target_of_ours(target: str) -> bool:
    """Whether the device is held by its own mount: what grows is mounted."""
    return bool(target) and os.path.ismount(target)
