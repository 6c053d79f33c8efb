"""The one shape of --json, pinned: a change here is a change for every script that reads it."""

from __future__ import annotations

import json
import os

from opskit.core.envelope import envelope
from opskit.core.errors import Busy, Refused
from opskit.core.finding import Finding

FINDING = Finding("no-nofail", "warning", "nofail is missing", "line 3", "add nofail")
FINDING_JSON = {
    "id": "no-nofail",
    "severity": "warning",
    "title": "nofail is missing",
    "evidence": "line 3",
    "remedy": "add nofail",
}


def test_a_result() -> None:
    assert json.loads(envelope("opskit disk fstab restore", {"fstab": "/f", "backups": ()}, findings=(FINDING,))) == {
        "schema": 1,
        "ok": True,
        "command": "opskit disk fstab restore",
        "result": {"fstab": "/f", "backups": []},
        "findings": [FINDING_JSON],
        "error": None,
    }


def test_an_error() -> None:
    error = Busy("lock", "pid 3 has it", todo="wait", state="Nothing was changed.")
    assert json.loads(envelope("opskit undo", error=error)) == {
        "schema": 1,
        "ok": False,
        "command": "opskit undo",
        "result": None,
        "findings": [],
        "error": {
            "id": "busy",
            "exit_code": 7,
            "what": "lock",
            "why": "pid 3 has it",
            "todo": "wait",
            "state": "Nothing was changed.",
        },
    }


def test_a_refusal_has_its_reasons_as_findings() -> None:
    error = Refused("mount", [FINDING])
    envelope_read = json.loads(envelope("opskit disk mount", findings=error.findings, error=error))
    assert envelope_read["findings"] == [FINDING_JSON]
    assert envelope_read["error"]["exit_code"] == 5


def test_it_is_one_line_and_keeps_bytes_that_are_no_utf8() -> None:
    name = os.fsdecode(b"a\n\xff")
    text = envelope("opskit completion", {"shell": "bash", "script": name})
    assert text.isascii()
    assert "\n" not in text
    assert os.fsencode(json.loads(text)["result"]["script"]) == b"a\n\xff"
