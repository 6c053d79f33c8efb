"""A FUSE filesystem that is mounted and then never answers: argv[1] is its mount point, argv[2] what to do.

silent: it answers FUSE_INIT and nothing else. dead: it ends after that, and the mount stays (ENOTCONN). later: it
answers one FUSE_GETATTR more, of its root.
Says "ready" on stdout. The protocol: linux/fuse.h (struct fuse_in_header, fuse_init_out).
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys

FUSE_INIT = 26
FUSE_GETATTR = 3


def main(target: str, manner: str) -> None:
    fuse = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"silent", target.encode(), b"fuse.silent", 0, options.encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    request = os.read(fuse, 65536)
    _, opcode, unique = struct.unpack_from("=IIQ", request)
    assert opcode == FUSE_INIT
    body = struct.pack("=IIIIHHIIHHI7I", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0, *[0] * 7)
    os.write(fuse, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)
    print("ready", flush=True)
    if manner == "later":
        request = os.read(fuse, 65536)
        _, opcode, unique = struct.unpack_from("=IIQ", request)
        assert opcode == FUSE_GETATTR
        body = struct.pack("=QII", 0, 0, 0) + struct.pack("=6Q10I", 1, *[0] * 5, *[0] * 3, 0o40755, 1, 0, 0, 0, 4096, 0)
        os.write(fuse, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)
    if manner != "dead":
        signal.pause()


main(sys.argv[1], sys.argv[2])
