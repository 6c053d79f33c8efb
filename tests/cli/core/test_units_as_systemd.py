"""The grammar of spans against the systemd-analyze of this machine, and of sizes against its journalctl."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from opskit.core.errors import UsageFault
from opskit.core.units import INFINITY, parse_size, parse_span, span_text, systemd_span
from tiers import Agree, more, slow

UNITS = ["s", "sec", "second", "seconds", "m", "min", "minute", "minutes", "M", "month", "months", "ms", "msec", "h"]
UNITS += ["hr", "hour", "hours", "d", "day", "days", "w", "week", "weeks", "y", "year", "years", "us", "usec"]
UNITS += ["\u03bcs", "\u00b5s", "", "D", "mon", "H", "x", "sd", "S"]


def spans(seed: int, count: int) -> list[str]:
    """Texts that are spans, and that nearly are."""
    rnd = random.Random(seed)
    listed = []
    for _ in range(count):
        parts = []
        for _ in range(rnd.choice((1, 1, 1, 2, 3))):
            whole, part = rnd.randrange(50), rnd.randrange(99)
            number = rnd.choice((f"{whole}", f"{whole}.{part}", f".{part}"))
            odd = rnd.choice((f"-{number}", f"+{number}", "", f"{number}.", "9" * 20))
            number = rnd.choice((number, number, number, odd))
            parts.append(number + rnd.choice(("", "", " ", "  ")) + rnd.choice(UNITS) + rnd.choice(("", " ", "\t")))
        listed.append("".join(parts))
    return [*listed, "infinity", " infinity ", "infinityx", "yesterday", "1.2.3", "1.2 .3", "0", "-0", "", " "]


def analyzed(texts: list[str]) -> list[int | None]:
    """What systemd-analyze makes of each, in microseconds; None for one that it refuses."""
    # "--" and an empty one would stop the others: one at a time where there is nothing to see of it.
    listed = []
    for text in texts:
        done = subprocess.run(
            ["systemd-analyze", "timespan", "--", text], capture_output=True, text=True, check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        number = re.search(r"s: (\d+)$", done.stdout, re.MULTILINE)
        listed.append(int(number[1]) if number and done.returncode == 0 else None)
    return listed


@pytest.mark.parametrize(("seed", "count"), [(1, 150), more(2, 3000)])
def test_spans(seed: int, count: int, agree: Agree) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze on this machine")
    texts = spans(seed, count)
    differ, taken = [], 0
    for text, wanted in zip(texts, analyzed(texts)):
        theirs = systemd_span(text)
        if (theirs[0] if theirs else None) != wanted:
            differ.append((text, theirs, wanted))
        try:
            ours = parse_span("--x", text)
        except UsageFault as fault:
            # What opskit refuses and systemd takes could be meant otherwise.
            if wanted is not None and not re.search(r"without a unit|a month or a minute", fault.why):
                differ.append((text, fault.why, wanted))
        else:
            taken += 1
            if ours != wanted:
                differ.append((text, ours, wanted))
    print(differ)
    agree("spans with systemd-analyze", len(texts) - len(differ), len(texts))
    assert taken > len(texts) // 5
    assert analyzed(["infinity"]) == [INFINITY]


@pytest.mark.parametrize("count", [50, slow(150), more(1500)])
def test_what_opskit_prints_systemd_reads(count: int) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze on this machine")
    rnd = random.Random(count)
    spans = [rnd.getrandbits(rnd.randrange(1, 62)) for _ in range(count)]
    assert analyzed([span_text(span) for span in spans]) == spans


def test_what_opskit_takes_for_a_size_journalctl_takes_for_the_same(tmp_path: Path) -> None:
    if not shutil.which("journalctl"):
        pytest.skip("no journalctl on this machine")
    for text in ("500M", "1.5G", "4K", "12B", "0", "3T", "500m", "M", "-1M", "1.5.5M", "5X"):
        argv = ["journalctl", f"--directory={tmp_path}", f"--vacuum-size={text}"]
        theirs = subprocess.run(argv, capture_output=True, check=False).returncode == 0
        try:
            parse_size("--size", text)
        except UsageFault:
            assert not theirs, text
        else:
            assert theirs, text
