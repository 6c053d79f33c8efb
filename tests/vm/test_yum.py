"""opskit yum on a booted host: timers that are kept out and come back, a holder that is a unit."""

from __future__ import annotations

from vmlab.machine import Machine

from .guest import answer, opskit

TIMER = "dnf-makecache.timer"
UNIT_FILE = f"/usr/lib/systemd/system/{TIMER}"
DEFINED = (
    "[Timer]\nOnBootSec=10min\nOnUnitInactiveSec=1h\nUnit=dnf-makecache.service\n[Install]\nWantedBy=timers.target\n"
)


def state(vm: Machine, unit: str, what: str) -> str:
    return vm.run("systemctl", "show", "--property", what, unit).stdout.strip().partition("=")[2]


def with_timer(vm: Machine) -> None:
    """Debian's dnf may come without its timer running, or without one at all."""
    vm.run(
        "sh", "-euc", f"[ -e {UNIT_FILE} ] || [ -e /lib/systemd/system/{TIMER} ] || printf '{DEFINED}' > {UNIT_FILE}"
    )
    vm.run("systemctl", "daemon-reload")
    vm.run("systemctl", "start", TIMER)


def test_timers_are_held_and_come_back_by_an_undo(vm: Machine) -> None:
    with_timer(vm)
    (before,) = [one for one in answer(vm, "yum", "why")["result"]["autoruns"] if one["name"] == TIMER]
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
    vm.run("sh", "-c", f"while systemctl is-active -q {unit}.service; do sleep 0.1; done")
    assert state(vm, TIMER, "LoadState") == "loaded"
    assert state(vm, TIMER, "ActiveState") == "active"


def test_a_holder_that_is_a_unit_is_named_by_it(vm: Machine) -> None:
    hold = (
        "echo $$ > /var/cache/dnf/metadata_lock.pid; echo dnf > /proc/self/comm; echo > /run/ready; read x < /run/hold"
    )
    vm.run("sh", "-euc", "mkdir -p /var/cache/dnf; mkfifo /run/ready /run/hold")
    vm.run("systemd-run", "--unit=dnf-makecache.service", "bash", "-c", hold)
    vm.run("cat", "/run/ready")
    found = answer(vm, "yum", "lock")
    assert found["status"] == 7
    (one,) = [one for one in found["result"]["locks"] if one["state"] != "free"]
    assert (one["state"], one["phase"]) == ("held", "metadata")
    assert one["holder"]["explained_by"] == "dnf-makecache.timer"
    opskit(vm, "yum", "unlock", "--yes", check=False)
    vm.run("sh", "-c", "while systemctl is-active -q dnf-makecache.service; do sleep 0.1; done")
    assert answer(vm, "yum", "lock")["status"] == 4  # what was ended left its file: dnf takes it over
