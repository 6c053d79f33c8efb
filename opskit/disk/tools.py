"""What this host's tools can do: asked of each tool once, here, by its version."""

from __future__ import annotations

import os
import re

from opskit.core.command import Command
from opskit.core.runner import ENVIRONMENT, Runner

# Only their presence counts.
PRESENT = ("mkfs.ext3", "mkfs.ext4", "mkfs.xfs", "parted", "growpart", "sgdisk", "resize2fs", "xfs_growfs")
# Looked for on every occasion: what only writes fstab runs it, too.
RESTORECON = "restorecon"
_VERSION = re.compile(r"(\d+)\.(\d+)")

# util-linux releases (their ReleaseNotes): 2.26 sfdisk knows GPT and scripts, 2.29 --no-tell-kernel.
SFDISK_SCRIPTS = (2, 26)
SFDISK_NO_TELL_KERNEL = (2, 29)
# Measured: the wipefs of 2.38 sees a lone backup GPT, that of 2.23 does not (shared/el7). Between them nobody looked.
WIPEFS_BACKUP_GPT = (2, 26)


def read_tools(runner: Runner) -> dict[str, str]:
    """Tool -> version ("1" where only its presence counts); an absent tool is not in it."""
    found = {**read_restorecon(), **{tool: "1" for tool in PRESENT if on_path(tool)}}
    if on_path("sfdisk"):
        result = runner.run(Command(("sfdisk", "--version"), mutates=False, accept=(0, 1)))
        match = _VERSION.search(result.stdout)
        found["sfdisk"] = match.group(0) if match else "1"
    return found


def read_restorecon() -> dict[str, str]:
    """The same of restorecon alone: asks no program."""
    return {RESTORECON: "1"} if on_path(RESTORECON) else {}


def on_path(tool: str) -> bool:
    """Whether the runner would find this program."""
    return any(os.access(os.path.join(folder, tool), os.X_OK) for folder in ENVIRONMENT["PATH"].split(":"))


def at_least(tools: dict[str, str], tool: str, version: tuple[int, int]) -> bool:
    """Whether the tool is there in this version or a newer one."""
    match = _VERSION.search(tools.get(tool, ""))
    return match is not None and (int(match.group(1)), int(match.group(2))) >= version
