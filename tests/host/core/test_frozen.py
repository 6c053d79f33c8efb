"""A program that the kernel holds and SIGKILL does not end: the wait for it ends, it is named, nothing is taken back.

A filesystem frozen by fsfreeze(8) holds whoever writes to it in state D. It is mounted in a namespace of the test, and
thawed when the test is over, however it ended: by a process that waits for the end of its stdin.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from host.hosts import Host
from host.tools import ENVIRONMENT, Answer, Disk, run

# Two steps, the second of which touches a file on the frozen filesystem.
PROGRAM = """
import json, sys, time
from dataclasses import dataclass
from typing import ClassVar
from opskit.core import runner
from opskit.core.command import Command
from opskit.core.errors import OpskitError
from opskit.core.execute import Execution
from opskit.core.ledger import Ledger
from opskit.core.plan import Change, Plan, Step

runner.TERM_SECONDS = runner.KILL_SECONDS = 0.3

@dataclass(frozen=True)
class Touch(Step):
    kind: ClassVar[str] = "test.touch"
    path: str

    @property
    def commands(self):
        return (Command(("touch", self.path), mutates=True, timeout=0.3 if self.path == frozen else 60),)

    @property
    def change(self):
        return Change("touch", self.path, "absent", "there", (), reversible=True)

    def undo_change(self, record):
        return Change("remove", self.path, "there", "absent", (), reversible=False)

    def undo_commands(self, record):
        return (Command(("rm", "-f", self.path), mutates=True),)

how, state, free, frozen = sys.argv[1:]
host = runner.HostRunner()
start = runner._start

def held(command, **more):
    # Its time begins when the kernel holds it: on a busy machine it would be over before.
    process = start(command, **more)
    while command.argv[-1] == frozen and process.poll() is None:
        with open(f"/proc/{process.pid}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "D":
                break
        time.sleep(0.01)
    return process

runner._start = held
try:
    if how == "execute":
        plan = Plan("test", (Touch(free), Touch(frozen)))
        Execution(plan=plan, runner=host, ledger=Ledger(state), run="run-1").carry_out()
    elif how == "undo":
        plan = Plan("test", (Touch(free), Touch(frozen), Touch(free + "2")))
        Execution(plan=plan, runner=host, ledger=Ledger(state), run="run-2", undoes="run-1").carry_out()
    elif how == "look":
        host.run(Command(("touch", frozen), mutates=False, timeout=0.3))
    else:
        with host.stream(Command(("touch", frozen), mutates=False, timeout=0.3)) as stream:
            while stream.read():
                pass
except OpskitError as error:
    print(json.dumps([error.exit_code, error.id, error.why, error.todo, error.state]))
"""


@pytest.fixture
def frozen(host: Host, disk: Disk) -> tuple[tuple[str, ...], Path]:
    """What runs a command where a frozen filesystem is mounted, and its mount point."""
    run("mkfs.ext4", "-q", disk.path)
    target = host.folder / "frozen"
    target.mkdir()
    inside = host.namespace(f"mount {disk.path} {target}")
    thaw = f"fsfreeze -f {target}; echo frozen; read line || :; fsfreeze -u {target}"
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    keeper = subprocess.Popen([*inside.prefix, "setsid", "sh", "-c", thaw], env=ENVIRONMENT, cwd="/", **streams)

    def end() -> None:
        keeper.communicate()
        assert keeper.returncode == 0

    # Before the namespace goes.
    host.thaw.append(end)
    assert keeper.stdout
    assert keeper.stdout.readline() == b"frozen\n"
    return inside.prefix, target


def go(frozen: tuple[tuple[str, ...], Path], host: Host, how: str) -> Answer:
    prefix, target = frozen
    words = [how, str(host.state), str(host.folder / "free"), str(target / "file")]
    done = run(*prefix, sys.executable, "-c", PROGRAM, *words, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)})
    return Answer(*json.loads(done.stdout)[:1], done.stdout, done.stderr)


def pid_in(text: str) -> int:
    return int(text.partition("pid ")[2].split()[0])


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def test_a_step_is_left_named_and_nothing_is_taken_back(frozen: tuple[tuple[str, ...], Path], host: Host) -> None:
    answer = go(frozen, host, "execute")
    code, identity, why, todo, state = json.loads(answer.out)
    assert (code, identity) == (9, "still-running")
    pid = pid_in(why)
    assert state_of(pid) == "D"
    assert "no end after 0.3 s, and SIGKILL does not end it" in why
    assert f"/proc/{pid}/stack" in todo
    assert "opskit undo run-1" in todo
    assert state.startswith("Nothing is taken back while it runs. Done: touch ")
    assert (host.folder / "free").exists()
    outcomes = [(entry["entry"], entry.get("outcome")) for entry in host.ledger()]
    assert outcomes[-3:] == [("step", None), ("stepped", "failed"), ("end", "take-back-failed")]


def test_an_undo_ends_there(frozen: tuple[tuple[str, ...], Path], host: Host) -> None:
    code, identity, why, _, state = json.loads(go(frozen, host, "undo").out)
    assert (code, identity, state_of(pid_in(why))) == (9, "still-running", "D")
    assert f"NOT done: touch {frozen[1]}/file; touch {host.folder}/free2." in state
    assert not (host.folder / "free2").exists()


@pytest.mark.parametrize("how", ["look", "stream"])
def test_a_look_is_left_and_has_changed_nothing(frozen: tuple[tuple[str, ...], Path], host: Host, how: str) -> None:
    code, identity, why, _, _ = json.loads(go(frozen, host, how).out)
    assert (code, identity, state_of(pid_in(why))) == (1, "failed", "D")
