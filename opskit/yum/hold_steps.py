"""The step of `opskit yum why --hold`: timers masked for some hours, and brought back by a timer of systemd."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar, Union

from opskit.core.command import Command
from opskit.core.errors import Failed
from opskit.core.plan import Change, Record
from opskit.core.runner import Runner


@dataclass(frozen=True)
class Hold:
    """Mask these units until the next boot at most (systemctl(1), --runtime), and stop the timers among them.

    timers: those that are active, and are started again. back: the name of the transient timer that brings all back.
    Only timers are stopped: a service that is at work goes on, and is not started anew.
    """

    kind: ClassVar[str] = "yum.hold"
    under_lock: ClassVar[bool] = True

    units: tuple[str, ...]
    timers: tuple[str, ...]
    seconds: int
    back: str

    @property
    def change(self) -> Change:
        """See Step."""
        lines = tuple(command.as_shell() for command in self._commands())
        after = f"masked for {self.seconds} s, then back by {self.back}.timer (or by a reboot)"
        return Change("hold", ", ".join(self.units), "may run", after, lines, True)

    def _commands(self) -> list[Command]:
        # First what brings them back: whatever happens then, they do come back.
        # No semicolon: systemd 252 writes it as "\\;" into the transient unit, and reads that back at the daemon-reload
        # of the mask; the shell would get the backslash.
        script = " && ".join(shlex.join(command.argv) for command in self._give_back())
        argv = ("systemd-run", f"--unit={self.back}", f"--on-active={self.seconds}s", "/bin/sh", "-c", script)
        # A timer that is masked while it is active is "failed" and not stopped (systemd 252).
        stop = [self._systemctl("stop", *self.timers)] if self.timers else []
        return [Command(argv, mutates=True), *stop, self._systemctl("mask", "--runtime", *self.units)]

    def _give_back(self) -> list[Command]:
        commands = [self._systemctl("unmask", "--runtime", *self.units)]
        return [*commands, self._systemctl("start", *self.timers)] if self.timers else commands

    @staticmethod
    def _systemctl(*words: str) -> Command:
        return Command(("systemctl", *words), mutates=True)

    def remember(self, runner: Runner) -> Record:  # noqa: ARG002
        """See Step."""
        return {}

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """See Step."""
        for command in self._commands():
            runner.run(command)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """See Step. A unit file in /etc goes over a mask of /run."""
        for unit in self.units:
            said = runner.run(Command(("systemctl", "show", "--property=LoadState", unit), mutates=False)).stdout
            if "masked" not in said:
                why = "it is not masked: a unit file of that name in /etc/systemd/system goes over it"
                raise Failed(unit, why, todo=f"systemctl disable --now {unit}")

    def undo_change(self, record: Record) -> Union[Change, str]:  # noqa: ARG002
        """See Step."""
        lines = (*(command.as_shell() for command in self._give_back()), self._no_timer().as_shell())
        return Change("release", ", ".join(self.units), "masked", "may run", lines, True)

    def _no_timer(self) -> Command:
        # 5: it is not loaded any more: its time has come.
        return Command(("systemctl", "stop", f"{self.back}.timer"), mutates=True, accept=(0, 5))

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """See Step."""
        for command in (*self._give_back(), self._no_timer()):
            runner.run(command)
