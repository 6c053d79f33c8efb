"""journald.conf and its drop-ins: what is set, where, and which of it counts (journald.conf(5), conf-parser.c)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from opskit.core.record import dataclass
from opskit.core.systemd import parse_assignments

SECTION = "Journal"
# src/journal/journald-gperf.gperf of 219 to 257.
NAMES = (
    "Storage", "Compress", "Seal", "ReadKMsg", "Audit", "SyncIntervalSec", "RateLimitInterval",
    "RateLimitIntervalSec", "RateLimitBurst", "SystemMaxUse", "SystemMaxFileSize", "SystemKeepFree",
    "SystemMaxFiles", "RuntimeMaxUse", "RuntimeMaxFileSize", "RuntimeKeepFree", "RuntimeMaxFiles",
    "MaxRetentionSec", "MaxFileSec", "ForwardToSyslog", "ForwardToKMsg", "ForwardToConsole", "ForwardToWall",
    "ForwardToSocket", "TTYPath", "MaxLevelStore", "MaxLevelSyslog", "MaxLevelKMsg", "MaxLevelConsole",
    "MaxLevelWall", "MaxLevelSocket", "SplitMode", "LineMax"
)  # fmt: skip
_BY_LOWER = {name.lower(): name for name in NAMES}


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


def stray_settings(text: str, path: str) -> list[tuple[Setting, str]]:
    """The assignments that journald passes over though they name a setting of its own, each with the reason.

    Sections and names count as they are written, capitals and all (conf-parser.c); a section X-… is for others.
    """
    strays = []
    for item in parse_assignments(text, path):
        name = _BY_LOWER.get(item.name.lower(), "")
        why = ""
        if name and item.section != SECTION and not item.section.startswith("X-"):
            where = f"in section [{item.section}]" if item.section else "in no section"
            why = f"it is {where}, and journald reads [{SECTION}] only"
        elif name and name != item.name:
            why = f"journald knows it as {name}"
        if why:
            strays.append((Setting(item.name, item.value, item.path, item.line), why))
    return strays


def winner(settings: Sequence[Setting], name: str) -> Optional[Setting]:
    """The assignment of this name that counts."""
    return next((setting for setting in reversed(settings) if setting.name == name), None)
