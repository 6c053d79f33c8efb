"""Steps that copy fstab beside itself, and put such a copy back."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import ClassVar, Union

from opskit.core.errors import CannotUndo, Failed
from opskit.core.plan import Change, Record
from opskit.core.runner import Runner
from opskit.disk.fstab_write import (
    FstabStep,
    changed,
    file_hash,
    read,
    replacing,
    settle,
    settling,
    temporary,
    unchanged,
    unlink,
    write,
)

# What a person sees as "before" and "after" of a whole file: enough of its hash to tell two apart.
HASH_SHOWN = 12


@dataclass(frozen=True)
class BackupFstab(FstabStep):
    """Copy fstab to backup, beside it. sha256: what fstab was when this was decided."""

    kind: ClassVar[str] = "disk.backup-fstab"
    path: str
    backup: str
    sha256: str

    @property
    def change(self) -> Change:
        """See Step.change."""
        commands = (f"cp -a -- {shlex.quote(self.path)} {shlex.quote(self.backup)}",)
        return Change("backup-fstab", self.path, "no backup of it", self.backup, commands, reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """Copy it. Raises Failed."""
        data = unchanged(self.path, self.sha256)
        if os.path.lexists(self.backup):
            raise Failed(self.backup, "there is something by this name already", todo="run the command again")
        write(self.backup, data, like=self.path)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """See Step.verify."""
        if file_hash(self.backup) != self.sha256:
            raise Failed(self.backup, f"it is not the same as {self.path}")

    def undo_change(self, record: Record) -> Union[Change, str]:  # noqa: ARG002
        """See Step.undo_change."""
        path, backup = shlex.quote(self.path), shlex.quote(self.backup)
        commands = (f"cmp -- {path} {backup}", f"rm -- {backup}")
        before = f"a copy of {self.path}"
        return Change("remove-fstab-backup", self.backup, before, "absent", commands, reversible=False)

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """Remove the backup, if nothing is lost by that."""
        if not os.path.lexists(self.backup):
            return
        if file_hash(self.backup) != file_hash(self.path):
            why = f"the backup stays: {self.path} is no longer the same as {self.backup}"
            raise CannotUndo(why, keeps_earlier=False)
        unlink(self.backup)


@dataclass(frozen=True)
class RestoreFstab(FstabStep):
    """Put a backup in place of fstab.

    sha256_before: what fstab was when this was decided, "" for absent. sha256_after: what the backup was.
    previous: the backup of what is replaced, for the undo; "" when fstab was absent.
    """

    kind: ClassVar[str] = "disk.restore-fstab"
    path: str
    backup: str
    sha256_before: str
    sha256_after: str
    previous: str = ""
    reload: bool = False
    relabel: bool = False

    @property
    def change(self) -> Change:
        """See Step.change."""
        before = f"sha256 {self.sha256_before[:HASH_SHOWN]}" if self.sha256_before else "absent"
        after = f"{self.backup}, sha256 {self.sha256_after[:HASH_SHOWN]}"
        return Change("restore-fstab", self.path, before, after, self._commands(self.backup), reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """Put it in place. Raises Failed when fstab or the backup is not as it was."""
        if file_hash(self.path) != self.sha256_before:
            raise changed(self.path)
        data = unchanged(self.backup, self.sha256_after)
        write(self.path, data, like=self.path if self.sha256_before else self.backup)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """See Step.verify."""
        if file_hash(self.path) != self.sha256_after:
            raise Failed(self.path, f"it is not the same as {self.backup}")

    def undo_change(self, record: Record) -> Union[Change, str]:  # noqa: ARG002
        """See Step.undo_change."""
        before = f"{self.backup}, sha256 {self.sha256_after[:HASH_SHOWN]}"
        if not self.sha256_before:
            removal = (f"rm -- {shlex.quote(self.path)}", *settling(self.path, reload=self.reload, relabel=False))
            return Change("remove-fstab", self.path, before, "absent", removal, reversible=False)
        return Change(
            "restore-fstab", self.path, before, self.previous, self._commands(self.previous), reversible=False
        )

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """Put back what was there, unless somebody edited since. Raises CannotUndo."""
        now = file_hash(self.path)
        if now not in {self.sha256_before, self.sha256_after}:
            kept = f"; what was there before is in {self.previous}" if self.previous else ""
            raise CannotUndo(f"{self.path} stays: it was changed since{kept}")
        if now != self.sha256_before:
            self._put_back()
        settle(runner, self.path, reload=self.reload, relabel=self.relabel and bool(self.sha256_before))

    def _put_back(self) -> None:
        if not self.sha256_before:
            unlink(self.path)
        elif file_hash(self.previous) == self.sha256_before:
            write(self.path, read(self.previous), like=self.path)
        else:
            raise CannotUndo(f"{self.path} stays: {self.previous} no longer holds what was there before")

    def _commands(self, source: str) -> tuple[str, ...]:
        if not self.sha256_before:
            new = shlex.quote(temporary(self.path))
            after = settling(self.path, reload=self.reload, relabel=self.relabel)
            return (f"cp -a -- {shlex.quote(source)} {new}", f"mv -f -- {new} {shlex.quote(self.path)}", *after)
        edit = f"cat -- {shlex.quote(source)} > {shlex.quote(temporary(self.path))}"
        return replacing(self.path, (edit,), reload=self.reload, relabel=self.relabel)
