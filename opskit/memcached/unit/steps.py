"""The steps that hand an instance to systemd: its settings written, its unit started."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from typing import ClassVar, Optional, Union

from opskit.core.checks import unit_checks
from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, Failed
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.systemd import is_active, main_pid, systemctl, unit_file_state
from opskit.core.textfile import Replacement, ReplaceText, read_text
from opskit.memcached.instance.request import Wanted
from opskit.memcached.instance.steps import check, until
from opskit.memcached.line.listen import missing_listeners
from opskit.memcached.see.proc import sockets_of


@dataclass(frozen=True)
class WriteSettings(ReplaceText):
    """Write a sysconfig file or a drop-in.

    before: its text until now in a tuple, an empty one for absent
    backup: where that is kept
    unit, active: what an undo restarts, if it ran before
    reload: whether systemd has to read units again
    """

    kind: ClassVar[str] = "memcached.write-settings"

    path: str
    text: str
    before: tuple[str, ...]
    backup: str
    unit: str
    reload: bool = False
    active: bool = False

    @property
    def replacement(self) -> Replacement:
        return Replacement(self.path, self.text, self.before[0] if self.before else None, self.backup)

    @property
    def settle(self) -> tuple[Command, ...]:
        return (systemctl("daemon-reload"),) if self.reload else ()

    @property
    def undo_settle(self) -> tuple[Command, ...]:
        return (*self.settle, *((systemctl("restart", self.unit),) if self.active else ()))

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """With what the restart costs, where the unit runs."""
        change = super().left(runner, record)
        if change is None or not self.active:
            return change
        return replace(change, after=f"{change.after}; {self.unit} starts anew: what it holds now is gone")

    @property
    def change(self) -> Change:
        before = f"kept as {self.backup}" if self.before else "absent"
        after = "; ".join(line for line in self.text.splitlines() if line and not line.startswith("#"))
        return Change("write-settings", self.path, before, after, self.lines(), reversible=True)

    def undo_change(self, record: Record) -> Union[Change, str]:
        after = "as before" if self.before else "absent"
        return Change("restore-settings", self.path, "opskit's", after, self.undo_lines(), False)


@dataclass(frozen=True)
class WriteTemplate(WriteSettings):
    """Write the template of which systemd makes instances. An undo leaves it to the instances of other runs.

    settings: the settings file of the instance for which it is written
    """

    kind: ClassVar[str] = "memcached.write-template"

    settings: str = ""

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Raises CannotUndo while another instance has a settings file."""
        change = super().left(runner, record)
        if change is not None:
            self._check_unused()
        return change

    def _check_unused(self) -> None:
        folder, own = os.path.split(self.settings)
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else ()):
            if name.startswith("memcached.") and name != own and ".opskit-" not in name:
                raise CannotUndo(f"{self.path} is kept: {folder}/{name} needs it", keeps_earlier=False)

    def undo(self, runner: Runner, record: Record) -> None:
        """Raises CannotUndo when it was edited since, or another instance needs it."""
        if read_text(self.path) == self.text:
            self._check_unused()
        super().undo(runner, record)


@dataclass(frozen=True)
class EnableUnit(Step):
    """Have systemd start a unit at boot."""

    kind: ClassVar[str] = "memcached.enable-unit"

    unit: str

    @property
    def checks(self) -> tuple[str, ...]:
        return (f'[ "$(systemctl is-enabled {shlex.quote(self.unit)} 2>/dev/null || :)" != enabled ]',)

    @property
    def commands(self) -> tuple[Command, ...]:
        return (systemctl("enable", self.unit),)

    @property
    def change(self) -> Change:
        lines = shell_lines(self.commands)
        return Change("enable-unit", self.unit, "does not start at boot", "starts at boot", lines, reversible=True)

    def verify(self, runner: Runner, record: Record) -> None:
        state = unit_file_state(runner, self.unit)
        if state != "enabled":
            raise Failed(self.unit, f"its unit file is {state or 'not there'}, not enabled")

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where it does not start at boot."""
        return super().left(runner, record) if unit_file_state(runner, self.unit) == "enabled" else None

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return (systemctl("disable", self.unit),)

    def undo_change(self, record: Record) -> Union[Change, str]:
        lines = shell_lines(self.undo_commands(record))
        return Change("disable-unit", self.unit, "starts at boot", "does not start at boot", lines, reversible=False)


@dataclass(frozen=True)
class StartUnit(Step):
    """Start a unit (or start it anew), and see that it is as asked for.

    active: whether it ran before
    failed: whether it has failed before; one that was started too often would not be started without a reset

    Where it ran before, an undo leaves it to the step before, which puts its settings back and starts it anew.
    """

    kind: ClassVar[str] = "memcached.start-unit"

    unit: str
    active: bool
    wanted: Wanted
    failed: bool = False

    @property
    def checks(self) -> tuple[str, ...]:
        return unit_checks(self.unit, active=self.active)

    @property
    def commands(self) -> tuple[Command, ...]:
        # Also of what the start limit counts: systemd.unit(5), StartLimitIntervalSec=.
        reset = (systemctl("reset-failed", self.unit),) if self.failed else ()
        return (*reset, systemctl("restart" if self.active else "start", self.unit))

    @property
    def change(self) -> Change:
        before = "runs with other settings" if self.active else "has failed" if self.failed else "not running"
        after = f"listens on {self.wanted.where}" + ("; what it held is gone" if self.active else "")
        return Change("start-unit", self.unit, before, after, shell_lines(self.commands), reversible=True)

    def verify(self, runner: Runner, record: Record) -> None:
        """It stays up, and is as it was asked for."""

        def ready() -> bool:
            pid = main_pid(runner, self.unit)
            return not pid or not missing_listeners(self.wanted.listeners, sockets_of(pid))

        # A unit of Type=simple is started before it listens.
        until(ready, 10.0)
        pid = main_pid(runner, self.unit)
        if not pid:
            raise Failed(self.unit, "it ended at once", todo=f"journalctl -u {self.unit} -n 20")
        check(self.wanted, pid)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where it ran before, or does not run any more."""
        return super().left(runner, record) if not self.active and is_active(runner, self.unit) else None

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return () if self.active else (systemctl("stop", self.unit),)

    def undo_change(self, record: Record) -> Union[Change, str]:
        action, after = ("leave-unit", "runs, with the settings from before") if self.active else (
            "stop-unit", "not running",
        )  # fmt: skip
        return Change(action, self.unit, "runs", after, shell_lines(self.undo_commands(record)), reversible=False)


@dataclass(frozen=True)
class StopUnit(Step):
    """Stop a unit."""

    kind: ClassVar[str] = "memcached.stop-unit"

    unit: str

    @property
    def checks(self) -> tuple[str, ...]:
        return unit_checks(self.unit, active=True)

    @property
    def commands(self) -> tuple[Command, ...]:
        return (systemctl("stop", self.unit),)

    @property
    def change(self) -> Change:
        after = "not running; what it held is gone"
        return Change("stop-unit", self.unit, "runs", after, shell_lines(self.commands), reversible=True)

    def verify(self, runner: Runner, record: Record) -> None:
        if is_active(runner, self.unit):
            raise Failed(self.unit, "it still runs", todo=f"systemctl status {self.unit}")

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where it runs."""
        return None if is_active(runner, self.unit) else super().left(runner, record)

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return (systemctl("start", self.unit),)

    def undo_change(self, record: Record) -> Union[Change, str]:
        lines = shell_lines(self.undo_commands(record))
        return Change("start-unit", self.unit, "not running", "runs again, empty", lines, reversible=False)
