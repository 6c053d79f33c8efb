"""What the journalctl of EL8 and of EL10 deleted, as it was recorded, beside what opskit says that it deletes.

Measured on builds of the public trees of RHEL: systemd 239 of rhel-8.10.0, at commit 92124e84be68, and 257 of main, at
fe781e519824. Each had 150 generated directories (tests/journals.py). A line is one directory: the moment of the vacuum
(microseconds since 1970), its limits of time, size and number, whether this journalctl passes the directory over, its
files in readdir's order, and which of them went. A file: its name, size, bytes on disk, how long before the moment it
was changed, written to, read (0: that does not count) and born, its crtime (0 for none), how many entries it claims,
and why it could not be opened.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opskit.journal.files.model import Header, JournalDirectory, JournalFile
from opskit.journal.files.names import classify
from opskit.journal.releases import parse_version, rules_of
from opskit.journal.vacuum.model import VacuumLimits
from opskit.journal.vacuum.rules import predict
from tiers import Agree

HERE = Path(__file__).parent


def journal_file(now: int, row: list[Any]) -> JournalFile:
    name, size, allocated, ctime, mtime, atime, birth, crtime, entries, *error = row
    parsed = classify(name)
    assert parsed
    times = {"ctime": ctime, "mtime": mtime, "atime": atime, "birth": birth, "crtime": crtime}
    return JournalFile(
        name,
        parsed,
        size,
        allocated,
        **{key: now - ago if ago else 0 for key, ago in times.items()},
        atime_stays=bool(atime),
        open_error="".join(error),
        header=Header(entries=entries),
    )


@pytest.mark.parametrize(("version", "deleted"), [("239-82.el8", 587), ("257-9.el10", 549)])
def test_what_went_is_what_is_predicted(version: str, deleted: int, agree: Agree) -> None:
    rules = rules_of(parse_version(version))
    lines = (HERE / f"vacuum-{version[:3]}.jsonl").read_text().splitlines()
    same = gone = 0
    for line in lines:
        now, span, size, number, passed_over, rows, went = json.loads(line)
        directory = JournalDirectory("/d", files=tuple(journal_file(now, row) for row in rows), passed_over=passed_over)
        prediction = predict(directory, VacuumLimits(span, size, number), rules, now)
        same += {file.name for file in prediction.deletes} == {rows[index][0] for index in went}
        gone += len(went)
    assert gone == deleted
    agree(f"recorded vacuums of {version}", same, len(lines))
