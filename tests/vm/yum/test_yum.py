"""opskit yum on a booted host: timers that are kept out and come back, a holder that is a unit."""

from __future__ import annotations

from vm.guest import answer, opskit
from vmlab.machine import Machine

TIMER = "dnf-makecache.timer"
UNITS = "/usr/lib/systemd/system"
SERVICE = "dnf-makecache.service"
# As dnf has them on the RHEL family: Debian's package comes without.
TIMER_TEXT = "[Timer]\nOnBootSec=10min\nOnUnitInactiveSec=1h\nUnit=dnf-makecache.service\n"
SERVICE_TEXT = "[Service]\nType=oneshot\nExecStart=/bin/bash /run/makecache\n"
# Stands in for a dnf that reads metadata, until somebody ends it.
HOLDER = """\
mkdir -p /var/cache/dnf
echo -n $$ > /var/cache/dnf/metadata_lock.pid
echo -n dnf > /proc/self/comm
echo > /run/ready
read line < /run/hold
"""


def state(vm: Machine, unit: str, what: str) -> str:
    return vm.run("systemctl", "show", "--property", what, unit).stdout.strip().partition("=")[2]


def with_timer(vm: Machine) -> None:
    vm.run("tee", f"{UNITS}/{TIMER}", stdin=TIMER_TEXT)
    vm.run("tee", f"{UNITS}/{SERVICE}", stdin=SERVICE_TEXT)
    vm.run("systemctl", "daemon-reload")
    vm.run("systemctl", "start", TIMER)


def test_timers_are_held_and_come_back_by_an_undo(vm: Machine) -> None:
    with_timer(vm)
    (before,) = [autorun for autorun in answer(vm, "yum", "why")["result"]["autoruns"] if autorun["name"] == TIMER]
    assert (before["state"], before["kind"]) == ("active", "timer")
    assert before["next"]
    done = answer(vm, "yum", "why", "--hold", "2h", "--yes")
    assert (done["status"], TIMER in done["result"]["units"]) == (0, True)
    assert state(vm, TIMER, "LoadState") == "masked"
    assert state(vm, TIMER, "ActiveState") == "inactive"
    back = vm.run("systemctl", "list-timers", "--all", "--no-legend").stdout.splitlines()
    assert any("opskit-yum-hold-" in line for line in back)
    again = answer(vm, "yum", "why", "--hold", "2h", "--yes")
    assert (again["status"], again["result"]["changed"]) == (0, False)
    during = opskit(vm, "yum", "why")
    assert "held until " in during.stderr
    assert "why --hold" not in during.stderr
    opskit(vm, "undo", done["result"]["run"], "--yes")
    assert state(vm, TIMER, "LoadState") == "loaded"
    assert state(vm, TIMER, "ActiveState") == "active"
    back = vm.run("systemctl", "list-timers", "--all", "--no-legend").stdout.splitlines()
    assert not any("opskit-yum-hold-" in line for line in back)


def test_timers_come_back_by_themselves(vm: Machine) -> None:
    with_timer(vm)
    run = answer(vm, "yum", "why", "--hold", "1m", "--yes")["result"]["run"]
    assert state(vm, TIMER, "LoadState") == "masked"
    unit = f"opskit-yum-hold-{run.lower()}"
    # The minute is over now: the timer does nothing else than to start its service.
    vm.run("systemctl", "start", f"{unit}.service", check=False)
    vm.run("sh", "-c", f"until systemctl is-active -q {TIMER}; do sleep 0.1; done")
    assert state(vm, TIMER, "LoadState") == "loaded"
    assert state(vm, TIMER, "ActiveState") == "active"


def test_a_timer_of_the_hosts_own_is_found_and_held(vm: Machine) -> None:
    """In /etc, and its service runs a script: no mask of /run would hold it."""
    with_timer(vm)
    folder = "/etc/systemd/system"
    vm.run("tee", "/usr/local/sbin/patch-all", stdin="#!/bin/sh\nexec dnf -y update\n")
    vm.run("tee", f"{folder}/own.timer", stdin="[Timer]\nOnCalendar=04:00\nUnit=own-patch.service\n")
    vm.run("tee", f"{folder}/own-patch.service", stdin="[Service]\nExecStart=/bin/sh /usr/local/sbin/patch-all\n")
    vm.run("systemctl", "daemon-reload")
    vm.run("systemctl", "start", "own.timer")
    (envelope,) = [
        autorun for autorun in answer(vm, "yum", "why")["result"]["autoruns"] if autorun["name"] == "own.timer"
    ]
    assert (envelope["kind"], envelope["command"]) == ("timer", "/bin/sh /usr/local/sbin/patch-all")
    assert envelope["next"][11:16] == "04:00"
    done = answer(vm, "yum", "why", "--hold", "2h", "--yes")
    assert {"own.timer", TIMER} <= set(done["result"]["units"]), done
    assert [state(vm, unit, "ActiveState") for unit in (TIMER, "own.timer")] == ["inactive"] * 2
    assert [state(vm, unit, "LoadState") for unit in (TIMER, "own.timer")] == ["masked", "loaded"]
    opskit(vm, "undo", done["result"]["run"], "--yes")
    assert [state(vm, unit, "ActiveState") for unit in (TIMER, "own.timer")] == ["active"] * 2


def test_a_holder_that_is_a_unit_is_named_by_it(vm: Machine) -> None:
    with_timer(vm)
    vm.run("tee", "/run/makecache", stdin=HOLDER)
    vm.run("mkfifo", "/run/ready", "/run/hold")
    # One of another name, which only systemd can tell.
    vm.run("tee", "/etc/systemd/system/night.timer", stdin=f"[Timer]\nOnCalendar=2099-01-01\nUnit={SERVICE}\n")
    vm.run("systemctl", "daemon-reload")
    vm.run("systemctl", "start", "night.timer")
    vm.run("systemctl", "start", "--no-block", SERVICE)
    vm.run("cat", "/run/ready")
    envelope = answer(vm, "yum", "lock")
    assert envelope["status"] == 7
    (lock,) = [lock for lock in envelope["result"]["locks"] if lock["state"] != "free"]
    assert (lock["state"], lock["phase"]) == ("held", "metadata")
    assert lock["holder"]["explained_by"] == "dnf-makecache.timer"
    (note,) = [each for each in envelope["findings"] if each["id"] == "holder-is-a-service"]
    assert note["remedy"] == f"systemctl stop {TIMER} night.timer"
    opskit(vm, "yum", "unlock", "--yes")
    assert answer(vm, "yum", "lock")["status"] == 4  # what was ended left its file: dnf takes it over
