"""The header of a journal file, by its first bytes."""

from __future__ import annotations

import functools
import struct

from opskit.journal.files.model import Header
from opskit.journal.releases import NEWEST, rules_of

# What is read of each file: the largest header that any release writes (journal-def.h).
HEADER_BYTES = rules_of(NEWEST).header_bytes
SMALLEST = 208
_SIGNATURE = b"LPKSHHRH"
_STATES = ("offline", "online", "archived")
_COMPACT = 1 << 4
_SEALED = 1  # of the flags that a reader may leave alone
_KNOWN_INCOMPATIBLE = 0x1F
# EntryObject without an item.
_ENTRY_BYTES = 64
# signature, flags, incompatible flags, state, ids of file, machine, boot and seqnum, header_size, arena_size,
# (four of the hash tables, tail object, objects), entries, tail and head seqnum, entry array, head and tail realtime
_LAYOUT = struct.Struct("<8sII B7x 16x16s16x16s QQ 48x QQQQQQ")
_ENTRIES = struct.Struct("<Q")
ENTRIES_AT = 152
# Of ids, which all files of a host share.
_hex = functools.lru_cache(maxsize=100)(bytes.hex)


def read_header(data: bytes, size: int) -> Header:
    """The header in the first bytes of a file of size bytes."""
    if len(data) < _LAYOUT.size:
        entries = _ENTRIES.unpack_from(data, ENTRIES_AT)[0] if len(data) >= ENTRIES_AT + 8 else 0
        return Header(f"it has {size} bytes, fewer than a header", entries=entries, readable=False)
    (
        signature, compatible, incompatible, state, machine, seqnum_id, header_size, arena_size,
        entries, _, head_seqnum, arrays, head, tail,
    ) = _LAYOUT.unpack_from(data)  # fmt: skip
    if signature != _SIGNATURE:
        damage = "it does not begin as a journal file"
    elif incompatible & ~_KNOWN_INCOMPATIBLE:
        damage = f"it has features that are not known here (flags {incompatible:#x})"
    elif state >= len(_STATES):
        damage = f"its state is {state}, which is none"
    elif header_size < SMALLEST:
        damage = f"its header claims {header_size} bytes"
    elif header_size + arena_size > size:
        damage = f"it is cut off: {size} bytes of {header_size + arena_size}"
    elif entries * _ENTRY_BYTES > size:
        damage = f"its header claims {entries} entries, more than {size} bytes can hold"
    else:
        values = (
            "", _STATES[state], _hex(machine), _hex(seqnum_id), head_seqnum, entries, head, tail, arrays,
            incompatible & _COMPACT != 0, True, compatible & _SEALED != 0, incompatible,
        )  # fmt: skip
        return tuple.__new__(Header, values)  # as a JournalFile is made, and as often
    known = signature == _SIGNATURE and not incompatible & ~_KNOWN_INCOMPATIBLE
    return Header(
        damage,
        _STATES[state] if state < len(_STATES) else str(state),
        machine.hex(),
        seqnum_id.hex(),
        head_seqnum,
        entries,
        head,
        tail,
        arrays,
        incompatible & _COMPACT != 0,
        known and header_size >= SMALLEST,
        compatible & _SEALED != 0,
        incompatible if signature == _SIGNATURE else 0,
    )
