"""journald.conf and its drop-ins: what is set, where, and which of it counts (journald.conf(5), conf-parser.c)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from opskit.core.systemd import parse_assignments

SECTION = "Journal"


@dataclass(frozen=True)
class Setting:
    """One assignment in the section [Journal]."""

    name: str
    value: str
    path: str
    line: int

    @property
    def where(self) -> str:
        """The place, for a person."""
        return f"{self.path}:{self.line}"


def conf_name(namespace: str) -> str:
    """The name of the file for a namespace, "" for the default one."""
    return f"journald@{namespace}.conf" if namespace else "journald.conf"


def parse_settings(text: str, path: str) -> list[Setting]:
    """The assignments of the section [Journal] in a file's text."""
    return [
        Setting(item.name, item.value, item.path, item.line)
        for item in parse_assignments(text, path)
        if item.section == SECTION
    ]


def winner(settings: Sequence[Setting], name: str) -> Optional[Setting]:
    """The assignment of this name that counts."""
    return next((setting for setting in reversed(settings) if setting.name == name), None)
