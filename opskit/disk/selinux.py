"""SELinux: a path gets the context that the policy of the host has for it."""

from __future__ import annotations

from opskit.core.command import Command


def restorecon(path: str) -> Command:
    """The command for this path alone. Where SELinux is off it does nothing; what was done stands without it."""
    return Command(("restorecon", path), mutates=True, may_fail=True)
