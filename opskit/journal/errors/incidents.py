"""What the journal tells of beside errors as such: OOM kills, core dumps, failing disks, failed units, lost messages.

Each rule looks at the messages of one sender. What a rule decides must not hang on which digit is where: messages that
are alike (mask.py) are decided on once. A pattern that could begin anywhere begins with words: a message is what
anybody wrote, and must not take long.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Optional

from opskit.journal.errors.mask import LOOKED_AT

OOM, DUMP, DISK, FAILED, LOST = "oom-kill", "core-dump", "disk-error", "unit-failed", "messages-lost"
# So many subjects of a kind are told apart; the rest is one.
SUBJECTS = 200
OTHERS = b"(others)"
EXAMPLE_BYTES = 2048
COREDUMP_ID = b"fc2e22bc6ee647b6b90729ab34a250b1"  # SD_MESSAGE_COREDUMP in systemd's sd-messages.h


@dataclass(frozen=True)
class IncidentRule:
    """kind: one of the above. pattern: its group `subject` is what it happened to.

    Its group `amount` says how many messages were lost, `detail` tells a pid or a result.
    """

    kind: str
    pattern: re.Pattern[bytes]


@dataclass
class Incident:
    """What one rule or several found about one subject. amount: messages lost, where that is known.

    first, last: microseconds since 1970. message: the last one. detail: a pid, a result.
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


def _rules(kind: str, *patterns: bytes) -> tuple[IncidentRule, ...]:
    return tuple(IncidentRule(kind, re.compile(pattern, re.DOTALL)) for pattern in patterns)


_DEV = rb"(?P<subject>[\w!-]+?)"
# Every kernel says "Killed process", beside "Kill process … or sacrifice child" until 4.18 (mm/oom_kill.c).
# blk_update_request is block/blk-core.c's; the words of the filesystems are those of fs/ext4/super.c, fs/xfs, fs/btrfs.
KERNEL = (
    *_rules(OOM, rb"Killed process (?P<detail>\d+) \((?P<subject>.*?)\),? (?:UID|total-vm)"),
    *_rules(
        DISK,
        rb"(?:I/O|critical \w+(?: \w+)?|(?:device )?offline|timeout|protection|medium) error, dev " + _DEV + rb",",
        rb"Buffer I/O error on (?:dev|device) " + _DEV + rb",",
        rb"lost (?:async |sync )?page write due to I/O error on " + _DEV + rb"$",
        rb"(?:EXT\d-fs|BTRFS|XFS|F\dFS-fs) (?:error|critical) \(device " + _DEV + rb"\)",
        rb"EXT\d-fs \(" + _DEV + rb"\): (?:Remounting filesystem read-only|I/O error|.*[Ee]rror.* reading)",
        rb"XFS \(" + _DEV + rb"\): .*(?:I/O [Ee]rror|[Cc]orruption|[Ss]hutting down|xfs_repair)",
        rb"Aborting journal on device " + _DEV + rb"(?:-\d+)?\.$",
        rb"Detected IO errors while flushing file data on " + _DEV + rb"(?:-\d+)?$",
        rb"(?P<subject>ata\d+)(?:\.\d+)?: (?:exception Emask|failed command|error: \{|COMRESET failed|link is slow)",
        rb"nvme (?P<subject>nvme\d+): (?:I/O .*timeout|controller is down|Removing after|Device not ready)",
        rb"(?P<subject>nvme\d+n\d+): .*I/O (?:Cmd|Error)",
        rb"sd [\d:]+: \[" + _DEV + rb"\].*(?:Medium Error|Hardware Error|FAILED Result|Unrecovered|Unhandled)",
        rb"sd (?P<subject>[\d:]+): rejecting I/O to (?:offline|dead) device",
        rb"md/raid\w*:\w+: Disk failure on " + _DEV + rb",",
        rb"device-mapper: multipath: (?:[\d:]+: )?Failing path (?P<subject>[\w:]+?)\.$",
    ),
    # lib/ratelimit.c; audit_log_lost() in kernel/audit.c.
    *_rules(LOST, rb"^(?P<subject>[\w.]+?): (?P<amount>\d+) callbacks suppressed", rb"(?P<subject>audit): audit_lost="),
)
JOURNALD = _rules(
    LOST,
    rb"Suppressed (?P<amount>\d+) messages from (?:/\S*/)?(?P<subject>[^/\s]+)$",
    rb"Missed (?P<amount>\d+) (?P<subject>kernel) messages",
    rb"(?P<subject>Forwarding to syslog) missed (?P<amount>\d+) messages",
)
RSYSLOG = _rules(
    LOST,
    rb"(?P<subject>im\w+).*: (?P<amount>\d+) messages lost due to rate-limiting",
    rb"(?P<subject>im\w+) lost (?P<amount>\d+) messages from pid \d+ due to rate-limiting",
    rb"(?P<subject>im\w+).*begins? to drop messages.* due to rate-limiting",
)
# systemd to 229 says "U failed.", since then "U: Failed with result 'R'." (service_enter_dead and its like).
MANAGER = _rules(
    FAILED,
    rb"^(?P<subject>\S+): Failed with result '(?P<detail>[\w-]+)'\.$",
    rb"^(?P<subject>\S+\.[a-z]+) failed\.$",
)
COREDUMP = _rules(
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
    return MANAGER if b"UNIT" in fields else NO_RULES


def rule_of(rules: tuple[IncidentRule, ...], message: bytes) -> Optional[IncidentRule]:
    """The first rule that this message falls under."""
    beginning = message[:LOOKED_AT]
    for rule in rules:
        if rule.pattern.search(beginning):
            return rule
    return None


class Incidents:
    """All of them, by kind and subject."""

    def __init__(self) -> None:
        self._incidents: dict[tuple[str, bytes], Incident] = {}

    def note(self, rule: IncidentRule, unit: str, message: bytes, moment: int) -> None:
        """Count a message that falls under this rule. moment: microseconds since 1970."""
        match = rule.pattern.search(message[:LOOKED_AT])
        if not match:
            return
        subject = match["subject"]
        names = rule.pattern.groupindex
        incident = self._incidents.get((rule.kind, subject)) or self._new(rule.kind, subject, unit, moment)
        incident.count += 1
        if "amount" in names:
            incident.amount += int(match["amount"])
        incident.first = min(incident.first, moment)
        if moment >= incident.last:
            incident.last, incident.message = moment, message[:EXAMPLE_BYTES]
            if "detail" in names:
                incident.detail = os.fsdecode(match["detail"])

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
