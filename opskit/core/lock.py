"""Locks: one opskit changes a host at a time, and a disk that is written is left alone by udev.

Both are BSD locks (flock(2)). The kernel lets go of one when the process ends, however it ends: none is ever stale.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator

from opskit.core.errors import Busy, Failed, Missing, OpskitError
from opskit.core.trust import weak_spot

FILE_NAME = "lock"
# udev holds the lock of a disk itself while it looks at it: that is over in a moment.
HOLD_SECONDS = 10.0
# How often a held lock is tried again; flock has no time limit of its own.
RETRY_SECONDS = 0.1


def wait_for_flock(descriptor: int, timeout: float) -> bool:
    """Take an exclusive BSD lock within timeout seconds. False when somebody else keeps it."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
        else:
            return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(RETRY_SECONDS, left))


def make_state_dir(state_dir: str) -> None:
    """Make it if it is not there. Raises OSError, and what check_state_dir does."""
    check_state_dir(state_dir)
    os.makedirs(state_dir, mode=0o700, exist_ok=True)
    check_state_dir(state_dir)  # in /tmp somebody else could have made it in this moment


def check_state_dir(state_dir: str) -> None:
    """Raise Failed when others could write there, or put another in its place: an undo goes by the ledger in it.

    Raises Missing where an ordinary user named none of its own, and OSError. One that is not there yet is in order.
    """
    try:
        status = os.stat(state_dir)
    except FileNotFoundError:
        status = None
    if status is not None and os.geteuid() not in {0, status.st_uid}:
        why = f"the ledger there is another user's (owner {status.st_uid}, mode {status.st_mode & 0o777:03o})"
        todo = "a directory of your own: --state-dir DIR, or OPSKIT_STATE_DIR; or sudo"
        raise Missing(state_dir, why, todo=todo, state="Nothing was changed.")
    if status is not None and (status.st_uid != os.geteuid() or status.st_mode & 0o022):
        whose = f"owner {status.st_uid}, mode {status.st_mode & 0o777:03o}"
        why = f"others can write there ({whose}), and so forge the ledger"
        todo = f"look into it; then chown root {state_dir} and chmod 700 {state_dir}"
        raise Failed(state_dir, why, todo=todo, state="Nothing was changed.")
    weak = weak_spot(state_dir, itself=False)
    if weak:
        why = f"others can put another directory in its place, and so forge the ledger: {weak}"
        todo = "another place: --state-dir DIR; or chown root and chmod go-w the directory that is named"
        raise Failed(state_dir, why, todo=todo, state="Nothing was changed.")


def is_own(state_dir: str) -> bool:
    """Whether it is this user's: what is on record there he did himself, and he can take it back."""
    try:
        return os.stat(state_dir).st_uid == os.geteuid()
    except OSError:
        return False


def lock_path(state_dir: str) -> str:
    """The file that the host's lock is on."""
    return os.path.join(state_dir, FILE_NAME)


def lock_exists(state_dir: str) -> bool:
    """Whether an opskit has ever taken the host's lock here."""
    return os.path.exists(lock_path(state_dir))


def busy(state_dir: str, holder: str) -> Busy:
    """The error for a lock that another opskit has. holder: its pid."""
    why = f"pid {holder} holds {lock_path(state_dir)}"
    todo = "wait for it: --lock-timeout SPAN"
    return Busy("another opskit is changing this host", why, todo=todo, state="Nothing was changed.")


def no_lock(state_dir: str, number: int) -> OpskitError:
    """The error for a lock file that cannot be made. number: the errno."""
    path, why = lock_path(state_dir), f"the lock file cannot be made ({os.strerror(number)})"
    todo = "name another place with --state-dir"
    if number in {errno.EACCES, errno.EPERM} and os.geteuid() != 0:
        return Missing(path, why, todo=f"{todo}, or OPSKIT_STATE_DIR; or sudo", state="Nothing was changed.")
    return Failed(path, why, todo=todo, state="Nothing was changed.")


@contextlib.contextmanager
def host_lock(state_dir: str, timeout: float) -> Iterator[None]:
    """Hold the host's lock, waiting at most timeout seconds. Raises Busy, naming the holder's pid, or Failed."""
    path = lock_path(state_dir)
    try:
        make_state_dir(state_dir)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise no_lock(state_dir, error.errno or 0) from error
    try:
        if not wait_for_flock(descriptor, timeout):
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise busy(state_dir, holder)
        with contextlib.suppress(OSError):  # a full disk: who holds it is only for the message above
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def device_lock(path: str) -> Iterator[None]:
    """Hold the lock of this block device, which udev honours (systemd, BLOCK_DEVICE_LOCKING); "" holds nothing.

    Raises Busy when somebody keeps it, or Failed.

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
