"""The steps of a vacuum: rotate, copy what goes, run journalctl and compare what went with what was to go."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import time
from dataclasses import replace
from typing import ClassVar, Optional, Union

from opskit.core.caller import machine_id
from opskit.core.checks import absent_checks
from opskit.core.command import MINUTE, Command, shell_lines
from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import sync_directory
from opskit.core.kernel import clone_data
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.runner import Runner
from opskit.core.text import counted
from opskit.core.trust import weak_spot
from opskit.core.units import size_text
from opskit.journal.files.model import JournalDirectory, Scope, files_by_path
from opskit.journal.files.see.directories import read_scope
from opskit.journal.releases import Version, rules_of
from opskit.journal.vacuum.model import VacuumLimits
from opskit.journal.vacuum.rules import Prediction, compare, predict, span_now

# journalctl opens every file before it looks at its clock, and then deletes one by one.
VACUUM_SECONDS = 30 * MINUTE
ROTATE_SECONDS = 30.0
_CHUNK = 1 << 24


@dataclass(frozen=True)
class RotateJournal(Step):
    """Have journald archive what it writes to. version: of systemd. makes: the archived files that come of it."""

    kind: ClassVar[str] = "journal.rotate"
    namespace: str
    version: int
    makes: tuple[str, ...] = ()

    @property
    def change(self) -> Change:
        after = f"{len(self.makes)} of them go" if self.makes else "archived"
        # Nothing stands on it: the copies that were made before are taken back without it.
        return Change("rotate-journal", "journald", "active files", after, shell_lines(self.commands), True)

    @property
    def _waits(self) -> bool:
        """Whether there is a command for it, which ends when it is done."""
        return rules_of(Version(self.version)).rotate

    @property
    def commands(self) -> tuple[Command, ...]:
        """Alone: 239 takes the last of --rotate and --vacuum-*, 252 can drop the rotation."""
        argv = ("systemctl", "kill", "--kill-who=main", "--signal=SIGUSR2", "systemd-journald.service")
        if self._waits:
            argv = ("journalctl", *((f"--namespace={self.namespace}",) if self.namespace else ()), "--rotate")
        return (Command(argv, mutates=True),)

    def verify(self, runner: Runner, record: Record) -> None:
        """The archived files are there: journald answers no signal, so it is waited for."""
        deadline = time.monotonic() + (0 if self._waits else ROTATE_SECONDS)
        while True:
            absent = [path for path in self.makes if not os.path.lexists(path)]
            if not absent:
                return
            if time.monotonic() > deadline:
                why = "it does not exist after the rotation, which should have made it"
                raise Failed(absent[0], why, todo="run the same command again without --rotate and read the plan")
            time.sleep(0.1)

    def undo_change(self, record: Record) -> Union[Change, str]:
        return "a rotation cannot be taken back"

    def undo(self, runner: Runner, record: Record) -> None:
        raise CannotUndo(str(self.undo_change(record)), keeps_earlier=False)


@dataclass(frozen=True)
class VacuumJournal(Step):
    """Run journalctl's vacuum. deletes: what it deletes by the rules; copies: of all of that, or none.

    rotated: the journal was, just before.

    now: the moment from which limits.span counts, microseconds since 1970. bytes: as CopyJournals has them.
    """

    kind: ClassVar[str] = "journal.vacuum"
    scope: Scope
    version: Version
    limits: VacuumLimits
    span_text: str
    now: int
    deletes: tuple[str, ...]
    bytes: int
    copies: tuple[Copied, ...] = ()
    rotated: bool = False

    @property
    def change(self) -> Change:
        before = files_text(len(self.deletes), self.bytes)
        target = self.scope.directory or self.scope.root or "journal"
        return Change("vacuum-journal", target, before, "deleted", shell_lines(self.commands), bool(self.copies))

    @property
    def essence(self) -> Change:
        """Without what is allocated: that is other than before once the kernel has written a new file back."""
        return replace(self, bytes=0).change

    @property
    def commands(self) -> tuple[Command, ...]:
        """With the span as it was typed; apply changes that where a file's age is near to it."""
        return (self._command(self._typed()),)

    def _command(self, span: str) -> Command:
        limits = self.limits
        words = [f"--vacuum-time={span}"] if limits.span else []
        words += [f"--vacuum-size={limits.size}"] if limits.size else []
        words += [f"--vacuum-files={limits.files}"] if limits.files else []
        return Command(("journalctl", *self.scope.options, *words), mutates=True, timeout=VACUUM_SECONDS)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Decide once more, run it, and see what went. Raises Failed when other files would go than were shown.

        What was to go may be gone after a rotation: journald deletes what is above its own limits with each. What
        journalctl did otherwise is in the record and not a failure of the step: it cannot be made undone.
        """
        before = self._read()
        predictions = [predict(directory, self.limits, rules_of(self.version), self.now) for directory in before]
        would = {prediction.directory.path_of(file) for prediction in predictions for file in prediction.deletes}
        gone = [path for path in self.deletes if self.rotated and not os.path.lexists(path)]
        other = sorted(would ^ set(self.deletes).difference(gone))
        if other:
            what = "deleted" if other[0] in would else "kept"
            raise Failed(
                other[0], f"it would now be {what}, unlike when the plan was made", todo="run the same command again"
            )
        runner.run(self._command(self._span(predictions)))
        record = self._compare(before, self._read(), predictions)
        return {**record, "gone": [*gone, *record["gone"]]}

    def _read(self) -> tuple[JournalDirectory, ...]:
        try:
            return read_scope(self.scope, rules_of(self.version), machine_id())
        except OSError as error:
            raise Failed(self.scope.directory, f"it cannot be read ({error.strerror})") from error

    def _span(self, predictions: list[Prediction]) -> str:
        """The span for journalctl, which counts from the moment in which it looks at its clock.

        As it was typed, unless time has passed by a file since: then the one that ends just behind the files that go.
        """
        ages = [candidate.age for prediction in predictions for candidate in prediction.order]
        return span_now(ages, self.limits.span or 0, self.now, time.time_ns() // 1000) or self._typed()

    def _typed(self) -> str:
        return self.span_text if rules_of(self.version).every_unit else f"{self.limits.span}us"

    def _compare(
        self, before: tuple[JournalDirectory, ...], after: tuple[JournalDirectory, ...], predictions: list[Prediction]
    ) -> Record:
        stuck = [prediction.directory.path_of(file) for prediction in predictions for file in prediction.undeletable]
        return compare(files_by_path(before), files_by_path(after), (*self.deletes, *stuck))

    def undo_change(self, record: Record) -> Union[Change, str]:
        if not self.copies:
            return "the files are deleted; --keep-copy DIR would have kept copies of them"
        pairs = tuple(
            f"cp --no-clobber --preserve=all --reflink=auto -- {shlex.quote(c.copy)} {shlex.quote(c.path)}"
            for c in self.copies
        )
        return Change("restore-journals", "journal", "deleted", counted(len(pairs), "file"), (*pairs, "sync"), False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where no file is absent that there was."""
        return super().left(runner, record) if any(not os.path.lexists(path) for path in self.deletes) else None

    def undo(self, runner: Runner, record: Record) -> None:
        """Bring back what went, from the copies. Raises CannotUndo, or Failed."""
        absent = [path for path in self.deletes if not os.path.lexists(path)]
        if absent and not self.copies:
            raise CannotUndo(str(self.undo_change(record)), keeps_earlier=False)
        for file in self.copies:
            if not os.path.lexists(file.path):
                copy_journal(file.copy, file.path)


@dataclass(frozen=True)
class Copied:
    """A file and its copy."""

    path: str
    copy: str


@dataclass(frozen=True)
class CopyJournals(Step):
    """Copy the files that go. bytes: on disk, of all of them; 0 when that is not known yet."""

    kind: ClassVar[str] = "journal.copy"
    place: str
    files: tuple[Copied, ...]
    bytes: int

    @property
    def checks(self) -> tuple[str, ...]:
        return tuple(line for file in self.files for line in absent_checks(file.copy))

    @property
    def change(self) -> Change:
        commands = [f"mkdir -p -m 700 -- {shlex.quote(directory)}" for directory in self._directories()]
        for file in self.files:
            pair = f"{shlex.quote(file.path)} {shlex.quote(file.copy)}"
            commands.append(f"cp --no-clobber --preserve=all --reflink=auto -- {pair}")
        after = f"copies of {files_text(len(self.files), self.bytes)}"
        return Change("copy-journals", self.place, "no copies", after, (*commands, "sync"), reversible=True)

    @property
    def essence(self) -> Change:
        """Without the bytes, as of the vacuum."""
        return replace(self, bytes=0).change

    def _directories(self) -> list[str]:
        return list(dict.fromkeys([self.place, *(os.path.dirname(file.copy) for file in self.files)]))

    def remember(self, runner: Runner) -> Record:
        """Which directories are made."""
        return {"made": [path for path in self._directories() if not os.path.isdir(path)]}

    def apply(self, runner: Runner, record: Record) -> Record:
        for directory in self._directories():
            os.makedirs(directory, mode=0o700, exist_ok=True)
        weak = weak_spot(self.place)
        if weak:  # in /tmp somebody else could have made it in this moment
            raise Failed(self.place, f"others could take or replace the copies: {weak}", todo="another directory")
        for file in self.files:
            copy_journal(file.path, file.copy)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        """Each copy holds what the file holds."""
        for file in self.files:
            if not same_content(file.path, file.copy):
                raise Failed(file.copy, f"it is not the same as {file.path}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        commands = tuple(f"rm -- {shlex.quote(file.copy)}" for file in self.files)
        before = f"copies of {counted(len(self.files), 'file')}"
        return Change("remove-journal-copies", self.place, before, "no copies", commands, reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where there is no copy any more."""
        return super().left(runner, record) if any(os.path.lexists(file.copy) for file in self.files) else None

    def undo(self, runner: Runner, record: Record) -> None:
        """Remove the copies of files that are there; a copy that is the only one left stays."""
        kept = [file.copy for file in self.files if os.path.lexists(file.copy) and not _is_copied(file)]
        gone = [file.copy for file in self.files if file.copy not in kept]
        for path in (*gone, *(unfinished(file.copy) for file in self.files)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        for directory in sorted(record.get("made", ()), key=len, reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
        if kept:
            raise CannotUndo(
                f"{counted(len(kept), 'copy is', 'copies are')} kept: their originals are missing or differ",
                keeps_earlier=False,
            )


def files_text(count: int, size: int) -> str:
    """`3 files, 24M`; a size of 0 is not known and left out."""
    return counted(count, "file") + (f", {size_text(size)}" if size else "")


def copy_journal(source: str, target: str) -> None:
    """As copy_file. Raises Failed."""
    try:
        copy_file(source, target)
    except OSError as error:
        raise Failed(source, f"it cannot be copied to {target} ({error.strerror})") from error


def _is_copied(file: Copied) -> bool:
    try:
        return same_content(file.path, file.copy)
    except OSError:
        return False


def unfinished(target: str) -> str:
    """What a copy is called until it is whole."""
    return f"{target}.opskit-copy"


def copy_file(source: str, target: str) -> None:
    """Copy a regular file with its mode, owner, times and extended attributes, and wait until it is on the disk.

    target appears by a rename, whole. Raises OSError (FileExistsError when there is something by that name).
    """
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    temporary = unfinished(target)
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(reading)
        writing = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _copy_data(reading, writing, status.st_size)
            _copy_attributes(reading, writing, status)
            os.fsync(writing)
        finally:
            os.close(writing)
        _put(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    finally:
        os.close(reading)
    sync_directory(os.path.dirname(target))


def _put(temporary: str, target: str) -> None:
    """Give the file its name; unlike a rename a link never takes the place of something."""
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP}:  # a filesystem without links
            raise
        os.rename(temporary, target)
    else:
        os.unlink(temporary)


def _copy_data(reading: int, writing: int, size: int) -> None:
    try:
        clone_data(reading, writing)
    except OSError:
        _send(reading, writing, size)


def _send(reading: int, writing: int, size: int) -> None:
    """The data, and the holes as holes."""
    os.ftruncate(writing, size)
    at = 0
    while at < size:
        try:
            at = os.lseek(reading, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end
                return
            raise
        end = os.lseek(reading, at, os.SEEK_HOLE)
        os.lseek(writing, at, os.SEEK_SET)
        while at < end:
            sent = os.sendfile(writing, reading, at, min(end - at, _CHUNK))
            if not sent:
                raise OSError(errno.EIO, "it became shorter while it was copied")
            at += sent


def _copy_attributes(reading: int, writing: int, status: os.stat_result) -> None:
    """Mode, owner, times, and what extended attributes the other filesystem takes."""
    for name in os.listxattr(reading):
        with contextlib.suppress(OSError):
            os.setxattr(writing, name, os.getxattr(reading, name))
    os.fchown(writing, status.st_uid, status.st_gid)
    os.fchmod(writing, status.st_mode & 0o7777)
    os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))


def same_content(path: str, copy: str) -> bool:
    """Whether two regular files hold the same bytes. Raises OSError."""
    with open(path, "rb", buffering=0) as left, open(copy, "rb", buffering=0) as right:
        if os.fstat(left.fileno()).st_size != os.fstat(right.fileno()).st_size:
            return False
        while True:
            data = left.read(1 << 20)
            if data != right.read(1 << 20):
                return False
            if not data:
                return True
