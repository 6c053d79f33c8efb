"""Files of /proc (proc(5)); what may not be looked at, or is gone by then, is empty."""

from __future__ import annotations

import os
import re
import time
from typing import Optional

from opskit.core.errors import Missing

PAGE = os.sysconf("SC_PAGE_SIZE")
# Of the start and the processor time of a process in its stat: so many are a second.
TICKS = os.sysconf("SC_CLK_TCK")


def need_proc(proc: str = "/proc") -> None:
    """Raise Missing where no process is shown at all: that is not a host on which nobody does anything."""
    if not os.path.exists(os.path.join(proc, "self")):
        raise Missing(
            proc, "it shows no process, so opskit cannot tell who does what", todo=f"mount -t proc proc {proc}"
        )


def text(*parts: str) -> str:
    """A file, by the parts of its path."""
    try:
        with open(os.path.join(*parts), "rb") as file:
            return os.fsdecode(file.read())
    except OSError:
        return ""


def environment(proc: str, pid: int) -> dict[str, str]:
    """The environment that a process was started with."""
    return dict(pair.split("=", 1) for pair in text(proc, str(pid), "environ").split("\0") if "=" in pair)


def link(*parts: str) -> str:
    """Where a symbolic link leads."""
    try:
        return os.readlink(os.path.join(*parts))
    except OSError:
        return ""


def mount_number(proc: str, pid: str, descriptor: str) -> int:
    """The mount that a descriptor was opened through (Linux 3.15 on), 0 where nothing says so."""
    match = re.search(r"^mnt_id:\s+(\d+)$", text(proc, pid, "fdinfo", descriptor), re.MULTILINE)
    return int(match[1]) if match else 0


def pids(proc: str = "/proc") -> list[int]:
    """Every process that can be seen."""
    try:
        return [int(name) for name in os.listdir(proc) if name.isdigit()]
    except OSError:
        return []


def exists(pid: int) -> bool:
    """Whether there is a process (or thread) with this pid, also one that hidepid hides."""
    try:
        os.getpgid(pid)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def boot_time() -> float:
    """When the host booted, seconds since 1970: what start times count from."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def words(proc: str, pid: int) -> list[str]:
    """The command line; [] for a zombie, a kernel thread, or a process that cannot be read."""
    content = text(proc, str(pid), "cmdline")
    return content.rstrip("\0").split("\0") if content else []


class Stat:
    """What is used of /proc/PID/stat. The name is between the first ( and the last ): it can hold either.

    Raises IndexError or ValueError for a text that is something else.
    """

    def __init__(self, content: str) -> None:
        head, _, rest = content.rpartition(")")
        fields = rest.split()
        self.name = head.partition("(")[2]
        self.state = fields[0]
        self.parent = int(fields[1])
        self.tty = int(fields[4])
        self.cpu = int(fields[11]) + int(fields[12])
        self.threads = int(fields[17])
        self.start = int(fields[19])
        self.rss = int(fields[21]) * PAGE
        # As wait(2) has it, of a zombie; 0 without the right to look.
        self.ended = int(fields[49]) if len(fields) > 49 else 0


def read_stat(proc: str, pid: int) -> Optional[Stat]:
    """The stat of a process; None where it is gone or hidden."""
    try:
        return Stat(text(proc, str(pid), "stat"))
    except (IndexError, ValueError):
        return None


def user_name(number: int) -> str:
    """The name of a user; one without a name keeps the number."""
    import pwd  # noqa: PLC0415 - a host where nobody holds anything does without

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def owner_name(*parts: str) -> str:
    """Who a file or process belongs to; "" when it is gone."""
    try:
        return user_name(os.stat(os.path.join(*parts)).st_uid)
    except OSError:
        return ""
