"""The journalctl that is started, by what was asked for and by release; the words for a time; the catalogue."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import pytest

from opskit.core.errors import Failed, Missing, OpskitError, UsageFault
from opskit.journal.errors.cli import _priority
from opskit.journal.errors.query import ErrorsRequest, command_of, moment
from opskit.journal.errors.see import entries
from opskit.journal.errors.see.catalog import fill, needs_fields, parse_catalog
from opskit.journal.errors.see.entries import readable_scope, see_files
from opskit.journal.files.model import JournalDirectory, JournalFile, ParsedName, Scope
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
    assert words.count("+") == 4
    assert not any(word.startswith(("-p", "--priority")) for word in words)


def test_everything_is_asked_for_without_a_match() -> None:
    assert not [word for word in command_of(ErrorsRequest(Scope(), limit=7), EL8).argv if "PRIORITY=" in word]


def test_all_that_is_asked_for() -> None:
    request = ErrorsRequest(Scope(directory="/d"), "-1h", "yesterday", boot=True, unit="a b", follow=True)
    words = command_of(request, EL8).argv
    for word in ("--directory=/d", "--since=-1h", "--until=yesterday", "--boot", "--unit=a b", "--follow", "--no-tail"):
        assert word in words


@pytest.mark.parametrize(
    ("text", "given", "seconds"),
    [
        ("1h", "-1h", 3600),
        ("-1h", "-1h", 3600),
        ("2 days 3h", "-2 days 3h", 183600),
        ("90min", "-90min", 5400),
        ("1.5d", "-1.5d", 129600),
        ("1w1d", "-1w1d", 691200),
        ("yesterday", "yesterday", None),
        ("2026-11-21 15:00", "2026-11-21 15:00", None),
        ("1 h ago", "1 h ago", None),
        ("2D", "2D", None),  # journalctl's to refuse
    ],
)
def test_times(text: str, given: str, seconds: Optional[float]) -> None:
    assert moment("--since", text) == (given, None if seconds is None else seconds * 1_000_000)


@pytest.mark.parametrize("text", ["2", "1.5", "1M"])
def test_what_could_be_meant_otherwise_is_refused(text: str) -> None:
    with pytest.raises(UsageFault, match=text):
        moment("--since", text)


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
    found = (JournalDirectory("/var/log/journal/x", files=files),) if errors else ()
    monkeypatch.setattr("opskit.journal.files.see.directories.read_scope", lambda *_: found)


def test_files_that_this_user_may_not_read_are_no_half_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    seen(monkeypatch, "", "Permission denied")
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
