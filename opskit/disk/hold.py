"""Hold a whole disk while it is written: the BSD lock that udev honours (systemd, BLOCK_DEVICE_LOCKING)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from opskit.core.errors import Busy, Failed
from opskit.core.lock import wait_for_flock

# udev holds the lock itself while it looks at a device: that is over in a moment.
HOLD_SECONDS = 10.0


@contextlib.contextmanager
def hold_disk(path: str) -> Iterator[None]:
    """Hold the lock of this disk; "" holds nothing. Raises Busy when somebody keeps it, or Failed.

    It is opened for writing: when it is closed udev looks at the disk anew, as it must after the lock.
    """
    if not path:
        yield
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise Failed(path, f"the disk cannot be opened ({error.strerror})", state="Nothing was changed.") from error
    try:
        if not wait_for_flock(descriptor, HOLD_SECONDS):
            why = f"somebody holds the lock of the disk for more than {HOLD_SECONDS:g} s"
            raise Busy(path, why, todo=f"fuser -v {path}", state="Nothing was changed.")
        yield
    finally:
        os.close(descriptor)
