"""What journalctl is asked for: one `journalctl -o export`. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from opskit.core.command import Command
from opskit.core.record import dataclass
from opskit.journal.errors.export import FIELDS
from opskit.journal.errors.groups import PRIORITIES
from opskit.journal.files.model import Scope
from opskit.journal.files.verify import as_pattern
from opskit.journal.releases import Version, rules_of

# A search for what is rare can be silent for long.
SILENCE = 600.0
DEFAULT_SINCE = "1d"
ALL = len(PRIORITIES) - 1
# What -p would miss: journald's own words (of messages it dropped), kernel warnings (callbacks suppressed, a disk that
# times out), units that failed (systemd warns of them), rsyslog's own words. Each is an index look-up for journalctl.
FIRST_PROCESS = b"_PID=1"
BESIDE = (
    ("_TRANSPORT=driver",),
    ("_TRANSPORT=kernel", "PRIORITY=4"),
    ("_PID=1", "PRIORITY=4"),
    ("SYSLOG_IDENTIFIER=rsyslogd",),
    # AVC (linux/audit.h): without a priority, where nothing but journald takes the audit's messages
    ("_AUDIT_TYPE=1400",),
)


LOOKED_UP = tuple(dict.fromkeys(word.encode() for terms in BESIDE for word in terms))


@dataclass(frozen=True)
class ErrorsRequest:
    """What was asked for.

    since, until: as journalctl takes them
    boot: as --boot takes it (`0` for this one, `-1` for the one before it, an id); "" for all
    units: names and patterns, of which an entry fits one
    limit: the last priority, 7 for everything
    files: these files alone, in place of the scope
    boot_id: of a boot that these files need not have, in place of boot
    """

    scope: Scope
    since: str = ""
    until: str = ""
    boot: str = ""
    units: tuple[str, ...] = ()
    limit: int = 3
    follow: bool = False
    files: tuple[str, ...] = ()
    boot_id: str = ""


def command_of(request: ErrorsRequest, version: Version) -> Command:
    """The journalctl that gives the entries."""
    argv = ["journalctl", "--quiet", "--no-pager", "--output=export"]
    argv += [f"--file={as_pattern(path)}" for path in request.files] or request.scope.options
    if rules_of(version).output_fields:
        argv.append(f"--output-fields={','.join(FIELDS)}")
    argv += [f"--since={request.since}"] if request.since else []
    argv += [f"--until={request.until}"] if request.until else []
    argv += [f"--boot={request.boot}"] if request.boot else []
    argv += [f"--unit={unit}" for unit in request.units]
    argv += ["--follow", "--no-tail"] if request.follow else []
    argv += match_words(request.limit, request.boot_id)
    return Command(tuple(argv), mutates=False, timeout=math.inf if request.follow else SILENCE)


def match_words(limit: int, boot_id: str = "") -> list[str]:
    """What journalctl is to match: entries down to this priority, and BESIDE. --priority joins to nothing by "or"."""
    boot = [f"_BOOT_ID={boot_id}"] if boot_id else []
    if limit >= ALL:
        return boot
    words = [*(f"PRIORITY={number}" for number in range(limit + 1)), *boot]
    for terms in BESIDE:
        words += ["+", *terms, *boot]
    return words


def beside(fields: dict[bytes, bytes]) -> bool:
    """Whether an entry is one of BESIDE."""
    pairs = ([word.encode().split(b"=", 1) for word in terms] for terms in BESIDE)
    return any(all(fields.get(name) == value for name, value in terms) for terms in pairs)


def priorities(limit: int) -> tuple[bytes, ...]:
    """The values of PRIORITY down to this one, as they stand in the index."""
    return tuple(b"PRIORITY=%d" % number for number in range(limit + 1))


def chosen_by(entries: Mapping[bytes, Sequence[int]], limit: int) -> set[int]:
    """The entries that match_words() stand for. entries: those that have each of the values asked for."""
    chosen: set[int] = set()
    for value in priorities(limit):
        chosen.update(entries[value])
    for terms in BESIDE:
        fewest, *others = sorted((entries[word.encode()] for word in terms), key=len)
        chosen.update(set(fewest).intersection(*others))
    return chosen
