"""Which entries journalctl would choose, for those that it cannot read: its rules for -p, --unit, --since, --boot."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator

from opskit.core.record import dataclass
from opskit.journal.errors.export import UNKNOWN_PRIORITY
from opskit.journal.errors.query import ALL, beside

# What systemd adds .service to (unit-name.c, unit_name_mangle).
_SUFFIX = re.compile(
    r"\.(?:service|socket|device|mount|automount|swap|target|path|timer|snapshot|slice|scope)\Z", re.DOTALL
)
# The fields that tell of a unit, each with what else an entry must have (logs-show.c, add_matches_for_unit).
_UNIT_FIELDS: dict[bytes, dict[bytes, bytes]] = {
    b"_SYSTEMD_UNIT": {},
    b"COREDUMP_UNIT": {b"MESSAGE_ID": b"fc2e22bc6ee647b6b90729ab34a250b1", b"_UID": b"0"},
    b"UNIT": {b"_PID": b"1"},
    b"OBJECT_SYSTEMD_UNIT": {b"_UID": b"0"},
    b"_SYSTEMD_SLICE": {},
}


@dataclass(frozen=True)
class Selection:
    """What was asked for, in what an entry has.

    limit: the last priority
    units: patterns of glob(7); none for all
    since, until: microseconds since 1970, both included; 0 for no limit
    boot: the id of a boot in hexadecimal, "" for all
    """

    limit: int
    units: tuple[str, ...] = ()
    since: int = 0
    until: int = 0
    boot: str = ""

    def takes(self, fields: dict[bytes, bytes], realtime: int, boot: bytes) -> bool:
        """Whether it is an entry that journalctl is asked for. One whose priority cannot be read is, too."""
        if realtime < self.since or (self.until and realtime > self.until):
            return False
        if self.boot and boot.hex() != self.boot:
            return False
        if self.units and not self._of_units(fields):
            return False
        return self.limit >= ALL or self._of_priority(fields) or beside(fields)

    def unit_values(self, values: Iterable[bytes]) -> Iterator[bytes]:
        """Those of these values, as `NAME=value`, that --unit asks for."""
        for value in values if self.units else ():
            name, _, unit = value.partition(b"=")
            if name in _UNIT_FIELDS and self._fits(unit):
                yield value

    def _of_priority(self, fields: dict[bytes, bytes]) -> bool:
        text = fields.get(b"PRIORITY", b"")
        return text == UNKNOWN_PRIORITY or (text.isdigit() and len(text) == 1 and int(text) <= self.limit)

    def _of_units(self, fields: dict[bytes, bytes]) -> bool:
        return any(
            self._fits(fields[name]) and all(fields.get(key) == value for key, value in more.items())
            for name, more in _UNIT_FIELDS.items()
            if name in fields
        )

    def _fits(self, unit: bytes) -> bool:
        return any(fnmatch.fnmatchcase(os.fsdecode(unit), mangled(pattern)) for pattern in self.units)


def export_lines(fields: dict[bytes, bytes], names: Iterable[str]) -> bytes:
    """These fields but the message as export.ExportParser hands them on: a line each."""
    pairs = ((name.encode(), fields.get(name.encode())) for name in names if name != "MESSAGE")
    return b"".join(b"%s=%s\n" % (name, b" ".join(value.splitlines())) for name, value in pairs if value is not None)


def mangled(unit: str) -> str:
    """The name of a unit as systemd completes it: `foo` is foo.service, also `foo*` where no suffix is."""
    if any(char in unit for char in "*?[") or _SUFFIX.search(unit):
        return unit
    return f"{unit}.service"
