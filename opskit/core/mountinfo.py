"""Mounts as the kernel tells them: /proc/PID/mountinfo (proc(5))."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from opskit.core.errors import Missing

# Not a NUL: no path has one.
_OCTAL = re.compile(rb"\\(?!000)([0-3][0-7]{2})")


class MountLine(NamedTuple):
    """A line of mountinfo.

    device: major:minor. root: what of the filesystem is mounted. options: the mount's, then the filesystem's. parent:
    the number of the mount that it is mounted on.
    """

    number: int
    device: str
    root: str
    target: str
    fstype: str
    source: str
    options: str
    parent: int = 0


def unescape(text: str) -> str:
    r"""A field of mountinfo, fstab or swaps with `\ooo` undone: a byte each; those of one character join again."""
    if "\\" not in text:
        return text
    return os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match.group(1), 8)]), os.fsencode(text)))


def parse_mountinfo(text: str) -> tuple[MountLine, ...]:
    """The mounts in a mountinfo file, in its order. Mounts of a part of a filesystem (bind) are among them."""
    lines = []
    # The kernel escapes a newline in a name, but no other character that splitlines() takes for the end of a line.
    for line in text.split("\n"):
        left, _, right = line.partition(" - ")
        fields, rest = left.split(" "), right.split(" ")
        if len(fields) < 6 or len(rest) < 3:
            continue
        options = f"{fields[5]},{rest[2]}"
        root, target, source = unescape(fields[3]), unescape(fields[4]), unescape(rest[1])
        numbers = int(fields[0]), int(fields[1])
        fstype = unescape(rest[0])
        lines.append(MountLine(numbers[0], fields[2], root, target, fstype, source, options, numbers[1]))
    return tuple(lines)


def mounts_here(proc: str = "/proc") -> tuple[MountLine, ...]:
    """The mounts that this process sees. Raises Missing where the kernel does not tell: there is always one."""
    lines = read_mountinfo("self", proc)
    if not lines:
        raise Missing(proc, "it does not say what is mounted", todo=f"mount -t proc proc {proc}")
    return lines


def read_mountinfo(pid: str = "self", proc: str = "/proc") -> tuple[MountLine, ...]:
    """The mounts that a process sees; () when it is gone or may not be looked at."""
    try:
        with open(os.path.join(proc, pid, "mountinfo"), "rb") as file:
            return parse_mountinfo(os.fsdecode(file.read()))
    except OSError:
        return ()
