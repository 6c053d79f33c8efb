"""Every message of kernel.txt is the finding that stands before it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opskit.journal.errors.findings import findings_of
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.model import ErrorFacts
from tiers import Agree

LINES = [line for line in Path(__file__).with_name("kernel.txt").read_text().splitlines() if line[0] != "#"]


DISK = re.compile(r"disk (?:of an array|[\w:.-]{3,20}): 1 kernel error message")


def findings(message: str, fields: str) -> list[str]:
    tally = Tally(3)
    tally.add([(b"s=1", b"1", fields.encode(), message.encode(), b"")])
    findings = findings_of(ErrorFacts(tally))
    assert all(finding.title and finding.remedy and "{" not in finding.title for finding in findings)
    # Whose it is: no single letter of a name that was cut, and no sentence.
    assert all(DISK.fullmatch(finding.title) for finding in findings if finding.id == "disk-error"), findings
    return [finding.id for finding in findings]


def test_every_message(agree: Agree) -> None:
    wrong = []
    for line in LINES:
        kind, _, message = line.partition("\t")
        ids = findings(message, "_TRANSPORT=kernel\nPRIORITY=4\n")
        if ids != ([] if kind == "-" else [kind]):
            wrong.append(f"{message}: {ids}, not {kind}")
    assert wrong == []
    agree("messages of the kernel", len(LINES) - len(wrong), len(LINES))
    assert len(LINES) >= 150
    assert sum(line[0] == "-" for line in LINES) * 3 >= len(LINES)


AVC = 'avc:  denied  { read } for  pid=4711 comm="httpd" name="x" dev="vda1" ino=7 tclass=file permissive=0'


@pytest.mark.parametrize(
    ("message", "fields", "kinds"),
    [
        (AVC, "_TRANSPORT=audit\n_AUDIT_TYPE=1400\n", ["access-denied"]),
        ("AVC " + AVC.replace("denied", "granted"), "_TRANSPORT=audit\n", []),
        ("SELinux is preventing /usr/sbin/httpd from read access on the file x.", "SYSLOG_IDENTIFIER=setroubleshoot\n",
         ["access-denied"]),
        ("SELinux is preventing /usr/sbin/httpd from read access on the file x.", "SYSLOG_IDENTIFIER=x\n", []),
    ],
)  # fmt: skip
def test_selinux(message: str, fields: str, kinds: list[str]) -> None:
    assert findings(message, fields) == kinds
