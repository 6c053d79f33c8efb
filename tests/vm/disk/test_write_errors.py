"""A disk that fails while opskit writes to it: fstab as before, what is left is said, and the next run gets there."""

from __future__ import annotations

from typing import Any

import pytest

from vm.conftest import Count
from vm.guest import (
    TARGET,
    Gate,
    answer,
    at_gate,
    blank,
    failed_units,
    ledger,
    mount,
    mounted,
    read,
    untouched,
    wait_for_devices,
)
from vmlab.machine import Machine

SECTORS = (2 << 30) // 512
MOUNT = ("disk", "mount", "/dev/vdb", TARGET, "--yes")


def failed(outcome: dict[str, Any], status: int = 9) -> None:
    """It says that it failed, and whether anything is left of it: what mkfs wrote, for one."""
    assert outcome["status"] == status, outcome
    assert outcome["error"]["id"] == {8: "taken-back", 9: "take-back-failed"}[status]


def as_before(vm: Machine, fstab: str) -> None:
    """The host is as if nothing had been asked of it."""
    untouched(vm, fstab)
    assert ledger(vm)[-1]["entry"] == "end"


def in_service(vm: Machine, fstab: str, *more: str) -> None:
    """A second run puts the disk into service."""
    mount(vm, "/dev/vdb", TARGET, *more)
    assert mounted(vm)
    vm.run("sh", "-ec", f"echo kept > {TARGET}/file; sync -f {TARGET}/file")
    assert read(vm, "/etc/fstab").startswith(fstab)
    assert failed_units(vm) == ""


@pytest.mark.parametrize("sector", [0, SECTORS - 1], ids=["table", "backup of the table"])
def test_the_partition_table_cannot_be_written(vm: Machine, count: Count, sector: int) -> None:
    fstab = read(vm, "/etc/fstab")
    vm.fail("vdb", "write", sector=sector)
    count("faults injected")
    outcome = answer(vm, *MOUNT)
    failed(outcome, 8)
    assert outcome["error"]["what"] == "sfdisk"
    assert "dmesg" in outcome["error"]["todo"]
    assert outcome["error"]["state"] == "What had been done was taken back."
    as_before(vm, fstab)
    vm.heal("vdb")
    assert blank(vm)
    in_service(vm, fstab)


@pytest.mark.parametrize(("fstype", "sector"), [("ext4", 2050), ("xfs", 2048)])
def test_mkfs_cannot_write(vm: Machine, count: Count, fstype: str, sector: int) -> None:
    fstab = read(vm, "/etc/fstab")
    vm.fail("vdb", "write", sector=sector)
    count("faults injected")
    outcome = answer(vm, *MOUNT, "--fstype", fstype)
    # If it wrote anything but zeros before.
    kept = "make-filesystem partition 1 of /dev/vdb" in outcome["error"]["state"]
    failed(outcome, 9 if kept else 8)
    assert outcome["error"]["what"] == f"mkfs.{fstype}"
    assert "dmesg" in outcome["error"]["todo"]
    as_before(vm, fstab)
    vm.heal("vdb")
    in_service(vm, fstab, "--fstype", fstype)


def test_what_mkfs_left_is_no_longer_that_when_somebody_wrote_there(vm: Machine, count: Count) -> None:
    vm.fail("vdb", "write", sector=2050)
    count("faults injected")
    failed(answer(vm, *MOUNT))
    vm.heal("vdb")
    vm.run("dd", "of=/dev/vdb1", "bs=512", "seek=100", "conv=fsync", stdin="somebody's data")
    outcome = answer(vm, *MOUNT)
    assert outcome["status"] == 5
    assert [finding["id"] for finding in outcome["findings"]] == ["changed-since-crash"]
    count("refusals")


def test_no_write_succeeds_from_mkfs_on(vm: Machine, count: Count) -> None:
    fstab = read(vm, "/etc/fstab")
    answer = at_gate(vm, Gate(vm, "mkfs.ext4"), *MOUNT, fault=lambda: vm.fail("vdb", "write"))
    count("faults injected")
    failed(answer)  # the table cannot be removed
    assert "NOT taken back: create-partition /dev/vdb" in answer["error"]["state"]
    as_before(vm, fstab)
    vm.heal("vdb")
    # sfdisk took the partition out of the kernel before it failed to write; udev has the table read again only where it
    # comes to it when nobody holds the disk's lock any more.
    vm.run("partx", "--update", "/dev/vdb")
    wait_for_devices(vm, "/dev/vdb1")
    in_service(vm, fstab)


@pytest.mark.parametrize("fstype", ["ext4", "xfs"])
@pytest.mark.parametrize("after", [False, True], ids=["the mount writes", "only the journal writes"])
def test_the_journal_cannot_be_written(vm: Machine, count: Count, fstype: str, after: bool) -> None:
    fstab = read(vm, "/etc/fstab")
    answer = at_gate(
        vm, Gate(vm, "mount", after=after), *MOUNT, "--fstype", fstype, fault=lambda: vm.fail("vdb", "write")
    )
    count("faults injected")
    failed(answer)
    assert answer["error"]["what"] == (TARGET if after else "mount")
    assert "dmesg" in answer["error"]["todo"]
    assert "make-filesystem partition 1 of /dev/vdb" in answer["error"]["state"]
    as_before(vm, fstab)
    vm.heal("vdb")
    in_service(vm, fstab)


def test_the_disk_cannot_flush(vm: Machine, count: Count) -> None:
    fstab = read(vm, "/etc/fstab")
    vm.fail("vdb", "flush")
    count("faults injected")
    outcome = answer(vm, *MOUNT)
    failed(outcome)  # whether the zeros over what sfdisk wrote last nobody can tell
    assert outcome["error"]["what"] == "sfdisk"
    assert "NOT taken back: create-partition /dev/vdb" in outcome["error"]["state"]
    as_before(vm, fstab)
    vm.heal("vdb")

    outcome = at_gate(vm, Gate(vm, "mount", after=True), *MOUNT, fault=lambda: vm.fail("vdb", "flush"))
    count("faults injected")
    failed(outcome)
    assert outcome["error"]["what"] == TARGET
    as_before(vm, fstab)
    vm.heal("vdb")
    # What was written did arrive, so ext4 could note down the error, if it came to that before it was unmounted.
    refused = answer(vm, *MOUNT, "--dry-run")
    if refused["status"] != 0:
        assert [finding["id"] for finding in refused["findings"]] == ["filesystem-errors"], refused
        assert vm.run("e2fsck", "-p", "/dev/vdb1", check=False).returncode in (0, 1)
    in_service(vm, fstab)


@pytest.mark.parametrize(("program", "after"), [("mkfs.ext4", True), ("mount", False), ("mount", True)])
def test_the_disk_is_pulled_out(vm: Machine, count: Count, program: str, after: bool) -> None:
    fstab = read(vm, "/etc/fstab")
    disk = vm.disks["vdb"]
    answer = at_gate(vm, Gate(vm, program, after=after), *MOUNT, fault=lambda: vm.detach("vdb"))
    count("faults injected")
    failed(answer)
    assert "create-partition /dev/vdb (/dev/vdb is gone)" in answer["error"]["state"]
    as_before(vm, fstab)
    vm.disks["vdb"] = disk
    vm.attach("vdb")
    wait_for_devices(vm, "/dev/vdb1")
    in_service(vm, fstab)
