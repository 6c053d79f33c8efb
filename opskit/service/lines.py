"""What the lines that a service logged name: a file that is missing, a port that is taken, a disk that is full. Pure.

The words are those of strerror(3), and the names of the numbers (errno(3)) that some programs print for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MISSING = re.compile(r"(?i)no such file or directory|\bENOENT\b|(?:file|directory) (?:is |was )?not found|not exist")
TAKEN = re.compile(r"(?i)address (?:is )?already in use|\bEADDRINUSE\b|port \d+ (?:is )?(?:already )?(?:in use|taken)")
FULL = re.compile(r"(?i)no space left on device|\bENOSPC\b|disk quota exceeded|\bEDQUOT\b")
READ_ONLY = re.compile(r"(?i)read-only file system|\bEROFS\b")
# An absolute path; no part of an address (http://host/path) or of a longer word. No path has a NUL in it.
_PATH = re.compile(r"""(?<![\w:/.~-])/[^\s\0/'"`,;:()<>\[\]{}|=][^\s\0'"`,;:()<>\[\]{}|=]*""")
# What is no port: the time of day.
_CLOCK = re.compile(r"(?<!\d)\d\d:\d\d:\d\d(?:[.,]\d+)?")
# [::]:80, 0.0.0.0:80, *:80, port 80, ('127.0.0.1', 80)
_PORT = re.compile(r"(?i)(?:(?<=:)|(?<=port )|(?<=['\"], ))\d{1,5}(?![\w.]|:\d)")
MOST = 20


def matching(pattern: re.Pattern[str], lines: Iterable[str]) -> list[str]:
    """The lines that say so, the newest last."""
    return [line for line in lines if pattern.search(line)]


def paths_in(lines: Iterable[str]) -> list[str]:
    """The absolute paths that the lines name, each once."""
    paths = (path.rstrip(".") for line in lines for path in _PATH.findall(line))
    return list(dict.fromkeys(paths))[:MOST]


def missing_paths(lines: Iterable[str]) -> list[str]:
    """The paths of lines that tell of a missing file."""
    return paths_in(matching(MISSING, lines))


def taken_ports(lines: Iterable[str]) -> list[int]:
    """What can be a port in lines that tell of an address that is taken; whether it is one, /proc says."""
    numbers = (int(number) for line in matching(TAKEN, lines) for number in _PORT.findall(_CLOCK.sub("", line)))
    return list(dict.fromkeys(number for number in numbers if 0 < number < 65536))[:MOST]


def written_paths(lines: Iterable[str]) -> list[str]:
    """The paths of lines that tell of a disk that is full or read-only."""
    lines = tuple(lines)
    return paths_in((*matching(FULL, lines), *matching(READ_ONLY, lines)))
