"""The commands of opskit. Written by scripts/collection from the tree of commands: do not edit."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """changes: whether it can change the host: it takes --dry-run and --yes. plans: whether it takes --only-plan."""

    changes: bool
    plans: bool


COMMANDS = {
    "disk list": Command(changes=False, plans=False),
    "disk show": Command(changes=False, plans=False),
    "disk facts": Command(changes=False, plans=False),
    "disk mount": Command(changes=True, plans=True),
    "disk umount": Command(changes=True, plans=True),
    "disk grow": Command(changes=True, plans=True),
    "disk fstab check": Command(changes=False, plans=False),
    "disk fstab show": Command(changes=False, plans=False),
    "disk fstab backup": Command(changes=True, plans=True),
    "disk fstab restore": Command(changes=True, plans=True),
    "disk swap": Command(changes=True, plans=True),
    "du": Command(changes=True, plans=False),
    "df": Command(changes=False, plans=False),
    "journal usage": Command(changes=False, plans=False),
    "journal verify": Command(changes=False, plans=False),
    "journal vacuum": Command(changes=True, plans=True),
    "journal retain": Command(changes=True, plans=True),
    "journal errors": Command(changes=False, plans=False),
    "memcached flags": Command(changes=False, plans=False),
    "memcached explain": Command(changes=False, plans=False),
    "memcached lint": Command(changes=False, plans=False),
    "memcached start": Command(changes=True, plans=True),
    "memcached stop": Command(changes=True, plans=True),
    "memcached status": Command(changes=False, plans=False),
    "yum lock": Command(changes=False, plans=False),
    "yum wait": Command(changes=False, plans=False),
    "yum unlock": Command(changes=True, plans=True),
    "yum why": Command(changes=True, plans=True),
    "service status": Command(changes=False, plans=False),
    "service why": Command(changes=False, plans=False),
    "service ensure": Command(changes=True, plans=True),
    "status": Command(changes=False, plans=False),
    "check": Command(changes=True, plans=False),
    "history": Command(changes=False, plans=False),
    "history show": Command(changes=False, plans=False),
    "history prune": Command(changes=True, plans=True),
    "undo": Command(changes=True, plans=True),
    "findings": Command(changes=False, plans=False),
    "doctor": Command(changes=False, plans=False),
    "schema": Command(changes=False, plans=False),
    "completion": Command(changes=True, plans=False),
}
