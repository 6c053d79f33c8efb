"""What the kernel says from a moment on: /dev/kmsg (Documentation/ABI/testing/dev-kmsg), which root can read."""

from __future__ import annotations

import os

from opskit.disk.see.sysfs import read_text

# So many messages are read at most: a device that fails says much.
_MESSAGES = 1000


class KernelLog:
    """The messages from when this is made. Without /dev/kmsg there are none."""

    def __init__(self, path: str = "/dev/kmsg") -> None:
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._descriptor, 0, os.SEEK_END)
        except OSError:
            self.close()

    def words(self) -> list[str]:
        """The text of each message since, oldest first."""
        texts: list[str] = []
        while self._descriptor >= 0 and len(texts) < _MESSAGES:
            try:
                data = os.read(self._descriptor, 8192)
            except BrokenPipeError:  # overwritten before it was read: the next one follows
                continue
            except OSError:
                break
            if not data:
                break
            texts.append(data.decode("utf-8", "replace").partition(";")[2].rstrip("\n"))
        return texts

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def knows_filesystem(fstype: str) -> bool:
    """Whether the kernel has this type of filesystem now: after a mount that failed it has looked for the module."""
    types = read_text("/proc", "filesystems").split()
    return fstype in types or not types
