"""The host boots without its disk. With its disks in another order it does in tests/vm/test_reboot.py."""

from __future__ import annotations

from vm.conftest import Count
from vm.guest import (
    TARGET,
    answer,
    appeared,
    booted_again,
    failed_units,
    mount,
    mounted,
    opskit,
    settled,
    uuid,
    wait_for_disk,
)
from vmlab.machine import Machine


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
    booted_again(vm)

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
