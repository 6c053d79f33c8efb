"""What is odd in a sound journal: a clock that went back, a message without an end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from journal_entries import REMOTE, SECOND, START, entry, write_journal

pytestmark = pytest.mark.skipif(
    not (os.path.exists(REMOTE) and shutil.which("journalctl")), reason="no systemd-journal-remote, or no journalctl"
)

FIELDS = {"PRIORITY": 3, "SYSLOG_IDENTIFIER": "app", "_SYSTEMD_UNIT": "app.service"}
DAY = 86400 * SECOND


def errors(place: Path, *words: str) -> str:
    argv = [sys.executable, "-m", "opskit", "journal", "errors", "-D", str(place), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300).stdout


def test_a_clock_that_went_back_hides_nothing_and_is_no_damage(tmp_path: Path) -> None:
    times = (START, START - 30 * DAY, START - 30 * DAY + SECOND, START + 10 * SECOND)
    lines = [entry(f"message {'abcd'[number]}", at, **FIELDS) for number, at in enumerate(times)]
    write_journal(tmp_path / "x.journal", iter(lines))
    body = json.loads(errors(tmp_path, "--json", "--since", f"@{(START - SECOND) // SECOND}"))
    assert {"message a", "message d"} <= {group["example"] for group in body["result"]["groups"]}
    # By a search in what it takes to be in order journalctl finds none of these.
    span = ("--since", f"@{(START - 31 * DAY) // SECOND}", "--until", f"@{(START - 29 * DAY) // SECOND}")
    body = json.loads(errors(tmp_path, "--json", *span))
    assert {group["example"] for group in body["result"]["groups"]} == {"message b", "message c"}
    assert body["result"]["damaged"] == []
    assert [(finding["id"], finding["severity"]) for finding in body["findings"]] == [("clock-went-back", "info")]


def test_a_clock_that_stands_at_1970_after_a_reboot_hides_nothing(tmp_path: Path) -> None:
    """The last entry is the oldest: journalctl searches by time, and finds none of the last hour."""
    times = (START, START + 3600 * SECOND, 5 * SECOND)
    lines = [entry(f"message {'abc'[number]}", at, **FIELDS) for number, at in enumerate(times)]
    write_journal(tmp_path / "x.journal", iter(lines))
    body = json.loads(errors(tmp_path, "--json", "--since", f"@{(START + 1800 * SECOND) // SECOND}"))
    assert [group["example"] for group in body["result"]["groups"]] == ["message b"]
    assert [(finding["id"], finding["severity"]) for finding in body["findings"]] == [("clock-went-back", "info")]
    assert json.loads(errors(tmp_path, "--json"))["result"]["entries"] == 3


def test_what_a_damaged_header_claims_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.journal"
    write_journal(path, iter([entry("message", START, **FIELDS)]))
    with path.open("r+b") as file:
        file.seek(152)  # n_entries (journal-def.h)
        file.write(b"\xff" * 8)
    body = json.loads(errors(tmp_path, "--json"))
    assert [group["example"] for group in body["result"]["groups"]] == ["message"]
    assert [finding["id"] for finding in body["findings"]] == ["journal-damaged"]


def test_a_message_of_200_kb_is_shown_by_its_beginning(tmp_path: Path) -> None:
    write_journal(tmp_path / "x.journal", iter([entry("begins " + "x" * 200_000, START, **FIELDS)]))
    line = errors(tmp_path).splitlines()[1]
    assert "begins xxx" in line
    assert line.endswith("… (it goes on; --json has more of it)")
    assert len(line) < 25_000
    (group,) = json.loads(errors(tmp_path, "--json"))["result"]["groups"]
    assert len(group["example"]) > 60_000
