"""What a boot brings back and what not: disks, units of memcached, and timers that `yum why --hold` keeps out."""

from __future__ import annotations

import os

import pytest

from vm.conftest import Count
from vm.disk.two_disks import TwoDisks
from vm.guest import answer, booted_again, each, failed_units, settled
from vmlab.machine import Machine

MAKECACHE = "dnf-makecache.timer"
# As the EL family has them, and as a host has its own: that one cannot be masked in /run.
TIMERS = f"""
put() {{ printf '%b' "$2" > "$1"; }}
put /usr/lib/systemd/system/{MAKECACHE} '[Timer]\\nOnBootSec=1d\\n[Install]\\nWantedBy=timers.target\\n'
put /usr/lib/systemd/system/dnf-makecache.service '[Service]\\nType=oneshot\\nExecStart=/usr/bin/dnf makecache\\n'
put /etc/systemd/system/own.timer '[Timer]\\nOnCalendar=2099-01-01\\n[Install]\\nWantedBy=timers.target\\n'
put /etc/systemd/system/own.service '[Service]\\nType=oneshot\\nExecStart=/usr/bin/dnf -y update\\n'
systemctl daemon-reload
systemctl enable --quiet --now {MAKECACHE}
"""


def active(vm: Machine, *units: str) -> list[str]:
    return vm.run("systemctl", "is-active", *units, check=False).stdout.split()


def test_what_is_there_after_a_boot(vm: Machine, monkeypatch: pytest.MonkeyPatch, count: Count) -> None:
    """One boot for all of it, a day later: the end of one of the holds has passed while the host was off."""
    disks = TwoDisks(vm)
    vm.run("sh", "-euc", TIMERS)
    start, stop = ("memcached", "start", "--yes", "--json"), ("memcached", "stop", "--yes", "--json")
    done = each(
        vm,
        [
            (*start, "--unit", "-m", "96"),
            (*start, "--unit", "memcached@12000"),
            (*start, "--unit", "memcached@12001"),
            ("undo", "last", "--yes", "--json"),
            *((*start, "--unit", f"memcached@{port}") for port in (12002, 12003)),
            *((*stop, "--unit", f"memcached@{port}") for port in (12002, 12003)),
            (*start, "-p", "12004"),
            ("yum", "why", "--hold", "2h", "--yes", "--json"),
        ],
    )
    assert [item.status for item in done] == [0] * len(done), [item.err for item in done]
    # Who stops a unit is told that it comes back, and what would keep it off: that is done for one of the two.
    for item in done[6:8]:
        assert item.ids == ["back-at-boot"]
    vm.run("sh", "-c", done[7].json["findings"][0]["remedy"])
    assert done[8].ids == ["gone-after-reboot"]
    vm.run("systemctl", "enable", "--quiet", "--now", "own.timer")
    held = answer(vm, "yum", "why", "--hold", "3d", "--yes")
    assert (held["result"]["units"], active(vm, MAKECACHE, "own.timer")) == (["own.timer"], ["inactive"] * 2)

    before = int(vm.run("date", "+%s").stdout)
    vm.power_off()
    disks.swap()
    monkeypatch.setenv("OPSKIT_VM_DAYS", str(int(os.environ.get("OPSKIT_VM_DAYS") or 0) + 1))
    vm.start()
    assert settled(vm) == "running"
    assert failed_units(vm) == ""
    booted_again(vm)
    disks.in_service_after_the_boot(count)
    assert int(vm.run("date", "+%s").stdout) > before + 7200

    units = ("memcached.service", *(f"memcached@{port}.service" for port in (12000, 12001, 12002, 12003)))
    assert active(vm, *units) == ["active", "active", "inactive", "active", "inactive"]
    status, why, early, late, lint = each(
        vm,
        [
            ("memcached", "status", "--timeout", "1min", "--json"),
            ("yum", "why", "--json"),
            *(("undo", run, "--yes", "--json") for run in (done[9].json["result"]["run"], held["result"]["run"])),
            ("memcached", "lint", "--unit", "memcached@12000", "--json"),
        ],
    )
    shown = {instance["unit"]: instance["listeners"] for instance in status.json["result"]["instances"]}
    assert shown == {
        "memcached.service": ["tcp 127.0.0.1:11211"],
        "memcached@12000.service": ["tcp 127.0.0.1:12000"],
        "memcached@12002.service": ["tcp 127.0.0.1:12002"],
    }
    assert (status.ids, lint.status) == ([], 0)
    # By a boot both holds are over, as their plans said: nothing is held, and an undo has nothing to do.
    assert why.json["result"]["held_until"] is None
    assert active(vm, MAKECACHE, "own.timer") == ["active"] * 2
    assert [(item.status, item.json["result"]["changed"]) for item in (early, late)] == [(0, False)] * 2
