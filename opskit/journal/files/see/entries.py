"""How many entries of a journal file are newer than a moment: by its chain of entry arrays, without decompressing.

The layout is that of journal-def.h: an entry array has a header of 24 bytes (type, flags, size, the next array) and
offsets of entries, of 64 bits or in a compact file of 32; an entry has its time at byte 24.
"""

from __future__ import annotations

import os
import struct
from typing import Optional

from opskit.journal.files.model import Header
from opskit.journal.files.see.directories import open_unread

_ARRAY = struct.Struct("<BB6xQQ")
_ENTRY = struct.Struct("<BB6xQQQ")
_TYPE_ENTRY, _TYPE_ARRAY = 3, 6


class _DamagedError(Exception):
    """The file is not what its header claims."""


def newer_than(path: str, header: Header, moment: int) -> Optional[int]:
    """How many entries are of that moment (microseconds since 1970) or later, as `journalctl --since` counts them.

    That is all from the first such entry on: entries are taken to be in order of time. None when the file is damaged,
    or is no longer as its header was.
    """
    if not header.entries:
        return 0
    if header.damage:
        return None
    if header.head >= moment:
        return header.entries
    try:
        descriptor = open_unread(path)
    except OSError:
        return None
    try:
        # By pread: a file that journald cuts off meanwhile would be a SIGBUS for who has it mapped.
        return _count(descriptor, header, moment)
    except (OSError, OverflowError, struct.error, _DamagedError):
        return None
    finally:
        os.close(descriptor)


def _count(file: int, header: Header, moment: int) -> int:
    """By bisection: first over the arrays of the chain, then within one."""
    item = struct.Struct("<I" if header.compact else "<Q")
    before, at = 0, header.arrays
    while before < header.entries:
        kind, _, size, following = _ARRAY.unpack(os.pread(file, _ARRAY.size, at))
        count = min((size - _ARRAY.size) // item.size, header.entries - before)
        if kind != _TYPE_ARRAY or count <= 0:
            raise _DamagedError
        first = at + _ARRAY.size
        if _time(file, item, first + (count - 1) * item.size) >= moment:
            low, high = 0, count - 1
            while low < high:
                middle = (low + high) // 2
                if _time(file, item, first + middle * item.size) >= moment:
                    high = middle
                else:
                    low = middle + 1
            return header.entries - before - low
        before += count
        if before < header.entries and following <= at:
            raise _DamagedError
        at = following
    return 0


def _time(file: int, item: struct.Struct, at: int) -> int:
    """The time of the entry whose offset is an item of an array."""
    (entry,) = item.unpack(os.pread(file, item.size, at))
    kind, _, _, _, realtime = _ENTRY.unpack(os.pread(file, _ENTRY.size, entry))
    if kind != _TYPE_ENTRY:
        raise _DamagedError
    return int(realtime)
