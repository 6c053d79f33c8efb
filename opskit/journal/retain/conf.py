"""journald.conf and its drop-ins: what is set, where, and which of it counts (journald.conf(5), conf-parser.c)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

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
    """The assignments of the section [Journal] in a file's text: comments left out, continued lines put together."""
    found = []
    section, pending, began = "", "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if line[:1] in {"#", ";"}:
            continue
        began = began or number
        if raw.endswith("\\"):
            pending += line[:-1] + " "
            continue
        whole, at, pending, began = (pending + line).strip(), began, "", 0
        if whole.startswith("[") and whole.endswith("]"):
            section = whole[1:-1]
        elif section == SECTION and "=" in whole:
            name, _, value = whole.partition("=")
            found.append(Setting(name.strip(), value.strip(), path, at))
    return found


def winner(settings: Sequence[Setting], name: str) -> Optional[Setting]:
    """The assignment of this name that counts."""
    return next((one for one in reversed(settings) if one.name == name), None)
