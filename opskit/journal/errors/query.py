"""What journalctl is asked for: one `journalctl -o export`. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from opskit.core.command import Command
from opskit.core.units import INFINITY, parse_span, systemd_span
from opskit.journal.errors.export import FIELDS
from opskit.journal.errors.groups import PRIORITIES
from opskit.journal.files.model import Scope
from opskit.journal.releases import Version, rules_of

# A search for what is rare can be silent for long.
SILENCE = 600.0
DEFAULT_SINCE = "1d"
ALL = len(PRIORITIES) - 1
# What -p would miss: journald's own words (of messages it dropped), kernel warnings (callbacks suppressed, a disk that
# times out), units that failed (systemd warns of them), rsyslog's own words. Each is an index look-up for journalctl.
BESIDE = (
    ("_TRANSPORT=driver",),
    ("_TRANSPORT=kernel", "PRIORITY=4"),
    ("_PID=1", "PRIORITY=4"),
    ("SYSLOG_IDENTIFIER=rsyslogd",),
)


@dataclass(frozen=True)
class ErrorsRequest:
    """What was asked for. since, until: as journalctl takes them. limit: the last priority, 7 for everything."""

    scope: Scope
    since: str = ""
    until: str = ""
    boot: bool = False
    unit: str = ""
    limit: int = 3
    follow: bool = False


def command_of(request: ErrorsRequest, version: Version) -> Command:
    """The journalctl that gives the entries."""
    words = ["journalctl", "--quiet", "--no-pager", "--output=export", *request.scope.options]
    if rules_of(version).output_fields:
        words.append(f"--output-fields={','.join(FIELDS)}")
    words += [f"--since={request.since}"] if request.since else []
    words += [f"--until={request.until}"] if request.until else []
    words += ["--boot"] if request.boot else []
    words += [f"--unit={request.unit}"] if request.unit else []
    words += ["--follow", "--no-tail"] if request.follow else []
    words += match_words(request.limit)
    return Command(tuple(words), mutates=False, timeout=math.inf if request.follow else SILENCE)


def match_words(limit: int) -> list[str]:
    """What journalctl is to match: entries down to this priority, and BESIDE. --priority joins to nothing by "or"."""
    if limit >= ALL:
        return []
    words = [f"PRIORITY={number}" for number in range(limit + 1)]
    for terms in BESIDE:
        words += ["+", *terms]
    return words


def moment(option: str, text: str) -> tuple[str, Optional[int]]:
    """What `--since` and `--until` mean for journalctl, and how many microseconds ago that is where the text says so.

    A span (systemd.time(7): `1h`, `2d 3h`) is a time ago; the rest is journalctl's to understand. Raises UsageFault.
    """
    span = text.removeprefix("-")
    reading = systemd_span(span)
    if reading is None or reading[0] >= INFINITY:
        return text, None
    microseconds = parse_span(option, span)
    return f"-{span.strip()}", microseconds
