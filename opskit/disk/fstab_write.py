"""What every step on fstab shares: reading, writing whole and atomically, the same in shell, and what follows that.

Mode, owner and extended attributes (so the SELinux context too) are those of the file replaced. What follows: relabel,
restorecon (of the host's own fstab); reload, systemd's look at the new fstab.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import ClassVar

from opskit.core.command import Command
from opskit.core.errors import Failed
from opskit.core.files import read_bytes, sha256, sync_directory, write_atomic
from opskit.core.plan import Record, Step
from opskit.core.runner import Runner
from opskit.disk.fstab import encode
from opskit.disk.selinux import restorecon

# systemd makes its mount units from fstab; with stale ones it may unmount what was just mounted.
DAEMON_RELOAD = Command(("systemctl", "daemon-reload"), mutates=True)


class FstabStep(Step):
    """Common to the steps on fstab.

    No text of fstab goes into the ledger beside our own lines: options can hold a password. What an undo needs
    beyond that is in the backup beside fstab, named by the step. So there is nothing to remember.
    """

    under_lock: ClassVar[bool] = False

    def remember(self, runner: Runner) -> Record:  # noqa: ARG002
        """Nothing: the fields are all that an undo needs."""
        return {}


def text_hash(text: str) -> str:
    """The hash by which these steps know whether fstab is still as it was."""
    return sha256(encode(text))


def temporary(path: str) -> str:
    """Where a person's shell makes the new fstab: beside the old one, hidden, and not by a backup's name."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.new")


def replacing(path: str, edits: tuple[str, ...], *, reload: bool, relabel: bool) -> tuple[str, ...]:
    """Shell lines that edit a copy and put it in place by one rename; mode, owner and attributes stay."""
    new = shlex.quote(temporary(path))
    commands = (f"cp -a -- {shlex.quote(path)} {new}", *edits, f"mv -f -- {new} {shlex.quote(path)}")
    return commands + settling(path, reload=reload, relabel=relabel)


def settling(path: str, *, reload: bool, relabel: bool) -> tuple[str, ...]:
    """The shell lines of settle()."""
    return tuple(command.as_shell() for command in _settling(path, reload=reload, relabel=relabel))


def _settling(path: str, *, reload: bool, relabel: bool) -> tuple[Command, ...]:
    """The context first: systemd may not read an fstab with a wrong one."""
    return (*((restorecon(path),) if relabel else ()), *((DAEMON_RELOAD,) if reload else ()))


def read(path: str) -> bytes:
    """The whole file. Raises Failed."""
    try:
        return read_bytes(path)
    except OSError as error:
        raise Failed(path, f"it cannot be read ({error.strerror})") from error


def file_hash(path: str) -> str:
    """The hash of a file, "" when it is absent. Raises Failed."""
    return sha256(read(path)) if os.path.lexists(path) else ""


def unchanged(path: str, expected: str) -> bytes:
    """The whole file, if its hash is still the expected one. Raises Failed."""
    data = read(path)
    if sha256(data) != expected:
        raise changed(path)
    return data


def changed(path: str) -> Failed:
    """The error for a file that somebody changed since the plan was made."""
    return Failed(path, "it was changed since the plan was made", todo="run the same command again")


def write(path: str, data: bytes, *, like: str) -> None:
    """Write the whole file atomically, with the metadata of like. Raises Failed."""
    try:
        write_atomic(path, data, like=like)
    except OSError as error:
        raise Failed(path, f"it cannot be written ({error.strerror})", state=f"{path} is as it was.") from error


def unlink(path: str) -> None:
    """Remove a file for good, if it is there. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        sync_directory(os.path.dirname(path))


def settle(runner: Runner, path: str, *, reload: bool, relabel: bool) -> None:
    """What follows once fstab is in place: its SELinux context, systemd's look at it. Raises what the runner raises."""
    for command in _settling(path, reload=reload, relabel=relabel):
        runner.run(command)
