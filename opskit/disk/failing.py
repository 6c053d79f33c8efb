"""A disk that fails: what is said of a program that could not do its work on one."""

from __future__ import annotations

from opskit.core.command import Command
from opskit.core.errors import CommandFailed
from opskit.core.runner import Runner

FAILING = "dmesg | tail; the disk may be failing"


def write(runner: Runner, command: Command) -> None:
    """Run what writes to a disk. Should it fail, the kernel knows more of it: sfdisk, for one, says nothing."""
    try:
        runner.run(command)
    except CommandFailed as error:
        error.todo = error.todo or FAILING
        raise
