"""In the place of psutil's compiled module, in the zipapp alone: no program can load one from a file within a zip.

psutil reads /proc in Python for all that opskit asks (processes, their names, command lines, owners). What needs the
compiled module is not here, and says so by an AttributeError.
"""

import os

version = 722  # psutil compares it with its own: sources.txt
net_if_addrs = None
DUPLEX_FULL, DUPLEX_HALF, DUPLEX_UNKNOWN = 1, 0, 255  # <linux/ethtool.h>


def getpagesize() -> int:
    """How many bytes a page of memory has."""
    return os.sysconf("SC_PAGE_SIZE")


def check_pid_range(pid: int) -> None:
    """Raise OverflowError for what is no pid_t."""
    if not -(1 << 31) <= pid < 1 << 31:
        raise OverflowError("signed integer is greater than maximum")


def set_debug(_value: bool) -> None:
    """There is nothing to debug."""
