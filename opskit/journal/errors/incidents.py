"""What the journal tells of beside errors as such: OOM kills, core dumps, failing disks, failed units, lost messages.

Each rule looks at the messages of one sender. What a rule decides must not hang on which digit is where, nor on how
many there are: messages that have the same pattern (mask.py) are decided on once. Where it does hang on them, a group
`none` stands for those that are no trouble after all. A pattern that could begin anywhere begins with words: a message
is what anybody wrote, and must not take long.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional

from opskit.journal.errors.kernel import AVC, KERNEL, LOST, SETROUBLESHOOT
from opskit.journal.errors.mask import LOOKED_AT
from opskit.journal.errors.rules import IncidentRule, incident_rules

DUMP, FAILED = "core-dump", "unit-failed"
# So many subjects of a kind are told apart; the rest is one.
SUBJECTS = 200
OTHERS = b"(others)"
EXAMPLE_BYTES = 2048
COREDUMP_ID = b"fc2e22bc6ee647b6b90729ab34a250b1"  # SD_MESSAGE_COREDUMP in systemd's sd-messages.h


@dataclass
class Incident:
    """What one rule or several found about one subject.

    amount: messages lost, where that is known.
    first, last: microseconds since 1970.
    message: the last one.
    detail: a pid, a result.
    """

    kind: str
    subject: str
    unit: str
    count: int = 0
    amount: int = 0
    first: int = 0
    last: int = 0
    message: bytes = b""
    detail: str = ""

    @property
    def example(self) -> str:
        """The first line of the last message."""
        return os.fsdecode(self.message.partition(b"\n")[0])


JOURNALD = incident_rules(
    LOST,
    rb"Suppressed (?P<amount>\d+) messages from (?:/\S*/)?(?P<subject>[^/\s]+)$",
    rb"Missed (?P<amount>\d+) (?P<subject>kernel) messages",
    rb"(?P<subject>Forwarding to syslog) missed (?P<amount>\d+) messages",
)
RSYSLOG = incident_rules(
    LOST,
    rb"(?P<subject>im\w+).*: (?P<amount>\d+) messages lost due to rate-limiting",
    rb"(?P<subject>im\w+) lost (?P<amount>\d+) messages from pid \d+ due to rate-limiting",
    rb"(?P<subject>im\w+).*begins? to drop messages.* due to rate-limiting",
)
# systemd to 229 says "U failed.", since then "U: Failed with result 'R'." (service_enter_dead and its like).
MANAGER = incident_rules(
    FAILED,
    rb"^(?P<subject>\S+): Failed with result '(?P<detail>[\w-]+)'\.$",
    rb"^(?P<subject>\S+\.[a-z]+) failed\.$",
    # job.c: these name a unit by its description; which one it is is a field.
    rb"^(?P<detail>Dependency) failed for ",
    rb"^(?P<detail>Timed out) waiting for device ",
)
COREDUMP = incident_rules(
    DUMP, rb"Process (?P<detail>\d+) \((?P<subject>.*?)\) of user \d+ (?:dumped core|terminated abnormally)"
)
NO_RULES: tuple[IncidentRule, ...] = ()


def rules_for(fields: dict[bytes, bytes]) -> tuple[IncidentRule, ...]:
    """The rules for the messages of this sender."""
    if fields.get(b"_TRANSPORT") == b"kernel":
        return KERNEL
    if fields.get(b"MESSAGE_ID") == COREDUMP_ID:
        return COREDUMP
    sender = fields.get(b"SYSLOG_IDENTIFIER")
    if fields.get(b"_TRANSPORT") == b"driver" or sender in {b"systemd-journal", b"systemd-journald"}:
        return JOURNALD
    if sender == b"rsyslogd":
        return RSYSLOG
    if sender in {b"setroubleshoot", b"setroubleshootd"}:
        return SETROUBLESHOOT
    if fields.get(b"_TRANSPORT") == b"audit":
        return AVC
    return MANAGER if b"UNIT" in fields else NO_RULES


def rule_of(rules: tuple[IncidentRule, ...], message: bytes) -> Optional[IncidentRule]:
    """The first rule that this message falls under."""
    beginning = message[:LOOKED_AT]
    for rule in rules:
        for text in rule.needs:
            if text in beginning:
                if rule.pattern.search(beginning):
                    return rule if rule.kind else None
                break
    return None


class Incidents:
    """All of them, by kind and subject."""

    def __init__(self) -> None:
        self._incidents: dict[tuple[str, bytes], Incident] = {}

    def note(self, rule: IncidentRule, unit: str, message: bytes, moment: int, about: bytes = b"") -> None:
        """Count a message that falls under this rule.

        unit: whose message it is
        moment: microseconds since 1970
        about: the unit that systemd speaks of, for a rule without a subject
        """
        match = rule.pattern.search(message[:LOOKED_AT])
        if not match:
            return
        names = rule.pattern.groupindex
        if "none" in names and match["none"]:
            return
        subject = match["subject"] if "subject" in names else about
        incident = self._incidents.get((rule.kind, subject)) or self._new(rule.kind, subject, unit, moment)
        incident.count += 1
        if "amount" in names:
            incident.amount += int(match["amount"])
        incident.first = min(incident.first, moment)
        if moment >= incident.last:
            incident.last, incident.message = moment, message[:EXAMPLE_BYTES]
            if "detail" in names:
                incident.detail = os.fsdecode(match["detail"]).lower()

    def _new(self, kind: str, subject: bytes, unit: str, moment: int) -> Incident:
        if len(self._incidents) >= SUBJECTS:
            subject = OTHERS
        incident = Incident(kind, os.fsdecode(subject), unit, first=moment, last=moment)
        return self._incidents.setdefault((kind, subject), incident)

    def all(self) -> tuple[Incident, ...]:
        """All of them, in the order in which they were first seen."""
        return tuple(self._incidents.values())

    def of(self, kind: str) -> tuple[Incident, ...]:
        """Those of a kind, the most frequent first."""
        chosen = [incident for incident in self._incidents.values() if incident.kind == kind]
        return tuple(sorted(chosen, key=lambda incident: (-incident.count, incident.subject)))
