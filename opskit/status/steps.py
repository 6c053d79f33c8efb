"""The steps of `opskit check --install-timer`: the files of its units written, its timer enabled."""

from __future__ import annotations

import shlex
from typing import ClassVar, Optional, Union

from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import Failed
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.systemd import is_active, systemctl, unit_file_state
from opskit.core.textfile import Replacement, ReplaceText

PLACE = "/etc/systemd/system"
SERVICE = "opskit-check.service"
TIMER = "opskit-check.timer"


@dataclass(frozen=True)
class WriteUnit(ReplaceText):
    """Write a unit file, or a drop-in over that of a package.

    before: its text until now in a tuple, an empty one for absent
    backup: where that is kept
    """

    kind: ClassVar[str] = "status.write-unit"

    path: str
    text: str
    before: tuple[str, ...]
    backup: str

    @property
    def replacement(self) -> Replacement:
        return Replacement(self.path, self.text, self.before[0] if self.before else None, self.backup)

    @property
    def settle(self) -> tuple[Command, ...]:
        return (systemctl("daemon-reload"),)

    @property
    def change(self) -> Change:
        before = f"kept as {self.backup}" if self.before else "absent"
        said = [line for line in self.text.splitlines() if line.startswith(("ExecStart=/", "OnUnitActiveSec="))]
        return Change("write-unit", self.path, before, "; ".join(said), self.lines(), reversible=True)

    def undo_change(self, record: Record) -> Union[Change, str]:
        after = "as before" if self.before else "absent"
        return Change("restore-unit", self.path, "opskit's", after, self.undo_lines(), reversible=False)


@dataclass(frozen=True)
class EnableTimer(Step):
    """Have systemd start a timer, now and at boot.

    enabled, active: whether it was before; an undo leaves it so
    """

    kind: ClassVar[str] = "status.enable-timer"

    unit: str
    enabled: bool = False
    active: bool = False

    @property
    def checks(self) -> tuple[str, ...]:
        state = "=" if self.enabled else "!="
        return (f'[ "$(systemctl is-enabled {shlex.quote(self.unit)} 2>/dev/null || :)" {state} enabled ]',)

    @property
    def commands(self) -> tuple[Command, ...]:
        # Not enable --now: systemd 219 has none. One that runs takes up its new times when it is started anew.
        enable = () if self.enabled else (systemctl("enable", self.unit),)
        return (*enable, systemctl("restart", self.unit))

    @property
    def change(self) -> Change:
        before = "active" if self.active else "not active"
        return Change("enable-timer", self.unit, before, "active, and at boot", shell_lines(self.commands), True)

    def verify(self, runner: Runner, record: Record) -> None:
        state = unit_file_state(runner, self.unit)
        if state != "enabled":
            raise Failed(self.unit, f"it is {state or 'not there'}", todo=f"systemctl status {self.unit}")
        if not is_active(runner, self.unit):
            raise Failed(self.unit, "it is enabled, and not active", todo=f"systemctl status {self.unit}")

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where it is as it was before."""
        enabled = not self.enabled and unit_file_state(runner, self.unit) == "enabled"
        active = not self.active and is_active(runner, self.unit)
        return super().left(runner, record) if enabled or active else None

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        stop = () if self.active else (systemctl("stop", self.unit),)
        return (*stop, *(() if self.enabled else (systemctl("disable", self.unit),)))

    def undo_change(self, record: Record) -> Union[Change, str]:
        lines = shell_lines(self.undo_commands(record))
        after = "as before" if self.active else "not active"
        return Change("disable-timer", self.unit, "active", after, lines, reversible=False)


KINDS: dict[str, type[Step]] = {step.kind: step for step in (WriteUnit, EnableTimer)}
