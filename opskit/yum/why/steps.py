"""The step of `opskit yum why --hold`: timers masked for some hours, and brought back by a timer of systemd."""

from __future__ import annotations

import shlex
from typing import ClassVar, Optional

from opskit.core.checks import unit_checks
from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import Failed
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.systemd import parse_show, systemctl


@dataclass(frozen=True)
class Hold(Step):
    """Mask units until the next boot at most (systemctl(1), --runtime), and stop timers.

    Only timers are stopped: a service that is at work goes on, and is not started again.

    units: the units that are masked; a timer whose file is in /etc cannot be, and is only stopped.
    timers: the active timers, which are started again.
    seconds: for how long.
    back: the name of the transient timer that brings everything back.
    """

    kind: ClassVar[str] = "yum.hold"
    under_lock: ClassVar[bool] = True

    units: tuple[str, ...]
    timers: tuple[str, ...]
    seconds: int
    back: str

    @property
    def checks(self) -> tuple[str, ...]:
        """Only what is at work is stopped, and started again; what is masked already would be unmasked."""
        masked = (f'[ "$(systemctl is-enabled {shlex.quote(unit)} || :)" != masked-runtime ]' for unit in self.units)
        return (*(line for unit in self.timers for line in unit_checks(unit, active=True)), *masked)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that is held."""
        return tuple(dict.fromkeys((*self.units, *self.timers)))

    @property
    def change(self) -> Change:
        how = "masked" if set(self.timers) <= set(self.units) else "masked or stopped"
        after = f"{how} for {self.seconds} s, then back by {self.back}.timer (or by a reboot)"
        return Change("hold", ", ".join(self.names), "may run", after, shell_lines(self.commands), True)

    @property
    def commands(self) -> tuple[Command, ...]:
        # First what brings them back: whatever happens then, they do come back.
        # No semicolon: systemd 252 writes it as "\\;" into the transient unit, and reads that back at the daemon-reload
        # of the mask; the shell would get the backslash.
        script = " && ".join(shlex.join(command.argv) for command in self._give_back())
        argv = ("systemd-run", f"--unit={self.back}", f"--on-active={self.seconds}s", "/bin/sh", "-c", script)
        # A timer that is masked while it is active is "failed" and not stopped (systemd 252).
        stop, mask = _systemctl(("stop",), self.timers), _systemctl(("mask", "--runtime"), self.units)
        return (Command(argv, mutates=True), *stop, *mask)

    def _give_back(self) -> tuple[Command, ...]:
        return (*_systemctl(("unmask", "--runtime"), self.units), *_systemctl(("start",), self.timers))

    def verify(self, runner: Runner, record: Record) -> None:
        for unit in self.names:
            show = systemctl("show", "--property=LoadState", "--property=ActiveState", unit, mutates=False)
            properties = runner.run(show).stdout.split("\n")
            if unit in self.units and "LoadState=masked" not in properties:
                raise Failed(unit, "it is not masked", todo=f"systemctl status {unit}")
            if unit in self.timers and "ActiveState=active" in properties:
                raise Failed(unit, "it is active again", todo=f"systemctl status {unit}")

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where its end has come, or a boot: what somebody stopped since is not started."""
        show = systemctl(
            "show", "--property=Id,LoadState,ActiveState", f"{self.back}.timer", *self.units, mutates=False
        )
        units = {each["Id"]: each for each in parse_show(runner.run(show).stdout)}
        pending = units.get(f"{self.back}.timer", {}).get("ActiveState") == "active"
        masked = any(units.get(unit, {}).get("LoadState") == "masked" for unit in self.units)
        return super().left(runner, record) if pending or masked else None

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        # 5: the timer is not loaded any more: its time has come.
        no_timer = systemctl("stop", f"{self.back}.timer", accept=(0, 5))
        return (*self._give_back(), no_timer)

    def undo_change(self, record: Record) -> Change:
        lines = shell_lines(self.undo_commands(record))
        return Change("release", ", ".join(self.names), "held", "may run", lines, True)


def _systemctl(words: tuple[str, ...], units: tuple[str, ...]) -> tuple[Command, ...]:
    return (systemctl(*words, *units),) if units else ()
