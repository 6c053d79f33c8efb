"""Which journal files are damaged, and what to do about each: by their headers, and by `journalctl --verify`."""

from __future__ import annotations

import errno
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, Optional

from opskit.core.command import MINUTE, Command
from opskit.core.errors import CommandFailed, Failed
from opskit.core.finding import Finding
from opskit.core.runner import Runner
from opskit.core.text import last_lines
from opskit.journal.files import open_unread
from opskit.journal.header import HEADER_BYTES, read_header
from opskit.journal.model import ACTIVE, DISPOSED, Directory, Header, JournalFile
from opskit.journal.scope import ROOTS

# A file has at most some GB; journalctl reads 100 MB in some seconds.
VERIFY_SECONDS = 30 * MINUTE
_NAMES = 3
_FAIL = re.compile(r"^FAIL: .*\(([^()]*)\)\s*\Z", re.DOTALL | re.MULTILINE)
# What comes of a /var that is full, read-only or without a /var/tmp. A damaged file is EBADMSG, ENODATA and the like.
_NOT_OF_THE_FILE = {
    os.strerror(number)
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT, errno.EACCES, errno.ENOMEM, errno.EMFILE)
}
# What this host's journald writes to.
_JOURNALD = re.compile(rf"(?:{'|'.join(ROOTS)})/[^/]+/(?:system|user-[0-9]+)\.journal", re.DOTALL)


@dataclass(frozen=True)
class Verdict:
    """A file and what is wrong with it, "" for nothing. skipped: journald writes to it, so it cannot be told."""

    path: str
    file: JournalFile
    problem: str
    skipped: bool = False


def verify(
    runner: Runner, directories: Sequence[Directory], on_file: Callable[[str], None] = lambda _path: None
) -> Iterator[Verdict]:
    """Each file with its verdict, but for those that are gone by then. on_file: told each before it is looked at.

    Raises what the runner raises.
    """
    for directory in directories:
        for file in directory.files:
            path = f"{directory.path}/{file.name}"
            on_file(path)
            problem = file.opens or file.header.problem
            if problem:
                yield Verdict(path, file, problem)
            elif file.header.state == "online" and file.said.kind == ACTIVE:
                yield Verdict(path, file, "", skipped=True)
            elif not (problem := _asked(runner, path)):
                yield Verdict(path, file, "")
            elif os.path.lexists(path):
                writing = file.said.kind == ACTIVE and _header_now(path) != file.header
                yield Verdict(path, file, "" if writing else problem, skipped=writing)


def _header_now(path: str) -> Optional[Header]:
    """The header as it is by now; None when it cannot be read."""
    try:
        descriptor = open_unread(path)
    except OSError:
        return None
    try:
        return read_header(os.pread(descriptor, HEADER_BYTES, 0), os.fstat(descriptor).st_size)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _asked(runner: Runner, path: str) -> str:
    """What journalctl says is wrong with a file; by its exit status, the words are only for the person.

    Raises Failed when it could not do its work: it calls that a failure of the file, too.
    """
    try:
        argv = ("journalctl", "--verify", f"--file={as_pattern(path)}")
        runner.run(Command(argv, mutates=False, timeout=VERIFY_SECONDS))
    except CommandFailed as error:
        said = _FAIL.search(error.result.stderr)
        if said and said[1] in _NOT_OF_THE_FILE and os.path.lexists(path):
            why = f"{said[1]}: it needs room for temporary files in /var/tmp, and no file can be judged without"
            raise Failed("journalctl --verify", why, todo="df -h /var/tmp; mount | grep /var") from error
        words = last_lines(error.result.stderr, 3).replace("\r", "\n").split("\n")
        lines = [word for word in words if word.strip() and not word.startswith(("FAIL", "PASS"))]
        return lines[-1].strip() if lines else f"journalctl --verify ends with status {error.result.status}"
    return ""


def as_pattern(path: str) -> str:
    """The path for journalctl's --file, which takes a pattern of glob(7)."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


def verify_line(directory: str = "") -> str:
    """The command that tells of the damaged files of a directory, "" for all of this host's."""
    return "opskit journal verify" + (f" -D {shlex.quote(directory)}" if directory else "")


def damaged_files(directory: Directory, names: Sequence[str]) -> Finding:
    """That these files of a directory are damaged, by what other commands see of them."""
    title = f"{len(names)} damaged files in {directory.path}: {some(names)}"
    return Finding("damaged", "warning", title, ", ".join(names), verify_line(directory.path))


def some(names: Sequence[str]) -> str:
    """The first names, and how many there are beside; a text is read by a person, and --json has all."""
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def finding_of(verdict: Verdict) -> Finding:
    """What to do about a damaged file."""
    path, name = verdict.path, shlex.quote(verdict.path)
    read = f"journalctl --file={shlex.quote(as_pattern(path))} shows what can still be read"
    if verdict.file.said.kind == DISPOSED:
        remedy = f"journald has set it aside; {read}; a vacuum deletes it by its age"
    elif verdict.file.said.kind == ACTIVE and _JOURNALD.fullmatch(path):
        remedy = f"journalctl --rotate sets it aside and begins a new one; {read}"
    elif verdict.file.said.kind == ACTIVE:
        remedy = f"{read}; then rm -- {name}: by its name no vacuum deletes it"
    else:
        remedy = f"{read}; then rm -- {name}, or leave it to a vacuum"
    return Finding("damaged", "error", f"{path}: {verdict.problem}", remedy=remedy)
