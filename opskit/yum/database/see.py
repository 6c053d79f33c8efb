"""rpm's database in Berkeley DB, without opening it: what is noted in its regions, and who has it open."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from typing import Optional

from opskit.core.files import check_regular, read_bytes
from opskit.core.procfs import exists
from opskit.yum.database.regions import Notes, is_berkeley, read_notes
from opskit.yum.model import RPM, Claim, LockPlace, Relative, RpmDatabase
from opskit.yum.see.processes import PROC, all_pids, inner_pid, link_of, maps_of, read_stat, words_of

REGION = re.compile(r"__db\.\d{3}")
# rpm's first region has some 300 KB.
_MOST_BYTES = 64 * 1024**2
# A line of maps (proc(5)): addresses, rights, offset, device, inode, path.
_MAPPED = re.compile(r"^\S+ \S+ \S+ \S+ (\d+)\s+/.*/__db\.\d{3}(?: \(deleted\))?$", re.MULTILINE)


def see_databases(places: Iterable[LockPlace], *, whole: bool) -> Iterator[RpmDatabase]:
    """The databases beside rpm's locks that are in Berkeley DB and have something noted in their regions.

    whole: whether every process of the host can be seen.
    """
    for place in places:
        if place.tool == RPM:
            try:
                database = _see(os.path.dirname(place.path), os.path.dirname(place.inner), whole=whole)
            except OSError:  # it is being replaced at this moment, or is not this user's to read
                continue
            if database:
                yield database


def _see(folder: str, inner: str, *, whole: bool) -> Optional[RpmDatabase]:
    """None where nothing is noted: the regions of a database at rest stay, and say nothing."""
    first = _notes(folder)
    if first is None or not (first.panic or first.claims):
        return None
    sizes, inodes = _files(folder)
    openers = tuple(
        _openers((f"{folder}/", f"{inner}/"), {inode for name, inode in inodes.items() if REGION.fullmatch(name)})
    )
    # Who closed it in between has taken his notes back.
    again = _notes(folder)
    if again is None or "Packages" not in inodes:
        return None
    known = {number for opener in openers for number in (opener.pid, inner_pid(opener.pid))}
    claims = [
        Claim(claim.pid, claim.writes, claim.pid in known or (not whole and exists(claim.pid)))
        for claim in sorted(first.claims & again.claims, key=lambda claim: (claim.pid, claim.writes))
    ]
    if not claims and not again.panic:
        return None
    regions = tuple(sorted(filter(REGION.fullmatch, inodes)))
    statistics = os.statvfs(folder)
    return RpmDatabase(
        folder=folder,
        inner=inner,
        regions=regions,
        region_inodes=tuple(inodes[name] for name in regions),
        inode=inodes["Packages"],
        size=sum(sizes.values()),
        room=statistics.f_bavail * statistics.f_frsize,
        panic=again.panic,
        claims=tuple(claims),
        openers=openers,
    )


def _notes(folder: str) -> Optional[Notes]:
    try:
        descriptor = os.open(f"{folder}/Packages", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            check_regular(os.fstat(descriptor), f"{folder}/Packages")
            if not is_berkeley(file.read(16)):
                return None
        return read_notes(read_bytes(f"{folder}/__db.001", _MOST_BYTES))
    except OSError:
        return None


def _files(folder: str) -> tuple[dict[str, int], dict[str, int]]:
    """The sizes and the inodes of the files in a folder, by their names."""
    sizes, inodes = {}, {}
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                sizes[entry.name], inodes[entry.name] = status.st_size, status.st_ino
    return sizes, inodes


def _openers(folders: tuple[str, ...], inodes: set[int]) -> Iterator[Relative]:
    """Who has a region in its memory, or a file open in a folder of these names; rather one too many.

    By inode alone, for the device of a mapping is not that of the file on btrfs; by name alone, for a file of a mount
    that does not answer may not be asked. In another mount namespace the name can be that below its root.
    """
    for pid in all_pids():
        mapped = any(int(inode) in inodes for inode in _MAPPED.findall(maps_of(pid)))
        if not (mapped or _has_open(pid, folders)):
            continue
        status = read_stat(pid)
        if status and pid != os.getpid():
            yield Relative(pid, status.name, " ".join(words_of(pid)), status.state, status.start)


def _has_open(pid: int, folders: tuple[str, ...]) -> bool:
    try:
        numbers = os.listdir(f"{PROC}/{pid}/fd")
    except OSError:
        return False
    paths = (link_of(pid, f"fd/{number}") for number in numbers)
    # .rpm.lock is judged by its lock.
    return any(path.startswith(folders) and not path.endswith("/.rpm.lock") for path in paths)
