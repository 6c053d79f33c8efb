"""systemd unmounts what belongs to a unit that failed before, some seconds later: not what opskit mounts."""

from __future__ import annotations

import time

from vm.guest import FSTAB, TARGET, failed_units, mount, mounted, read, uuid
from vmlab.machine import Machine

UNIT = "data.mount"
WATCHED = 10  # seconds


def test_a_mount_stays_where_the_unit_had_failed_before(vm: Machine) -> None:
    fstab = read(vm, FSTAB)
    # The usual way there: an entry written before there was a filesystem.
    vm.run("sh", "-euc", f"echo '/dev/vdb {TARGET} ext4 nofail 0 2' >> {FSTAB}; systemctl daemon-reload")
    assert vm.run("systemctl", "start", UNIT, check=False).returncode != 0
    vm.run("tee", FSTAB, stdin=fstab)
    vm.run("systemctl", "daemon-reload")
    assert UNIT in failed_units(vm)
    mount(vm)
    time.sleep(WATCHED)  # the time itself is what is asked about
    here = mounted(vm)
    assert here
    assert here["uuid"] == uuid(vm, "/dev/vdb1")
    assert vm.run("systemctl", "is-active", UNIT).stdout.strip() == "active"
    assert failed_units(vm) == ""
