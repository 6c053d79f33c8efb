"""The steps that make rpm's Berkeley DB usable again: copy it, set its regions aside, `rpm --rebuilddb`.

As rpm's documentation has it for DB_RUNRECOVERY, and nothing of it while anything has the database open: without its
regions two processes would write into it at once.
"""

from __future__ import annotations

import os
from shlex import quote
from typing import ClassVar, Optional

from opskit.core.checks import absent_checks, inode_checks
from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import Busy, CannotUndo, Failed
from opskit.core.files import sync_directory
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.yum.see.facts import see
from opskit.yum.state import opskit_line

# A database of 10,000 packages is rebuilt in minutes on a slow disk.
_HALF_AN_HOUR = 1800.0


@dataclass(frozen=True)
class _OfDatabase(Step):
    """What the three have.

    root: as in model.Facts.
    folder: that of the database.
    backup: the folder beside it that the copy is in.
    inode: that of its Packages: a rebuilt one has another.
    """

    under_lock: ClassVar[bool] = True

    root: str
    folder: str
    backup: str
    inode: int

    @property
    def checks(self) -> tuple[str, ...]:
        packages, region = quote(f"{self.folder}/Packages"), quote(f"{self.folder}/__db.001")
        message = quote(f"a process has {self.folder} open")
        free = f"if fuser -s {packages} {region}; then echo {message} >&2; exit 1; fi"
        return (*inode_checks(f"{self.folder}/Packages", self.inode), "command -v fuser > /dev/null", free)

    def _same(self) -> bool:
        try:
            return os.lstat(f"{self.folder}/Packages").st_ino == self.inode
        except OSError:
            return False

    def _check(self, runner: Runner) -> None:
        """Raise Busy unless the database is still the broken one, and nobody has it open."""
        todo = f"{opskit_line(self.root, 'lock')} shows how it is now"
        databases = [database for database in see(runner, self.root).databases if database.folder == self.folder]
        if not self._same() or not any(database.broken for database in databases):
            raise Busy(self.folder, "its state is no longer that of the plan", todo=todo)
        openers = [str(opener.pid) for database in databases for opener in database.openers]
        if openers:
            raise Busy(self.folder, f"it is open by now, by pid {', '.join(openers)}", todo=todo)


@dataclass(frozen=True)
class CopyDatabase(_OfDatabase):
    """All of the folder, with owners, modes and labels."""

    kind: ClassVar[str] = "yum.copy-database"

    @property
    def checks(self) -> tuple[str, ...]:
        return (*super().checks, *absent_checks(self.backup))

    @property
    def commands(self) -> tuple[Command, ...]:
        return (Command(("cp", "-a", "--", self.folder, self.backup), mutates=True, timeout=_HALF_AN_HOUR),)

    @property
    def change(self) -> Change:
        return Change("copy", self.folder, "", f"a copy of it in {self.backup}", shell_lines(self.commands), True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises Busy when somebody has the database open by now, or it was made usable."""
        self._check(runner)
        if os.path.lexists(self.backup):
            raise Failed(self.backup, "it is there already")
        super().apply(runner, record)
        for name in os.listdir(self.backup):
            _sync(f"{self.backup}/{name}")
        sync_directory(self.backup)
        sync_directory(os.path.dirname(self.backup))
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        if _sizes(self.folder) != _sizes(self.backup):
            raise Failed(self.backup, f"its files have not the sizes of those in {self.folder}")

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return (Command(("rm", "-r", "--", self.backup), mutates=True),)

    def undo_change(self, record: Record) -> Change:
        return Change("remove", self.backup, "a copy", "gone", shell_lines(self.undo_commands(record)), False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Raises CannotUndo when the copy is all that there is of the database as it was."""
        if not os.path.lexists(self.backup):
            return None
        if not self._same():
            raise CannotUndo(f"the database was rebuilt: the one before is kept in {self.backup}")
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        if self.left(runner, record):
            super().undo(runner, record)


@dataclass(frozen=True)
class SetAsideRegions(_OfDatabase):
    """The regions get to where the copy is: rpm makes new ones, in which no dead process holds anything.

    names, inodes: those of the regions.
    """

    kind: ClassVar[str] = "yum.set-regions-aside"

    names: tuple[str, ...]
    inodes: tuple[int, ...]

    @property
    def commands(self) -> tuple[Command, ...]:
        paths = (f"{self.folder}/{name}" for name in self.names)
        return (Command(("mv", "-f", "--", *paths, self.backup), mutates=True),)

    @property
    def change(self) -> Change:
        where = ", ".join(f"{self.folder}/{name}" for name in self.names)
        after = f"moved to {self.backup}; rpm makes new ones"
        return Change("set-aside", where, "a killed process stands in them", after, shell_lines(self.commands), True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises Busy when somebody has the database open by now, or it was made usable."""
        self._check(runner)
        super().apply(runner, record)
        sync_directory(self.folder)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        left = [name for name in self.names if os.path.lexists(f"{self.folder}/{name}")]
        if left:
            raise Failed(self.folder, f"{', '.join(left)} is there again", todo="opskit yum lock")

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        paths = (f"{self.backup}/{name}" for name in self._away())
        return (Command(("mv", "-n", "--", *paths, self.folder), mutates=True),)

    def _away(self) -> list[str]:
        return [name for name in self.names if not os.path.lexists(f"{self.folder}/{name}")]

    def undo_change(self, record: Record) -> Change:
        lines = shell_lines(self.undo_commands(record))
        return Change("put-back", f"{self.folder}/__db.*", f"in {self.backup}", "as they were", lines, False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Raises CannotUndo when rpm has others by now: these would damage what it writes."""
        here = {name: os.lstat(f"{self.folder}/{name}").st_ino for name in self.names if name not in self._away()}
        if here == dict(zip(self.names, self.inodes)):
            return None
        if not self._same() or any(here.get(name, inode) != inode for name, inode in zip(self.names, self.inodes)):
            raise CannotUndo(f"rpm has new ones: those that a killed process stands in are kept in {self.backup}")
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        if self.left(runner, record):
            super().undo(runner, record)


@dataclass(frozen=True)
class RebuildDatabase(_OfDatabase):
    """`rpm --rebuilddb`: reads what Packages holds, and writes it and every index anew.

    inner: the folder below the root.
    """

    kind: ClassVar[str] = "yum.rebuild-database"

    inner: str

    @property
    def commands(self) -> tuple[Command, ...]:
        return (self._rpm("--rebuilddb"), self._rpm("--verifydb"))

    def _rpm(self, word: str) -> Command:
        root = ("--root", self.root) if self.root else ()
        return Command(("rpm", *root, "--dbpath", self.inner, word), mutates=True, timeout=_HALF_AN_HOUR)

    @property
    def change(self) -> Change:
        after = "written anew from its Packages, and verified"
        return Change("rebuild", self.folder, "not usable (DB_RUNRECOVERY)", after, shell_lines(self.commands), False)

    def undo_change(self, record: Record) -> str:
        return f"the rebuilt database has the same packages; the one before is kept in {self.backup}"

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where rpm had not put the new one in the place of the old one."""
        return None if self._same() else super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        if not self._same():
            raise CannotUndo(self.undo_change(record))


def _sizes(folder: str) -> dict[str, int]:
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
        return {entry.name: entry.stat(follow_symlinks=False).st_size for entry in files}


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
