"""The globs of --exclude-from: a file, stdin, or what the shell's <(command) gives, which is a pipe."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from collections.abc import Iterator

from opskit.core.files import LIMIT, read_bytes

# So long may the command behind a pipe take; a FIFO that nobody writes to is waited for as long.
PIPE_SECONDS = 60.0


def read_patterns(name: str) -> Iterator[bytes]:
    """The globs, as du reads them: white space at the end of a line is none of it. Raises OSError.

    name: of the file; `-` is stdin
    """
    if name == "-":
        data = sys.stdin.buffer.read()
    else:
        data = _read_pipe(name) if stat.S_ISFIFO(os.stat(name).st_mode) else read_bytes(name)
    return (line for line in map(bytes.rstrip, data.split(b"\n")) if line)


def _read_pipe(path: str) -> bytes:
    """All that comes through a pipe. Raises OSError when it is too much, or has no end within PIPE_SECONDS."""
    until = time.monotonic() + PIPE_SECONDS
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    pieces: list[bytes] = []
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while poll.poll(max(0.0, until - time.monotonic()) * 1000):
            try:
                pieces.append(os.read(descriptor, 65536))
            except BlockingIOError:  # another one has read it
                continue
            if not pieces[-1]:
                return b"".join(pieces)
            if sum(map(len, pieces)) > LIMIT:
                raise OSError(errno.EFBIG, f"more than {LIMIT} bytes came through it", path)
    finally:
        os.close(descriptor)
    raise OSError(errno.ETIMEDOUT, f"what writes to this pipe did not end within {PIPE_SECONDS:g} s", path)
