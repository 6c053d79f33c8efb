"""The cause of a unit's failure, from a real journal, read by the real journalctl."""

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

OWN = {"_SYSTEMD_UNIT": "foo.service", "_PID": 77, "PRIORITY": 6, "SYSLOG_IDENTIFIER": "foo"}
SYSTEMD = {"_PID": 1, "_UID": 0, "SYSLOG_IDENTIFIER": "systemd", "_SYSTEMD_UNIT": "init.scope", "UNIT": "foo.service"}


def errors(place: Path, *words: str) -> str:
    argv = [sys.executable, "-m", "opskit", "journal", "errors", "-D", str(place), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300).stdout


def test_a_unit_that_failed_has_its_last_lines_whatever_their_priority(tmp_path: Path) -> None:
    groups = [
        (0, "starting", OWN),
        (1, "FATAL: cannot open /etc/foo.conf", OWN),
        (2, "foo.service: Main process exited, code=exited, status=78/CONFIG", {**SYSTEMD, "PRIORITY": 5}),
        (3, "foo.service: Failed with result 'exit-code'.", {**SYSTEMD, "PRIORITY": 4}),
        # What it said since is no part of it.
        (60, "FATAL: another day", OWN),
    ]
    lines = [entry(text, START + at * SECOND, **fields) for at, text, fields in groups]
    write_journal(tmp_path / "x.journal", iter(lines))
    for words in ((), ("--unit", "foo")):
        body = json.loads(errors(tmp_path, "--json", *words))
        (finding,) = body["findings"]
        assert finding["title"] == "foo.service failed once (exit-code): exit status 78"
        assert finding["evidence"] == "starting\nFATAL: cannot open /etc/foo.conf"
        (failure,) = body["result"]["failures"]
        assert (failure["unit"], failure["ended"], failure["status"]) == ("foo.service", "exited", 78)
    # A pipe has it on one line.
    assert r"seen: starting\nFATAL: cannot open /etc/foo.conf; to do: " in errors(tmp_path)
