"""What journalctl is asked for, and whether it can answer: one `journalctl -o export`, read as it comes."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
from dataclasses import dataclass, replace
from datetime import timezone, tzinfo

from opskit.core.caller import sudo_line
from opskit.core.command import Command
from opskit.core.errors import CommandFailed, Failed, Missing, UsageFault
from opskit.core.runner import StreamingRunner
from opskit.journal.errors.export import Batches, ExportParser
from opskit.journal.errors.query import ALL, DEFAULT_SINCE, SILENCE, ErrorsRequest, command_of
from opskit.journal.files.model import DENIED, ROOTS, JournalDirectory, Scope
from opskit.journal.files.see.directories import read_directories
from opskit.journal.releases import NEWEST, Version, rules_of


@dataclass
class Reading:
    """The entries that journalctl of this version gives for a request, as they come.

    stderr: what it had to say beside them, once it has ended.
    """

    runner: StreamingRunner
    request: ErrorsRequest
    version: Version
    stderr: str = ""

    def batches(self, seconds: float = math.inf) -> Batches:
        """Some entries after some others; none at all when so many seconds went by without any.

        To be closed: that ends journalctl. Raises UsageFault for what journalctl does not understand, else Failed.
        """
        parser = ExportParser(narrow=not rules_of(self.version).output_fields)
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(self.runner.stream(command_of(self.request, self.version)))
            try:
                while (data := stream.read(seconds)) != b"":
                    yield parser.feed(data) if data else ()
            except CommandFailed as error:
                raise _understood(error) from error
            finally:
                self.stderr = stream.stderr


def _understood(error: CommandFailed) -> Exception:
    """What journalctl has against the words that were handed on to it is a fault of usage."""
    stderr = error.result.stderr.strip()
    if re.search(r"--since=.*--until", stderr):
        return UsageFault(
            "--since, --until", stderr, todo=f"--since must be earlier than --until; it is {DEFAULT_SINCE} unless given"
        )
    if re.search(r"(?i)parse (timestamp|since|until)", stderr):
        return UsageFault("--since, --until", stderr, todo="like 1h, 2d, yesterday, '2026-11-21 15:00'")
    if "filter for units" in stderr:
        return Failed("--unit", "no unit with entries matches this pattern", todo="without --unit: all of them")
    if re.search(r"(?i)boot", stderr):
        return Failed(
            "--boot", stderr, todo="journalctl --list-boots has those there are; --since takes a time instead"
        )
    return error


def host_zone() -> tzinfo:
    """The zone in which journalctl takes a time that says none: its environment has no TZ."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    try:
        with open("/etc/localtime", "rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return timezone.utc


def boot_id(runner: StreamingRunner, request: ErrorsRequest, version: Version) -> str:
    """The id of the boot that --boot means, in hexadecimal; "" when no entry is of it."""
    parser = ExportParser()
    argv = command_of(replace(request, since="", until="", units=(), limit=ALL), version).argv
    with runner.stream(Command((*argv, "--lines=1"), mutates=False, timeout=SILENCE)) as stream:
        while data := stream.read():
            for cursor, *_ in parser.feed(data):
                match = re.search(rb";b=([0-9a-f]{32});", cursor)
                return os.fsdecode(match[1]) if match else ""
    return ""


def see_files(scope: Scope) -> tuple[JournalDirectory, ...]:
    """The journal files that journalctl will read, with those that this user may not read beside one that he may.

    Raises Missing when he may read none of those there are, Failed when none is there.
    """
    todo = f"{sudo_line()}; or join the group systemd-journal, and log in anew"
    try:
        # What is read, and by no vacuum deleted, is the same in every release.
        directories = read_directories(scope, rules_of(NEWEST), all_of_it=False)
    except Missing as error:
        raise Missing(error.what, error.why, todo=todo) from error
    files = [file for directory in directories for file in directory.files]
    if all(file.open_error == DENIED for file in files):
        for directory in directories:
            if directory.files or directory.read_error == DENIED:
                raise Missing(directory.path, "this user may not read it", todo=todo)
    if not files:
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
        why = f"neither {' nor '.join(ROOTS)} exists"
    return Failed("the journal of this host", why, todo=todo)


def readable_scope(scope: Scope, version: Version) -> Scope:
    """The scope as this journalctl can be asked for it: until 232 its --root is the catalogue's alone."""
    if not scope.root or rules_of(version).root:
        return scope
    places = [scope.root.rstrip("/") + path for path in reversed(ROOTS)]
    return Scope(directory=next((path for path in places if os.path.isdir(path)), places[0]))
