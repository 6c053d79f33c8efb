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
from opskit.journal.model import Directory, JournalFile, Version
from opskit.journal.scope import Scope

# journalctl(1): --output-fields= came with systemd 236; 237 is the first that a distribution here could have.
OUTPUT_FIELDS_SINCE = 237
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
    if re.search(r"(?i)parse (timestamp|since|until)|--since=.*--until", said):
        return UsageFault("--since, --until", said, todo="like 1h, 2d, yesterday, '2026-11-21 15:00'")
    if re.search(r"(?i)boot", said):
        return Failed("--boot", said, todo="--since takes a time instead")
    return error


_UNITS = {
    "usec us": 1e-6, "msec ms": 1e-3, "seconds second sec s": 1, "minutes minute min m": 60,
    "hours hour hr h": 3600, "days day d": 86400, "weeks week w": 604800, "months month M": 2629800,
    "years year y": 31557600,
}  # fmt: skip
_SECONDS = {name: value for names, value in _UNITS.items() for name in names.split()}
_NAMES = "|".join(sorted(_SECONDS, key=len, reverse=True))
_SPAN = re.compile(rf"(?:\s*\d+(?:\.\d+)?\s*(?:{_NAMES}))+\s*", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)")


def moment(option: str, text: str) -> tuple[str, Optional[float]]:
    """What `--since` and `--until` mean for journalctl, and how many seconds ago that is where the text says so.

    A span (systemd.time(7): `1h`, `2d 3h`) is a time ago; the rest is journalctl's to understand. Raises UsageFault.
    """
    if re.fullmatch(r"\d+(\.\d+)?", text):
        raise UsageFault(option, f"{text} what? A number alone is no time", todo=f"say {text}h or {text}d")
    if text.startswith("-") and len(text) > 1:
        text = text[1:]
    if _SPAN.fullmatch(text):
        return f"-{text.strip()}", sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    return text, None


def check_access(directories: Sequence[Directory], scope: Scope) -> tuple[JournalFile, ...]:
    """The journal files that will be read. Raises Missing when this user may not read them, Failed without any."""
    files = tuple(file for directory in directories for file in directory.files)
    closed = [file for file in files if file.opens] + [one for one in directories if one.problem]
    if closed and os.geteuid() != 0:
        line = "sudo " + shlex.join(command_line())
        why = f"this user may not read it ({len(closed)} of {len(files)} files)"
        raise Missing(_where(scope), why, todo=f"{line} — or join the group systemd-journal, and log in anew")
    if files:
        return files
    if scope.directory or scope.root:
        raise Failed(_where(scope), "there are no journal files in it", todo="ls -l " + shlex.quote(_where(scope)))
    todo = "systemctl status systemd-journald; for a journal that outlasts a boot: mkdir -p /var/log/journal && "
    todo += "systemctl restart systemd-journald"
    if os.path.isdir("/var/log/journal") or os.path.isdir("/run/log/journal"):
        why = "it is empty: nothing has been written, or Storage= in journald.conf is none"
        raise Failed("the journal of this host", why, todo=todo)
    why = "there is none: neither /run/log/journal nor /var/log/journal"
    raise Failed("the journal of this host", why, todo=todo)


def _where(scope: Scope) -> str:
    return scope.directory or scope.root or "the journal of this host"
