"""What an init script names: its pid files, its logs and the program that it starts. Read from its text, not run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

_ASSIGNMENT = re.compile(r"""^[ \t]*(?:export[ \t]+|local[ \t]+)?(\w+)=("[^"\n]*"|'[^'\n]*'|[^\s;#]*)""", re.MULTILINE)
# The header of chkconfig(8), which the EL family's scripts have.
_HEADER = re.compile(r"^#[ \t]*(pidfile|processname):[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?[-=]([^}]*))?\}|(\w+))")
_PID_FILE = re.compile(r"/[\w@%.,+/*-]*\.pid\b")
_LOG_FILE = re.compile(r"/[\w@%.,+/*-]*\.log\b")
# What scripts call the program that they start.
_PROGRAMS = re.compile(r"(?:DAEMON|PROG|PROGRAM|EXEC|BINARY|\w+_BIN)", re.IGNORECASE)
_ROUNDS = 5


class Named(NamedTuple):
    """What the text names. pid_files: absolute paths; a `*` in the last part stands for any text."""

    pid_files: tuple[str, ...]
    programs: tuple[str, ...]


def named_in(name: str, text: str, settings: Iterable[str] = ()) -> Named:
    """What an init script names.

    name: its own name
    text: its text
    settings: those of the files that it reads: /etc/sysconfig/NAME, /etc/default/NAME
    """
    expanded = _values(name, text, settings)
    headers = [(key.lower(), value) for key, value in _HEADER.findall(text)]
    texts = [*expanded.values(), *(value for key, value in headers if key == "pidfile")]
    texts += [_expanded(line, expanded) for line in text.splitlines() if ".pid" in line and "#" not in line]
    programs = [value for key, value in headers if key == "processname"]
    programs += [value for variable, value in expanded.items() if _PROGRAMS.fullmatch(variable)]
    names = dict.fromkeys(
        os.path.basename(words[0]) for value in programs if (words := value.split()) and "$" not in value
    )
    return Named(_paths(_PID_FILE, texts), tuple(each for each in names if each))


def logs_in(name: str, text: str, settings: Iterable[str] = ()) -> tuple[str, ...]:
    """The log files that an init script names, as named_in has its pid files."""
    return _paths(_LOG_FILE, _values(name, text, settings).values())


def _paths(pattern: re.Pattern[str], texts: Iterable[str]) -> tuple[str, ...]:
    """The paths of a pattern in these texts; celery's %n stands for any text."""
    found = (path for each in texts for path in pattern.findall(each))
    return tuple(dict.fromkeys(re.sub(r"%[a-zA-Z]", "*", path) for path in found if "*" not in os.path.dirname(path)))


def _values(name: str, text: str, settings: Iterable[str]) -> dict[str, str]:
    """The variables that a script and its settings set, each with those that it holds in their places."""
    values: dict[str, str] = {"0": name}
    for source in (text, *settings):
        for variable, value in _ASSIGNMENT.findall(source):
            bare = value.strip("\"'")
            # `PIDFILE=${PIDFILE:-/run/x.pid}` keeps what the settings say; `X=$(command)` is known to nobody.
            if not bare.startswith(("$(", "`")) and f"${{{variable}" not in bare:
                values[variable] = bare
            elif match := _VARIABLE.fullmatch(bare):
                values.setdefault(variable, match[2] or "")
    return {variable: _expanded(value, values) for variable, value in values.items()}


def _expanded(text: str, values: dict[str, str]) -> str:
    """The text with the variables that are known in their places; so often, for one can hold another."""
    for _ in range(_ROUNDS):
        before = text
        text = _VARIABLE.sub(lambda match: values.get(match[1] or match[3], match[2] or match[0]), text)
        if text == before or len(text) > 4096:
            break
    return text
