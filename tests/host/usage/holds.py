"""A process that holds deleted files: argv[1] is a folder. Says "ready", ends when stdin does."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from pathlib import Path

folder = Path(sys.argv[1])
kept = []


def make(name: str, size: int) -> int:
    descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"x" * size)
    return descriptor


# Two descriptors; a newline in its name, which ends as the kernel's mark does.
kept += [make("large\n(deleted)", 3_000_000)]
kept += [os.dup(kept[0])]
(folder / "large\n(deleted)").unlink()
# Mapped only.
mapped = make("mapped", 1_000_000)
# Python's own mmap keeps a descriptor beside it.
libc = ctypes.CDLL(None)
libc.mmap(None, ctypes.c_size_t(1_000_000), mmap.PROT_READ, mmap.MAP_SHARED, mapped, ctypes.c_long(0))
os.close(mapped)
(folder / "mapped").unlink()
# No deleted files: one that is called so, one that has another name still, memory without a filesystem.
kept += [make("named (deleted)", 10_000), make("first", 10_000), os.memfd_create("memory")]
os.link(folder / "first", folder / "second")
(folder / "first").unlink()
os.write(kept[-1], b"x" * 10_000)
anonymous = mmap.mmap(-1, 100_000)
anonymous[:] = b"x" * 100_000
# A child with the first file too: it is one file.
if len(sys.argv) > 2 and os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
print("ready", flush=True)
sys.stdin.read()
