r"""The journal's export format, parsed as it comes, in bounded memory (systemd's JOURNAL_EXPORT_FORMATS).

An entry is lines `NAME=text`, and after the last one an empty line. A value that is not printable text (a newline,
ANSI, invalid UTF-8) has the name alone on its line, then its length as 8 bytes, little-endian, the value and a newline.

Text never holds a NUL, and a length always does (none has eight bytes that all count): what stands before the first
NUL is text alone and is taken apart by one regular expression, many entries at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence

# Kept of a value: a message is shown in full, journald itself takes 48 KiB from a service's output.
MESSAGE_BYTES = 64 * 1024
OTHER_BYTES = 1024
# An entry that is not complete with so many bytes is made shorter while the rest of it comes.
PENDING_BYTES = 512 * 1024
LENGTH_BYTES = 8
# The priority of an entry that lacks fields, and whose priority may be among those.
UNKNOWN_PRIORITY = b"?"
# An entry: its cursor, its time (microseconds since 1970), the lines `NAME=value` before the message, the message, the
# lines after it; lines of those fields alone that were asked for. Plain tuples: a regular expression hands them out.
ExportEntry = tuple[bytes, bytes, bytes, bytes, bytes]
# Entries as they come; to be closed, which ends the program that writes them.
Batches = Generator[Sequence[ExportEntry], None, None]

# What journalctl is asked for, beside the four lines that every entry begins with.
FIELDS = (
    "MESSAGE",
    "PRIORITY",
    "MESSAGE_ID",
    "COREDUMP_UNIT",
    "UNIT",
    "_SYSTEMD_UNIT",
    "SYSLOG_IDENTIFIER",
    "_TRANSPORT",
    "CONTAINER_NAME",
    "CONTAINER_ID",
)
_FIELDS = frozenset(name.encode() for name in FIELDS)
_ENTRY = re.compile(
    rb"__CURSOR=([^\n]*)\n__REALTIME_TIMESTAMP=(\d+)\n(?:_[^\n]*\n)*?_BOOT_ID=[^\n]*\n"
    rb"((?:(?!MESSAGE=)[^\n]+\n)*)(?:MESSAGE=([^\n]*)\n)?((?:[^\n]+\n)*)\n"
)
_BEGIN = b"\n\n__CURSOR="
_NAME = re.compile(rb"[A-Z0-9_]+=")
_UNASKED = re.compile(rb"(?m)^(?!(?:%s)=)[^\n]*\n" % "|".join(FIELDS).encode())
_HEAD = (b"__", b"_BOOT_ID")
_OWN = (b"__CURSOR", b"__REALTIME_TIMESTAMP")


class ExportParser:
    """Fed with what journalctl writes, cut anywhere.

    narrow: journalctl gave fields that were not asked for (219). every: they are wanted.
    """

    def __init__(self, *, narrow: bool = False, every: bool = False) -> None:
        self._narrow = narrow
        self._every = every
        self._rest = b""
        self._skip = 0  # bytes of a value that is too long, still to come
        self._skip_line = False  # the same, of a line

    def feed(self, data: bytes) -> list[ExportEntry]:
        """The entries that are complete with these bytes."""
        data = self._skipped(data)
        buffer = self._rest + data if self._rest else data
        entries: list[ExportEntry] = []
        at = 0
        while True:
            zero = buffer.find(b"\0", at)
            if zero < 0:
                end = _end_of_text(buffer, at)
                self._take_text(buffer, at, end, entries)
                at = end
                break
            before = buffer.rfind(_BEGIN, at, zero)
            start = at if before < 0 else before + 2
            self._take_text(buffer, at, start, entries)
            at = start
            end = self._take_binary(buffer, at, entries)
            if not end:
                break
            at = end
        self._rest = buffer[at:]
        if len(self._rest) > PENDING_BYTES:
            self._shorten()
        return entries

    def _skipped(self, data: bytes) -> bytes:
        """The data without the rest of what was too long."""
        if self._skip:
            skip = min(self._skip, len(data))
            self._skip -= skip
            data = data[skip:]
        if self._skip_line:
            end = data.find(b"\n")
            self._skip_line = end < 0
            data = b"" if end < 0 else data[end:]
        return data

    def _take_text(self, buffer: bytes, start: int, end: int, entries: list[ExportEntry]) -> None:
        if end <= start:
            return
        taken = _ENTRY.findall(buffer, start, end)
        if self._narrow:
            taken = [
                (cursor, when, _UNASKED.sub(b"", before), message, _UNASKED.sub(b"", after))
                for cursor, when, before, message, after in taken
            ]
        entries += taken

    def _take_binary(self, buffer: bytes, start: int, entries: list[ExportEntry]) -> int:
        """Take the entry that begins here, field by field. Returns where it ends, 0 if it is not complete."""
        values: dict[bytes, bytes] = {}
        at = start
        while True:
            line_end = buffer.find(b"\n", at)
            if line_end < 0:
                return 0
            if line_end == at:
                break
            name, equals, value = buffer[at:line_end].partition(b"=")
            at = line_end + 1
            if not equals:
                if len(buffer) < at + LENGTH_BYTES:
                    return 0
                end = at + LENGTH_BYTES + int.from_bytes(buffer[at : at + LENGTH_BYTES], "little")
                if len(buffer) <= end:
                    return 0
                value = buffer[at + LENGTH_BYTES : min(end, at + LENGTH_BYTES + _kept(name))]
                at = end + 1
            values.setdefault(name, value)
        cursor, when = (values.get(name, b"") for name in _OWN)
        named = [name for name in values if name in _FIELDS or (self._every and not name.startswith(_HEAD))]
        fields = [name + b"=" + b" ".join(values[name].splitlines()) + b"\n" for name in named if name != b"MESSAGE"]
        if when.isdigit():
            entries.append((cursor, when, b"".join(fields), without_end(values.get(b"MESSAGE", b"")), b""))
        return at + 1

    def _shorten(self) -> None:
        """Cut the values of an entry that is not complete down to what is kept; the rest of the last is passed over."""
        rest, at = self._rest, 0
        kept: list[bytes] = []
        while at < len(rest):
            line_end = rest.find(b"\n", at)
            name = rest[at : line_end if line_end >= 0 else len(rest)].partition(b"=")[0]
            most = len(name) + 1 + _kept(name)
            if line_end < 0:  # text that goes on
                self._skip_line = len(rest) - at > most
                kept.append(rest[at : at + most])
                break
            if line_end == at or line_end - at > len(name):
                kept.append(rest[at : min(line_end, at + most)] + b"\n")
                at = line_end + 1
                continue
            value = line_end + 1 + LENGTH_BYTES
            size = int.from_bytes(rest[line_end + 1 : value], "little")
            if len(rest) < value or (size <= _kept(name) and len(rest) <= value + size):
                kept.append(rest[at:])
                break
            fewer = min(size, _kept(name))
            kept.append(name + b"\n" + fewer.to_bytes(LENGTH_BYTES, "little") + rest[value : value + fewer])
            self._skip = max(0, value + size - len(rest))
            at = value + size
            kept.append(rest[at : at + 1])
            at += 1
        self._rest = b"".join(kept)


def without_end(message: bytes) -> bytes:
    """The message without the newline at its end, that podman's conmon leaves there."""
    return message.rstrip(b"\n") or message


def _kept(name: bytes) -> int:
    return MESSAGE_BYTES if name == b"MESSAGE" else OTHER_BYTES


def _end_of_text(buffer: bytes, start: int) -> int:
    r"""Where the last complete entry of a buffer without NUL ends.

    The buffer may end within a length: `MESSAGE\n` and a byte of 10 look like an empty line, but no `NAME=` is before.
    """
    end = len(buffer)
    while (at := buffer.rfind(b"\n\n", start, end)) >= 0:
        if buffer.startswith(b"__CURSOR=", at + 2) or _NAME.match(buffer, buffer.rfind(b"\n", start, at) + 1, at):
            return at + 2
        end = at + 1
    return start


def fields_of(entry: ExportEntry) -> dict[str, str]:
    """The fields of one entry as text, the message too."""
    _, _, before, message, after = entry
    lines = os.fsdecode(before + after).split("\n")
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    return {**fields, "MESSAGE": os.fsdecode(message)}
