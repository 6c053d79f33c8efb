"""What `opskit journal usage` finds: settings that do nothing, and a journal that is larger than it may be."""

from __future__ import annotations

from opskit.core.units import GIB, MIB, parse_size
from opskit.journal.files.model import ACTIVE, ARCHIVED, JournalDirectory, JournalFile, ParsedName
from opskit.journal.retain.bounds import bounds_of
from opskit.journal.retain.conf import Setting
from opskit.journal.usage.findings import Usage, findings, without_journals

CONF = "/etc/systemd/journald.conf"


def directory(active: int, archived: int) -> JournalDirectory:
    files = (
        JournalFile("system.journal", ParsedName(ACTIVE), active, active),
        JournalFile("a.journal", ParsedName(ARCHIVED), archived, archived),
    )
    return JournalDirectory("/var/log/journal/x", files=files)


def usage(active: int, archived: int, *strays: tuple[Setting, str]) -> Usage:
    settings = [Setting("SystemMaxUse", "100M", CONF, 3)]
    return Usage(directory(active, archived), bounds_of(settings, 100 * GIB, runtime=False), strays=strays)


def test_a_setting_that_journald_passes_over_is_told() -> None:
    stray = (Setting("systemmaxuse", "2G", CONF, 7), "journald knows it as SystemMaxUse")
    (finding,) = findings([usage(MIB, MIB, stray)])
    assert (finding.id, finding.severity) == ("bad-setting", "warning")
    assert finding.title == f"{CONF}:7: journald passes over systemmaxuse=2G: journald knows it as SystemMaxUse"
    assert list(findings([usage(MIB, MIB)])) == []


def test_a_journal_over_its_limit_is_told_the_vacuum_that_helps() -> None:
    for active, archived, words in ((MIB, 200 * MIB, ""), (200 * MIB, MIB, " --rotate")):
        (finding,) = findings([usage(active, archived)])
        assert finding.id == "over-limit"
        assert finding.remedy.endswith(f"opskit journal vacuum --size {100 * MIB}B{words} --dry-run")
    assert list(findings([usage(MIB, 90 * MIB)])) == []
    assert parse_size("--size", f"{100 * MIB}B") == 100 * MIB


def test_where_there_is_no_journal_the_setting_that_keeps_none_is_told() -> None:
    storage, stray = (Setting(*each) for each in (("Storage", "none", "/j.conf", 2), ("storage", "auto", "/j.conf", 3)))
    (none, passed_over) = without_journals(storage, (), ((stray, "journald knows it as Storage"),))
    assert none.title == "/j.conf:2 sets Storage=none: journald keeps no journal"
    assert passed_over.id == "bad-setting"
    assert list(without_journals(Setting("Storage", "auto", "/j.conf", 2), (), ())) == []
