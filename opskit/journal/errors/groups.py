"""Groups of like messages: what one sender says again and again. Memory has a bound, however many entries come.

Messages that are alike (mask.alike) fall into the same group; the group of one is looked for once, and every
other one that is equal to it costs two look-ups.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Optional

from opskit.journal.errors.export import UNKNOWN_PRIORITY, ExportEntry
from opskit.journal.errors.incidents import JOURNALD, RSYSLOG, IncidentRule, Incidents, rule_of, rules_for
from opskit.journal.errors.mask import alike, pattern_of

# From here on what is new is counted for its unit, in a group of its own.
GROUPS = 5000
UNITS = 500
OTHER_MESSAGES = "(other messages)"
# Of an example; one that is longer is read once more when it is shown.
EXAMPLE_BYTES = 2048
# UNIT_NAME_MAX; what is longer is no name.
NAME_BYTES = 256
# What is remembered of messages and senders; then it begins anew.
REMEMBERED_BYTES = 16 * 1024**2
REMEMBERED = 60_000

PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")  # syslog(3)


@dataclass
class MessageGroup:
    """Messages of a unit that are alike. first, last: microseconds since 1970; priority: the worst, None without one.

    example: the first message, or its beginning. cursor: where that is.
    """

    unit: str
    pattern: str
    identifier: str
    priority: Optional[int]
    message_id: str
    example: bytes
    cursor: str
    first: int
    last: int
    count: int = 0

    @property
    def per_hour(self) -> Optional[float]:
        """How often, between the first and the last; None where one moment is all there is."""
        return (self.count - 1) * 3.6e9 / (self.last - self.first) if self.last > self.first else None


Known = tuple[Optional[MessageGroup], Optional[IncidentRule]]


@dataclass
class Sender:
    """What the fields of an entry beside its message say, and the messages seen with them."""

    unit: str
    identifier: str
    priority: Optional[int]
    message_id: str
    chosen: bool
    rules: tuple[IncidentRule, ...]
    known: dict[bytes, Known] = field(default_factory=dict)


class Tally:
    """The groups. limit: the last priority that is chosen, 7 for every entry, also those without a priority."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.incidents = Incidents()
        self.overflowed = False
        self.entries = 0  # of all that was read, also what was not chosen
        self.lacking = False  # an entry has no message, or not the priority by which it was found
        self._groups: dict[tuple[str, str], MessageGroup] = {}
        self._senders: dict[tuple[bytes, bytes], Sender] = {}
        self._remembered = self._remembered_bytes = 0

    def add(self, entries: Iterable[ExportEntry]) -> None:
        """Count these. The loop that everything goes through: short, and without a call where nothing is new."""
        senders = self._senders
        number = 0
        for number, (cursor, when, before, message, after) in enumerate(entries, 1):  # noqa: B007
            sender = senders.get((before, after))
            if sender is None:
                sender = self._new_sender(before, after)
            text = alike(message)
            known = sender.known.get(text)
            if known is None:
                known = self._new(sender, text, message, (cursor, when))
            group, rule = known
            if group is not None:
                moment = int(when)
                group.count += 1
                if moment > group.last:
                    group.last = moment
                elif moment < group.first:
                    group.first = moment
            if rule is not None:
                self.incidents.note(rule, sender.unit, message, int(when))
        self.entries += number

    @property
    def everything(self) -> bool:
        """Whether also what has no priority is chosen."""
        return self.limit == len(PRIORITIES) - 1

    @property
    def chosen(self) -> int:
        """Entries of the chosen priorities."""
        return sum(group.count for group in self._groups.values())

    def groups(self) -> list[MessageGroup]:
        """Every group, the most frequent first."""
        return sorted(self._groups.values(), key=lambda group: (-group.count, -group.last, group.unit, group.pattern))

    def new_groups(self, after: int) -> list[MessageGroup]:
        """Those that came to be after so many."""
        return list(itertools.islice(self._groups.values(), after, None))

    def _new_sender(self, before: bytes, after: bytes) -> Sender:
        fields = dict(line.split(b"=", 1) for line in (before + after).split(b"\n") if b"=" in line)
        priority = int(text) if (text := fields.get(b"PRIORITY", b"")) in _NUMBERS else None
        sender = Sender(
            unit=unit_of(fields),
            identifier=os.fsdecode(fields.get(b"SYSLOG_IDENTIFIER", b"")[:NAME_BYTES]),
            priority=priority,
            message_id=os.fsdecode(fields.get(b"MESSAGE_ID", b"")[:NAME_BYTES]),
            chosen=self.everything or text == UNKNOWN_PRIORITY or (priority is not None and priority <= self.limit),
            rules=rules_for(fields),
        )
        # Of those that are read beside the priorities, these may have none.
        exempt = sender.rules in {JOURNALD, RSYSLOG}
        self.lacking = self.lacking or not (self.everything or exempt or text in _NUMBERS)
        self._remember(len(before) + len(after))
        self._senders[before, after] = sender
        return sender

    def _new(self, sender: Sender, text: bytes, message: bytes, place: tuple[bytes, bytes]) -> Known:
        """The group and the rule for a message that is not like any before of this sender."""
        group = self._group(sender, message, place) if sender.chosen else None
        self.lacking = self.lacking or not message
        known = sender.known[text] = (group, rule_of(sender.rules, message))
        self._remember(len(text))
        return known

    def _group(self, sender: Sender, message: bytes, place: tuple[bytes, bytes]) -> MessageGroup:
        pattern = os.fsdecode(pattern_of(message))
        unit = sender.unit
        group = self._groups.get((unit, pattern))
        if group is None and len(self._groups) >= GROUPS:
            self.overflowed = True
            pattern = OTHER_MESSAGES
            if (unit, pattern) not in self._groups and len(self._groups) >= GROUPS + UNITS:
                unit = ""
            group = self._groups.get((unit, pattern))
        if group is None:
            moment = int(place[1])
            group = self._groups[unit, pattern] = MessageGroup(
                unit=unit,
                pattern=pattern,
                identifier=sender.identifier,
                priority=sender.priority,
                message_id=sender.message_id,
                example=message[:EXAMPLE_BYTES],
                cursor=os.fsdecode(place[0]),
                first=moment,
                last=moment,
            )
        if sender.priority is not None and (group.priority is None or sender.priority < group.priority):
            group.priority = sender.priority
        return group

    def _remember(self, size: int) -> None:
        """Forget everything but the groups, when it gets too much: it is found again."""
        self._remembered += 1
        self._remembered_bytes += size
        if self._remembered > REMEMBERED or self._remembered_bytes > REMEMBERED_BYTES:
            self._senders.clear()
            self._remembered = self._remembered_bytes = 0


_NUMBERS = {str(number).encode() for number in range(len(PRIORITIES))}
# Units of which every login, run or container has one of its own.
_PASSING = re.compile(
    r"(?<=session-)c?\d+(?=\.scope$)|(?<=^run-)[\w-]+(?=\.(?:scope|service)$)|[0-9a-f]{12,}|(?<=@)\d+-\d+-\d+"
)


def unit_of(fields: dict[bytes, bytes]) -> str:
    """Whose message it is: the unit that dumped core or that systemd speaks of, else the sender's own.

    Without that the failures of all units would be init.scope's. `session-*.scope` stands for every session.
    """
    for name in (b"COREDUMP_UNIT", b"UNIT", b"_SYSTEMD_UNIT"):
        if unit := fields.get(name):
            return _PASSING.sub("*", os.fsdecode(unit[:NAME_BYTES]))
    if fields.get(b"_TRANSPORT") == b"kernel":
        return "kernel"
    return os.fsdecode(fields.get(b"SYSLOG_IDENTIFIER", b"")[:NAME_BYTES])
