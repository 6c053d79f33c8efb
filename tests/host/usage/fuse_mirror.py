"""A FUSE filesystem that shows a folder with one link for each directory, as most FUSE drivers do.

argv[1] is its mount point, argv[2] the folder; argv[3], if there is one, the user who alone may look at it, as with
all that a user mounts without allow_other: root may not. Says "ready" on stdout; ends when it is unmounted. Names,
attributes and the content of directories only: nothing can be read or written. The protocol: linux/fuse.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from typing import Optional

LOOKUP, FORGET, GETATTR, READLINK, INIT, OPENDIR, READDIR, RELEASEDIR, BATCH_FORGET = 1, 2, 3, 5, 26, 27, 28, 29, 42
IN_HEADER = struct.Struct("=IIQQIIII")
ATTRIBUTES = struct.Struct("=6Q10I")


class Mirror:
    """The folder: the path of each node (its number is the kernel's name for it), and the directories that are open."""

    def __init__(self, folder: bytes) -> None:
        self.paths = {1: folder}
        self.nodes = {folder: 1}
        self.listed: dict[int, list[os.DirEntry[bytes]]] = {}

    def answer(self, opcode: int, node: int, body: bytes) -> Optional[bytes]:
        """The answer to a request, None where none is wanted. Raises OSError."""
        path = self.paths.get(node, b"")
        if opcode == INIT:
            return struct.pack("=IIIIHHIIHHI7I", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0, *[0] * 7)
        if opcode == LOOKUP:
            return self.entry(path + b"/" + body.rstrip(b"\0"))
        if opcode == GETATTR:
            return struct.pack("=QII", 60, 0, 0) + attributes(path)
        if opcode == READLINK:
            return os.readlink(path)
        if opcode == OPENDIR:
            with os.scandir(path) as entries:
                self.listed[node] = list(entries)
            return struct.pack("=QII", 0, 0, 0)
        if opcode == READDIR:
            _, offset, size = struct.unpack_from("=QQI", body)
            return self.entries(node, offset, size)
        if opcode == RELEASEDIR:
            return b""
        if opcode in {FORGET, BATCH_FORGET}:
            return None
        raise OSError(errno.ENOSYS, "not needed")

    def entry(self, path: bytes) -> bytes:
        """A struct fuse_entry_out."""
        fields = attributes(path)
        node = self.nodes.setdefault(path, len(self.nodes) + 1)
        self.paths[node] = path
        return struct.pack("=QQQQII", node, 0, 60, 60, 0, 0) + fields

    def entries(self, node: int, offset: int, size: int) -> bytes:
        """As many struct fuse_dirent from an offset on as have room."""
        out = b""
        for number, entry in enumerate(self.listed[node][offset:], offset + 1):
            kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) >> 12
            record = struct.pack("=QQII", entry.inode(), number, len(entry.name), kind) + entry.name
            record += bytes(-len(record) % 8)
            if len(out) + len(record) > size:
                break
            out += record
        return out


def attributes(path: bytes) -> bytes:
    """A struct fuse_attr."""
    status = os.lstat(path)
    links = 1 if stat.S_ISDIR(status.st_mode) else status.st_nlink
    times = int(status.st_atime), int(status.st_mtime), int(status.st_ctime)
    owner = status.st_uid, status.st_gid
    return ATTRIBUTES.pack(
        *(status.st_ino, status.st_size, status.st_blocks, *times, 0, 0, 0),
        *(status.st_mode, links, *owner, 0, 4096, 0),
    )


def main(target: str, folder: str, user: str = "") -> None:
    fuse = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    whose = f"user_id={user},group_id={user}" if user else "user_id=0,group_id=0,allow_other"
    options = f"fd={fuse},rootmode=40000,{whose}"
    if libc.mount(b"mirror", target.encode(), b"fuse.mirror", 0, options.encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    print("ready", flush=True)
    mirror = Mirror(os.fsencode(folder))
    while True:
        try:
            request = os.read(fuse, 1 << 20)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.EINTR}:  # given up before it was read
                continue
            return  # unmounted
        _, opcode, unique, node, *_ = IN_HEADER.unpack_from(request)
        number, body = 0, b""
        try:
            answer = mirror.answer(opcode, node, request[IN_HEADER.size :])
            if answer is None:
                continue
            body = answer
        except OSError as error:
            number = -(error.errno or errno.EIO)
        try:
            os.write(fuse, struct.pack("=IiQ", 16 + len(body), number, unique) + body)
        except FileNotFoundError:  # nobody waits for it any more
            continue


main(*sys.argv[1:])
