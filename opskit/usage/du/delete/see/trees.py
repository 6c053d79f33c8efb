"""Looks at what is to be deleted: what it is, what it takes, and who has it open."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Callable, Optional

from opskit.core.caller import CAP_FOWNER, has_capability
from opskit.core.kernel import Statx
from opskit.core.mountinfo import mount_of, mounts_here
from opskit.core.reach import check_answers
from opskit.core.runner import Runner
from opskit.usage.du.delete.model import DeleteFacts, DeleteTarget, Hindrance, LinkedFile, OpenedFile
from opskit.usage.du.delete.see.needs import needs_of
from opskit.usage.du.delete.see.uses import Uses, see_uses

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
# So many directories are held open, of a deeper tree the lowest: a process may often open 1,024 files (getrlimit(2)).
HELD = 256
# So many hindrances of one target are kept: of a million the first tell enough.
MOST = 100
# What a path is not any more. A directory that is opened without following a link is none (ENOTDIR), or a link (ELOOP).
_REPLACED = ("delete-gone", "something else has taken the place of a directory")
_LOST = {
    errno.ENOENT: ("delete-gone", "it is not there any more"),
    errno.ENOTDIR: _REPLACED,
    errno.ELOOP: _REPLACED,
    errno.ESTALE: ("delete-gone", "it was moved meanwhile"),
}
FIXED = "is immutable, or can only be appended to"
ROOT_MAY_NOT = "root may not do that here: in a container, do it on its host; on a network share, on its server"
# Called at each directory, with the entries so far and its path.
DeleteTick = Callable[[int, str], None]


def open_directory(path: str) -> int:
    """A descriptor of a directory, opened name by name from / on; none of them may be a link. Raises OSError."""
    if not path.startswith("/"):  # from / on it is something else than what was meant
        raise ValueError(f"{path!r} does not begin at /")
    descriptor = os.open("/", OPEN_DIRECTORY)
    for name in path.split("/"):
        if name:
            try:
                inner = os.open(name, OPEN_DIRECTORY, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = inner
    return descriptor


def listed(descriptor: int) -> list[str]:
    """The names in an open directory; none where it has been deleted meanwhile."""
    try:
        return os.listdir(descriptor)
    except FileNotFoundError:
        return []


class Levels:
    """Open directories with the names that are to come in them, from a target down to the lowest.

    Of a deep tree those far up are closed, and opened again by their "..".
    """

    def __init__(self) -> None:
        # A descriptor, -1 while it is closed; the names; which directory it is.
        self._levels: list[tuple[int, Iterator[str], tuple[int, int]]] = []

    def __bool__(self) -> bool:
        return bool(self._levels)

    @property
    def lowest(self) -> tuple[int, Iterator[str]]:
        """The lowest directory, and the names in it."""
        return self._levels[-1][:2]

    def push(self, descriptor: int, names: Iterator[str]) -> None:
        """Go into an open directory of the lowest one."""
        status = os.fstat(descriptor)
        self._levels.append((descriptor, names, (status.st_dev, status.st_ino)))
        if len(self._levels) > HELD:
            upper, names, identity = self._levels[-HELD - 1]
            if upper >= 0:
                os.close(upper)
            self._levels[-HELD - 1] = (-1, names, identity)

    def pop(self) -> None:
        """Go up, and close the lowest. Raises OSError where that has been moved to another directory."""
        descriptor = self._levels.pop()[0]
        try:
            if self._levels and self._levels[-1][0] < 0:
                _, names, identity = self._levels[-1]
                upper = os.open("..", OPEN_DIRECTORY, dir_fd=descriptor)
                self._levels[-1] = (upper, names, identity)
                status = os.fstat(upper)
                if (status.st_dev, status.st_ino) != identity:
                    raise OSError(errno.ESTALE, "it was moved meanwhile")
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close all of them."""
        for descriptor, _, _ in self._levels:
            if descriptor >= 0:
                os.close(descriptor)
        self._levels.clear()


def see_targets(
    paths: Sequence[str], runner: Runner, state_dir: str, tick: DeleteTick = lambda _entries, _path: None
) -> DeleteFacts:
    """What these paths are, what deleting them frees, and what stands against it.

    paths: from / on, without links above their names: a scan of a real path goes through none
    state_dir: opskit's own, which is kept
    tick: told how far it is

    Raises Failed when what they are on does not answer.
    """
    check_answers(paths)
    uses = see_uses()
    mounts = mounts_here()
    targets: list[DeleteTarget] = []
    hindrances: list[Hindrance] = []
    for path in paths:
        tree = _DeleteTree(path, uses, tick)
        try:
            tree.look()
        except OSError as error:
            unreadable = ("delete-unreadable", f"it cannot be looked at ({error.strerror})")
            kind, words = _LOST.get(error.errno or 0, unreadable)
            tree.against(kind, tree.at(), words, "dmesg" if error.errno == errno.EIO else "")
        hindrances += tree.hindrances
        mount = mount_of(path, mounts)
        if tree.status:
            targets.append(tree.target(mount.fstype if mount else ""))
    hindrances += needs_of([target.path for target in targets], runner, state_dir, uses)
    return DeleteFacts(tuple(targets), tuple(dict.fromkeys(hindrances)), uses.unseen)


class _DeleteTree:
    """One target while it is looked at. names: from the target down to where that is."""

    def __init__(self, path: str, uses: Uses, tick: DeleteTick) -> None:
        self.path, self.uses, self.tick = path, uses, tick
        self.names: list[str] = []
        self.status: Optional[os.stat_result] = None
        self.entries = self.size = 0
        self.linked: dict[tuple[int, int], list[int]] = {}
        self.opened: list[OpenedFile] = []
        self.hindrances: list[Hindrance] = []
        self.read_only = False
        self.statx = Statx()
        self.user = os.geteuid()
        self.any_owner = has_capability(CAP_FOWNER)

    def at(self, name: str = "") -> str:
        return "/".join([self.path, *self.names, *([name] if name else [])])

    def target(self, fstype: str) -> DeleteTarget:
        """What was seen."""
        assert self.status is not None  # noqa: S101 - look() begins with it
        return DeleteTarget(
            self.path,
            stat.S_ISDIR(self.status.st_mode),
            self.status.st_dev,
            self.status.st_ino,
            self.entries,
            self.size,
            tuple(LinkedFile(*identity, *values) for identity, values in self.linked.items()),
            tuple(self.opened),
            fstype,
        )

    def look(self) -> None:
        """Count all of it. Raises OSError."""
        above, name = os.path.split(self.path)
        parent = open_directory(above)
        try:
            self.status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            self._writable(parent, above)
            self._entry(parent, name, self.path, self.status)
            if stat.S_ISDIR(self.status.st_mode) and self.status.st_dev != os.fstat(parent).st_dev:
                self.against("delete-other-filesystem", self.path)
                return
            if stat.S_ISDIR(self.status.st_mode):
                self._below(os.open(name, OPEN_DIRECTORY, dir_fd=parent))
        finally:
            os.close(parent)

    def _writable(self, parent: int, above: str) -> None:
        self.read_only = bool(os.fstatvfs(parent).f_flag & os.ST_RDONLY)
        if self.read_only:
            why = f"see first why it is read-only: findmnt -T {quote(above)}; dmesg"
            self.against("delete-immutable", self.path, "is on a filesystem that is mounted read-only", why)
        elif self.statx.of(parent, "")[1]:
            # All that is in a target could be deleted before its own name could not.
            self.against("delete-immutable", above, FIXED)
        elif not os.access(f"/proc/self/fd/{parent}", os.W_OK | os.X_OK):
            self.against("delete-unreadable", self.path, f"this user may not delete in {above}")

    def _below(self, descriptor: int) -> None:
        """Count what is in an open directory, which is closed then."""
        levels = Levels()
        levels.push(*self._level(descriptor))
        try:
            while levels:
                here, entries = levels.lowest
                name = next(entries, None)
                if name is None:
                    levels.pop()
                    if self.names:
                        self.names.pop()
                    continue
                with contextlib.suppress(FileNotFoundError):  # it has gone meanwhile
                    inner = self._inside(here, name)
                    if inner >= 0:
                        self.names.append(name)
                        levels.push(*self._level(inner))
        finally:
            levels.close()

    def _inside(self, here: int, name: str) -> int:
        """Count a name in an open directory; a descriptor of it if it is a directory to go into, else -1."""
        status = os.stat(name, dir_fd=here, follow_symlinks=False)
        path = self.at(name)
        is_directory = stat.S_ISDIR(status.st_mode)
        # An overlay gives files the numbers of the filesystem beneath; only a directory tells.
        if is_directory and status.st_dev != self._device:
            self.against("delete-other-filesystem", path)
            return -1
        self._entry(here, name, path, status)
        return os.open(name, OPEN_DIRECTORY, dir_fd=here) if is_directory else -1

    @property
    def _device(self) -> int:
        return self.status.st_dev if self.status else 0

    def _level(self, descriptor: int) -> tuple[int, Iterator[str]]:
        self.tick(self.entries, self.at())
        try:
            names = listed(descriptor)
            if names and not self.read_only and not os.access(f"/proc/self/fd/{descriptor}", os.W_OK | os.X_OK):
                self.against("delete-unreadable", self.at(), "this user may not delete what is in it")
            return descriptor, iter(names)
        except BaseException:
            os.close(descriptor)
            raise

    def _entry(self, directory: int, name: str, path: str, status: os.stat_result) -> None:
        self.entries += 1
        size = status.st_blocks * 512
        identity = (status.st_dev, status.st_ino)
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            self.linked.setdefault(identity, [status.st_nlink, 0, size])[1] += 1
        else:
            self.size += size
        if self.statx.of(directory, name)[1]:
            self.against("delete-immutable", path, FIXED)
        if not self.any_owner and status.st_uid != self.user:
            folder = os.fstat(directory)  # sticky: see unlink(2), EPERM
            if folder.st_mode & stat.S_ISVTX and folder.st_uid != self.user:
                lacks = "" if self.user else ", and this root lacks CAP_FOWNER"
                words = f"it is another user's, in a sticky directory of another user{lacks}"
                self.against("delete-unreadable", path, words)
        for use in self.uses.of.get(identity, ()):
            if use.only_reads and stat.S_ISREG(status.st_mode):
                self.opened.append(OpenedFile(path, *identity, size, use.process))
            else:
                self.against("delete-in-use", path, f"{use.process}, which {use.how}", use.ended_by)

    def against(self, kind: str, path: str, by: str = "", remedy: str = "") -> None:
        """Note what stands against it."""
        if kind == "delete-unreadable" and not self.user:  # sudo gives root nothing that it has not
            remedy = remedy or ROOT_MAY_NOT
        if len(self.hindrances) < MOST:
            self.hindrances.append(Hindrance(kind, path, by, remedy))
