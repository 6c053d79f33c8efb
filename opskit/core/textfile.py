"""A text file of the host, replaced whole: checked to be as it was decided on, written beside and renamed, taken back.

Mode, owner and extended attributes (the SELinux context is one) stay those of the file replaced. Each change has the
shell lines that do the same. Steps that know the whole text are a ReplaceText (drop-ins, sysconfig); those that edit
a text which the ledger must not hold (fstab) use the functions.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Optional

from opskit.core.checks import absent_checks, file_checks
from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import read_bytes, sha256, sync_directory, write_atomic
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass


def read_file(path: str) -> bytes:
    """The whole file. Raises Failed."""
    try:
        return read_bytes(path)
    except OSError as error:
        raise Failed(path, f"it cannot be read ({error.strerror})") from error


def read_text(path: str) -> Optional[str]:
    """The text of a file, None when there is none. Raises Failed, also for what is no file (a link to /dev/null)."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise Failed(path, "it is not a regular file", todo=f"ls -l {shlex.quote(path)}")
    return read_file(path).decode("utf-8", "surrogateescape") if _is_there(path) else None


def file_hash(path: str) -> str:
    """The hash of a file, "" when it is absent. Raises Failed."""
    return sha256(read_file(path)) if _is_there(path) else ""


def _is_there(path: str) -> bool:
    """Whether there is something by this name; yes where nobody can tell, since to read it says why."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def unchanged(path: str, expected: str) -> bytes:
    """The whole file, if its hash is still the expected one. Raises Failed."""
    data = read_file(path)
    if sha256(data) != expected:
        raise changed(path)
    return data


def changed(path: str) -> Failed:
    """The error for a file that somebody changed since the plan was made."""
    return Failed(path, "it was changed since the plan was made", todo="run the same command again")


def write_file(path: str, data: bytes, *, like: str = "") -> None:
    """Write the whole file atomically. Raises Failed.

    like: the file whose metadata it gets; "" for a new one that everybody may read
    """
    try:
        write_atomic(path, data, like=like, mode=0o644)
    except OSError as error:
        raise Failed(path, f"it cannot be written ({error.strerror})", state=f"{path} is as it was.") from error


def remove_file(path: str) -> None:
    """Remove a file for good, if it is there. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        sync_directory(os.path.dirname(path))


def temporary(path: str) -> str:
    """Where a person's shell makes the new file: beside the old one, hidden, and not by the name of a backup."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.new")


def replacing(path: str, edits: tuple[str, ...]) -> tuple[str, ...]:
    """Shell lines that edit temporary(path), a copy, and put it in place by one rename; all attributes stay."""
    new = shlex.quote(temporary(path))
    return (f"cp -a -- {shlex.quote(path)} {new}", *edits, f"mv -f -- {new} {shlex.quote(path)}")


@dataclass(frozen=True)
class Replacement:
    """A file with the text that it gets.

    before: its text until now, None for absent
    backup: where the old file is kept, "" for nowhere: the step has its text
    """

    path: str
    text: str
    before: Optional[str]
    backup: str = ""

    def checks(self) -> tuple[str, ...]:
        """Shell lines that stop a script if the file is no longer as it was, or the name of the backup is taken."""
        old = "" if self.before is None else sha256(_encoded(self.before))
        return (*file_checks(self.path, old), *(absent_checks(self.backup) if self.backup else ()))

    def lines(self) -> tuple[str, ...]:
        """Shell lines that write it."""
        path = shlex.quote(self.path)
        copy = (f"cp -a -- {path} {shlex.quote(self.backup)}",) if self.backup and self.before is not None else ()
        return (*copy, *self._writing(self.text, exists=self.before is not None))

    def undo_lines(self) -> tuple[str, ...]:
        """Shell lines that take it back."""
        path = shlex.quote(self.path)
        if self.before is None:
            return (f"rm -- {path}",)
        if self.backup:
            return (f"mv -- {shlex.quote(self.backup)} {path}",)
        return self._writing(self.before, exists=True)

    def _writing(self, text: str, *, exists: bool) -> tuple[str, ...]:
        new = shlex.quote(temporary(self.path))
        words = " ".join(map(shlex.quote, text.removesuffix("\n").split("\n")))
        write = f"printf '%s\\n' {words} > {new}" if text.endswith("\n") else f"printf %s {shlex.quote(text)} > {new}"
        if exists:
            return replacing(self.path, (write,))
        folder = shlex.quote(os.path.dirname(self.path))
        return (f"mkdir -p -- {folder}", write, f"mv -f -- {new} {shlex.quote(self.path)}")

    def write(self) -> None:
        """Write it, with its backup and its directory. Raises Failed when the file is not as it was."""
        if read_text(self.path) != self.before:
            raise changed(self.path)
        if self.before is None:
            self._make_directory()
        elif self.backup:
            write_file(self.backup, _encoded(self.before), like=self.path)
        write_file(self.path, _encoded(self.text), like="" if self.before is None else self.path)

    def _make_directory(self) -> None:
        directory = os.path.dirname(self.path)
        try:
            if not os.path.isdir(directory):
                os.makedirs(directory, mode=0o755)
                sync_directory(os.path.dirname(directory))
        except OSError as error:
            raise Failed(directory, f"it cannot be made ({error.strerror})") from error

    def check(self) -> None:
        """Raise Failed if the file does not hold the text."""
        if read_text(self.path) != self.text:
            raise Failed(self.path, "it does not hold what was written")

    def check_unedited(self, now: Optional[str]) -> None:
        """Raise CannotUndo when the text of now is neither that of the replacement nor that of before."""
        if now not in {self.text, self.before}:
            raise CannotUndo(f"{self.path} was changed since", todo=f"cat -- {shlex.quote(self.path)}")

    def take_back(self, *, made: bool) -> None:
        """Put back what was there, unless somebody edited it since. Raises CannotUndo.

        made: whether the directory came with it, and goes with it if nothing else is in it by now
        """
        now = read_text(self.path)
        self.check_unedited(now)
        if self.before is None:
            remove_file(self.path)
        elif now != self.before:
            write_file(self.path, _encoded(self.before), like=self.path)
        if self.backup:
            remove_file(self.backup)
        if made:
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(self.path))


class ReplaceText(Step):
    """A step that gives a file a text, runs `settle`, and takes back both."""

    whole: ClassVar[bool] = True

    if TYPE_CHECKING:  # as Step.change

        @property
        @abstractmethod
        def replacement(self) -> Replacement:
            """The file and its text."""

    @property
    def checks(self) -> tuple[str, ...]:
        """The file is as it was."""
        return self.replacement.checks()

    @property
    def settle(self) -> tuple[Command, ...]:
        """What makes the host take notice of the file."""
        return ()

    @property
    def undo_settle(self) -> tuple[Command, ...]:
        """What makes the host take notice of the file of before."""
        return self.settle

    def lines(self) -> tuple[str, ...]:
        """The shell lines of the change."""
        return (*self.replacement.lines(), *shell_lines(self.settle))

    def undo_lines(self) -> tuple[str, ...]:
        """The shell lines that take it back."""
        return (*self.replacement.undo_lines(), *shell_lines(self.undo_settle))

    def remember(self, runner: Runner) -> Record:
        """Whether the directory of the file is made."""
        return {"made": not os.path.isdir(os.path.dirname(self.replacement.path))}

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises Failed when the file is not as it was."""
        self.replacement.write()
        for command in self.settle:
            runner.run(command)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        """The file holds the text."""
        self.replacement.check()

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where the file is as it was before."""
        now = read_text(self.replacement.path)
        self.replacement.check_unedited(now)
        return None if now == self.replacement.before else super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        """Raises CannotUndo when the file was edited since."""
        # "folder", whether it was there before, is what opskit 0.1.0 noted for memcached's files.
        self.replacement.take_back(made=bool(record.get("made")) or record.get("folder") is False)
        for command in self.undo_settle:
            runner.run(command)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
