"""Try the mount options of a new filesystem on a scratch one, before anything on the disk is made."""

from __future__ import annotations

import os
import shlex
import shutil
from typing import ClassVar, Optional, Union

from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, CommandFailed
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.disk.causes import Attempt, cause_of
from opskit.disk.see.kernel_log import KernelLog


@dataclass(frozen=True)
class TryMountOptions(Step):
    """Mount a scratch filesystem with the options, in a mount namespace that ends with the command.

    folder: a new one for the image; it is removed again.
    size: of the image in bytes, most of which is never written.
    """

    kind: ClassVar[str] = "disk.try-mount-options"
    under_lock: ClassVar[bool] = True  # as what follows: the lock is let go of once

    fstype: str
    options: str
    folder: str
    size: int

    @property
    def change(self) -> Change:
        *making, trial = shell_lines(self.commands)
        clean = f"rm -r -- {shlex.quote(self.folder)}"
        lines = (*making, f"{trial} || {{ {clean}; exit 1; }}", clean)
        return Change("try-mount-options", f"a scratch {self.fstype}", "untried", self.options, lines, reversible=True)

    @property
    def commands(self) -> tuple[Command, ...]:
        argvs = (
            ("mkdir", "-m", "0700", self.folder, self._target),
            ("truncate", "-s", str(self.size), self._image),
            (f"mkfs.{self.fstype}", "-q", self._image),
        )
        return (*(Command(argv, mutates=True) for argv in argvs), self._mount(self.options))

    @property
    def _image(self) -> str:
        return f"{self.folder}/image"

    @property
    def _target(self) -> str:
        return f"{self.folder}/mnt"

    def _mount(self, options: str) -> Command:
        """Mount it where nobody else sees it: the mount and its loop device go with the namespace (unshare(1)).

        -n: /run/mount/utab is the host's, and would keep a line of it where an option is mount's own (_netdev, x-…).
        """
        alone = ("unshare", "--mount", "--propagation", "private")
        joined = f"loop,{options}" if options else "loop"
        argv = ("mount", "-n", "-t", self.fstype, "-o", joined, self._image, self._target)
        return Command((*alone, *argv), mutates=True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises CommandFailed where the mount fails with the options, and not without them."""
        try:
            for command in self.commands[:-1]:
                runner.run(command)
            self._try(runner)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        return {}

    def _try(self, runner: Runner) -> None:
        log = KernelLog()
        try:
            runner.run(self.commands[-1])
        except CommandFailed as error:
            words = log.words()
            try:
                runner.run(self._mount(""))
            except CommandFailed:
                return  # nothing can be tried here, with no options either
            cause = cause_of(Attempt("", self._image, fstype=self.fstype, options=self.options), words)
            why = cause.why if cause else f"{self.fstype} cannot be mounted with {self.options}"
            failed = CommandFailed(error.result, f"{why} (exit status {error.result.status})")
            failed.todo = cause.todo if cause else f"leave out what is wrong in --mount-options (man {self.fstype})"
            raise failed from error
        finally:
            log.close()

    def undo_change(self, record: Record) -> Union[Change, str]:
        lines = (f"rm -r -- {shlex.quote(self.folder)}",)
        return Change("remove-scratch", self.folder, "a scratch filesystem", "absent", lines, reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The folder, where a run that was killed left it. Raises CannotUndo where it is mounted on."""
        if os.path.ismount(self._target):
            raise CannotUndo(f"{self._target} is mounted", keeps_earlier=False, todo=f"umount {self._target}")
        return super().left(runner, record) if os.path.lexists(self.folder) else None

    def undo(self, runner: Runner, record: Record) -> None:
        if self.left(runner, record):
            shutil.rmtree(self.folder, ignore_errors=True)


STEPS: tuple[type[Step], ...] = (TryMountOptions,)
