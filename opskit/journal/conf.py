"""journald.conf and its drop-ins: what is set, where, and which of it counts (journald.conf(5), conf-parser.c)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from opskit.core.files import read_bytes

# Of two drop-ins by the same name the one in the first of these counts; drop-ins are read in the order of their names,
# whatever directory they are in, and what comes last counts.
PLACES = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd")
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


def conf_files(root: str = "", namespace: str = "") -> list[str]:
    """The files that journald reads, in its order. root: where the system's / is."""
    name = conf_name(namespace)
    mains = [f"{root}{place}/{name}" for place in PLACES]
    found = [next((path for path in mains if os.path.exists(path)), "")]
    dropins: dict[str, str] = {}
    for place in PLACES:
        directory = f"{root}{place}/{name}.d"
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for one in names:
            if one.endswith(".conf") and not one.startswith("."):
                dropins.setdefault(one, f"{directory}/{one}")
    found += [dropins[one] for one in sorted(dropins, key=os.fsencode)]
    return [path for path in found if path and not _is_masked(path)]


def _is_masked(path: str) -> bool:
    """A drop-in that is a link to /dev/null takes the place of one by its name elsewhere, and is empty."""
    return os.path.realpath(path) == "/dev/null"


def read_settings(root: str = "", namespace: str = "") -> tuple[Setting, ...]:
    """Every assignment, in the order in which journald reads them: of one name the last counts. Raises OSError."""
    found: list[Setting] = []
    for path in conf_files(root, namespace):
        if os.path.isfile(path):
            found += parse_settings(read_bytes(path).decode("utf-8", "surrogateescape"), path)
    return tuple(found)


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
