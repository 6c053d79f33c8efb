"""The steps of `opskit disk swap`: make the file with its swap area, turn it on; and turn swap off."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import stat
from typing import ClassVar, Optional, Union

from opskit.core.checks import absent_checks
from opskit.core.command import MINUTE, Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import sync_directory
from opskit.core.finding import follow_up
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.units import MIB, size_text
from opskit.disk.swap.see import area_at, available, swap_uuid

# At the worst a disk of these days writes so much a second, and what is swapped out is read back as slowly.
_SLOW = 4 * MIB
# On EL7 (util-linux 2.23) swapon refuses a file with holes, as the kernel does everywhere.
FALLOCATE, ZEROS = "fallocate", "zeros"


@dataclass(frozen=True)
class MakeSwapFile(Step):
    """A file of root's alone, from its first byte, without holes; and a swap area, before it has its name.

    So a run that was killed leaves no file by that name that cannot be used.

    method: fallocate, or zeros: where the filesystem gives swap no blocks that were only set aside.
    no_copy: btrfs, whose swap files may not be copied on write: said before the first byte.
    relabel: whether it gets the SELinux type that the policy has for swap files.
    draft: its name until it is whole; with the run's id in it, so that an undo knows it.
    uuid: of its swap area, which no other file has; "" in ledgers in which a MakeSwap follows.
    """

    kind: ClassVar[str] = "disk.make-swap-file"

    path: str
    size: int
    method: str
    draft: str
    no_copy: bool = False
    relabel: bool = False
    uuid: str = ""

    @property
    def checks(self) -> tuple[str, ...]:
        return (*absent_checks(self.path), *absent_checks(self.draft))

    @property
    def commands(self) -> tuple[Command, ...]:
        """What is run between the making of an empty draft and its getting its name."""
        seconds = MINUTE + self.size / _SLOW
        no_copy = (Command(("chattr", "+C", self.draft), mutates=True),) if self.no_copy else ()
        count = f"count={self.size // MIB}"
        zeros = ("dd", "if=/dev/zero", f"of={self.draft}", "bs=1M", count, "conv=notrunc,fsync", "status=none")
        fill = ("fallocate", "-l", str(self.size), self.draft) if self.method == FALLOCATE else zeros
        label = ("chcon", "-t", "swapfile_t", self.draft)
        relabel = (Command(label, mutates=True, may_fail=True),) if self.relabel else ()
        # No force: it refuses what is in use.
        area = ("mkswap", "-U", self.uuid, self.draft)
        make = (Command(area, mutates=True, timeout=10 * MINUTE),) if self.uuid else ()
        return (*no_copy, Command(fill, mutates=True, timeout=seconds), *relabel, *make)

    @property
    def change(self) -> Change:
        path, draft = shlex.quote(self.path), shlex.quote(self.draft)
        before = (f"(umask 077; set -C; : > {draft})",)
        after = (f"ln {draft} {path}", f"rm {draft}")
        how = "set aside by fallocate" if self.method == FALLOCATE else "written with zeros"
        area = f", swap, UUID {self.uuid}" if self.uuid else ""
        what = f"{size_text(self.size)}, {how}, mode 0600{area}"
        return Change("make-swap-file", self.path, "absent", what, (*before, *shell_lines(self.commands), *after), True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises FileExistsError where there is something by this name by now, and leaves that alone."""
        descriptor = os.open(self.draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # somebody makes it: nothing that a killed run has left
            os.fchmod(descriptor, 0o600)  # whatever the umask is
            inode = os.fstat(descriptor).st_ino
            for command in self.commands:
                runner.run(command)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(self.draft, self.path, follow_symlinks=False)
        except FileExistsError:
            raise Failed(self.path, "somebody has made it since", todo="name another file") from None
        os.unlink(self.draft)
        sync_directory(os.path.dirname(self.path))
        return {"inode": inode}

    def verify(self, runner: Runner, record: Record) -> None:
        status = os.lstat(self.path)
        if not stat.S_ISREG(status.st_mode) or status.st_size != self.size or stat.S_IMODE(status.st_mode) != 0o600:
            raise Failed(self.path, "it is not the file that was made")
        if status.st_blocks * 512 < self.size:
            raise Failed(self.path, "it has holes, and the kernel takes no such file for swap")
        if self.uuid and swap_uuid(self.path) != self.uuid:
            raise Failed(self.path, "it has no swap area with this UUID", todo="dmesg | tail")

    def undo_change(self, record: Record) -> Union[Change, str]:
        return self._removal(self.path)

    def _removal(self, *paths: str) -> Change:
        lines = tuple(f"rm {shlex.quote(path)}" for path in paths)
        return Change("remove-swap-file", paths[0], size_text(self.size), "absent", lines, False)

    def _is_made(self, record: Record) -> bool:
        """Whether the file by its name is the one that this step made, whenever that ended."""
        if not os.path.lexists(self.path):
            return False
        if "inode" in record:
            return os.lstat(self.path).st_ino == int(record["inode"])
        if os.path.lexists(self.draft):
            return os.path.samestat(os.lstat(self.draft), os.lstat(self.path))
        return bool(self.uuid) and swap_uuid(self.path) == self.uuid

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The file, its draft, or both: one file. Raises CannotUndo where there is another one by now."""
        made, draft = self._is_made(record), os.path.lexists(self.draft)
        if "inode" in record and not (made or draft) and os.path.lexists(self.path):
            raise CannotUndo(f"{self.path} is another file by now")
        paths = (*((self.path,) if made else ()), *((self.draft,) if draft else ()))
        return self._removal(*paths) if paths else None

    def undo(self, runner: Runner, record: Record) -> None:
        if not self.left(runner, record):
            return
        if self._is_made(record):
            _need_off(self.path)
            os.unlink(self.path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.draft)
        sync_directory(os.path.dirname(self.path))


@dataclass(frozen=True)
class MakeSwap(Step):
    """mkswap: the header of a swap area with this UUID, in a file that opskit made: it goes with that.

    Of older ledgers: MakeSwapFile makes it now.
    """

    kind: ClassVar[str] = "disk.make-swap"

    path: str
    uuid: str

    @property
    def commands(self) -> tuple[Command, ...]:
        # No force: it refuses a partition table, and whatever is mounted.
        return (Command(("mkswap", "-U", self.uuid, self.path), mutates=True, timeout=10 * MINUTE),)

    @property
    def change(self) -> Change:
        return Change("make-swap", self.path, "blank", f"swap, UUID {self.uuid}", shell_lines(self.commands), True)

    def verify(self, runner: Runner, record: Record) -> None:
        if swap_uuid(self.path) != self.uuid:
            raise Failed(self.path, "it has no swap area with this UUID", todo="dmesg | tail")

    def undo_change(self, record: Record) -> Union[Change, str]:
        return f"{self.path} goes with its file"

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        return None

    def undo(self, runner: Runner, record: Record) -> None:
        """Nothing: the step before it removes the file."""


@dataclass(frozen=True)
class MakeSwapDevice(MakeSwap):
    """The same on a blank device, from which an undo takes the header off again."""

    kind: ClassVar[str] = "disk.make-swap-device"
    under_lock: ClassVar[bool] = True

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return (Command(("wipefs", "-a", "-t", "swap", self.path), mutates=True),)

    def undo_change(self, record: Record) -> Union[Change, str]:
        lines = shell_lines(self.undo_commands(record))
        return Change("remove-swap-area", self.path, f"UUID {self.uuid}", "blank", lines, False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The header, where it is there."""
        return Step.left(self, runner, record) if swap_uuid(self.path) == self.uuid else None

    def undo(self, runner: Runner, record: Record) -> None:
        if self.left(runner, record):
            _need_off(self.path)
            Step.undo(self, runner, record)


def _need_off(path: str) -> None:
    """Raise CannotUndo for swap in use: by then the steps behind have turned it off, unless somebody turned it on."""
    if area_at(path):
        raise CannotUndo(f"{path} is in use as swap", todo=f"swapoff {shlex.quote(path)}")


class _Switch(Step):
    """Turning swap on and off.

    path: as /proc/swaps has it.
    size: of the area, for the time that it can take.
    """

    path: str
    size: int

    def _on(self) -> Command:
        return Command(("swapon", self.path), mutates=True)

    def _off(self) -> Command:
        return Command(("swapoff", self.path), mutates=True, timeout=MINUTE + self.size / _SLOW)

    def _shown(self, *, on: bool) -> tuple[str, ...]:
        """The shell line that stops a script where it is not (or is) in use."""
        there = f'"$(swapon --noheadings --show=NAME | grep -xF {shlex.quote(self.path)} || :)"'
        return (f"[ {'-n' if on else '-z'} {there} ]",)

    def _switch_on(self, runner: Runner) -> None:
        if not area_at(self.path):
            runner.run(self._on())

    def _switch_off(self, runner: Runner) -> None:
        """Raises Failed where what is in it would not fit into memory: swapoff would call the OOM killer."""
        area = area_at(self.path)
        if area is None:
            return
        if area.used > available():
            why = f"{size_text(area.used)} are in it, and {size_text(available())} of memory are available"
            raise Failed(self.path, why, todo="stop what needs the memory first: free -h")
        runner.run(self._off())

    def _check(self, *, on: bool) -> None:
        if bool(area_at(self.path)) != on:
            raise Failed(
                self.path, f"/proc/swaps {'does not show it' if on else 'still shows it'}", todo="dmesg | tail"
            )


@dataclass(frozen=True)
class SwapOn(_Switch):
    """swapon."""

    kind: ClassVar[str] = "disk.swap-on"

    path: str
    size: int

    @property
    def checks(self) -> tuple[str, ...]:
        return self._shown(on=False)

    @property
    def change(self) -> Change:
        after = f"{size_text(self.size)} of swap in use"
        return Change("swap-on", self.path, "not in use", after, shell_lines((self._on(),)), True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises what the runner raises."""
        self._switch_on(runner)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        self._check(on=True)

    def undo_change(self, record: Record) -> Union[Change, str]:
        return Change("swap-off", self.path, "in use", "not in use", shell_lines((self._off(),)), False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        return super().left(runner, record) if area_at(self.path) else None

    def undo(self, runner: Runner, record: Record) -> None:
        self._switch_off(runner)


@dataclass(frozen=True)
class SwapOff(_Switch):
    """swapoff: what is in it is read back into memory."""

    kind: ClassVar[str] = "disk.swap-off"

    path: str
    size: int

    @property
    def checks(self) -> tuple[str, ...]:
        return self._shown(on=True)

    @property
    def change(self) -> Change:
        return Change("swap-off", self.path, "in use", "not in use", shell_lines((self._off(),)), True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Raises Failed where memory would not hold it, and what the runner raises."""
        self._switch_off(runner)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        self._check(on=False)

    def undo_change(self, record: Record) -> Union[Change, str]:
        return Change("swap-on", self.path, "not in use", "in use", shell_lines((self._on(),)), False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where it is in use. Raises CannotUndo where there is no swap area any more."""
        if area_at(self.path):
            return None
        if not swap_uuid(self.path):
            why = "has no swap area" if os.path.lexists(self.path) else "is not there"
            todo = f"{follow_up('disk', 'swap', '--help')} says how to make it anew"
            raise CannotUndo(f"{self.path} {why} any more", todo=todo, missing=self.path)
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        if self.left(runner, record):
            self._switch_on(runner)


STEPS: tuple[type[Step], ...] = (MakeSwapFile, MakeSwap, MakeSwapDevice, SwapOn, SwapOff)
