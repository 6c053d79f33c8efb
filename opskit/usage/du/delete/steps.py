"""Deleting a file, or a directory with all that is in it: by descriptors, following no link, on one mount only."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import stat
from collections.abc import Iterator
from dataclasses import field
from types import FrameType
from typing import Optional

from opskit.core.errors import Failed, Interrupted
from opskit.core.execute import SIGNALS
from opskit.core.plan import Change, Record, Step
from opskit.core.procfs import mount_number
from opskit.core.record import dataclass
from opskit.core.runner import Runner
from opskit.core.text import counted
from opskit.core.units import ceiling_text
from opskit.usage.du.delete.see.trees import OPEN_DIRECTORY, Levels, listed, open_directory


@dataclass(frozen=True)
class DeleteTree(Step):
    """Delete something, if it is still what was looked at.

    path: from / on, without links above its name
    device, inode: which one it is
    entries: itself and all in it, when the plan was made
    frees: bytes that this alone frees at once
    """

    kind = "usage.delete"
    path: str
    directory: bool
    device: int
    inode: int
    entries: int
    frees: int = 0

    @property
    def change(self) -> Change:
        what = counted(self.entries, "entry", "entries") if self.directory else "one file"
        words = ("rm", "-r", "--one-file-system", "--") if self.directory else ("rm", "--")
        return Change(
            action="delete",
            target=self.path,
            before=what,
            after=f"gone; frees {ceiling_text(self.frees)}",
            commands=(shlex.join((*words, self.path)),),
            reversible=False,
        )

    @property
    def essence(self) -> Change:
        identity = f"{self.device}:{self.inode}, {self.entries} entries"
        return Change("delete", self.path, identity, "gone", (), reversible=False)

    @property
    def checks(self) -> tuple[str, ...]:
        return (f'[ "$(stat -c %d:%i -- {shlex.quote(self.path)})" = {self.device}:{self.inode} ]',)

    def apply(self, runner: Runner, record: Record) -> Record:
        deletion = _Deletion(self)
        try:
            with deletion.interruptible():
                deletion.run()
        except OSError as error:
            failed = Failed(self.path, f"{error.strerror}: {deletion.at()}", state="")
            failed.record = {"deleted": deletion.deleted}
            raise failed from error
        except (Failed, Interrupted) as error:
            error.record = {"deleted": deletion.deleted}
            raise
        return {"deleted": deletion.deleted}

    def verify(self, runner: Runner, record: Record) -> None:
        with contextlib.suppress(FileNotFoundError):
            status = os.lstat(self.path)
            if (status.st_dev, status.st_ino) == (self.device, self.inode):
                raise Failed(self.path, "it is still there")

    def undo(self, runner: Runner, record: Record) -> None:
        if record.get("deleted") != 0:  # of a run that was killed nobody knows
            super().undo(runner, record)

    def undo_change(self, record: Record) -> str:
        deleted = record.get("deleted")
        return "what is deleted cannot be taken back" + (
            f" ({counted(deleted, 'entry is', 'entries are')} gone)" if deleted else ""
        )


@dataclass
class _Deletion:
    """One deletion under way.

    deleted: entries so far
    names: the names from the target down to where it is
    signal: the one that came meanwhile, 0 for none
    """

    step: DeleteTree
    deleted: int = 0
    names: list[str] = field(default_factory=list)
    signal: int = 0
    mount: int = 0

    def at(self) -> str:
        return "/".join([self.step.path, *self.names])

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Note a signal, too, so that it ends a long deletion between two entries and not after the last one."""
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def note(number: int, frame: Optional[FrameType]) -> None:
            self.signal = self.signal or number
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        heard = [number for number, handler in before.items() if callable(handler)]
        try:
            for number in heard:
                signal.signal(number, note)
            yield
        finally:
            for number in heard:
                signal.signal(number, before[number])

    def run(self) -> None:
        """Delete it. Raises OSError, Failed where something else is in its place, Interrupted."""
        above, name = os.path.split(self.step.path)
        parent = open_directory(above)
        try:
            self.mount = mount_number("/proc", "self", str(parent))
            self._check(os.stat(name, dir_fd=parent, follow_symlinks=False))
            if self.step.directory:
                if os.fstat(parent).st_dev != self.step.device:
                    raise Failed(self.step.path, "it is on another filesystem than what it is in, or a subvolume")
                descriptor = os.open(name, OPEN_DIRECTORY, dir_fd=parent)
                self._empty(descriptor)
                os.rmdir(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)
            self.deleted += 1
            os.fsync(parent)
        finally:
            os.close(parent)

    def _check(self, status: os.stat_result) -> None:
        if (status.st_dev, status.st_ino) != (self.step.device, self.step.inode):
            why = "something else is there by now"
            raise Failed(self.step.path, why, todo="look again, and mark it again")

    def _empty(self, descriptor: int) -> None:
        """Delete all in an open directory, which is closed then."""
        levels = Levels()
        levels.push(*self._level(descriptor, target=True))
        try:
            while levels:
                here, entries = levels.lowest
                entry = next(entries, None)
                if self.signal:
                    raise Interrupted(self.signal, state="")
                if entry is None:
                    levels.pop()
                    if levels:
                        with contextlib.suppress(FileNotFoundError):
                            os.rmdir(self.names[-1], dir_fd=levels.lowest[0])
                            self.deleted += 1
                        self.names.pop()
                    continue
                with contextlib.suppress(FileNotFoundError):  # somebody else has deleted it
                    inner = self._remove(entry, here)
                    if inner >= 0:
                        self.names.append(entry)
                        levels.push(*self._level(inner))
        finally:
            levels.close()

    def _level(self, descriptor: int, *, target: bool = False) -> tuple[int, Iterator[str]]:
        """An open directory and its names. Raises Failed for one on another filesystem or mount; it is closed then."""
        try:
            self._check_level(descriptor, target=target)
            names = listed(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, iter(names)

    def _check_level(self, descriptor: int, *, target: bool) -> None:
        status = os.fstat(descriptor)
        if target:
            self._check(status)
        if status.st_dev != self.step.device:
            raise Failed(self.at(), "it is on another filesystem")
        if mount_number("/proc", "self", str(descriptor)) != self.mount:
            raise Failed(self.at(), "something is mounted there by now")

    def _remove(self, name: str, directory: int) -> int:
        """Delete a name in an open directory; of a directory a descriptor instead, -1 for what is gone."""
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            return os.open(name, OPEN_DIRECTORY, dir_fd=directory)
        os.unlink(name, dir_fd=directory)
        self.deleted += 1
        return -1
