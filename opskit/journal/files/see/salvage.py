"""All entries of a journal file that can be read, however much of it is damaged: also those that journalctl leaves out.

An entry is looked for where the entry arrays lead, and wherever an entry stands among the objects of the file.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from opskit.journal.files.layout import DATA
from opskit.journal.files.model import Loss
from opskit.journal.files.see.compressed import decompress
from opskit.journal.files.see.objects import CHAIN_MOST, DamagedObjectError, ObjectReader

# Of the values that many entries have so many are remembered, each up to so many bytes.
REMEMBERED, REMEMBERED_BYTES = 20_000, 300


class SalvagedEntry(NamedTuple):
    """An entry. whole: every field of it can be read; realtime: microseconds since 1970."""

    seqnum: int
    realtime: int
    monotonic: int
    boot: bytes
    fields: dict[bytes, bytes]
    whole: bool


@dataclass
class Salvage:
    """The entries of the file at this path, and, when all have been read, what could not be."""

    path: str
    loss: Loss = field(default_factory=Loss)

    def entries(self) -> Iterator[SalvagedEntry]:
        """In the order in which they are in the file. Raises OSError when the file cannot be read at all."""
        try:
            reader = ObjectReader(self.path)
        except struct.error:
            self.loss = Loss(self.path, why="it is shorter than a header")
            return
        with contextlib.closing(reader):
            yield from _Pass(self, reader).entries()


class _Pass:
    """One reading of a file from its beginning to its end."""

    def __init__(self, salvage: Salvage, reader: ObjectReader) -> None:
        self._salvage = salvage
        self._reader = reader
        self._why = ""
        self._known: dict[int, bytes] = {}

    def entries(self) -> Iterator[SalvagedEntry]:
        header = self._reader.layout.header
        readable = partial = bad = 0
        # From the last one before what cannot be read to the first one behind it.
        first = last = before = 0
        pending = False
        for at in sorted(self._offsets()):
            try:
                entry = self._entry(at)
            except DamagedObjectError as error:
                self._because(error)
                first = first or before or header.head
                bad, pending = bad + 1, True
                continue
            last = entry.realtime if pending else last
            pending = False
            readable += 1
            partial += not entry.whole
            if not entry.whole and not bad:
                first = first or entry.realtime
                last = max(last, entry.realtime)
            before = entry.realtime
            yield entry
        claimed = header.entries if header.entries * 64 <= self._reader.size else readable + bad
        lost = max(claimed - readable, 0)
        if lost:
            first, last = first or header.head, (header.tail if pending or not bad else last) or header.tail
        self._salvage.loss = Loss(
            self._salvage.path, claimed, lost, partial, first, last, self._why or header.damage
        )  # fmt: skip

    def _because(self, error: Exception) -> None:
        """Keep the first reason."""
        self._why = self._why or str(error)

    def _offsets(self) -> set[int]:
        """Where there is an entry, or should be one."""
        offsets = set(self._reader.walk_entries())
        at, left = self._reader.layout.arrays, self._reader.layout.header.entries
        try:
            for _ in range(CHAIN_MOST):
                if not at or left <= 0:
                    break
                items, at = self._reader.array(at)
                offsets.update(items[:left])
                left -= len(items)
        except (DamagedObjectError, struct.error) as error:
            self._because(error)
        if left > 0:
            self._because(DamagedObjectError("the chain of entry arrays is too short"))
        return offsets

    def _entry(self, at: int) -> SalvagedEntry:
        """Raises DamagedObjectError."""
        seqnum, realtime, monotonic, boot, items = self._reader.entry(at)
        fields: dict[bytes, bytes] = {}
        whole = True
        for item in items:
            try:
                payload = self._payload(item)
            except (DamagedObjectError, struct.error) as error:
                self._because(error)
                whole = False
                continue
            name, _, value = payload.partition(b"=")
            fields.setdefault(name, value)
        return SalvagedEntry(seqnum, realtime, monotonic, boot, fields, whole)

    def _payload(self, at: int) -> bytes:
        """What is in a data object, as `NAME=value`. Raises DamagedObjectError."""
        payload = self._known.get(at)
        if payload is None:
            data = self._reader.object(at, DATA)
            unpacked = decompress(data[1], data[self._reader.layout.payload :])
            if unpacked is None or b"=" not in unpacked:
                raise DamagedObjectError(f"data object at {at:#x}: its content cannot be read")
            payload = unpacked
            if len(payload) <= REMEMBERED_BYTES:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[at] = payload
        return payload
