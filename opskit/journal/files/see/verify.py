"""See: what journalctl makes of each journal file."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from typing import Callable, Optional

from opskit.core.command import MINUTE, Command
from opskit.core.errors import CommandFailed, Failed
from opskit.core.runner import Runner
from opskit.core.text import last_lines
from opskit.journal.files.header import HEADER_BYTES, read_header
from opskit.journal.files.model import ACTIVE, Header, JournalDirectory
from opskit.journal.files.see.directories import open_unread
from opskit.journal.files.verify import Verdict, as_pattern

# A file has at most some GB; journalctl reads 100 MB in some seconds.
VERIFY_SECONDS = 30 * MINUTE
_FAIL = re.compile(r"^FAIL: .*\(([^()]*)\)\s*\Z", re.DOTALL | re.MULTILINE)
# What comes of a /var that is full, read-only or without a /var/tmp. A damaged file is EBADMSG, ENODATA and the like.
_NOT_OF_THE_FILE = {
    os.strerror(number)
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT, errno.EACCES, errno.ENOMEM, errno.EMFILE)
}


def verify(
    runner: Runner, directories: Sequence[JournalDirectory], on_file: Callable[[str], None] = lambda _path: None
) -> Iterator[Verdict]:
    """Each file with its verdict, but for those that are gone by then. on_file: told each before it is looked at.

    Raises what the runner raises.
    """
    for directory in directories:
        for file in directory.files:
            path = directory.path_of(file)
            on_file(path)
            if damage := file.damage:
                yield Verdict(path, file, damage)
            elif file.header.state == "online" and file.parsed.kind == ACTIVE:
                yield Verdict(path, file, "", skipped=True)
            elif not (damage := _damage_by_journalctl(runner, path)):
                yield Verdict(path, file, "")
            elif os.path.lexists(path):
                writing = file.parsed.kind == ACTIVE and _header_now(path) != file.header
                yield Verdict(path, file, "" if writing else damage, skipped=writing)


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


def _damage_by_journalctl(runner: Runner, path: str) -> str:
    """What journalctl says is wrong with a file, "" for nothing. The exit status decides, the text is only shown.

    Raises Failed when it could not do its work: it calls that a failure of the file, too.
    """
    try:
        argv = ("journalctl", "--verify", f"--file={as_pattern(path)}")
        runner.run(Command(argv, mutates=False, timeout=VERIFY_SECONDS))
    except CommandFailed as error:
        match = _FAIL.search(error.result.stderr)
        if match and match[1] in _NOT_OF_THE_FILE and os.path.lexists(path):
            why = f"{match[1]}: it needs room for temporary files in /var/tmp, and no file can be judged without"
            raise Failed("journalctl --verify", why, todo="df -h /var/tmp; mount | grep /var") from error
        words = last_lines(error.result.stderr, 3).replace("\r", "\n").split("\n")
        lines = [word for word in words if word.strip() and not word.startswith(("FAIL", "PASS"))]
        return lines[-1].strip() if lines else f"journalctl --verify ends with status {error.result.status}"
    return ""
