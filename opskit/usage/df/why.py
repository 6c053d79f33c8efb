"""Why a filesystem is as full as df says: the parts that add up to it. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Optional

from opskit.core.record import dataclass
from opskit.core.text import counted
from opskit.core.units import ceiling_text
from opskit.usage.df.deleted import KernelFile
from opskit.usage.df.model import Filesystem
from opskit.usage.du.model import TreeEntry

# A directory that is only a place to mount on has one block, at most 64 KiB anywhere.
EMPTY = 64 * 1024
NAMED = 3
# So many of the largest directories are named, and none that has less than this share of what is used.
DIRECTORIES, LEAST = 5, 0.02
# A directory that is mostly one directory below it is not named: the one below is.
MOSTLY = 0.6


@dataclass(frozen=True)
class HiddenFiles:
    """The files under a mount point. size: bytes, with those of the covered directory itself."""

    path: str
    size: int


@dataclass(frozen=True)
class Reclaimable:
    """What often fills a host and can be emptied: a part of du's total.

    paths: those that exist
    size: bytes
    frees: how many of these bytes the command gives back; None where only the command knows
    """

    id: str
    title: str
    paths: tuple[str, ...]
    size: int
    frees: Optional[int]
    command: str


@dataclass(frozen=True)
class WhyFacts:
    """What was counted. Sizes in bytes.

    root: what of the filesystem is mounted here
    du: du's total from the mount point on
    unreadable: paths that du could not read
    deleted, deleted_files: size and number of the files that are deleted but still open
    unseen: how many processes could not be looked at
    hidden_why: why nobody could look under mount points, "" when somebody could
    own: what the filesystem keeps for itself; None where nothing says
    own_how: what that is, or why nothing says
    kernel: deleted files that the kernel holds
    directories: with all that is in them, down to some depth, in any order
    twice: where a part of it is mounted in it once more. du counts that twice; it is in the sum once, unless hidden_why
    """

    filesystem: Filesystem
    root: str
    du: int
    unreadable: tuple[str, ...]
    deleted: int
    deleted_files: int
    unseen: int
    hidden: tuple[HiddenFiles, ...]
    hidden_why: str
    own: Optional[int]
    own_how: str
    places: tuple[Reclaimable, ...]
    kernel: tuple[KernelFile, ...] = ()
    directories: tuple[TreeEntry, ...] = ()
    twice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A part of what df calls used.

    size: bytes; below 0 only for the rest
    command: what shows or frees it
    """

    id: str
    title: str
    size: int
    note: str = ""
    command: str = ""


@dataclass(frozen=True)
class Explanation:
    """The answer. The sizes of parts add up to used; those and available and reserved to size (bytes)."""

    filesystem: Filesystem
    parts: tuple[Part, ...]
    reserved: int
    reserved_note: str
    hidden: tuple[HiddenFiles, ...]
    places: tuple[Reclaimable, ...]
    missing: tuple[str, ...]
    largest: tuple[TreeEntry, ...] = ()


def explain(facts: WhyFacts) -> Explanation:
    """The parts, the largest known one first and the rest last; and what could not be seen."""
    filesystem = facts.filesystem
    used = filesystem.used or 0
    count = facts.deleted_files
    deleted_note = f"{count} deleted file{'s that are' if count > 1 else ' that is'} still open" if count else ""
    deleted_line = f"opskit df --deleted {quote(filesystem.mount_point)}"
    hidden = sum(mount.size for mount in facts.hidden)
    parts = [
        Part(
            "files",
            "files that du finds",
            facts.du,
            _twice_note(facts),
            f"opskit du -x {quote(filesystem.mount_point)}",
        ),
        Part("deleted", "deleted but still open", facts.deleted, deleted_note, deleted_line if facts.deleted else ""),
        Part("hidden", "hidden under mount points", hidden, _points(facts.hidden)),
        Part("own", "the filesystem's own", facts.own or 0, facts.own_how),
    ]
    rest = used - sum(part.size for part in parts)
    if facts.kernel:
        held = min(max(0, rest), sum(file.most for file in facts.kernel))
        note = ", ".join(f"{file.path} (deleted; {file.holder})" for file in facts.kernel[:NAMED])
        parts.append(Part("kernel", "deleted, held by the kernel", held, note, deleted_line))
        rest -= held
    parts.sort(key=lambda part: -part.size)
    # du -x goes into no subvolume, and what was deleted is in a snapshot still.
    subvolumes = filesystem.fstype == "btrfs" and rest > 0
    line = f"btrfs subvolume list {quote(filesystem.mount_point)}" if subvolumes else ""
    parts.append(Part("unexplained", "unexplained", rest, _rest_note(facts, rest), line))
    figures = filesystem.figures
    reserved = (figures.free - figures.available) * figures.block_size if figures else 0
    note = "neither used nor available: free, and kept for root or for the filesystem itself" if reserved else ""
    places = tuple(sorted(facts.places, key=lambda place: -place.size))
    largest = tuple(_largest(facts.directories, used))
    return Explanation(filesystem, tuple(parts), reserved, note, facts.hidden, places, tuple(_missing(facts)), largest)


def _largest(directories: Sequence[TreeEntry], used: int) -> list[TreeEntry]:
    """The directories to look into, the largest first; none is in another one."""
    below: dict[str, list[TreeEntry]] = {}
    root = min(directories, key=lambda entry: len(entry.path), default=None)
    for entry in directories:
        if entry is not root:
            below.setdefault(entry.path.rpartition("/")[0] or "/", []).append(entry)

    def name(entry: TreeEntry) -> Iterator[TreeEntry]:
        children = below.get(entry.path, [])
        large = [child for child in children if child.bytes >= LEAST * used]
        if entry is not root and max((child.bytes for child in children), default=0) < MOSTLY * entry.bytes:
            yield entry
        else:
            for child in large:
                yield from name(child)

    return sorted(name(root) if root else (), key=lambda entry: -entry.bytes)[:DIRECTORIES]


def _points(hidden: tuple[HiddenFiles, ...]) -> str:
    """The mount points that hide most; an empty directory under one is of no interest."""
    most = sorted((point for point in hidden if point.size > EMPTY), key=lambda point: -point.size)
    more = f" and {len(most) - NAMED} more" if len(most) > NAMED else ""
    return ", ".join(f"{point.path} ({ceiling_text(point.size)})" for point in most[:NAMED]) + more


def _twice_note(facts: WhyFacts) -> str:
    if not facts.twice:
        return ""
    more = f" and {len(facts.twice) - NAMED} more" if len(facts.twice) > NAMED else ""
    here = "" if facts.hidden_why else ", this sum once"
    return f"a part is mounted again at {', '.join(facts.twice[:NAMED])}{more}; du counts that twice{here}"


def _rest_note(facts: WhyFacts, rest: int) -> str:
    if facts.root != "/":
        return f"only {facts.root} of the filesystem is mounted here; the other parts are not counted"
    if rest < 0:
        return "du counts more than the disk holds: shared extents, compression, small files kept in metadata"
    if rest and facts.filesystem.fstype == "btrfs":
        return "snapshots and other subvolumes may be in it"
    if rest and facts.filesystem.fstype == "overlay":
        return "df has the figures of the filesystem beneath the overlay: all else that is on that one is in it"
    if rest and _missing(facts):
        return "what could not be seen may be in it"
    return "blocks that the filesystem has not accounted yet, or files that came or went meanwhile" if rest else ""


def _missing(facts: WhyFacts) -> list[str]:
    texts = [facts.hidden_why] if facts.hidden_why else []
    if facts.own is None:
        texts.append(f"the filesystem's own: {facts.own_how}")
    if facts.unseen:
        processes = counted(facts.unseen, "process", "processes")
        texts.append(f"deleted files of {processes} that could not be looked at")
    if facts.unreadable:
        count = len(facts.unreadable)
        first = f"the first: {facts.unreadable[0]}"
        texts.append(f"{count} paths that could not be read, {first}" if count > 1 else f"{facts.unreadable[0]}")
    return texts
