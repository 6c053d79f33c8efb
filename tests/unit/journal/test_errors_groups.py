"""Groups, what is beside errors, the bounds, and what a person is told."""

from __future__ import annotations

import time
from typing import Any, Optional

import pytest

from opskit.core.systemd import FailedUnit
from opskit.journal.errors import groups as groups_module
from opskit.journal.errors import incidents
from opskit.journal.errors.findings import findings_of
from opskit.journal.errors.groups import OTHER_MESSAGES, Tally, unit_of
from opskit.journal.errors.incidents import COREDUMP_ID, DUMP, FAILED
from opskit.journal.errors.kernel import DISK, LOST, OOM, POOL
from opskit.journal.errors.model import ErrorFacts, WithoutPriority
from opskit.journal.errors.show import ErrorListing, errors_json, group_json, rate_text
from opskit.journal.files.model import Scope

SECOND = 1_000_000
KERNEL = {"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}


def entry(message: str, at: int = SECOND, priority: Optional[int] = 3, **fields: Any) -> tuple[bytes, ...]:
    if priority is not None:
        fields["PRIORITY"] = priority
    lines = "".join(f"{name}={value}\n" for name, value in fields.items())
    return (b"s=1", b"%d" % at, lines.encode(), message.encode("utf-8", "surrogateescape"), b"")


def tally(*entries: tuple[bytes, ...], limit: int = 3) -> Tally:
    tallied = Tally(limit)
    tallied.add(entries)  # type: ignore[arg-type]
    return tallied


def test_like_messages_of_a_unit_are_one_group() -> None:
    tallied = tally(
        entry("failed after 3 ms", 5 * SECOND, _SYSTEMD_UNIT="a.service"),
        entry("failed after 4712 ms", 9 * SECOND, 2, _SYSTEMD_UNIT="a.service"),
        entry("failed after 5 ms", 1 * SECOND, _SYSTEMD_UNIT="a.service"),
        entry("failed after 5 ms", 7 * SECOND, _SYSTEMD_UNIT="b.service"),
        entry("failed after 5 ms", 7 * SECOND, 6, _SYSTEMD_UNIT="a.service"),
        entry("failed after 5 ms", 7 * SECOND, None, _SYSTEMD_UNIT="a.service"),
    )
    first, second = tallied.groups()
    assert (first.unit, first.pattern, first.count) == ("a.service", "failed after <n> ms", 3)
    assert (first.first, first.last, first.priority) == (SECOND, 9 * SECOND, 2)
    assert first.example == b"failed after 3 ms"
    assert first.per_hour == pytest.approx(2 * 3600 / 8)
    assert (second.unit, second.count, second.per_hour) == ("b.service", 1, None)
    assert (tallied.entries, tallied.chosen) == (6, 4)


def test_without_a_priority_only_everything_has_it() -> None:
    assert tally(entry("x", priority=None), limit=6).groups() == []
    assert tally(entry("x", priority=None), limit=7).groups()[0].priority is None


@pytest.mark.parametrize(
    ("fields", "unit"),
    [
        ({"COREDUMP_UNIT": "a.service", "UNIT": "b.service", "_SYSTEMD_UNIT": "init.scope"}, "a.service"),
        ({"UNIT": "b.service", "_SYSTEMD_UNIT": "init.scope"}, "b.service"),
        ({"_SYSTEMD_UNIT": "c.service", "SYSLOG_IDENTIFIER": "x"}, "c.service"),
        (KERNEL, "kernel"),
        ({"SYSLOG_IDENTIFIER": "x"}, "x"),
        ({}, ""),
        ({"_SYSTEMD_UNIT": "session-12.scope"}, "session-*.scope"),
        ({"_SYSTEMD_UNIT": "session-c3.scope"}, "session-*.scope"),
        ({"_SYSTEMD_UNIT": "run-r0123456789abcdef0123456789abcdef.service"}, "run-*.service"),
        ({"_SYSTEMD_UNIT": "systemd-coredump@5-1234-0.service"}, "systemd-coredump@*.service"),
        ({"_SYSTEMD_UNIT": "libpod-0123456789abcdef.scope"}, "libpod-*.scope"),
        ({"_SYSTEMD_UNIT": "memcached@11211.service"}, "memcached@11211.service"),
        ({"_SYSTEMD_UNIT": "user@1000.service"}, "user@1000.service"),
    ],
)
def test_whose_message_it_is(fields: dict[str, str], unit: str) -> None:
    assert unit_of({name.encode(): value.encode() for name, value in fields.items()}) == unit


JOURNALD = {"_TRANSPORT": "driver", "SYSLOG_IDENTIFIER": "systemd-journald"}
RSYSLOG = {"SYSLOG_IDENTIFIER": "rsyslogd"}
TROUBLES = [
    (KERNEL, "Killed process 77 (java) total-vm:1kB, anon-rss:1kB", OOM, "java", 0),
    (KERNEL, "Killed process 77 (java), UID 1000, total-vm:1kB, anon-rss:1kB", OOM, "java", 0),
    (KERNEL, "Memory cgroup out of memory: Killed process 7 ((sd-pam)) total-vm:1kB", OOM, "(sd-pam)", 0),
    (KERNEL, "Out of memory: Kill process 77 (java) score 900 or sacrifice child", "", "", 0),
    (KERNEL, "end_request: I/O error, dev sdb, sector 0", DISK, "sdb", 0),
    (KERNEL, "print_req_error: I/O error, dev nvme0n1, sector 7", DISK, "nvme0n1", 0),
    (KERNEL, "blk_update_request: critical medium error, dev vdc, sector 7 op 0x0:(READ)", DISK, "vdc", 0),
    (KERNEL, "critical space allocation error, dev dm-3, sector 7 op 0x1:(WRITE)", POOL, "dm-3", 0),
    (KERNEL, "Buffer I/O error on device sda1, logical block 12", DISK, "sda1", 0),
    (KERNEL, "Buffer I/O error on dev dm-0, logical block 12, lost async page write", DISK, "dm-0", 0),
    (KERNEL, "lost page write due to I/O error on sda1", DISK, "sda1", 0),
    (KERNEL, "EXT4-fs error (device vdb1): ext4_find_entry:1455: inode #2: comm x: reading", DISK, "vdb1", 0),
    (KERNEL, "EXT4-fs (sda1): Remounting filesystem read-only", DISK, "sda1", 0),
    (KERNEL, "Aborting journal on device vda1-8.", DISK, "vda1", 0),
    (KERNEL, "JBD2: Detected IO errors while flushing file data on dm-0-8", DISK, "dm-0", 0),
    (KERNEL, 'XFS (dm-0): metadata I/O error in "xfs_trans" at daddr 0x3 len 32 error 5', DISK, "dm-0", 0),
    (KERNEL, "XFS (vdb): Corruption detected. Unmount and run xfs_repair", DISK, "vdb", 0),
    (KERNEL, "BTRFS error (device vdb): bdev /dev/vdb errs: wr 1, rd 0", DISK, "vdb", 0),
    (KERNEL, "ata3.00: exception Emask 0x0 SAct 0x0 SErr 0x0 action 0x0", DISK, "ata3", 0),
    (KERNEL, "nvme nvme0: I/O 12 QID 3 timeout, aborting", DISK, "nvme0", 0),
    (KERNEL, "sd 0:0:0:0: rejecting I/O to offline device", DISK, "0:0:0:0", 0),
    (KERNEL, "md/raid1:md0: Disk failure on sdb1, disabling device.", DISK, "sdb1", 0),
    (KERNEL, "device-mapper: multipath: Failing path 8:16.", DISK, "8:16", 0),
    (KERNEL, "usb 1-1: device descriptor read/64, error -71", "", "", 0),
    (KERNEL, "net_ratelimit: 12 callbacks suppressed", LOST, "net_ratelimit", 12),
    (KERNEL, "audit: audit_lost=55 audit_rate_limit=0 audit_backlog_limit=64", LOST, "audit", 0),
    (JOURNALD, "Suppressed 120 messages from foo.service", LOST, "foo.service", 120),
    (JOURNALD, "Suppressed 120 messages from /system.slice/foo.service", LOST, "foo.service", 120),
    (JOURNALD, "Missed 9 kernel messages", LOST, "kernel", 9),
    (JOURNALD, "Forwarding to syslog missed 3 messages.", LOST, "Forwarding to syslog", 3),
    (RSYSLOG, "imjournal: 55 messages lost due to rate-limiting", LOST, "imjournal", 55),
    (RSYSLOG, "imjournal: begin to drop messages due to rate-limiting", LOST, "imjournal", 0),
    (RSYSLOG, "imuxsock lost 5 messages from pid 12 due to rate-limiting", LOST, "imuxsock", 5),
    (RSYSLOG, "imuxsock[pid: 12, name: x]: 8 messages lost due to rate-limiting", LOST, "imuxsock", 8),
    ({"UNIT": "a.service"}, "a.service: Failed with result 'exit-code'.", FAILED, "a.service", 0),
    ({"UNIT": "a.service"}, "a.service failed.", FAILED, "a.service", 0),
    ({"UNIT": "a.service"}, "a.service: Main process exited, code=exited, status=1/FAILURE", "", "", 0),
    ({"SYSLOG_IDENTIFIER": "x"}, "net_ratelimit: 12 callbacks suppressed", "", "", 0),
    ({"MESSAGE_ID": COREDUMP_ID.decode()}, "Process 12 (foo) of user 0 dumped core.\n\nStack trace", DUMP, "foo", 0),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "message", "kind", "subject", "amount"), TROUBLES)
def test_what_the_journal_tells_of_beside_errors(
    fields: dict[str, str], message: str, kind: str, subject: str, amount: int
) -> None:
    # Of a priority that is not chosen: it is noted all the same, twice here, and is no group.
    tallied = tally(entry(message, 1, 6, **fields), entry(message, 9, 6, **fields))
    assert tallied.groups() == []
    incidents = [
        (incident.kind, incident.subject, incident.amount, incident.count, incident.first, incident.last)
        for incident in tallied.incidents.all()
    ]
    assert incidents == ([(kind, subject, 2 * amount, 2, 1, 9)] if kind else [])


def test_each_incident_is_a_finding_of_its_own_and_what_is_worst_comes_first() -> None:
    tallied = tally(*(entry(message, **fields) for fields, message, *_ in TROUBLES))
    findings = findings_of(ErrorFacts(tallied))
    assert findings[0].severity == "critical"
    assert len({finding.title for finding in findings}) == len(findings) == len(tallied.incidents.all())
    assert all(finding.evidence and finding.remedy for finding in findings)


def test_a_unit_that_is_failed_now_is_told_of_once() -> None:
    tallied = tally(entry("a.service: Failed with result 'timeout'.", priority=4, UNIT="a.service"))
    titles = [
        finding.title for finding in findings_of(ErrorFacts(tallied, (FailedUnit("a.service", "A", "timeout", "now"),)))
    ]
    why = "(timeout): it took longer than its time limit"
    assert titles == [f"a.service is failed {why}; it failed once in this time"]
    assert [finding.title for finding in findings_of(ErrorFacts(tallied))] == [f"a.service failed once {why}"]


def test_that_namespaces_have_journals_of_their_own_is_told() -> None:
    (finding,) = findings_of(ErrorFacts(Tally(3), namespaces=("app",)))
    assert (finding.id, finding.severity) == ("other-namespaces", "info")
    assert finding.title == "these are not the messages of the namespace app"
    assert findings_of(ErrorFacts(Tally(3), scope=Scope(namespace="*"), namespaces=("app",))) == ()


def test_entries_without_priority_are_told_of_unless_everything_is_chosen() -> None:
    for limit, ids in ((3, ["no-priority"]), (7, [])):
        assert [
            finding.id for finding in findings_of(ErrorFacts(Tally(limit), without_priority=WithoutPriority(5, 2)))
        ] == ids
    assert findings_of(ErrorFacts(Tally(3), without_priority=WithoutPriority(5, 5))) == ()  # only the audit's


def test_the_number_of_groups_has_a_bound_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups_module, "GROUPS", 10)
    monkeypatch.setattr(groups_module, "UNITS", 2)
    names = [chr(ord("g") + n // 10) + chr(ord("g") + n % 10) for n in range(100)]
    tallied = tally(*(entry(f"is {name}", UNIT=f"u{n % 5}.service") for n, name in enumerate(names)))
    assert len(tallied.groups()) == 13
    assert tallied.chosen == 100
    others = {group.unit: group.count for group in tallied.groups() if group.pattern == OTHER_MESSAGES}
    assert others == {"u0.service": 18, "u1.service": 18, "": 54}
    assert [finding.id for finding in findings_of(ErrorFacts(tallied))] == ["too-many-groups"]


def test_the_number_of_incidents_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "SUBJECTS", 3)
    messages = [entry(f"Killed process 1 ({name}) total-vm:1kB", **KERNEL) for name in "abcdefgab"]
    counts = {incident.subject: incident.count for incident in tally(*messages).incidents.of(OOM)}
    assert counts == {"a": 2, "b": 2, "c": 1, "(others)": 4}


def test_what_is_remembered_has_a_bound_and_forgetting_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(f"a {'x' * n} {n}", n + 1, UNIT=f"u{n % 3}") for n in range(50)] * 2
    whole = tally(*entries).groups()
    monkeypatch.setattr(groups_module, "REMEMBERED", 7)
    small = tally(*entries)
    assert small.groups() == whole
    assert sum(1 + len(sender.known) for sender in small._senders.values()) <= 7


def test_the_json_of_a_group_holds_the_message_without_loss() -> None:
    tallied = tally(entry("bad \udcff\x1b[1m text\nmore", 0, None), limit=7)
    shown_group = group_json(tallied.groups()[0], ErrorListing(20))
    assert shown_group["example"] == "bad \udcff\x1b[1m text\nmore"
    assert (shown_group["priority"], shown_group["message_id"], shown_group["catalog"], shown_group["first"]) == (
        None,
        None,
        None,
        None,
    )
    whole = errors_json(ErrorFacts(tallied), ErrorListing(0, request={"unit": None}))
    assert (whole["entries"], whole["groups_total"], len(whole["groups"]), whole["unit"]) == (1, 1, 1, None)


@pytest.mark.parametrize(
    ("count", "seconds", "text"),
    [(1, 0, ""), (2, 0, ""), (101, 10, "10/s"), (11, 10, "1.0/s"), (31, 600, "3.0/min"), (3, 7200, "1.0/h"), (2, 864000,
     "0.1/d")],
)  # fmt: skip
def test_rates(count: int, seconds: int, text: str) -> None:
    group = tally(*[entry("x", SECOND)] * (count - 1), entry("x", (1 + seconds) * SECOND)).groups()[0]
    assert rate_text(group) == text


@pytest.mark.parametrize("fields", [KERNEL, JOURNALD, RSYSLOG, {"UNIT": "a"}, {"MESSAGE_ID": COREDUMP_ID.decode()}, {}])
@pytest.mark.parametrize(
    "piece", ["x", "im", "0", "0.", "a:", "::", 'user="', "\x1b]", "/", "Process 1 (", "e-", "f", "@0"]
)
def test_no_message_takes_long(fields: dict[str, str], piece: str) -> None:
    """Written to be slow: what anybody can log."""
    before = time.process_time()
    tally(*(entry(chr(ord("A") + n) + piece * 30000, **fields) for n in range(20)))
    assert time.process_time() - before < 2
