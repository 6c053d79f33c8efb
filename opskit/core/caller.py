"""Who called opskit, and how."""

from __future__ import annotations

import os
import sys

from opskit.core.text import masked

# What nobody but the owner may write: a directory that is made on the way to a mount point is 0755.
UMASK = 0o022
_callers_umask = UMASK


def take_umask() -> None:
    """From now on what opskit makes has the mode that it says, whatever umask the caller's shell has."""
    global _callers_umask  # noqa: PLW0603 - the process has one
    _callers_umask = os.umask(UMASK)


def give_umask_back() -> None:
    """Set the umask of who called opskit: for a program that takes its place."""
    os.umask(_callers_umask)


def who() -> str:
    """The person behind the run: who called sudo, else the user's own name (his number where he has none)."""
    import pwd  # noqa: PLC0415 - only a run that changes something is on record

    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def machine_id(root: str = "") -> str:
    """This host's name for ever (machine-id(5)), "" where it has none. A copied state directory is known by it.

    root: where the /etc of another system is.
    """
    try:
        with open(f"{root}/etc/machine-id", encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def command_line() -> tuple[str, ...]:
    """What was typed. No option of opskit takes a secret; what looks like one among mount options is masked."""
    return ("opskit", *map(masked, sys.argv[1:]))
