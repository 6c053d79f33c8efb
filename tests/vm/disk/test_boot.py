"""The host boots: without its disk, and with its disks in service and in another order."""

from __future__ import annotations

from dataclasses import replace

from vm.conftest import Count
from vm.guest import (
    FSTAB,
    TARGET,
    answer,
    appeared,
    failed_units,
    mount,
    mounted,
    opskit,
    read,
    settled,
    uuid,
    wait_for_disk,
)
from vmlab.machine import Machine

MORE = "/more"


def test_the_host_boots_without_the_disk_and_opskit_says_what_is_missing(vm: Machine, count: Count) -> None:
    mount(vm)
    wanted = uuid(vm, "/dev/vdb1")
    vm.run("touch", f"{TARGET}/before")
    wait_for_disk(vm, wanted, seconds=10)
    vm.power_off()
    taken = vm.disks.pop("vdb")
    vm.start()  # raises unless it reaches multi-user.target
    count("faults injected")
    # Once systemd has waited for the disk, nothing has failed but the wait.
    assert settled(vm) == "running"
    assert failed_units(vm) == ""
    assert mounted(vm) is None

    check = answer(vm, "disk", "fstab", "check")
    assert check["status"] == 4
    assert [finding["id"] for finding in check["findings"]] == ["unknown-source"]
    assert f"UUID={wanted} for {TARGET}" in check["findings"][0]["title"]
    listed = opskit(vm, "disk", "list")
    assert f"missing: UUID={wanted} for {TARGET}" in listed.stderr
    refused = answer(vm, "disk", "mount", "/dev/vdb", TARGET, "--yes")
    assert (refused["status"], refused["ok"]) == (2, False)
    assert [finding["id"] for finding in refused["findings"]] == ["no-such-device", "missing-filesystem"]
    count("refusals")

    # Another disk in its place does not take its mount point.
    vm.add("vdb", serial="OTHER")
    vm.attach("vdb")
    appeared(vm, "OTHER")
    refused = answer(vm, "disk", "mount", "/dev/vdb", TARGET, "--yes")
    assert refused["status"] == 5
    assert [finding["id"] for finding in refused["findings"]] == ["mount-point-in-fstab"]
    assert wanted in refused["findings"][0]["title"]
    count("refusals")
    vm.detach("vdb")

    # And the disk itself, attached again, goes into service with what is on it.
    vm.disks["vdb"] = taken
    vm.attach("vdb")
    appeared(vm, taken.serial)
    mount(vm)
    vm.run("test", "-e", f"{TARGET}/before")
    assert answer(vm, "disk", "fstab", "check")["status"] == 0


def test_in_service_after_a_boot_with_the_disks_in_another_order(vm: Machine, count: Count) -> None:
    vm.add("vdc")
    vm.attach("vdc")
    appeared(vm, "SERIAL-vdc")
    mount(vm, "/dev/vdb", TARGET)
    mount(vm, "/dev/vdc", MORE, "--fstype", "xfs")
    here = {TARGET: uuid(vm, "/dev/vdb1"), MORE: uuid(vm, "/dev/vdc1")}
    for target in here:
        vm.run("touch", f"{target}/marker-of{target.replace('/', '-')}")
    fstab = read(vm, FSTAB)
    assert _serials(vm) == {"vda": "SYSTEM", "vdb": "SERIAL-vdb", "vdc": "SERIAL-vdc"}

    vm.power_off()
    first_disk, other = vm.disks["vdb"], vm.disks["vdc"]
    vm.disks.update({"vdb": replace(first_disk, slot=other.slot), "vdc": replace(other, slot=first_disk.slot)})
    vm.start()
    assert _serials(vm) == {"vda": "SYSTEM", "vdb": "SERIAL-vdc", "vdc": "SERIAL-vdb"}
    assert settled(vm) == "running"
    assert failed_units(vm) == ""
    assert uuid(vm, "/dev/vdb1") == here[MORE]
    for target, filesystem in here.items():
        there = mounted(vm, target)
        assert there
        assert there["uuid"] == filesystem
        assert f"UUID={filesystem} {target} {there['fstype']} " in fstab
        vm.run("test", "-e", f"{target}/marker-of{target.replace('/', '-')}")
        vm.run("touch", f"{target}/after")
    for device, target in (("/dev/vdb", MORE), ("/dev/vdc", TARGET)):
        again = answer(vm, "disk", "mount", device, target)
        assert (again["status"], again["result"]["changed"]) == (0, False)
    assert "nothing to do" in opskit(vm, "disk", "mount", "/dev/vdc", TARGET).stdout
    assert answer(vm, "disk", "fstab", "check")["status"] == 0
    # Who goes by the old names is told, and nothing is mounted twice.
    refused = answer(vm, "disk", "mount", "/dev/vdb", TARGET, "--yes")
    assert refused["status"] == 5
    assert {finding["id"] for finding in refused["findings"]} & {"mounted", "mount-point-in-fstab"}
    count("refusals")
    assert read(vm, FSTAB) == fstab


def _serials(vm: Machine) -> dict[str, str]:
    """Each disk of the guest with its serial number."""
    lines = vm.run("lsblk", "-ndo", "NAME,SERIAL").stdout.splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}
