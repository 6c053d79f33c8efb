"""The step that starts a service, once, and sees that it lives; and those that a ledger can have of this area."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import ClassVar, Optional, Union

from opskit.core import procfs
from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import CannotUndo, CommandFailed, Failed, OpskitError
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.systemd import systemctl
from opskit.core.textfile import Replacement, ReplaceText
from opskit.service.judge import judge
from opskit.service.model import RUNNING, STARTING, STATES, ServiceFacts, Verdict
from opskit.service.see.facts import see_again
from opskit.service.see.processes import read_process

START_SECONDS = 90.0
# Restart= of the drop-in.
POLICY = "on-failure"
# How long what is being started may take to run, and how often it is looked at: nothing tells of it.
READY_SECONDS = 30.0
SCRIPT_SECONDS = 5.0
LOOK_SECONDS = 0.1
# Of the log of one that failed.
LINES = 10
# What its manager can start again by itself.
RESTARTED = {"unit", "program"}


@dataclass(frozen=True)
class StartService(Step):
    """Start a service that is dead, by what manages it, and see that it lives for some seconds.

    how: unit, script, program or container
    target: the name of the unit, container or program (as supervisorctl takes it), or the path of the script
    engine, container: podman or docker, and the id of the container; "" on the host
    state: what it is before
    seconds: how long it has to live
    config: the configuration file of supervisord; control: its supervisorctl
    again: whether systemd takes it for started, active (exited): its start does nothing then
    """

    kind: ClassVar[str] = "service.start"
    name: str
    how: str
    target: str
    engine: str
    container: str
    state: str
    seconds: float
    config: str = ""
    control: str = "supervisorctl"
    again: bool = False

    @property
    def late_modules(self) -> tuple[str, ...]:
        return ("opskit.service.causes", "opskit.service.see.around", "opskit.core.exit_tables")

    def _command(self, verb: str) -> Command:
        inside = (self.engine, "exec", self.container) if self.container else ()
        argv = {
            "unit": ("systemctl", verb, "--", self.target),
            "script": (*inside, self.target, verb),
            "program": (*inside, self.control, "-c", self.config, verb, self.target),
            "container": (self.engine, verb, self.container),
        }[self.how]
        # Many a script of a house's own starts its program with a bare &.
        leaves = verb == "start" and self.how == "script" and not inside
        return Command(argv, mutates=True, timeout=START_SECONDS, leaves=leaves)

    @property
    def commands(self) -> tuple[Command, ...]:
        return (self._command("restart" if self.again else "start"),)

    @property
    def change(self) -> Change:
        after = f"started once; lives for {self.seconds:g} s"
        return Change("start", self.name, self.state, after, shell_lines(self.commands), reversible=True)

    def _look(self, runner: Runner) -> tuple[ServiceFacts, Optional[Verdict]]:
        facts = see_again(runner, self.name, self.how, self.engine, self.container)
        return facts, judge(facts)

    def remember(self, runner: Runner) -> Record:
        """When it began: a run that is cut short does not come to tell what it has started."""
        return {"boot": boot_id(), "began": int(time.clock_gettime(time.CLOCK_BOOTTIME) * procfs.TICKS)}

    def apply(self, runner: Runner, record: Record) -> Record:
        """Start it, and watch it for so many seconds: what is checked of it is checked here.

        Raises Failed where it does not run then, or began anew.
        """
        try:
            super().apply(runner, record)
        except OpskitError as error:
            error.record["failed"] = True
            # supervisorctl says "spawn error", and supervisord tries again: what it comes to is seen below.
            if self.how != "program" or not isinstance(error, CommandFailed):
                raise
        facts, verdict = self._wait_for_start(runner)
        again = self.how == "script"
        while True:
            main = [(each.pid, each.start_ticks) for each in verdict.main] if verdict else []
            if verdict is None or verdict.state != RUNNING:
                raise self._failure(runner, facts, verdict, "it does not run after its start")
            ended = first_to_end(main, self.seconds)
            before = verdict.restarts
            facts, verdict = self._look(runner)
            same = verdict is not None and verdict.restarts == before
            if not ended and same and verdict and verdict.state == RUNNING:
                return {"main": [[each.pid, each.start_ticks] for each in verdict.main]}
            # Some scripts come back while the parent of what they start still lives: once is no end.
            if not (again and same and verdict and verdict.state == RUNNING):
                what = f"pid {ended} ended" if ended else "it began anew"
                raise self._failure(runner, facts, verdict, f"{what} within {self.seconds:g} s of its start")
            again = False

    def _wait_for_start(self, runner: Runner) -> tuple[ServiceFacts, Optional[Verdict]]:
        """What it comes to; systemd, supervisord and the engines come back when it is started, many scripts earlier."""
        until = time.monotonic() + (SCRIPT_SECONDS if self.how == "script" else READY_SECONDS)
        waiting = {STARTING} if self.how != "script" else set(STATES) - {RUNNING}
        while True:
            facts, verdict = self._look(runner)
            if verdict is None or verdict.state not in waiting or time.monotonic() > until:
                return facts, verdict
            time.sleep(LOOK_SECONDS)

    def _failure(self, runner: Runner, facts: ServiceFacts, verdict: Optional[Verdict], what: str) -> Failed:
        """What `service why` says of it, with its last lines."""
        from opskit.service.causes import causes  # noqa: PLC0415 - of a failure alone
        from opskit.service.see.around import see_around  # noqa: PLC0415

        found, lines = [], facts.log
        if verdict:
            with contextlib.suppress(OpskitError):  # who does not answer by now explains nothing
                around = see_around(runner, facts)
                found, lines = causes(facts, verdict, around), around.lines[-LINES:] or facts.log
        titles = [cause.title for cause in found] or ([verdict.why] if verdict else [])
        todo = next((cause.remedy for cause in found if cause.remedy), "mend that")
        why = "\n".join(("; ".join((what, *titles)), *lines))
        failure = Failed(self.name, why, todo=f"{todo}; it is not tried a second time")
        main = [[each.pid, each.start_ticks] for each in verdict.main] if verdict else []
        failure.record = {"main": main, "failed": True}
        return failure

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        return (self._command("stop"),)

    def undo_change(self, record: Record) -> Union[Change, str]:
        lines = shell_lines(self.undo_commands(record))
        return Change("stop", self.name, "runs", "stopped again", lines, reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """What was started, if it runs. Raises CannotUndo for what somebody else has started since."""
        _, verdict = self._look(runner)
        running = {(each.pid, each.start_ticks) for each in verdict.main} if verdict else set()
        if not running:
            # With Restart= systemd (and so supervisord) would start it again and again: it was dead before this run.
            waits = verdict is not None and verdict.state == STARTING and self.how in RESTARTED
            if waits and record.get("failed") and record.get("boot") == boot_id():
                return super().left(runner, record)
            if verdict and verdict.state == RUNNING:
                why = f"{self.name} has no main process by which it could be told whether this run started it"
                raise CannotUndo(why, todo=self._command("stop").line)
            return None
        if record.get("boot") != boot_id() or not running & self._started(running, record):
            raise CannotUndo(f"{self.name} runs as pid {min(running)[0]}, which this run did not start")
        return super().left(runner, record)

    def _started(self, running: set[tuple[int, int]], record: Record) -> set[tuple[int, int]]:
        """Of what runs, what the step has started: it was dead before. One cut short has its time only.

        So has a unit or program that failed: systemd (Restart=) or supervisord may have started it again by now.
        """
        if "main" in record and not (record.get("failed") and self.how in RESTARTED):
            return {(pid, ticks) for pid, ticks in record["main"]}
        until = record["began"] + int((START_SECONDS + READY_SECONDS + self.seconds) * procfs.TICKS)
        return {(pid, ticks) for pid, ticks in running if record["began"] <= ticks <= until}

    def undo(self, runner: Runner, record: Record) -> None:
        """Stop it, if it is what was started."""
        if self.left(runner, record):
            super().undo(runner, record)


@dataclass(frozen=True)
class WritePolicy(ReplaceText):
    """Write the drop-in by which systemd starts a unit again when it fails.

    before: its text until now in a tuple, an empty one for absent
    """

    kind: ClassVar[str] = "service.write-policy"
    path: str
    text: str
    before: tuple[str, ...]
    unit: str

    @property
    def replacement(self) -> Replacement:
        return Replacement(self.path, self.text, self.before[0] if self.before else None)

    @property
    def settle(self) -> tuple[Command, ...]:
        return (systemctl("daemon-reload"),)

    @property
    def change(self) -> Change:
        after = "; ".join(line for line in self.text.splitlines() if line and not line.startswith(("#", "[")))
        before = "another text" if self.before else "absent"
        return Change("write-policy", self.path, before, after, self.lines(), reversible=True)

    def verify(self, runner: Runner, record: Record) -> None:
        """Raise Failed where another file of the unit is stronger."""
        super().verify(runner, record)
        stdout = runner.run(systemctl("show", "-p", "Restart", "--", self.unit, mutates=False)).stdout
        if stdout.strip() != f"Restart={POLICY}":
            raise Failed(self.unit, f"systemd has {stdout.strip() or 'no Restart='}", todo=f"systemctl cat {self.unit}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        after = "as before" if self.before else "absent"
        return Change("restore-policy", self.path, "opskit's", after, self.undo_lines(), reversible=False)


def boot_id() -> str:
    """The boot that pids and ticks are of."""
    return procfs.text("/proc/sys/kernel/random/boot_id").strip()


def first_to_end(processes: list[tuple[int, int]], seconds: float) -> int:
    """The pid of the first of these (pid, start in ticks) that ends within so many seconds; 0 where all live on.

    A pidfd (Linux 5.3 on) becomes readable when its process ends; on older kernels they are looked at.
    """
    until = time.monotonic() + seconds
    descriptors: dict[int, int] = {}
    poll = select.poll()
    try:
        with contextlib.suppress(OSError):  # ended, or an older kernel: both are seen below
            for pid, _ticks in processes:
                descriptors[os.pidfd_open(pid)] = pid
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        watched = len(descriptors) == len(processes)
        while True:
            # After the pidfd is opened: from here on it is that process, or its number was used again.
            for pid, ticks in processes:
                process = read_process(pid, 0.0)
                if process is None or process.zombie or process.start_ticks != ticks:
                    return pid
            left = until - time.monotonic()
            if left <= 0:
                return 0
            poll.poll(1000 * (left if watched else min(left, LOOK_SECONDS)))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


KINDS: dict[str, type[Step]] = {StartService.kind: StartService, WritePolicy.kind: WritePolicy}
