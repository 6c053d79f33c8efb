"""The journalctl that is started, by what was asked for and by release; the words for a time; the catalogue."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Optional

import pytest

from opskit.core.errors import Failed, Missing, OpskitError, UsageFault
from opskit.journal.errors.cli import _priority
from opskit.journal.errors.findings import findings_of
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.errors.moments import journalctl_moment, moment_of
from opskit.journal.errors.query import ErrorsRequest, command_of, match_words
from opskit.journal.errors.see import entries
from opskit.journal.errors.see.catalog import fill, needs_fields, parse_catalog
from opskit.journal.errors.see.entries import readable_scope, see_files
from opskit.journal.files.model import JournalDirectory, JournalFile, ParsedName, Scope, moment_text, to_the_second
from opskit.journal.releases import Version

EL7, EL8 = Version(219), Version(239)


def test_219_has_no_output_fields() -> None:
    assert not any("--output-fields" in word for word in command_of(ErrorsRequest(Scope()), EL7).argv)
    assert any("--output-fields=MESSAGE," in word for word in command_of(ErrorsRequest(Scope()), EL8).argv)


def test_it_only_reads() -> None:
    assert not command_of(ErrorsRequest(Scope()), EL8).mutates


def test_what_p_would_miss_is_asked_for_too() -> None:
    words = command_of(ErrorsRequest(Scope(), limit=1), EL7).argv
    assert words[4:8] == ("PRIORITY=0", "PRIORITY=1", "+", "_TRANSPORT=driver")
    assert words.count("+") == 5
    assert not any(word.startswith(("-p", "--priority")) for word in words)


def test_everything_is_asked_for_without_a_match() -> None:
    assert not [word for word in command_of(ErrorsRequest(Scope(), limit=7), EL8).argv if "PRIORITY=" in word]


def test_all_that_is_asked_for() -> None:
    request = ErrorsRequest(Scope(directory="/d"), "-1h", "yesterday", boot="-1", units=("a b", "c"), follow=True)
    words = command_of(request, EL8).argv
    for word in (
        "--directory=/d",
        "--since=-1h",
        "--until=yesterday",
        "--boot=-1",
        "--unit=a b",
        "--unit=c",
        "--follow",
        "--no-tail",
    ):
        assert word in words


def test_a_boot_that_a_file_does_not_have_is_matched() -> None:
    """`--boot=ID` is an error where no entry is of it."""
    words = match_words(0, "ab" * 16)
    boot = f"_BOOT_ID={'ab' * 16}"
    assert words[:2] == ["PRIORITY=0", boot]
    assert words.count(boot) == words.count("+") + 1
    assert match_words(7, "ab" * 16) == [boot]


NOW = datetime(2026, 11, 28, 12, 30, tzinfo=timezone.utc)
BEGIN = datetime(2026, 11, 28, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1h", NOW - timedelta(hours=1)),
        ("-1h", NOW - timedelta(hours=1)),
        ("1 h ago", NOW - timedelta(hours=1)),
        ("2 days 3h", NOW - timedelta(days=2, hours=3)),
        ("1.5d", NOW - timedelta(hours=36)),
        ("+5min", NOW + timedelta(minutes=5)),
        ("now", NOW),
        ("today", BEGIN),
        ("yesterday", BEGIN - timedelta(days=1)),
        ("15:00", BEGIN.replace(hour=15)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=timezone.utc)),
        ("Sat 2026-11-21 15:00", datetime(2026, 11, 21, 15, tzinfo=timezone.utc)),
        ("2026-11-21 15:00:07.5", datetime(2026, 11, 21, 15, 0, 7, 500000, timezone.utc)),
        ("2026-11-21T15:00:07Z", datetime(2026, 11, 21, 15, 0, 7, tzinfo=timezone.utc)),
        ("2026-11-21T15:00:07.000001+02:00", datetime(2026, 11, 21, 13, 0, 7, 1, timezone.utc)),
        ("2026-11-21 15:00 UTC", datetime(2026, 11, 21, 15, tzinfo=timezone.utc)),
        ("@1764331200.25", datetime(2025, 11, 28, 12, 0, 0, 250000, timezone.utc)),
        # journalctl's to refuse, or to understand
        ("2D", None),
        ("2026-13-01", None),
        ("2026-11-21 15:00 Europe/Berlin", None),
        ("tomorrowish", None),
        ("07Z", None),
    ],
)
def test_times(monkeypatch: pytest.MonkeyPatch, text: str, moment: Optional[datetime]) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    microseconds = None if moment is None else (moment - EPOCH) // timedelta(microseconds=1)
    assert moment_of("--since", text, NOW) == microseconds


EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def test_an_hour_that_is_there_twice_or_not_at_all_leaves_no_entry_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        twice, never = "2026-10-25 02:30", "2026-03-29 02:30"
        assert moment_of("--since", twice, NOW) == 1_792_888_200_000_000  # 00:30 UTC
        assert moment_of("--until", twice, NOW) == 1_792_891_800_000_000
        assert moment_of("--since", never, NOW) == 1_774_744_200_000_000  # 00:30 UTC
        assert moment_of("--until", never, NOW) == 1_774_747_800_000_000
        assert moment_of("--since", "2026-10-25 03:30", NOW) == moment_of("--until", "2026-10-25 03:30", NOW)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_without_a_zone_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "EST+5")
    time.tzset()
    try:
        assert moment_of("--since", "2026-11-21 15:00", NOW) == 1_795_291_200_000_000
        assert moment_of("--since", "2026-11-21T15:00:00Z", NOW) == 1_795_273_200_000_000
        # At 20:30 here it is the next day in UTC.
        evening = datetime(2026, 11, 21, 20, 30, tzinfo=timezone(timedelta(hours=-5)))
        assert moment_of("--since", "00:30", evening) == 1_795_239_000_000_000
        assert moment_of("--since", "00:30 UTC", evening) == 1_795_307_400_000_000
        assert moment_of("--since", "00:30+02:00", evening) == 1_795_300_200_000_000
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_person_reads_the_time_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "EST+5")
    time.tzset()
    try:
        assert to_the_second(moment_text(1_795_291_200_000_007)) == "2026-11-21T15:00:00-05:00"
    finally:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
    assert to_the_second(moment_text(1_795_291_200_000_007)) == "2026-11-21T20:00:00Z"


def test_how_journalctl_takes_a_time() -> None:
    """219 does not know `@`; it takes a time in the zone of the host."""
    assert journalctl_moment(1_795_291_200_000_007, None) == "@1795291200.000007"
    assert journalctl_moment(1_795_291_200_000_007, timezone.utc) == "2026-11-21 20:00:00"


@pytest.mark.parametrize("text", ["2", "1.5", "1M"])
def test_what_could_be_meant_otherwise_is_refused(text: str) -> None:
    with pytest.raises(UsageFault, match=text):
        moment_of("--since", text, NOW)


@pytest.mark.parametrize(("text", "number"), [("err", 3), ("error", 3), ("3", 3), ("WARNING", 4), ("debug", 7)])
def test_priorities(text: str, number: int) -> None:
    assert _priority(text) == number


@pytest.mark.parametrize("text", ["8", "-1", "bad", "", "err..warning", "³"])
def test_no_priorities(text: str) -> None:
    with pytest.raises(UsageFault):
        _priority(text)


def refused(scope: Scope) -> OpskitError:
    with pytest.raises(OpskitError) as caught:
        see_files(scope)
    return caught.value


def seen(monkeypatch: pytest.MonkeyPatch, *errors: str) -> None:
    name = ParsedName("active")
    files = tuple(JournalFile(f"{n}.journal", name, 1, 1, open_error=why) for n, why in enumerate(errors))
    directories = (JournalDirectory("/var/log/journal/x", files=files),) if errors else ()
    monkeypatch.setattr("opskit.journal.files.see.directories.read_scope", lambda *_: directories)


def test_what_this_user_may_read_is_read_and_the_rest_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    seen(monkeypatch, "", "Permission denied")
    (finding,) = findings_of(ErrorFacts(Tally(3), directories=see_files(Scope())))
    assert (finding.id, finding.severity) == ("not-seen", "warning")
    assert finding.title == "this user may not read 1 of 2 files in /var/log/journal/x: their entries are missing here"
    assert finding.evidence == "Permission denied: 1.journal"


def test_a_directory_that_cannot_be_read_is_named() -> None:
    directories = (JournalDirectory("/d", read_error="Input/output error"),)
    (finding,) = findings_of(ErrorFacts(Tally(3), directories=directories))
    assert (finding.id, finding.title) == ("unreadable-directory", "/d cannot be read: Input/output error")


def test_who_may_read_none_of_the_files_is_told_how_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    seen(monkeypatch, "Permission denied", "Permission denied")
    error = refused(Scope())
    assert isinstance(error, Missing)
    assert error.todo.startswith("sudo ")
    assert "systemd-journal" in error.todo
    seen(monkeypatch, "")
    assert len(see_files(Scope())[0].files) == 1


def test_root_reads_what_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    seen(monkeypatch, "", "Input/output error")
    assert len(see_files(Scope())[0].files) == 2


@pytest.mark.parametrize("there", [True, False])
def test_no_journal(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    seen(monkeypatch)
    monkeypatch.setattr(entries, "ROOTS", ("/", "/nonesuch") if there else ("/nonesuch",))
    error = refused(Scope())
    assert isinstance(error, Failed)
    assert ("it is empty" in error.why) == there
    assert "mkdir -p /var/log/journal" in error.todo
    assert "no journal files in it" in refused(Scope(directory="/d")).why


def test_an_old_journalctl_is_not_given_a_root_that_it_would_pass_over(tmp_path: Path) -> None:
    """219 takes --root for the catalogue alone, and would tell of this host's journal."""
    scope = Scope(root=str(tmp_path))
    assert readable_scope(scope, EL8) == scope
    assert readable_scope(scope, EL7) == Scope(directory=f"{tmp_path}/var/log/journal")
    (tmp_path / "run" / "log" / "journal").mkdir(parents=True)
    assert readable_scope(scope, EL7) == Scope(directory=f"{tmp_path}/run/log/journal")
    assert readable_scope(Scope(), EL7) == Scope()


CATALOG = """\
-- be02cf6855d2428ba40df7e9d022f03d
Subject: A start job for unit @UNIT@ has failed
Defined-By: systemd
Support: https://access.redhat.com/support
Documentation: man:systemd(1)

A start job for unit @UNIT@ has finished with a failure.

The job identifier is @JOB_ID@.

-- fc2e22bc6ee647b6b90729ab34a250b1
Subject: Process dumped core

"""


def test_the_catalogue() -> None:
    texts = parse_catalog(CATALOG)
    assert list(texts) == ["be02cf6855d2428ba40df7e9d022f03d", "fc2e22bc6ee647b6b90729ab34a250b1"]
    text, other = texts.values()
    assert needs_fields(text)
    assert not needs_fields(other)
    filled = fill(text, {"UNIT": "a.service"})
    assert filled.startswith("A start job for unit a.service has failed\nA start job for unit a.service has finished")
    assert "is @JOB_ID@." in filled
    assert "Support" not in filled
    assert filled.endswith("See man:systemd(1)")
    assert other == "Process dumped core"
    assert parse_catalog("") == {}
