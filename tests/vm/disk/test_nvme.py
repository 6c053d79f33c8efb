"""An NVMe disk: its partition is nvme0n1p1."""

from __future__ import annotations

from vm.guest import FSTAB, TARGET, answer, mount, mounted, read, uuid, wait_for_devices
from vmlab.machine import Machine

DISK = "/dev/nvme0n1"


def test_into_service_back_and_again(vm: Machine) -> None:
    fstab = read(vm, FSTAB)
    vm.add("nvme", serial="NVME-1", model="nvme")
    vm.attach("nvme")
    wait_for_devices(vm, DISK)
    shown = answer(vm, "disk", "show", DISK)["result"]
    assert (shown["serial"], shown["verdict"]) == ("NVME-1", "ready")

    mount(vm, DISK)
    here = mounted(vm)
    assert here
    assert here["source"] == f"{DISK}p1"
    assert here["uuid"] == uuid(vm, f"{DISK}p1")
    assert f"UUID={here['uuid']} {TARGET} " in read(vm, FSTAB)
    assert vm.run("lsblk", "-nro", "NAME", DISK).stdout.split() == ["nvme0n1", "nvme0n1p1"]
    vm.run("touch", f"{TARGET}/kept")

    undone = answer(vm, "undo", "last", "--yes")
    assert (undone["status"], undone["result"]["changed"]) == (0, True)
    assert mounted(vm) is None
    assert read(vm, FSTAB) == fstab
    # What was made stays, and is not made again.
    assert uuid(vm, f"{DISK}p1") == here["uuid"]
    again = answer(vm, "disk", "mount", f"{DISK}p1", TARGET, "--yes")
    assert again["status"] == 0
    assert (again["result"]["device"], again["result"]["formats"]) == (f"{DISK}p1", False)
    vm.run("test", "-e", f"{TARGET}/kept")
