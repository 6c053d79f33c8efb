"""Have the kernel forget the partitions of a disk."""

from __future__ import annotations

import os
import time

from opskit.core.command import Command, Runner
from opskit.disk.see.sysfs import read_partitions

FORGET_SECONDS = 5.0
PAUSE_SECONDS = 0.05


def forget(disk_path: str) -> Command:
    """The command. Exit 1 where the kernel has forgotten them already, and where somebody has one open (EBUSY)."""
    return Command(("partx", "-d", disk_path), mutates=True, accept=(0, 1))


def forget_partitions(runner: Runner, disk_path: str) -> str:
    """Run it until the kernel shows none of them. The path of one that stays, "" for none.

    Whoever looks at a partition at that moment (blkid, udev, another opskit) keeps it, for as long as it looks, and
    nothing tells when that is over: a few seconds of asking again are enough for a look.
    """
    name = os.path.basename(os.path.realpath(disk_path))
    until = time.monotonic() + FORGET_SECONDS
    while True:
        runner.run(forget(disk_path))
        staying = read_partitions(name)
        if not staying:
            return ""
        if time.monotonic() > until:
            return staying[0].path
        time.sleep(PAUSE_SECONDS)
