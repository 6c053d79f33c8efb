"""Reading that passes nothing over in silence: what the indexes say there is, is what has been read, or is named.

A sound journal is read by journalctl alone. A file whose index is damaged, or of which journalctl gives fewer entries
than its index has, is read here, object by object; what of it cannot be read is a loss.

Text that was changed in place, in a file whose objects are where they should be, shows as it is, here as in journalctl:
neither computes the hash of what it reads. `journal verify` does, and finds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Callable

from opskit.core.command import Command
from opskit.core.errors import CommandFailed
from opskit.core.runner import StreamingRunner
from opskit.journal.errors.export import (
    FIELDS,
    MESSAGE_BYTES,
    OTHER_BYTES,
    UNKNOWN_PRIORITY,
    ExportEntry,
    without_end,
)
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.model import FileIndex, WithoutPriority
from opskit.journal.errors.query import ErrorsRequest, command_of
from opskit.journal.errors.see.entries import Reading, boot_id
from opskit.journal.errors.see.index import read_index
from opskit.journal.errors.select import Selection, export_lines
from opskit.journal.files.model import JournalDirectory, Loss, files_by_path
from opskit.journal.releases import Version

if TYPE_CHECKING:
    from opskit.journal.files.see.salvage import SalvagedEntry

BATCH = 1000
# So many files are named in one command line.
NAMED_AT_ONCE = 2000
_CURSOR = b"\n__CURSOR="


@dataclass
class CarefulReading:
    """All entries of a request, and what of the files cannot be read.

    directories: the files that there are
    tick: told of how many entries there are so far
    """

    runner: StreamingRunner
    request: ErrorsRequest
    version: Version
    selection: Selection
    directories: Sequence[JournalDirectory]
    tick: Callable[[int], None] = lambda _count: None
    tally: Tally = field(init=False)
    losses: tuple[Loss, ...] = ()
    without_priority: WithoutPriority = field(default_factory=WithoutPriority)
    stderr: str = ""
    _sound: set[str] = field(default_factory=set)

    def read(self) -> None:
        """Raises what journalctl's failure raises."""
        indexes = self._indexes()
        damaged = {path for path, index in indexes.items() if index.damage}
        self._sound = set(indexes) - damaged
        damaged |= self._backward(indexes)
        failure = None
        try:
            self._read(damaged)
        except CommandFailed as error:  # what journalctl makes of some damage: "Invalid field."
            failure, self._shown = error, -1
        short = self._short({path: index for path, index in indexes.items() if path not in damaged})
        if short:
            self._read(damaged | short)
        elif failure:
            raise failure
        # How many entries a damaged header claims is anything up to 2^64.
        counts = [index.without_priority for index in indexes.values() if not index.damage]
        self.without_priority = WithoutPriority(
            sum(count.entries for count in counts), sum(count.audit for count in counts)
        )

    def _indexes(self) -> dict[str, FileIndex]:
        """The index of each file that has entries of this time; one that cannot be opened has been told of."""
        indexes = {}
        for path, file in files_by_path(self.directories).items():
            header = file.header
            if (
                file.open_error
                or not header.readable
                or (not header.damage and header.head <= header.tail < self.selection.since)
            ):
                continue
            with contextlib.suppress(OSError):
                index = read_index(path, self.selection)
                indexes[path] = replace(index, damage=header.damage or index.damage)
        return indexes

    def _backward(self, paths: Iterable[str]) -> set[str]:
        """The files that end before they begin: after a reboot the clock stood at 1970 until the network was there.

        A search by time finds nothing in such a one, and its index, which is searched alike, expects nothing either.
        """
        if not (self.selection.since or self.selection.until):
            return set()
        files = files_by_path(self.directories)
        return {path for path in paths if files[path].header.head > files[path].header.tail}

    def _read(self, damaged: set[str]) -> None:
        """Read everything anew: these files here, the others by journalctl."""
        self.tally, self.stderr = Tally(self.request.limit), ""
        self._shown = 0
        for request in self._requests(damaged):
            reading = Reading(self.runner, request, self.version)
            batches = reading.batches()
            with contextlib.closing(batches):
                for entries in batches:
                    self.tally.add(entries)
                    self.tick(self.tally.entries)
            self.stderr += reading.stderr
        self._shown = self.tally.entries
        self.losses = tuple(self._salvage(path) for path in sorted(damaged))

    def _requests(self, damaged: set[str]) -> Iterator[ErrorsRequest]:
        """What journalctl is asked for: everything, or every file but these."""
        if not damaged:
            yield self.request
            return
        paths = [
            path for path, file in files_by_path(self.directories).items() if path not in damaged and not file.damage
        ]
        for at in range(0, len(paths), NAMED_AT_ONCE):
            yield replace(self.request, files=tuple(paths[at : at + NAMED_AT_ONCE]), boot="", boot_id=self._boot())

    def _boot(self) -> str:
        """The boot by its id: which one `0` or `-1` is does not depend on the files then."""
        if self.request.boot and not self.selection.boot:
            boot = boot_id(self.runner, self.request, self.version)
            self.selection = replace(self.selection, boot=boot or "-")
        return self.selection.boot

    def _salvage(self, path: str) -> Loss:
        from opskit.journal.files.see.salvage import Salvage  # noqa: PLC0415

        self._boot()
        salvage = Salvage(path)
        batch: list[ExportEntry] = []
        before, back = 0, False
        seqnum_id = files_by_path(self.directories)[path].header.seqnum_id.encode()
        try:
            for entry in salvage.entries():
                before, back = entry.realtime, back or entry.realtime < before
                fields = entry.fields
                if not entry.whole and b"PRIORITY" not in fields:
                    fields = {**fields, b"PRIORITY": UNKNOWN_PRIORITY}
                if self.selection.takes(fields, entry.realtime, entry.boot):
                    batch.append(_exported(entry, fields, seqnum_id))
                if len(batch) >= BATCH:
                    self.tally.add(batch)
                    self.tick(self.tally.entries)
                    batch = []
        except OSError as error:
            return Loss(path, why=error.strerror or str(error))
        self.tally.add(batch)
        loss = salvage.loss
        whole = path in self._sound and not (loss.lost or loss.partial or loss.why)
        return replace(loss, path=path, clock_back=back and whole)

    def _short(self, indexes: dict[str, FileIndex]) -> set[str]:
        """The files of which journalctl gives fewer entries than their indexes have, or entries that lack fields."""
        expected = sum(index.expected for index in indexes.values())
        asked_for_all = not (self.request.units or self.request.boot)
        shown = self._shown if asked_for_all else self._count(tuple(indexes))
        short = set()
        if shown < expected:
            short = {path for path, index in indexes.items() if self._count((path,)) < index.expected}
        if self.tally.lacking:
            short |= {path for path in indexes if path not in short and _lacks_fields(path)}
        return short

    def _count(self, paths: Sequence[str]) -> int:
        """How many entries of the chosen time journalctl gives of these, of every unit and boot; -1: it failed."""
        count = 0
        for at in range(0, len(paths), NAMED_AT_ONCE):
            request = replace(self.request, files=tuple(paths[at : at + NAMED_AT_ONCE]), boot="", boot_id="", units=())
            try:
                count += self._cursors(command_of(request, self.version))
            except CommandFailed:
                return -1
        return count

    def _cursors(self, command: Command) -> int:
        """How many entries a command gives, by the line that each one begins with."""
        count, rest = 0, b"\n"
        with self.runner.stream(command) as stream:
            while data := stream.read():
                rest += data
                count += rest.count(_CURSOR)
                rest = rest[1 - len(_CURSOR) :]
        return count


def _lacks_fields(path: str) -> bool:
    """Whether entries of this file lack fields that cannot be read."""
    from opskit.journal.files.see.salvage import Salvage  # noqa: PLC0415

    salvage = Salvage(path)
    try:
        for _ in salvage.entries():
            pass
    except OSError:
        return False
    return bool(salvage.loss.partial or salvage.loss.lost)


def _exported(entry: SalvagedEntry, fields: dict[bytes, bytes], seqnum_id: bytes) -> ExportEntry:
    """The entry as journalctl's export has it."""
    cursor = b"s=%s;i=%x;b=%s;m=%x;t=%x" % (
        seqnum_id, entry.seqnum, entry.boot.hex().encode(), entry.monotonic, entry.realtime
    )  # fmt: skip
    lines = export_lines({name: value[:OTHER_BYTES] for name, value in fields.items()}, FIELDS)
    return cursor, b"%d" % entry.realtime, lines, without_end(fields.get(b"MESSAGE", b"")[:MESSAGE_BYTES]), b""
