"""The lab itself: what the other tests rest on really happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmlab.machine import Machine

BLOCK = 4096


def write(vm: Machine, text: str, at: int, *, flush: bool) -> None:
    """Put text into a block of /dev/vdb past the guest's own cache; flush: and tell the disk to keep it."""
    more = ["conv=fsync"] if flush else []
    vm.run("dd", "of=/dev/vdb", "oflag=direct", f"bs={BLOCK}", f"seek={at}", *more, stdin=text.ljust(BLOCK))


def read(vm: Machine, at: int) -> str:
    return content(vm.run("dd", "if=/dev/vdb", "iflag=direct", f"bs={BLOCK}", f"skip={at}", "count=1").stdout.encode())


def content(block: bytes) -> str:
    """What write() put into a block; empty where nothing is."""
    return block.decode().strip("\0").strip()


@pytest.mark.parametrize("lose", [True, False])
def test_a_cut_loses_what_was_not_flushed_and_nothing_else(losing_vm: Machine, *, lose: bool) -> None:
    vm = losing_vm
    write(vm, "flushed", 1, flush=True)
    write(vm, "not flushed", 2, flush=False)
    assert read(vm, 2) == "not flushed"
    vm.cut(lose=lose)
    # What the next boot would read.
    with open(vm.disks["vdb"].path, "rb") as file:
        disk = file.read(3 * BLOCK)
    assert content(disk[BLOCK : 2 * BLOCK]) == "flushed"
    assert content(disk[2 * BLOCK :]) == ("" if lose else "not flushed")


def test_a_reset_forgets(vm: Machine, snapshot: Path) -> None:
    write(vm, "before", 3, flush=True)
    vm.reset(snapshot)
    assert read(vm, 3) == ""


def test_the_host_has_what_the_areas_meet(vm: Machine) -> None:
    assert vm.run("systemctl", "is-active", "systemd-journald", "memcached", "ssh").stdout.split() == ["active"] * 3
    assert vm.run("dnf", "--version").returncode == 0
    assert vm.run("lsblk", "-ndo", "NAME,SERIAL").stdout.split() == ["vda", "SYSTEM", "vdb", "SERIAL-vdb"]
    assert vm.run("opskit", "--version").stdout.startswith("opskit ")


def test_faults_come_and_go(vm: Machine) -> None:
    one_sector = ("dd", "if=/dev/vdb", "of=/dev/null", "iflag=direct", "bs=512", "count=1")
    vm.fail("vdb", "read", sector=8)
    assert vm.run(*one_sector, "skip=8", check=False).returncode == 1
    assert vm.run(*one_sector, "skip=16", check=False).returncode == 0
    vm.heal("vdb")
    assert vm.run(*one_sector, "skip=8", check=False).returncode == 0
