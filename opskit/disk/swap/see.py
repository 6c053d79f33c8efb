"""What swap a host has, and what is at the place of a swap file. Changes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import stat
import struct
import uuid
from collections.abc import Iterator
from typing import Optional

from opskit.core.command import Runner
from opskit.core.files import is_left
from opskit.core.kernel import kernel_release
from opskit.core.mountinfo import mount_of, mounts_here
from opskit.core.plan import RUN_ID
from opskit.core.units import size_text
from opskit.disk.model import HostFacts, SwapArea
from opskit.disk.see.facts import FSTAB, on_path, see
from opskit.disk.see.mounts import swap_areas
from opskit.disk.see.sysfs import read_text
from opskit.disk.swap.model import DRAFT_MARK, SwapFacts, SwapFile

PROC = "/proc"
TOOLS = ("mkswap", "swapon", "chattr")
_KIB = 1024
# Of the swap header (mkswap(8), linux/swap.h): version and last page, UUID, and the magic at the end of the first page.
_VERSION_AT, _UUID_AT, _MAGIC = 1024, 1036, b"SWAPSPACE2"
_BLOCK = 512


def see_swap(runner: Runner, path: str, *, device: bool, fstab: str = FSTAB) -> SwapFacts:
    """The facts for a swap file at path, or for a device."""
    folder = os.path.dirname(path) or "/"
    devices, paths = ([path], []) if device else ([], [path, folder])
    host = see(runner, fstab=fstab, devices=devices, paths=paths, claim=True)
    host = dataclasses.replace(host, tools={**host.tools, **{tool: "1" for tool in TOOLS if on_path(tool)}})
    words = read_text(PROC, "cmdline").split()
    there = host.named(path) if device else None
    known = there if there and any(s.type == "swap" for s in there.signatures) else None
    file = None if device else _file(host, path, folder)
    return SwapFacts(
        host=host,
        areas=host.swap_areas,
        file=file,
        available=available(),
        resume=tuple(word for word in words if word.startswith(("resume=", "resume_offset="))),
        kernel=kernel_release(),
        unusable=unusable(known.path, known.size) if known else unusable(path, file.size) if file and file.uuid else "",
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
        profiles=btrfs_profiles(mount.source) if mount and mount.fstype == "btrfs" else (),
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


def btrfs_profiles(source: str, known: str = "/sys/fs/btrfs") -> tuple[str, ...]:
    """How the btrfs on this device keeps its data: a swap file on two copies, or in stripes, the kernel refuses."""
    name = os.path.basename(os.path.realpath(source))
    with contextlib.suppress(OSError):
        for one in os.listdir(known):
            if not os.path.lexists(os.path.join(known, one, "devices", name)):
                continue
            groups = (os.path.join(known, one, "allocation", kind) for kind in ("data", "mixed"))
            folders = [entry for group in groups if os.path.isdir(group) for entry in os.scandir(group)]
            return tuple(sorted(entry.name for entry in folders if entry.is_dir()))
    return ()


def _drafts(path: str, folder: str) -> Iterator[str]:
    draft = re.compile(rf"{re.escape(os.path.basename(path) + DRAFT_MARK)}{RUN_ID}", re.ASCII)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if draft.fullmatch(entry.name))
        yield from (left for name in names if is_left(left := os.path.join(folder, name)))


def swap_uuid(path: str) -> str:
    """The UUID of the swap area in a file or on a device; "" without one, or where it cannot be read."""
    head = _first_page(path)
    return str(uuid.UUID(bytes=head[_UUID_AT : _UUID_AT + 16])) if head.endswith(_MAGIC) else ""


def _first_page(path: str) -> bytes:
    """The page that can be the header of a swap area; b"" where it cannot be read, or there is less."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return b""
    try:
        head = os.pread(descriptor, page, 0)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return head if len(head) == page else b""


def unusable(path: str, size: int) -> str:
    """Why the kernel would not take the swap area that blkid finds here (mm/swapfile.c, read_swap_header), or "".

    size: of the file or device, in bytes.
    """
    head = _first_page(path)
    if not head:
        return ""  # nothing is known
    if not head.endswith(_MAGIC):
        return "it was made for pages of another size, or by a very old mkswap"
    orders = [struct.unpack_from(f"{order}2I", head, _VERSION_AT) for order in "<>"]
    last = next((last for version, last in orders if version == 1), 0)
    if not last:
        return "its header is damaged"
    if (last + 1) * len(head) > size:
        return f"its header counts {size_text((last + 1) * len(head))}, and {size_text(size)} are there"
    return ""


def area_at(path: str) -> Optional[SwapArea]:
    """The swap in use by this path, as of now."""
    return next((area for area in swap_areas() if area.path == path), None)
