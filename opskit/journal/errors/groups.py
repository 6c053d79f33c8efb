"""Groups of like messages: what one sender says again and again. Memory has a bound, however many entries come.

Messages that are alike (mask.alike) fall into the same group; the group of one is looked for once, and every
other one that is equal to it costs two look-ups.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Hashable, Iterable
from dataclasses import field
from typing import Optional, Union

from opskit.core.record import dataclass
from opskit.journal.errors.export import UNKNOWN_PRIORITY, ExportEntry
from opskit.journal.errors.incidents import JOURNALD, RSYSLOG, Incidents, rule_of, rules_for
from opskit.journal.errors.kernel import AVC
from opskit.journal.errors.mask import (
    DIGITS,
    LOOKED_AT,
    PATTERN_LENGTH,
    Span,
    kept_spans,
    kept_words,
    masked,
    pattern_apart,
    pattern_of,
    same_hex,
)
from opskit.journal.errors.rules import IncidentRule
from opskit.journal.errors.traces import is_frame, is_opener

# What the name of a container's group begins with.
CONTAINER = "container "
# What the names of the units of disks begin with.
DISKS = r"dev-disk-by\x2d"
# Of a sender so many groups of a priority come before those of others.
SENDER_FIRST = 3
# What began in the last quarter of the time began lately.
LATELY = 0.75
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
    """Messages of a unit that are alike.

    priority: the worst, None without one.
    example: the first message, or its beginning, with the lines of its stack trace.
    cursor: where that is in the journal.
    first, last: microseconds since 1970.
    lines: how many lines the stack traces behind these messages have.
    tail: the last of these lines.
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
    lines: int = 0
    tail: bytes = b""

    @property
    def per_hour(self) -> Optional[float]:
        """How often, between the first and the last; None where one moment is all there is."""
        return (self.count - 1) * 3.6e9 / (self.last - self.first) if self.last > self.first else None


# The group of each of the messages that only these numbers tell apart.
ByNumbers = dict[tuple[bytes, ...], MessageGroup]


class Apart:
    """Messages that are alike but for numbers that count: where those are, the group of each, and their rule."""

    def __init__(self, spans: tuple[Span, ...], rule: Optional[IncidentRule], groups: ByNumbers) -> None:
        self.spans = spans
        self.rule = rule
        self.groups = groups


@dataclass(frozen=True)
class TraceLine:
    """A line of a stack trace.

    opens: it comes before the line that says what is wrong.
    """

    opens: bool


# What is to be done with a message beside being counted for its group.
Known = tuple[Optional[MessageGroup], Union[IncidentRule, Apart, TraceLine, None]]
# So many are told apart.
APART_MOST = 50


class Shape:
    """Messages of one pattern: their rule; the group of those without numbers that count, and of the others."""

    def __init__(self, rule: Optional[IncidentRule]) -> None:
        self.rule = rule
        self.group: Optional[MessageGroup] = None
        self.apart: dict[Hashable, ByNumbers] = {}


@dataclass
class Sender:
    """What the fields of an entry beside its message say, and the messages seen with them."""

    unit: str
    identifier: str
    priority: Optional[int]
    message_id: str
    chosen: bool
    about: bytes
    rules: tuple[IncidentRule, ...]
    known: dict[bytes, Known] = field(default_factory=dict)
    # By their patterns; for what is only said in a new way.
    shapes: dict[bytes, Shape] = field(default_factory=dict)
    # Of a stack trace: the group that its lines belong to, the line before this one, and what has opened it: that
    # counts as long as there is no such group.
    last: Optional[MessageGroup] = None
    before: bytes = b""
    opened: bytes = b""


class Tally:
    """The groups.

    limit: the last priority that is chosen; 7 for every entry, also those without a priority.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.incidents = Incidents()
        self.overflowed = False
        self.entries = 0  # of all that was read, also what was not chosen
        self.trace_lines = 0  # chosen entries that are lines of stack traces
        self.lacking = False  # an entry has no message, or not the priority by which it was found
        self._groups: dict[tuple[str, str], MessageGroup] = {}
        self._senders: dict[tuple[bytes, bytes], Sender] = {}
        self._remembered = self._remembered_bytes = 0

    def add(self, entries: Iterable[ExportEntry]) -> None:
        """Count these entries.

        Every entry goes through this loop: it is short, and calls nothing where nothing is new.
        """
        senders = self._senders
        number = 0
        for number, (cursor, when, before, message, after) in enumerate(entries, 1):  # noqa: B007
            sender = senders.get((before, after))
            if sender is None:
                sender = self._new_sender(before, after)
            text = message[:LOOKED_AT].translate(DIGITS)  # as alike()
            known = sender.known.get(text)
            if known is None:
                known = self._new(sender, text, message, (cursor, when))
            group, rule = known
            if group is not None:
                moment = int(when)
                sender.last = group
                group.count += 1
                if moment > group.last:
                    group.last = moment
                elif moment < group.first:
                    group.first = moment
            if rule is not None:
                if not isinstance(rule, IncidentRule):
                    rule = self._add(rule, sender, message, (cursor, when))
                if rule is not None:
                    self.incidents.note(rule, sender.unit, message, int(when), sender.about)
        self.entries += number

    @property
    def everything(self) -> bool:
        """Whether also what has no priority is chosen."""
        return self.limit == len(PRIORITIES) - 1

    @property
    def chosen(self) -> int:
        """Entries of the chosen priorities."""
        return self.trace_lines + sum(group.count for group in self._groups.values())

    def groups(self) -> list[MessageGroup]:
        """Every group, what is most important first: the worst priority, then what began lately, then what is frequent.

        Of a sender no more than SENDER_FIRST come before those of others; the host comes before its containers.
        """
        begin = min((group.first for group in self._groups.values()), default=0)
        end = max((group.last for group in self._groups.values()), default=0)
        lately = begin + (end - begin) * LATELY

        def key(group: MessageGroup) -> tuple[bool, int, bool, bool, int, int, str, str]:
            none = group.priority is None
            contained = group.unit.startswith(CONTAINER)
            old = group.first < lately
            return none, group.priority or 0, contained, old, -group.count, -group.last, group.unit, group.pattern

        ordered = sorted(self._groups.values(), key=key)
        ranks: dict[tuple[str, Optional[int]], int] = {}
        ranked = []
        for number, group in enumerate(ordered):
            rank = ranks[group.unit, group.priority] = ranks.get((group.unit, group.priority), -1) + 1
            worst = len(PRIORITIES) if group.priority is None else group.priority
            ranked.append((worst, rank // SENDER_FIRST, number, group))
        return [group for *_, group in sorted(ranked, key=lambda item: item[:3])]

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
            about=fields.get(b"UNIT", b"")[:NAME_BYTES],
            rules=rules_for(fields),
        )
        # Of those that are read beside the priorities, these may have none.
        exempt = sender.rules in {JOURNALD, RSYSLOG, AVC}
        self.lacking = self.lacking or not (self.everything or exempt or text in _NUMBERS)
        self._remember(len(before) + len(after))
        self._senders[before, after] = sender
        return sender

    def _new(self, sender: Sender, text: bytes, message: bytes, place: tuple[bytes, bytes]) -> Known:
        """The group and the rule for a message that is not like any before of this sender."""
        text = same_hex(text)
        known = sender.known.get(text)
        if known is not None:
            return known
        self.lacking = self.lacking or not message
        self._remember(len(text))
        pattern, telling, whole = masked(text) if sender.chosen or sender.rules else (b"", False, False)
        shape = sender.shapes.get(pattern) if whole else None
        if shape is None:
            shape = Shape(rule_of(sender.rules, message))
            if whole:
                sender.shapes[pattern] = shape
        if sender.chosen and shape.rule is None and (is_opener(message) or is_frame(message, sender.before)):
            known = (None, TraceLine(is_opener(message)))
        elif telling and sender.chosen and (spans := kept_spans(text)):
            known = (None, Apart(spans, shape.rule, shape.apart.setdefault(kept_words(text, spans), {})))
        else:
            if sender.chosen:
                shape.group = shape.group or self._group(sender, message, place, pattern[:PATTERN_LENGTH])
                sender.before = b""
            known = (shape.group, shape.rule)
        sender.known[text] = known
        return known

    def _add(
        self, kind: Union[Apart, TraceLine], sender: Sender, message: bytes, place: tuple[bytes, bytes]
    ) -> Optional[IncidentRule]:
        """Count a message whose group is not that of all that are alike. Returns its rule."""
        if isinstance(kind, TraceLine):
            self._add_line(kind, sender, message, place)
            return None
        numbers = tuple([message[start:end] for start, end in kind.spans])
        group = kind.groups.get(numbers)
        if group is None and len(kind.groups) >= APART_MOST:
            numbers = ()
            group = kind.groups.get(numbers)
        if group is None:
            pattern = pattern_apart(message, kind.spans) if numbers else pattern_of(message)
            group = kind.groups[numbers] = self._group(sender, message, place, pattern)
        _count(group, sender, int(place[1]))
        return kind.rule

    def _add_line(self, line: TraceLine, sender: Sender, message: bytes, place: tuple[bytes, bytes]) -> None:
        sender.before = message
        if line.opens:
            sender.opened, sender.last = message[:EXAMPLE_BYTES], None
        elif sender.last is None and sender.opened:
            sender.opened = _longer(sender.opened, message)
        elif sender.last is None:
            _count(self._group(sender, message, place, pattern_of(message)), sender, int(place[1]))
            return
        else:
            head = sender.last
            if head.count == 1:
                head.example, head.tail = _longer(head.example, message), message[:EXAMPLE_BYTES]
            head.lines += 1
        self.trace_lines += 1

    def _group(self, sender: Sender, message: bytes, place: tuple[bytes, bytes], masked_text: bytes) -> MessageGroup:
        pattern = os.fsdecode(masked_text)
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
            opened = sender.opened if sender.last is None else b""
            example = _longer(opened, message) if opened else message[:EXAMPLE_BYTES]
            group = self._groups[unit, pattern] = MessageGroup(
                unit=unit,
                pattern=pattern,
                identifier=sender.identifier,
                priority=sender.priority,
                message_id=sender.message_id,
                example=example,
                cursor=os.fsdecode(place[0]),
                first=moment,
                last=moment,
                lines=opened.count(b"\n") + bool(opened),
                tail=message[:EXAMPLE_BYTES] if opened else b"",
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


def _count(group: MessageGroup, sender: Sender, moment: int) -> None:
    sender.last = group
    group.count += 1
    if moment > group.last:
        group.last = moment
    elif moment < group.first:
        group.first = moment


def _longer(text: bytes, line: bytes) -> bytes:
    """The text with a further line, while there is room."""
    return text if len(text) + len(line) >= EXAMPLE_BYTES else text + b"\n" + line


_NUMBERS = {str(number).encode() for number in range(len(PRIORITIES))}
# Units of which every login, run or container has one of its own.
_PASSING = re.compile(
    r"(?<=session-)c?\d+(?=\.scope$)|(?<=^run-)[\w-]+(?=\.(?:scope|service)$)|[0-9a-f]{12,}|(?<=@)\d+-\d+-\d+"
)


# kubelet's on docker: k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT, before 1.5 with a hash of the container behind its name.
_KUBELET = re.compile(r"k8s_([^_.]+)(?:\.[0-9a-f]{6,8})?_([^_]+)_([^_]+)_[^_]+_[0-9a-f]+")
# Of a swarm each task has an id of its own, 25 of base 36, and each one-off run of compose, too.
_TASK = re.compile(r"(?<=\.)[0-9a-z]{25}(?=\.|$)|(?<=_run_)[0-9a-f]{12}$|(?<=-run-)[0-9a-f]{12}$")


def _container(name: str) -> str:
    """The name of a container; one of kubelet's as namespace/pod/container."""
    match = _KUBELET.fullmatch(name)
    return f"{match[3]}/{match[2]}/{match[1]}" if match else _TASK.sub("*", name)


def unit_of(fields: dict[bytes, bytes]) -> str:
    """Whose message it is: the container's; the unit's that dumped core, or that systemd speaks of; the sender's own.

    Without that the failures of all units would be init.scope's. `session-*.scope` stands for every session.
    """
    if name := fields.get(b"CONTAINER_NAME"):
        return CONTAINER + _container(os.fsdecode(name[:NAME_BYTES]))
    # An older conmon (podman's) gives no name, and is in a scope of its own.
    if identity := fields.get(b"CONTAINER_ID"):
        return CONTAINER + os.fsdecode(identity[:NAME_BYTES])
    for name in (b"COREDUMP_UNIT", b"UNIT", b"_SYSTEMD_UNIT"):
        if unit := fields.get(name):
            text = os.fsdecode(unit[:NAME_BYTES])
            # The identity of a disk is no passing one.
            return text if text.startswith(DISKS) else _PASSING.sub("*", text)
    if fields.get(b"_TRANSPORT") == b"kernel":
        return "kernel"
    return os.fsdecode(fields.get(b"SYSLOG_IDENTIFIER", b"")[:NAME_BYTES])
