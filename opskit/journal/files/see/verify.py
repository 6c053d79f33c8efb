"""See: what journalctl makes of each journal file."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Callable, Optional

from opskit.core.command import MINUTE, Command
from opskit.core.errors import CommandFailed, Failed, UsageFault
from opskit.core.record import dataclass
from opskit.core.runner import Runner
from opskit.core.text import last_lines
from opskit.journal.files.header import HEADER_BYTES, read_header
from opskit.journal.files.model import ACTIVE, Header, JournalDirectory, JournalFile, Loss
from opskit.journal.files.see.directories import open_unread
from opskit.journal.files.see.salvage import Salvage
from opskit.journal.files.verify import VERIFY_KEY, State, Verdict, as_pattern, is_journalds

# A file has at most some GB; journalctl reads 100 MB in some seconds.
VERIFY_SECONDS = 30 * MINUTE
_FAIL = re.compile(r"^FAIL: .*\(([^()]*)\)\s*\Z", re.DOTALL | re.MULTILINE)
# What it has against the seals alone (journal-verify.c). That a file was changed, or another key's, is one to it.
_OF_SEALS = re.compile(r"(?i)^[0-9a-f]+: .*\b(?:tag|epoch)\b")


@dataclass(frozen=True)
class Check:
    """How files are checked. known: the flags of their headers that this journalctl knows; key: of the seals, or ""."""

    known: int
    key: str = ""


# What comes of a /var that is full, read-only or without a /var/tmp. A damaged file is EBADMSG, ENODATA and the like.
_NOT_OF_THE_FILE = {
    os.strerror(number)
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT, errno.EACCES, errno.ENOMEM, errno.EMFILE)
}


def read_key(path: str) -> str:
    """The key of the seals in this file. Raises UsageFault, without a word of what is in it."""
    try:
        with open(path, encoding="ascii") as file:
            key = file.read(1000).strip()
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        raise UsageFault("--verify-key", f"{path}: {why}") from error
    if not VERIFY_KEY.fullmatch(key):
        raise UsageFault("--verify-key", f"{path} holds no key", todo="one line, as journalctl --setup-keys printed it")
    return key


def verify(
    runner: Runner,
    directories: Sequence[JournalDirectory],
    check: Check,
    on_file: Callable[[str], None] = lambda _path: None,
) -> Iterator[Verdict]:
    """Each file with its verdict, but for those that are gone by then. on_file: told each before it is looked at.

    Raises what the runner raises.
    """
    writers = _written_to()
    for directory in directories:
        for file in directory.files:
            path = directory.path_of(file)
            on_file(path)
            device = directory.identity.partition(":")[0]
            in_use = file.parsed.kind == ACTIVE and (
                f"{device}:{file.inode}" in writers or (writers.unseen and is_journalds(path))
            )
            verdict = _verdict(runner, path, file, check, in_use=in_use)
            if verdict:
                yield verdict


def _verdict(runner: Runner, path: str, file: JournalFile, check: Check, *, in_use: bool) -> Optional[Verdict]:
    """None when the file is gone by now."""
    header = file.header
    if header.incompatible & ~check.known and not file.open_error:
        return Verdict(path, file, State.NEWER)
    if file.damage:
        return Verdict(path, file, State.DAMAGED, file.damage, _loss(path, file))
    if header.state == "online" and in_use:
        return Verdict(path, file, State.IN_USE)
    if header.sealed and not check.key:
        loss = _loss(path, file)
        damaged = loss.lost or loss.partial
        return Verdict(path, file, State.DAMAGED if damaged else State.SEALED, loss.why if damaged else "", loss)
    said = _said_by_journalctl(runner, path, check.key)
    if not said:
        return Verdict(path, file, State.NEVER_CLOSED if header.state == "online" else State.SOUND)
    if not os.path.lexists(path):
        return None
    if file.parsed.kind == ACTIVE and _header_now(path) != header:
        return Verdict(path, file, State.IN_USE)
    loss = _loss(path, file)
    of_seals = next((line for line in said if _OF_SEALS.search(line)), "") if header.sealed else ""
    if of_seals and not (loss.lost or loss.partial):
        return Verdict(path, file, State.SEAL_BROKEN, of_seals, loss)
    return Verdict(path, file, State.DAMAGED, said[-1], loss)


def _loss(path: str, file: JournalFile) -> Loss:
    """What of it cannot be read, by its objects."""
    salvage = Salvage(path)
    with suppress(OSError):
        for _ in salvage.entries() if file.header.readable else ():
            pass
    return salvage.loss


@dataclass(frozen=True)
class Writers:
    """The files that processes of journald have open, as device and inode. unseen: this user may not see them."""

    files: frozenset[str]
    unseen: bool

    def __contains__(self, file: str) -> bool:
        return file in self.files


def _written_to() -> Writers:
    """The files that journald, or one of its kind, has open: `systemd-journal` is the beginning of each one's name."""
    files: set[str] = set()
    unseen = False
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", "rb") as comm:
                if not comm.read().startswith(b"systemd-journal"):
                    continue
            for name in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    status = os.stat(f"/proc/{pid}/fd/{name}")
                    files.add(f"{status.st_dev}:{status.st_ino}")
        except PermissionError:
            unseen = True
        except OSError:
            continue  # it ended
    return Writers(frozenset(files), unseen)


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


def _said_by_journalctl(runner: Runner, path: str, key: str) -> list[str]:
    """The lines in which journalctl says what is wrong with a file, none for nothing: that is by its exit status.

    key: of the seals, "" for none

    Raises Failed when it could not do its work: it calls that a failure of the file, too.
    """
    try:
        argv = ["journalctl", "--verify", f"--file={as_pattern(path)}", *([f"--verify-key={key}"] if key else [])]
        runner.run(Command(tuple(argv), mutates=False, timeout=VERIFY_SECONDS, secret=key))
    except CommandFailed as error:
        match = _FAIL.search(error.result.stderr)
        if match and match[1] in _NOT_OF_THE_FILE and os.path.lexists(path):
            why = f"{match[1]}: it needs room for temporary files in /var/tmp, and no file can be judged without"
            raise Failed("journalctl --verify", why, todo="df -h /var/tmp; mount | grep /var") from error
        words = last_lines(error.result.stderr, 3).replace("\r", "\n").split("\n")
        lines = [word for word in words if word.strip() and not word.startswith(("FAIL", "PASS"))]
        return [line.strip() for line in lines] or [f"journalctl --verify ends with status {error.result.status}"]
    return []
