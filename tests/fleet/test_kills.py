"""The control node killed at random moments of an apply: after resume each host has carried the plan out, once."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from fleet import hosts
from fleet.conftest import NewLab
from fleet.control import Control, ended
from host.tools import until
from tiers import Agree, more

WORDS = ("disk", "mount", "/dev/vdb", "/data", "--fstype", "ext4")
# A second and a bit after an event falls into what is done on the hosts.
DELAY = 1.5
BUSY = 7


def events(control: Control) -> int:
    """How many lines all runs of this control node have written."""
    return sum(path.read_bytes().count(b"\n") for path in control.runs.glob("*/events.jsonl"))


def write_plan(control: Control, plan: Path) -> None:
    """Plan for all hosts. No ssh that waits for the next task is left, by which what follows would go."""
    planning = control.start_of_its_own("plan", "-i", control.inventory(), "--forks", "20", "--", *WORDS)
    plan.write_text(ended(planning).well().out)


def kill(control: Control, process: subprocess.Popen[str], moment: int, delay: float) -> int:
    """Kill it once so many events are on disk, and a time has passed. Returns how it ended; it may be through."""
    until(lambda: events(control) >= moment or process.poll() is not None, 600)
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.kill()
    ended(process)
    return process.returncode


# 20 kills of an apply over 20 hosts with --more.
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("seed", "number"), [(0, 6), (1, 6), *(more(seed, 20) for seed in range(2, 22))])
def test_each_host_has_one_finished_run_after_a_kill(new_lab: NewLab, seed: int, number: int, agree: Agree) -> None:
    chance = random.Random(seed)
    lab = new_lab(number)
    control = Control(lab)
    plan = control.folder / "plan.json"
    write_plan(control, plan)
    # A batch, a check of the first before and after, and for each host that it has begun and ended.
    moment = chance.randrange(2 * number + 6)
    alone = seed % 2 == 1  # opskit is killed, and not what it has started
    start = control.start if alone else control.start_of_its_own
    applying = start("apply", str(plan), "--forks", "20", "--yes", "--json")
    killed = kill(control, applying, moment, chance.uniform(0, DELAY))
    print(f"killed after {moment} events, {'opskit alone' if alone else 'all of it'}: {killed}")
    if not any(control.runs.glob("*/run.json")):  # before anything was on the disk
        control.run("apply", str(plan), "--forks", "20", "--yes", "--json").well()
    if chance.random() < 0.3:
        resuming = start("resume", "last", "--yes", "--json")
        kill(control, resuming, events(control) + chance.randrange(4), chance.uniform(0, DELAY))
    # Where opskit alone was killed, Ansible has the run until the hosts that have begun have ended.
    until(lambda: control.run("resume", "last", "--yes", "--json").code != BUSY, 600)
    control.run("resume", "last", "--yes", "--json").well()
    states = control.run("status", "last", "--json").well().json["result"]["hosts"]
    assert {state["state"] for state in states.values()} <= {"done", "nothing"}
    assert len(states) == number
    for name in lab.hosts:
        hosts.assert_once(lab, name, "/data")
    agree("hosts with one finished run after the control node was killed", number, number)
    lab.down()


def test_a_host_carries_on_when_its_connection_is_lost(new_lab: NewLab) -> None:
    """Taken back in the middle it would be another host than the one of the plan: a filesystem that is made stays."""
    lab = new_lab(1)
    control = Control(lab)
    plan = control.folder / "plan.json"
    write_plan(control, plan)
    hosts.put_program(lab, "host01", "mkfs.ext4", hosts.HOLDS)
    run = hosts.files_of(lab, "host01") / "run"
    applying = control.start_of_its_own("apply", str(plan), "--yes", "--json")
    until(lambda: (run / "in-the-middle").exists() or applying.poll() is not None, 600)
    applying.kill()
    ended(applying)
    until(lambda: "sshd" not in hosts.shell(lab, "host01", "cat /proc/[0-9]*/comm 2>/dev/null || true"))
    (run / "go").touch()
    state = control.run("resume", "last", "--yes", "--json").well().json["result"]["hosts"]["host01"]
    assert state["state"] in {"done", "nothing"}
    hosts.assert_once(lab, "host01", "/data")
