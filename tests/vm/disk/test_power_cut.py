"""The power cut while a disk is put into service: after each recorded step, and at random moments.

After the reboot the host is up, its fstab is whole, and a second run ends with the disk in service or refuses with
the reason; a filesystem that was there is never made again. Some cuts are followed by a real boot; after the others a
machine that has booted gets what the cut left on both disks (vm/cuts.py), for a fifteenth of the time.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tiers import more
from vm.conftest import Count
from vm.cuts import up_again
from vm.guest import FSTAB, TARGET, answer, failed_units, killed, mounted, read, uuid
from vmlab.machine import Machine

STEPS = 6  # create-partition, make-filesystem, backup-fstab, add-fstab-entry, make-mount-point, mount
MOMENTS = 20
# What --full has of them: in the middle, with and without what was not flushed.
SOME = (8, 13)
# A real boot: once the entry of fstab is there and its mount point is not, and at all moments that only --more has.
BOOT_AFTER_STEP = 4
PARTITION = "/dev/vdb1"
MARKER = f"{TARGET}/marker"
REFUSED = 5


def made(vm: Machine) -> tuple[str, str]:
    """The filesystem on the partition: its UUID and when mkfs made it; empty where there is none, or not all of it."""
    identity = uuid(vm, PARTITION)
    shown = vm.run("dumpe2fs", "-h", PARTITION, check=False)
    created = [line for line in shown.stdout.splitlines() if line.startswith("Filesystem created:")]
    # mkfs writes the superblock's state last: e2fsck of a filesystem that it did not finish finds errors.
    whole = vm.run("e2fsck", "-n", "-f", PARTITION, check=False).returncode == 0 if created else False
    return (identity, created[0]) if whole or mounted(vm) else ("", "")


def put_data(vm: Machine) -> None:
    """What an administrator may do before the second run: use the filesystem that is there."""
    if not mounted(vm):
        vm.run("mount", PARTITION, TARGET)
    vm.run("sh", "-c", f"echo precious > {MARKER}; sync {MARKER}")


def survive(vm: Machine, fstab: str, *, data: bool) -> str:
    """Look at the host that is up again after a cut, run again; what came of it: `in service` or `refused: REASON`."""
    assert failed_units(vm) == ""
    text = read(vm, FSTAB)
    assert text.startswith(fstab)
    added = text[len(fstab) :].splitlines(keepends=True)
    before = made(vm)
    if added:
        # An entry comes after the filesystem, whole, and of that filesystem.
        assert len(added) == 1
        assert added[0].startswith(f"UUID={before[0]} {TARGET} ext4 ")
        assert added[0].endswith("\n")
    data = data and before != ("", "")
    if data:
        vm.run("mkdir", "-p", TARGET)
        put_data(vm)
    again = answer(vm, "disk", "mount", "/dev/vdb", TARGET, "--yes")
    if before != ("", ""):
        assert made(vm) == before
    if again["status"] == REFUSED:
        return f"refused: {again['error']['why']}"
    assert again["status"] == 0, again
    now = mounted(vm)
    assert now
    assert f"UUID={now['uuid']} {TARGET} " in read(vm, FSTAB)
    if data:
        assert read(vm, MARKER) == "precious\n"
    vm.run("touch", f"{TARGET}/writable")
    return "in service"


@pytest.mark.parametrize("number", range(1, STEPS + 1))
def test_a_cut_after_a_recorded_step(losing_vm: Machine, snapshot: Path, number: int, count: Count) -> None:
    vm = losing_vm
    fstab = read(vm, FSTAB)
    # Nothing after that entry of the ledger, which is on the disk, has begun.
    killed(vm, number, "disk", "mount", "/dev/vdb", TARGET, "--yes")
    vm.cut(lose=True)
    up_again(vm, snapshot, boot=number == BOOT_AFTER_STEP)
    outcome = survive(vm, fstab, data=False)
    assert outcome == "in service"
    count("cuts survived", outcome=outcome)


@contextlib.contextmanager
def planned(vm: Machine) -> Iterator[subprocess.Popen[str]]:
    """A disk is being put into service: the plan is on the screen, the steps begin."""
    with vm.start_command("opskit", "disk", "mount", "/dev/vdb", TARGET, "--yes") as running:
        assert running.stdout
        assert running.stdout.readline().startswith("Plan:")
        yield running


@pytest.fixture(scope="module")
def seconds(machine: Machine, snapshot: Path) -> float:
    """How long the steps take on this machine, which others may share."""
    machine.reset(snapshot, losing=True)
    with planned(machine) as running:
        began = time.monotonic()
        assert running.wait() == 0
        return time.monotonic() - began


@pytest.mark.xdist_group("moments")  # the seconds are measured once
@pytest.mark.parametrize("number", [number if number in SOME else more(number) for number in range(MOMENTS)])
def test_a_cut_at_a_random_moment(
    seconds: float, losing_vm: Machine, snapshot: Path, number: int, count: Count
) -> None:
    vm = losing_vm
    fstab = read(vm, FSTAB)
    # One moment in each twentieth of the time; every other cut loses what was not flushed.
    moment = (number + random.Random(number).random()) * seconds / MOMENTS
    with planned(vm):
        time.sleep(moment)
        vm.cut(lose=number % 2 == 0)
    up_again(vm, snapshot, boot=number not in SOME)
    outcome = survive(vm, fstab, data=number % 4 < 2)
    count("cuts survived", outcome=outcome)
