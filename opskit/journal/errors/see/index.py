"""What the indexes of a journal file tell before it is read: how many entries there are to find, and what is damaged.

journalctl passes over what it cannot read, and ends with 0. The index knows better (journal-def.h): the hash table of
fields leads to each field, a field to each of its values, and a value to every entry that has it. What is not as it
should be there is damage that journalctl would not speak of, and what is there is how many entries it must show.

Entries without PRIORITY (audit's always, programs that write to the journal themselves sometimes) fall under no `-p`:
what the values of PRIORITY leave of a file's entries.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Collection, Iterator, Sequence

from opskit.journal.errors.model import FileIndex, WithoutPriority
from opskit.journal.errors.query import ALL, FIRST_PROCESS, LOOKED_UP, chosen_by, priorities
from opskit.journal.errors.select import Selection
from opskit.journal.files.see.objects import DamagedObjectError, ObjectReader

# The fields whose values many entries have, of those that are shown.
SHARED = (
    b"PRIORITY", b"_TRANSPORT", b"SYSLOG_IDENTIFIER", b"_SYSTEMD_UNIT", b"UNIT", b"COREDUMP_UNIT", b"MESSAGE_ID"
)  # fmt: skip


def read_index(path: str, selection: Selection) -> FileIndex:
    """The index of one file.

    Raises OSError when it cannot be read at all.
    """
    try:
        with contextlib.closing(ObjectReader(path)) as reader:
            return _Index(reader, selection).read()
    except (DamagedObjectError, OverflowError, struct.error) as error:
        return FileIndex(damage=str(error) or "its header is damaged")


class _Index:
    """The index of a file that is open."""

    def __init__(self, reader: ObjectReader, selection: Selection) -> None:
        self._reader = reader
        self._selection = selection

    def read(self) -> FileIndex:
        """Raises DamagedObjectError, struct.error."""
        # The number first: a file that is written to has more by the time its index is read.
        total = self._reader.layout.entries
        heads = self._reader.fields()
        values = {
            value: (at, count)
            for name in SHARED
            if name in heads
            for value, at, count in self._reader.values(heads[name])
        }
        for value, (at, _) in values.items():
            if value.partition(b"=")[0] not in heads:
                raise DamagedObjectError(f"data object at {at:#x}: its content is of no field")
        if b"_PID" in heads:
            values.update(self._first_process(heads[b"_PID"]))
        for payload in self._selection.unit_values(values):
            self._entries(payload, values)
        if self._selection.limit >= ALL:
            offsets: Collection[int] = self._reader.chain(self._reader.layout.arrays, total)
        else:
            # The entries that journalctl goes through by the arrays of each value that it is asked for.
            looked_up = {*LOOKED_UP, *priorities(self._selection.limit)}
            entries = {payload: self._entries(payload, values) for payload in looked_up}
            offsets = chosen_by(entries, self._selection.limit)
        with_priority = sum(count for value, (_, count) in values.items() if value.startswith(b"PRIORITY="))
        without = max(0, total - with_priority)
        _, audit = values.get(b"_TRANSPORT=audit", (0, 0))
        return FileIndex(self._in_time(offsets), WithoutPriority(without, min(audit, without)))

    def _first_process(self, head: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """_PID=1, of all the processes. It is the oldest of a host's, and last in the chain."""
        at = self._reader.find(FIRST_PROCESS)
        if at:
            yield FIRST_PROCESS, (at, 0)
        else:
            chain = self._reader.values(head)
            yield from ((value, (at, count)) for value, at, count in chain if value == FIRST_PROCESS)

    def _entries(self, payload: bytes, values: dict[bytes, tuple[int, int]]) -> Sequence[int]:
        """Where the entries are that have this value, which its hash must lead to, too. Raises DamagedObjectError."""
        at, _ = values.get(payload, (0, 0))
        if at and self._reader.find(payload) != at:
            raise DamagedObjectError(f"the hash table of data does not lead to {payload.decode(errors='replace')}")
        return self._reader.entries_of(at) if at else ()

    def _in_time(self, offsets: Collection[int]) -> int:
        """How many of these are of the chosen time, each taken to be no earlier than the one before it."""
        since, until = self._selection.since, self._selection.until
        if not since and not until:
            return len(offsets)
        ordered = sorted(offsets)
        begin = self._first(ordered, since) if since else 0
        end = self._first(ordered, until + 1) if until else len(ordered)
        return max(0, end - begin)

    def _first(self, offsets: Sequence[int], moment: int) -> int:
        """The first of these entries at that moment or later. Raises DamagedObjectError."""
        low, high = 0, len(offsets)
        while low < high:
            middle = (low + high) // 2
            if self._reader.time_of(offsets[middle]) >= moment:
                high = middle
            else:
                low = middle + 1
        return low
