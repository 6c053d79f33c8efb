"""What --since and --until are read as, beside the systemd-analyze of this machine."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
from datetime import datetime, timezone

import pytest

from opskit.core.errors import UsageFault
from opskit.journal.errors.moments import moment_of
from tiers import Agree, ranges

ZONE = "CET-1CEST,M3.5.0,M10.5.0/3"


def text_of(rnd: random.Random) -> str:
    """A text that is a time, or that nearly is."""
    date = f"{rnd.choice((2026, 1999, 26, 71))}-{rnd.randrange(14)}-{rnd.randrange(1, 33)}"
    clock = f"{rnd.randrange(25)}:{rnd.randrange(61):02}" + rnd.choice(("", f":{rnd.randrange(60):02}", ":07.25", ":5"))
    day = rnd.choice(("", "", "", "Sat ", "mon "))
    zone = rnd.choice(("", "", " UTC"))
    return rnd.choice(
        (
            f"{date} {clock}{zone}", f"{date} {clock}", f"{date}{zone}", f"{clock}{zone}", f"{day}{date} {clock}",
            "today", "yesterday", "tomorrow", f"@{rnd.randrange(1 << 31)}", f"@{rnd.randrange(1 << 31)}.5",
            f"{date}T{clock}", "x", f"{date} x",
        )
    )  # fmt: skip


@pytest.mark.parametrize("numbers", ranges(60, 60, 1500, 60))
def test_times(monkeypatch: pytest.MonkeyPatch, numbers: range, agree: Agree) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze on this machine")
    monkeypatch.setenv("TZ", ZONE)
    time.tzset()
    try:
        taken = 0
        for number in numbers:
            text = text_of(random.Random(number))
            try:
                mine = moment_of("--since", text, datetime.now(timezone.utc).astimezone())
            except UsageFault:
                continue
            done = subprocess.run(
                ["systemd-analyze", "timestamp", "--", text], capture_output=True, text=True, check=False,
                env={**os.environ, "TZ": ZONE, "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
            match = re.search(r"UNIX seconds: @(\d+)(?:\.(\d+))?", done.stdout)
            # What is not read here is journalctl's. 252 does not read RFC 3339; other weekdays it refuses.
            if match is None:
                assert mine is None or "T" in text or text[0] in "Sm" or not mine, text
            elif mine is not None:
                # At midnight another day may have begun by the time systemd looks. And an hour may be there twice.
                now = datetime.now(timezone.utc).astimezone()
                theirs = int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0")[:6])
                assert theirs in {mine, moment_of("--since", text, now), moment_of("--until", text, now)}, text
            taken += 1
        agree("times as systemd-analyze reads them", taken, len(numbers))
    finally:
        monkeypatch.undo()
        time.tzset()
