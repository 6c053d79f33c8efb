"""The lines of the ledger: how one is written, what a sound one has, and reading a file of them from its end.

A line ends in `"line": N, … "sum": "XXXXXXXX"}`: its number in its run, and the CRC-32 of all bytes before the sum.
Lines of opskit 0.1.0 have neither.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import zlib
from collections.abc import Iterator
from io import FileIO
from typing import Any, Optional

from opskit.core.record import dataclass

SCHEMA = 1
BLOCK = 1 << 16
LONGEST = 1 << 26
MOST_LINES = 100_000
_SUM = re.compile(rb', "sum": "([0-9a-f]{8})"\}')
_RUN = re.compile(rb'"run": "([^"\\]*)"')
_SUM_LENGTH = len(', "sum": "00000000"}')

_CHANGE = {"action": str, "target": str, "before": str, "after": str}
_COMMAND = {"argv": [str], "status": int}
_COMMAND_MORE = {"seconds": (int, float), "input": str, "stdout": str, "stderr": str}
_STEPPED = ({"done", "failed", "kept"}, {"undone", "failed", "kept"})
_ENDED = {"done", "taken-back", "take-back-failed", "failed"}
# entry → (keys that it has, keys that it may have), each with the type of its value.
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "begin": (
        {"title": str, "command": [str], "user": str, "pid": int},
        {"undoes": str, "hold": str, "host": str, "fingerprint": str, "plan": str, "changes": [_CHANGE]},
    ),
    "step": ({"number": int, "kind": str, "fields": dict, "change": _CHANGE, "record": dict}, {}),
    "stepped": ({"number": int, "outcome": _STEPPED[0]}, {"record": dict, "error": str, "commands": [_COMMAND]}),
    "undone": ({"number": int, "outcome": _STEPPED[1]}, {"record": dict, "error": str, "commands": [_COMMAND]}),
    "end": ({"outcome": _ENDED}, {"error": str}),
}
# The same as a list of (key, type of its value, whether an entry must have it): a ledger can have a million lines.
_KEYS = {
    name: (
        *((key, kind, True) for key, kind in {"run": str, "time": str, **needed}.items()),
        *((key, kind, False) for key, kind in possible.items()),
    )
    for name, (needed, possible) in SHAPES.items()
}


@dataclass(frozen=True)
class Line:
    """One line of the ledger.

    offset: its first byte in the file
    raw: its bytes, without the newline
    whole: whether a newline ends it
    entry: what it says; None when it is broken
    why: what is wrong with a broken one
    """

    offset: int
    raw: bytes
    whole: bool
    entry: Optional[dict[str, Any]]
    why: str = ""

    @property
    def run(self) -> str:
        """The id of its run, "" where a broken line does not show it."""
        if self.entry is not None:
            return str(self.entry["run"])
        match = _RUN.search(self.raw)
        return match.group(1).decode("utf-8", "replace") if match else ""

    @property
    def number(self) -> int:
        """Its number in its run; 0 in a ledger of opskit 0.1.0, and of a broken line."""
        return self.entry.get("line", 0) if self.entry is not None else 0

    @property
    def is_cut(self) -> bool:
        """Whether it looks like the beginning of a line whose writing a crash ended."""
        return self.entry is None and not _SUM.search(self.raw)


def line_of(entry: dict[str, Any]) -> bytes:
    """The bytes of an entry, with checksum and newline."""
    body = json.dumps(entry)[:-1].encode()
    return body + b', "sum": "%08x"}\n' % zlib.crc32(body)


def parse_line(raw: bytes, offset: int = 0, *, whole: bool = True) -> Line:
    """The line with what it says, or with what is wrong with it."""
    try:
        entry = json.loads(raw)
    except (ValueError, RecursionError):
        return Line(offset, raw, whole, None, "it is not JSON")
    why = _fault(entry, raw)
    return Line(offset, raw, whole, None if why else entry, why)


def _fault(entry: Any, raw: bytes) -> str:
    if not isinstance(entry, dict):
        return "it is no entry"
    if "sum" in entry or "line" in entry:
        match = _SUM.match(raw, max(len(raw) - _SUM_LENGTH, 0))
        if not match or match.end() != len(raw) or int(match.group(1), 16) != zlib.crc32(raw[:-_SUM_LENGTH]):
            return "its checksum does not match"
        if not _is_number(entry.get("line")):
            return "it has no number"
    schema = entry.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        return f"its schema is {json.dumps(schema)}, not {SCHEMA}: a newer opskit may know it"
    if not isinstance(entry.get("entry"), str) or entry["entry"] not in SHAPES:
        return f"there is no entry {json.dumps(entry.get('entry'))}"
    for key, kind, needed in _KEYS[entry["entry"]]:
        if (needed or key in entry) and not _has_type(entry.get(key), kind):
            return f"its {key} is not of the kind that it should be"
    return "" if entry["run"] and _is_number(entry.get("number", 1)) else "it has no run, or no number of a step"


def _is_number(value: Any) -> bool:
    """Whether it can be the number of a step or of a line in its run."""
    return type(value) is int and 1 <= value <= MOST_LINES


def _has_type(value: Any, kind: Any) -> bool:
    """Whether a value is of a type, one of a set of words, a list of [type], or an object with the keys of a dict."""
    if type(value) is kind:
        return True
    if isinstance(kind, set):
        return isinstance(value, str) and value in kind
    if isinstance(kind, list):
        return isinstance(value, list) and all(_has_type(item, kind[0]) for item in value)
    if isinstance(kind, dict):
        more = _COMMAND_MORE if kind is _COMMAND else {"commands": [str], "reversible": bool}
        return (
            isinstance(value, dict)
            and all(_has_type(value.get(key), inner) for key, inner in kind.items())
            and all(_has_type(value[key], inner) for key, inner in more.items() if key in value)
        )
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def lines_from_end(path: str, begin: int = 0) -> Iterator[tuple[int, bytes, bool]]:
    """The lines of a file, the last one first: offset, bytes without the newline, whether there was a newline.

    begin: where the first of them begins; what is before it is not read
    Holds a block and the longest line in memory, and of a line over LONGEST only its beginning. Empty lines are left
    out. Raises OSError.
    """
    with open_to_read(path) as file:
        start = file.seek(0, os.SEEK_END)
        pieces: list[bytes] = []  # of the line whose beginning is not read yet, the last piece first
        whole = False
        while start > begin:
            size = min(BLOCK, start - begin)
            start -= size
            file.seek(start)
            first, *others = file.read(size).split(b"\n")
            offset = start + size
            for part in reversed(others):
                offset -= len(part)
                raw = b"".join([part, *reversed(pieces)])
                pieces = []
                if raw:
                    yield offset, raw, whole
                whole = True
                offset -= 1
            pieces = [first] if len(pieces) > LONGEST // BLOCK else [*pieces, first]
        raw = b"".join(reversed(pieces))
        if raw:
            yield begin, raw, whole


def open_to_read(path: str) -> FileIO:
    """The file. Raises OSError, also for a symlink and for what is no regular file: a FIFO would be waited for."""
    file = FileIO(path, opener=_open_no_link)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file", path)
    return file


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


def line_numbers(path: str, offsets: list[int]) -> dict[int, int]:
    """The number in the file, from 1 on, of the line that begins at each of these offsets. Raises OSError."""
    numbers, counted, position = {}, 1, 0
    with open_to_read(path) as file:
        for offset in sorted(set(offsets)):
            while position < offset:
                block = file.read(min(BLOCK, offset - position))
                if not block:
                    break
                counted += block.count(b"\n")
                position += len(block)
            numbers[offset] = counted
    return numbers
