"""What journalctl is asked for, and whether it can answer: one `journalctl -o export`, read as it comes."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Optional

from opskit.core.caller import command_line
from opskit.core.command import Command
from opskit.core.errors import CommandFailed, Failed, Missing, UsageFault
from opskit.core.runner import StreamingRunner
from opskit.journal.errors_export import FIELDS, Entry, ExportParser
from opskit.journal.errors_groups import PRIORITIES
from opskit.journal.facts import read_directories
from opskit.journal.model import Directory, Version
from opskit.journal.scope import ROOTS, Scope
from opskit.journal.spans import INFINITY, journalctl_span
from opskit.journal.version import rules_of

# journalctl(1): --output-fields= came with systemd 236; 237 is the first that a distribution here could have.
OUTPUT_FIELDS_SINCE = 237
# A search for what is rare can be silent for long.
SILENCE = 600.0
DEFAULT_SINCE = "1d"
NEWEST = Version(257)
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
class Request:
    """What was asked for. since, until: as journalctl takes them. limit: the last priority, 7 for everything."""

    scope: Scope
    since: str = ""
    until: str = ""
    boot: bool = False
    unit: str = ""
    limit: int = 3
    follow: bool = False


def command_of(request: Request, version: Version) -> Command:
    """The journalctl that gives the entries."""
    words = ["journalctl", "--quiet", "--no-pager", "--output=export", *request.scope.options]
    if version.number >= OUTPUT_FIELDS_SINCE:
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


@dataclass
class Reading:
    """The entries as they come. said: what journalctl had to say beside them, once it has ended."""

    said: str = ""

    def entries(
        self, runner: StreamingRunner, command: Command, *, narrow: bool, seconds: float = math.inf
    ) -> Generator[Sequence[Entry], None, None]:
        """Some entries after some others; none at all when so many seconds went by without any.

        To be closed: that ends journalctl. Raises UsageFault for what journalctl does not understand, else Failed.
        """
        parser = ExportParser(narrow=narrow)
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(runner.stream(command))
            try:
                while (data := stream.read(seconds)) != b"":
                    yield parser.feed(data) if data else ()
            except CommandFailed as error:
                raise _understood(error) from error
            finally:
                self.said = stream.stderr


def _understood(error: CommandFailed) -> Exception:
    """What journalctl has against the words that were handed on to it is a fault of usage."""
    said = error.result.stderr.strip()
    if re.search(r"--since=.*--until", said):
        return UsageFault(
            "--since, --until", said, todo=f"--since is the earlier one, and {DEFAULT_SINCE} unless it is given"
        )
    if re.search(r"(?i)parse (timestamp|since|until)", said):
        return UsageFault("--since, --until", said, todo="like 1h, 2d, yesterday, '2026-11-21 15:00'")
    if "filter for units" in said:
        return Failed(
            "--unit", "no unit of which there are entries fits this pattern", todo="without --unit: all of them"
        )
    if re.search(r"(?i)boot", said):
        return Failed("--boot", said, todo="--since takes a time instead")
    return error


def moment(option: str, text: str) -> tuple[str, Optional[int]]:
    """What `--since` and `--until` mean for journalctl, and how many microseconds ago that is where the text says so.

    A span (systemd.time(7): `1h`, `2d 3h`) is a time ago; the rest is journalctl's to understand. Raises UsageFault.
    """
    span = text.removeprefix("-")
    found = journalctl_span(span)
    if found is None or found[0] >= INFINITY:
        return text, None
    microseconds, bare = found
    if bare and re.fullmatch(r"[0-9.]+", span):
        raise UsageFault(option, f"{text} seconds? A number alone is no time", todo=f"say {span}h or {span}d")
    if bare:
        raise UsageFault(option, f"{text!r} has a number without a unit", todo="like 1h, '2 days 3h'")
    return f"-{span.strip()}", microseconds


def see_files(scope: Scope) -> tuple[Directory, ...]:
    """The journal files that journalctl will read. Raises Missing when this user may not, Failed when none is there."""
    try:
        # What is read, and by no vacuum deleted, is the same in every release.
        directories = read_directories(scope, rules_of(NEWEST))
    except Missing as error:
        todo = f"sudo {shlex.join(command_line())}; or join the group systemd-journal, and log in anew"
        raise Missing(error.what, error.why, todo=todo) from error
    if not any(directory.files for directory in directories):
        raise _no_files(scope)
    return directories


def _no_files(scope: Scope) -> Failed:
    if where := scope.directory or scope.root:
        return Failed(where, "there are no journal files in it", todo=f"ls -lR {shlex.quote(where)}")
    todo = "systemctl status systemd-journald; for a journal that outlasts a boot: mkdir -p /var/log/journal && "
    todo += "systemctl restart systemd-journald"
    if any(map(os.path.isdir, ROOTS)):
        why = "it is empty: nothing has been written, or Storage= in journald.conf is none"
    else:
        why = f"there is none: neither {' nor '.join(ROOTS)}"
    return Failed("the journal of this host", why, todo=todo)


def readable_scope(scope: Scope, version: Version) -> Scope:
    """The scope as this journalctl can be asked for it: until 232 its --root is the catalogue's alone."""
    if not scope.root or rules_of(version).root:
        return scope
    places = [scope.root.rstrip("/") + path for path in reversed(ROOTS)]
    return Scope(directory=next((path for path in places if os.path.isdir(path)), places[0]))
