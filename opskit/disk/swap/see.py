"""What swap a host has, and what is at the place of a swap file. Changes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import stat
import uuid
from collections.abc import Iterator
from typing import Optional

from opskit.core.command import Runner
from opskit.core.files import is_left
from opskit.core.kernel import kernel_release
from opskit.core.mountinfo import mount_of, mounts_here
from opskit.core.plan import RUN_ID
from opskit.disk.model import HostFacts, SwapArea
from opskit.disk.see.facts import FSTAB, on_path, see
from opskit.disk.see.mounts import swap_areas
from opskit.disk.see.sysfs import read_text
from opskit.disk.swap.model import DRAFT_MARK, SwapFacts, SwapFile

PROC = "/proc"
TOOLS = ("mkswap", "swapon", "chattr")
_KIB = 1024
# Of the swap header (mkswap(8), linux/swap.h): its UUID, and the magic at the end of the first page.
_UUID_AT, _MAGIC = 1036, b"SWAPSPACE2"
_BLOCK = 512


def see_swap(runner: Runner, path: str, *, device: bool, fstab: str = FSTAB) -> SwapFacts:
    """The facts for a swap file at path, or for a device."""
    folder = os.path.dirname(path) or "/"
    devices, paths = ([path], []) if device else ([], [path, folder])
    host = see(runner, fstab=fstab, devices=devices, paths=paths, claim=True)
    host = dataclasses.replace(host, tools={**host.tools, **{tool: "1" for tool in TOOLS if on_path(tool)}})
    words = read_text(PROC, "cmdline").split()
    return SwapFacts(
        host=host,
        areas=host.swap_areas,
        file=None if device else _file(host, path, folder),
        available=available(),
        resume=tuple(word for word in words if word.startswith(("resume=", "resume_offset="))),
        kernel=kernel_release(),
        selinux=os.path.exists("/sys/fs/selinux/enforce"),
    )


def available(proc: str = PROC) -> int:
    """The memory that can be had without swapping: MemAvailable (Linux 3.14, and 3.10 of EL7)."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB$", read_text(proc, "meminfo"), re.MULTILINE)
    return int(match[1]) * _KIB if match else 0


def _file(host: HostFacts, path: str, folder: str) -> SwapFile:
    """What is at path. Of a mount that does not answer only the name is known."""
    fact, above = host.path(path), host.path(folder)
    if not (fact and above) or fact.unanswered or above.unanswered or above.kind != "directory":
        return SwapFile(path, directory=bool(above and above.kind == "directory"))
    mount = mount_of(above.real, mounts_here())
    room = os.statvfs(folder)
    there = SwapFile(
        path,
        drafts=tuple(_drafts(path, folder)),
        fstype=mount.fstype if mount else "",
        mount_point=mount.target if mount else "",
        read_only=bool(room.f_flag & os.ST_RDONLY),
        room=room.f_bavail * room.f_frsize,
        unmakable=fact.unmakable,
    )
    try:
        status = os.lstat(path)
    except OSError:
        return there
    return dataclasses.replace(
        there,
        exists=True,
        size=status.st_size,
        mode=stat.S_IMODE(status.st_mode),
        owner=status.st_uid,
        allocated=status.st_blocks * _BLOCK,
        uuid=swap_uuid(path) if stat.S_ISREG(status.st_mode) else "",
    )


def _drafts(path: str, folder: str) -> Iterator[str]:
    draft = re.compile(rf"{re.escape(os.path.basename(path) + DRAFT_MARK)}{RUN_ID}", re.ASCII)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if draft.fullmatch(entry.name))
        yield from (left for name in names if is_left(left := os.path.join(folder, name)))


def swap_uuid(path: str) -> str:
    """The UUID of the swap area in a file or on a device; "" without one, or where it cannot be read."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return ""
    try:
        head = os.pread(descriptor, page, 0)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    if len(head) < page or not head.endswith(_MAGIC):
        return ""
    return str(uuid.UUID(bytes=head[_UUID_AT : _UUID_AT + 16]))


def area_at(path: str) -> Optional[SwapArea]:
    """The swap in use by this path, as of now."""
    return next((area for area in swap_areas() if area.path == path), None)
