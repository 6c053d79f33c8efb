"""Why a unit failed: systemd's own words of it, as 252 wrote them on a booted host (tests/vm), and as 219 has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from opskit.core.command import Command
from opskit.core.systemd import FailedUnit
from opskit.journal.errors.failures import (
    DEPENDENCY,
    cause_text,
    failure_of,
    of_units,
    oom_group,
    place_of,
    remedy_of,
)
from opskit.journal.errors.findings import findings_of
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.model import ErrorFacts, UnitFailure
from opskit.journal.errors.see.failures import MOST, LastLines
from opskit.journal.files.model import Scope
from opskit.journal.releases import Version

DEVICE = r"dev-disk-by\x2duuid-0f1e2d3c\x2d1111\x2d4000\x2d8000\x2d00000000abcd.device"
NO_PROGRAM = "its program cannot be executed: the path, the permissions or the interpreter of ExecStart="


def manager(message: str, run: str = "") -> dict[str, str]:
    return {"MESSAGE": message, "_PID": "1", "INVOCATION_ID": run}


def own(message: str, run: str = "") -> dict[str, str]:
    return {"MESSAGE": message, "_PID": "77", "_SYSTEMD_INVOCATION_ID": run}


@pytest.mark.parametrize(
    ("result", "messages", "cause"),
    [
        ("exit-code", ["a.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED"], "exit status 3"),
        ("exit-code", ["a.service: main process exited, code=exited, status=3/NOTIMPLEMENTED"], "exit status 3"),
        ("exit-code", ["a.service: Main process exited, code=exited, status=203/EXEC"],
         f"{NO_PROGRAM} (status 203/EXEC)"),
        ("exit-code", ["a.service: Main process exited, code=exited, status=217/USER"],
         "its User= does not exist (status 217/USER)"),
        ("exit-code", ["a.service: Control process exited, code=exited, status=4/NOPERMISSION"],
         "exit status 4 of a command beside its main process"),
        ("exit-code", ["a.service: control process exited, code=exited status=4"],
         "exit status 4 of a command beside its main process"),
        ("exit-code", ["a.service: Mount process exited, code=exited, status=32/n/a"], "exit status 32 of mount"),
        ("signal", ["a.service: Main process exited, code=killed, status=9/KILL"], "SIGKILL killed it"),
        ("core-dump", ["a.service: Main process exited, code=dumped, status=11/SEGV"], "it crashed with SIGSEGV"),
        ("exit-code", ["a.service: Main process exited, code=exited, status=7/NOTRUNNING",
                       "a.service: Start request repeated too quickly."],
         "exit status 7; it failed too often in a short time, and systemd gave up"),
        ("start-limit", ["a.service start request repeated too quickly, refusing to start."],
         "it failed too often in a short time, and systemd gave up"),
        ("start-limit-hit", [], "it failed too often in a short time, and systemd gave up"),
        ("timeout", ["a.service: Main process exited, code=killed, status=15/TERM"],
         "it took longer than its time limit"),
        ("watchdog", ["a.service: Main process exited, code=killed, status=6/ABRT"],
         "it did not report to its watchdog in time"),
        ("oom-kill", ["a.service: Main process exited, code=killed, status=9/KILL"],
         "memory ran out, and the kernel killed a process of it"),
        ("resources", [], "systemd could not get what it takes to start it"),
        ("dependency", [], "a unit that it needs did not start"),
        ("trigger-limit-hit", [], "trigger-limit-hit"),
    ],
)  # fmt: skip
def test_the_cause(result: str, messages: list[str], cause: str) -> None:
    failure = failure_of("a.service", result, [manager(message) for message in messages])
    assert cause_text(failure) == cause
    assert "a.service" in remedy_of(failure, "a.service")


def test_the_last_lines_are_those_of_the_last_run_and_of_systemd_what_explains() -> None:
    entries = [
        own("of the run before", "1"),
        own("one", "2"),
        own("two\nmore of it", "2"),
        manager("a.service: Failed to load environment files: No such file or directory", "2"),
        manager("a.service: Main process exited, code=exited, status=1/FAILURE", "2"),
        manager("a.service: Failed with result 'exit-code'.", "2"),
        manager("Failed to start a.service - The A.", "2"),
        own("three, behind systemd's word", "2"),
    ]
    assert failure_of("a.service", "exit-code", entries).lines == (
        "two", "Failed to load environment files: No such file or directory", "three, behind systemd's word"
    )  # fmt: skip
    assert failure_of("a.service", "exit-code", entries[:1]).lines == ("of the run before",)
    # What a program writes is never taken for systemd's word.
    forged = [own("a.service: Main process exited, code=exited, status=9/KILL")]
    assert failure_of("a.service", "exit-code", forged).status == 0


@pytest.mark.parametrize(
    ("unit", "path"),
    [
        (DEVICE, "/dev/disk/by-uuid/0f1e2d3c-1111-4000-8000-00000000abcd"),
        (r"srv-x\x2dy.mount", "/srv/x-y"), ("-.mount", "/"), (r"srv-caf\xc3\xa9.automount", "/srv/caf\u00e9"),
        ("dev-sda2.swap", "/dev/sda2"), ("a-b.service", ""), ("mount", ""),
    ],
)  # fmt: skip
def test_the_path_that_a_unit_is_named_after(unit: str, path: str) -> None:
    assert place_of(unit) == path


def test_what_a_person_is_told() -> None:
    tally = Tally(3)
    for unit, message in (
        ("data.mount", "data.mount: Failed with result 'exit-code'."),
        (r"srv-x\x2dy.mount", r"Dependency failed for srv-x\x2dy.mount - /srv/x-y."),
        (DEVICE, f"Timed out waiting for device {DEVICE} - /dev/disk/by-uuid/0f1e2d3c-1111-4000-8000-00000000abcd."),
    ):
        tally.add([(b"s=1", b"1", f"UNIT={unit}\nPRIORITY=4\n".encode(), message.encode(), b"")])
    failures = [UnitFailure("data.mount", "exit-code", "mount", "exited", 32, lines=("mount: wrong fs type",))]
    facts = ErrorFacts(tally, (FailedUnit("data.mount", "/data", "exit-code", "now"),), failures=failures)
    now, device, needs = findings_of(facts)
    title = (
        "data.mount is failed (exit-code), /data is not mounted: exit status 32 of mount; it failed once in this time"
    )
    assert (now.severity, now.title, now.evidence) == ("error", title, "/data, since now\nmount: wrong fs type")
    assert needs.title == (
        r"srv-x\x2dy.mount failed once (dependency), /srv/x-y was not mounted: a unit that it needs did not start"
    )
    assert needs.remedy.startswith(r"systemctl list-dependencies 'srv-x\x2dy.mount'")
    assert device.title.endswith(
        "failed once (timed out), /dev/disk/by-uuid/0f1e2d3c-1111-4000-8000-00000000abcd: it did not appear in time"
    )


class NoEntries:
    """A runner whose journalctl has nothing to say. commands: how often it was asked."""

    def __init__(self) -> None:
        self.commands = 0

    @contextmanager
    def stream(self, _command: Command) -> Iterator[NoEntries]:
        self.commands += 1
        yield self

    def read(self) -> bytes:
        return b""


def test_units_whose_last_lines_are_not_looked_up_are_named() -> None:
    runner: Any = NoEntries()
    units = {f"u{number}@x y.service": ("exit-code", 0) for number in range(MOST + 2)}
    units["never.service"] = (DEPENDENCY, 0)
    failures = LastLines(runner, Scope(), Version(252)).failures(units)
    assert [failure.unit for failure in failures] == list(units)
    assert runner.commands == MOST
    (finding,) = findings_of(ErrorFacts(Tally(3), failures=failures))
    assert (finding.id, finding.severity) == ("causes-left-out", "info")
    assert finding.title == f"2 of {MOST + 3} units that failed: the last lines were not looked up"
    assert finding.remedy == f"add --unit 'u{MOST}@x y.service' --unit 'u{MOST + 1}@x y.service'"
    del units[f"u{MOST}@x y.service"], units[f"u{MOST + 1}@x y.service"]
    assert not findings_of(ErrorFacts(Tally(3), failures=LastLines(runner, Scope(), Version(252)).failures(units)))


def test_the_units_that_are_asked_for() -> None:
    assert of_units("a.service", ())
    assert of_units("a.service", ("b", "a"))
    assert of_units("data.mount", ("*.mount",))
    assert not of_units("a.mount", ("a",))


def test_the_control_group_of_a_process_that_was_killed() -> None:
    chosen = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice/{0}"
    chosen += ",task_memcg=/system.slice/{0},task=python3,pid={1},uid=0"
    messages = [chosen.format("b.service", 350), chosen.format("a.service", 351), "Tasks state"]
    assert oom_group(messages, "351") == "/system.slice/a.service"
    assert oom_group(messages, "352") == ""
    # mm/memcontrol.c of 3.10
    old = "Task in /system.slice/a.service killed as a result of limit of /system.slice/a.service"
    assert oom_group([old], "351") == "/system.slice/a.service"
