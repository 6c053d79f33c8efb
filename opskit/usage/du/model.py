"""What a scan is to count, and its result. Paths are bytes while walking, and text as os.fsdecode gives it after.

What there are many of is a NamedTuple: it is made in half the time of a frozen dataclass.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from opskit.core.record import dataclass

NEVER = -(1 << 62)  # a time before all others, in seconds since the epoch
MOST_WORKERS = 250  # as many as there is room for on the board (count.py)
KEPT = 30  # scans of the same roots and options in the state directory; the oldest goes when one more comes


@dataclass(frozen=True)
class ScanRequest:
    """What to count. The options that GNU du has mean what they mean there.

    depth: directories down to this one are entries of their own
    apparent: sizes instead of allocated blocks
    directory_sizes: with apparent, also those of directories, as du did before coreutils 9.2
    follow: symbolic links that are followed: "roots", "all" or "" for none
    older_than: only what was last modified at or before this moment (seconds since the epoch); directories themselves
        then count nothing
    by: sums by "ext", "age" or "user"; "" for none
    now: what ages are counted from (seconds since the epoch)
    time: the newest modification of each entry, with all that counts in it
    all: files down to depth are entries too
    links: with all, every further name of a file with several links, too, as an entry of 0 bytes
    files: so many of the largest files are entries too
    engine: a name of readers.READERS; "" for the fastest that works here
    workers: so many processes from the start; 0 for as many as fit the machine and the tree
    """

    roots: tuple[bytes, ...]
    depth: int = 2
    apparent: bool = False
    directory_sizes: bool = True
    one_file_system: bool = False
    count_links: bool = False
    exclude: tuple[bytes, ...] = ()
    older_than: Optional[float] = None
    by: str = ""
    now: float = 0.0
    all: bool = False
    links: bool = False
    time: bool = False
    files: int = 0
    engine: str = ""
    workers: int = 0
    follow: str = ""

    @property
    def detailed(self) -> bool:
        """Whether each file has to be looked at by itself."""
        return bool(self.exclude or self.older_than is not None or self.by or self.all or self.time or self.files)


class TreeEntry(NamedTuple):
    """A directory, or a file: its path, the bytes and the number of entries in it (itself among them).

    kind: directory, file, or link: a further name of a file that counts elsewhere
    newest: when something in it was last modified, in seconds since the epoch; None where that was not asked for
    """

    path: str
    bytes: int
    entries: int
    kind: str = "directory"
    newest: Optional[int] = None


class TreeGroup(NamedTuple):
    """What has one extension, age or owner: bytes and entries."""

    name: str
    bytes: int
    entries: int


class Unreadable(NamedTuple):
    """A path that could not be read, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Scan:
    """The result of a scan; entries and groups the largest first.

    partial: it was interrupted, and this is what had been counted by then
    several: there was more than one root
    on_no_disk: mount points below the roots that are no part of a disk, and their types; counted unless -x was given
    linked: how many files with several links were met
    """

    entries: tuple[TreeEntry, ...]
    total_bytes: int
    total_entries: int
    unreadable: tuple[Unreadable, ...] = ()
    partial: bool = False
    groups: tuple[TreeGroup, ...] = ()
    several: bool = False
    on_no_disk: tuple[tuple[str, str], ...] = ()
    linked: int = 0
