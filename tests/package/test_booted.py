"""The deb on a booted host: systemd runs its timer, also after an upgrade, and nothing is left of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vm.conftest import TEST_SECONDS, machine, snapshot, vm
from vm.guest import failed_units
from vmlab.machine import Machine

__all__ = ["machine", "snapshot", "vm"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.vm, pytest.mark.timeout(TEST_SECONDS)]
SERVICE, TIMER = "opskit-check.service", "opskit-check.timer"
FOUND = "find / -xdev -name '*opskit*' -not -path '/run/*' -not -path '/tmp/*' -not -path '/opt/opskit/*' | sort"
# Wait until the service has run, which the timer starts a second after it was started itself.
RAN = f'until [ -n "$(systemctl show -P ExecMainExitTimestamp {SERVICE})" ]; do sleep 0.1; done'
# Disks alone: in a busy, emulated guest some areas take longer than a check gives them, and the unit fails by that.
FEWER = f"""
mkdir /etc/systemd/system/{SERVICE}.d
printf '[Service]\\nExecStart=\\nExecStart=/usr/bin/opskit check disk\\n' > /etc/systemd/system/{SERVICE}.d/test.conf
"""
STATE = f"systemctl show -P LoadState -P ActiveState -P UnitFileState {TIMER}"


def says(vm: Machine, script: str) -> str:
    return vm.run("sh", "-euc", script).stdout


def assert_it_ran_well(vm: Machine) -> None:
    """The last run of the service; findings are no failure."""
    shown = dict(line.split("=", 1) for line in says(vm, f"systemctl show {SERVICE}").splitlines() if "=" in line)
    ended = (shown["Result"], shown["ExecMainStatus"])
    assert ended in {("success", "0"), ("success", "4")}, says(vm, f"journalctl --unit {SERVICE} --no-pager")


def test_the_timer_of_the_deb(vm: Machine, of_a_machine: dict[str, Path], older: dict[str, Path]) -> None:
    says(vm, FEWER)
    before = says(vm, FOUND)
    packages = (older[".deb"], of_a_machine[".deb"])
    disk = vm.add("vdc", 64 << 20, serial="packages")
    with open(disk.path, "r+b") as file:
        argv = ["tar", "-cf", "-", *(path.name for path in packages)]
        subprocess.run(argv, cwd=packages[0].parent, stdout=file, check=True)
    vm.attach("vdc")
    vm.run("udevadm", "wait", "/dev/disk/by-id/virtio-packages")
    says(vm, "tar -xf /dev/disk/by-id/virtio-packages -C /tmp")

    says(vm, f"dpkg -i /tmp/{packages[0].name}")
    assert says(vm, STATE).split() == ["loaded", "inactive", "disabled"]
    says(vm, f"systemctl enable --now {TIMER}; {RAN}")
    assert_it_ran_well(vm)
    says(vm, f"dpkg -i /tmp/{packages[1].name}")
    assert says(vm, STATE).split() == ["loaded", "active", "enabled"]
    says(vm, f"systemctl start {SERVICE}")
    assert_it_ran_well(vm)
    assert TIMER in says(vm, "systemctl list-timers --no-legend")
    says(vm, "/usr/bin/opskit du --keep /usr/share/man")
    says(vm, "dpkg -r opskit")
    assert "opskit" not in says(vm, "systemctl list-timers --all --no-legend")
    assert says(vm, STATE).split() == ["not-found", "inactive"]
    assert failed_units(vm) == ""
    assert says(vm, "ls /var/lib/opskit") != ""
    says(vm, "dpkg --purge opskit")
    assert says(vm, FOUND) == before
