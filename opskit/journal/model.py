"""What is known of journal files and their directories. Times are microseconds since 1970, 0 for not known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

ARCHIVED, DISPOSED, ACTIVE = "archived", "disposed", "active"


@dataclass(frozen=True)
class Name:
    """What a file's name says, by which alone a vacuum tells what it may delete.

    kind: archived (`X@id-seqnum-realtime.journal`), disposed (`X@realtime-random.journal~`: it was found damaged, or
    never closed) or active. realtime: of an archived file's first entry; of a disposed one's disposal.
    """

    kind: str
    seqnum_id: str = ""
    seqnum: int = 0
    realtime: int = 0


@dataclass(frozen=True)
class Header:
    """The header of a journal file (systemd's src/libsystemd/sd-journal/journal-def.h).

    problem: why it is none that can be believed, "" for a sound one. state: offline, online or archived.
    entries: how many it claims, even one that is not sound. head, tail: the times of the first and the last entry.
    arrays: where the chain of entry arrays begins. compact: their items have 32 bits.
    """

    problem: str = ""
    state: str = ""
    machine_id: str = ""
    seqnum_id: str = ""
    head_seqnum: int = 0
    entries: int = 0
    head: int = 0
    tail: int = 0
    arrays: int = 0
    compact: bool = False


@dataclass(frozen=True)
class JournalFile:
    """A regular file whose name ends as a journal's.

    allocated: its blocks in bytes, which is what a vacuum counts. opens: why it could not be opened or read, "" else.
    crtime: the xattr user.crtime_usec. atime_stays: reading the file leaves its atime alone (noatime).
    unremovable: it, or its directory, is immutable (chattr +i, +a). links: its hard links.
    """

    name: str
    said: Name
    size: int
    allocated: int
    ctime: int = 0
    mtime: int = 0
    atime: int = 0
    birth: int = 0
    crtime: int = 0
    atime_stays: bool = False
    opens: str = ""
    unremovable: bool = False
    inode: int = 0
    links: int = 1
    header: Header = field(default_factory=Header)


@dataclass(frozen=True)
class Directory:
    """A directory that a vacuum looks at, its files in the order in which readdir hands them over.

    machine_id, namespace: by its name, "" for none. passed_over: journalctl sees it, and its vacuum does not.
    identity: device and inode. read_only: it is on a filesystem that is.
    ignored: names that end as journals' and are no regular files.
    problem: why it could not be read.
    """

    path: str
    machine_id: str = ""
    namespace: str = ""
    files: tuple[JournalFile, ...] = ()
    ignored: tuple[str, ...] = ()
    problem: str = ""
    passed_over: bool = False
    identity: str = ""
    read_only: bool = False


@dataclass(frozen=True)
class Version:
    """A systemd: its number, and the release of the package, which alone tells of what RHEL changed (`252-16.el9`)."""

    number: int
    release: str = ""


@dataclass(frozen=True)
class Limits:
    """What a vacuum is to keep to; None: not asked for, 0: no limit. span in microseconds, size in bytes."""

    span: Optional[int] = None
    size: Optional[int] = None
    files: Optional[int] = None
