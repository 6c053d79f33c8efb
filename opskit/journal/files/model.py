"""What is known of journal files and their directories. Times are microseconds since 1970, 0 for not known."""

from __future__ import annotations

import errno
import functools
import os
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple, Optional

from opskit.core.record import dataclass
from opskit.core.units import local_text

ARCHIVED, DISPOSED, ACTIVE = "archived", "disposed", "active"
ROOTS = ("/run/log/journal", "/var/log/journal")
# What the reader says of a file that this user may not open.
DENIED = os.strerror(errno.EACCES)
_1970 = date(1970, 1, 1)
# Numbers in two digits: to look one up takes half as long as to format it, and a vacuum tells of times by the thousand.
_TWO = tuple(f"{number:02}" for number in range(60))
_NAMESPACE = re.compile(r"[0-9A-Za-z:\-_.\\@]{1,200}", re.ASCII)


class ParsedName(NamedTuple):
    """What a file's name says, by which alone a vacuum tells what it may delete.

    kind: archived (`X@id-seqnum-realtime.journal`), disposed (`X@realtime-random.journal~`: it was found damaged, or
        never closed) or active.
    realtime: of an archived file's first entry; of a disposed one's disposal.
    """

    kind: str
    seqnum_id: str = ""
    seqnum: int = 0
    realtime: int = 0


class Header(NamedTuple):
    """The header of a journal file (systemd's src/libsystemd/sd-journal/journal-def.h).

    damage: why it cannot be believed, "" for a sound one.
    state: offline, online or archived.
    entries: how many it claims, even one that is not sound.
    head, tail: the times of the first and the last entry.
    arrays: where the chain of entry arrays begins.
    compact: their items have 32 bits.
    readable: its objects can be read one by one, whatever damage there is.
    sealed: with seals of journald (FSS).
    incompatible: the flags of what a reader must know, 0 where it is no header at all.
    """

    damage: str = ""
    state: str = ""
    machine_id: str = ""
    seqnum_id: str = ""
    head_seqnum: int = 0
    entries: int = 0
    head: int = 0
    tail: int = 0
    arrays: int = 0
    compact: bool = False
    readable: bool = True
    sealed: bool = False
    incompatible: int = 0


class JournalFile(NamedTuple):
    """A regular file whose name ends as a journal's.

    allocated: its blocks in bytes, which is what a vacuum counts.
    crtime: the xattr user.crtime_usec.
    atime_stays: reading the file leaves its atime alone (noatime); not looked at where it has an older time.
    open_error: why it could not be opened or read, "" else.
    unremovable: it, or its directory, is immutable (chattr +i, +a).
    links: its hard links.
    """

    name: str
    parsed: ParsedName
    size: int
    allocated: int
    ctime: int = 0
    mtime: int = 0
    atime: int = 0
    birth: int = 0
    crtime: int = 0
    atime_stays: bool = False
    open_error: str = ""
    unremovable: bool = False
    inode: int = 0
    links: int = 1
    header: Header = Header()

    @property
    def damage(self) -> str:
        """Why its entries cannot be read, "" for a sound file."""
        return self.open_error or self.header.damage


@dataclass(frozen=True)
class JournalDirectory:
    """A directory that a vacuum looks at, its files in the order in which readdir hands them over.

    machine_id, namespace: by its name, "" for none.
    ignored: names that end as journals' and are no regular files.
    read_error: why it could not be read, "" else.
    passed_over: journalctl sees it, and its vacuum does not.
    identity: device and inode.
    read_only: it is on a filesystem that is.
    denied: this process may not delete in it, root or not.
    """

    path: str
    machine_id: str = ""
    namespace: str = ""
    files: tuple[JournalFile, ...] = ()
    ignored: tuple[str, ...] = ()
    read_error: str = ""
    passed_over: bool = False
    identity: str = ""
    read_only: bool = False
    denied: bool = False

    def path_of(self, file: JournalFile) -> str:
        """The path of a file in it."""
        return f"{self.path}/{file.name}"


@dataclass(frozen=True)
class Loss:
    """What of a journal file cannot be read.

    entries: how many it claims
    lost: entries of which nothing can be read
    partial: entries that lack fields
    first, last: between which times those are
    why: what is damaged, the first of it
    clock_back: nothing is; its times go back, and journalctl's search by time passes entries over
    """

    path: str = ""
    entries: int = 0
    lost: int = 0
    partial: int = 0
    first: int = 0
    last: int = 0
    why: str = ""
    clock_back: bool = False


def files_by_path(directories: Iterable[JournalDirectory]) -> dict[str, JournalFile]:
    """Every file of these directories by its path."""
    return {directory.path_of(file): file for directory in directories for file in directory.files}


@dataclass(frozen=True)
class Scope:
    """What was asked for.

    directory: -D.
    root: --root.
    namespace: its name, `*` for all, `+name` for it and the default; the default one alone for "".
    everything: all that there is, whatever a vacuum would look at.
    """

    directory: str = ""
    root: str = ""
    namespace: str = ""
    everything: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The options of journalctl that ask for the same."""
        words = [f"--directory={self.directory}"] if self.directory else []
        words += [f"--root={self.root}"] if self.root else []
        words += [f"--namespace={self.namespace}"] if self.namespace else []
        return tuple(words)


def valid_namespace(name: str) -> bool:
    """Whether this can be the name of a journal namespace (systemd's log_namespace_name_valid)."""
    return bool(_NAMESPACE.fullmatch(name)) and name not in {".", ".."}


def moment_text(microseconds: int) -> Optional[str]:
    """RFC 3339 with zone, to the microsecond; None for a time that is not known, or that no calendar has."""
    if not microseconds:
        return None
    seconds, micro = divmod(microseconds, 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    try:
        return f"{_day_text(days)}T{_TWO[hour]}:{_TWO[minute]}:{_TWO[second]}.{micro:06}Z"
    except OverflowError:
        return None


@functools.lru_cache(maxsize=1000)  # files are many on one day
def _day_text(days: int) -> str:
    """The date so many days after 1970-01-01. Raises OverflowError."""
    return (_1970 + timedelta(days)).isoformat()


def to_the_second(moment: Optional[str]) -> str:
    """A moment as moment_text has it, for a person, in the zone of the host and with its offset; "" for none."""
    if not moment:
        return ""
    try:
        return local_text(datetime.fromisoformat(f"{moment[:19]}+00:00"))
    except (OverflowError, ValueError, OSError):
        return f"{moment[:19]}Z"
