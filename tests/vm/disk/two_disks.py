"""Two disks in service that come back from a boot in another order: each is where it was, whatever it is called now."""

from __future__ import annotations

from dataclasses import replace

from vm.conftest import Count
from vm.guest import FSTAB, TARGET, answer, appeared, mount, mounted, opskit, read, uuid
from vmlab.machine import Machine

MORE = "/more"


class TwoDisks:
    """/dev/vdb in service as ext4, and /dev/vdc as xfs, each with a file on it."""

    def __init__(self, vm: Machine) -> None:
        self.vm = vm
        vm.add("vdc")
        vm.attach("vdc")
        appeared(vm, "SERIAL-vdc")
        mount(vm, "/dev/vdb", TARGET)
        mount(vm, "/dev/vdc", MORE, "--fstype", "xfs")
        self.filesystems = {TARGET: uuid(vm, "/dev/vdb1"), MORE: uuid(vm, "/dev/vdc1")}
        for target in self.filesystems:
            vm.run("touch", f"{target}/marker-of{target.replace('/', '-')}")
        self.fstab = read(vm, FSTAB)
        assert _serials(vm) == {"vda": "SYSTEM", "vdb": "SERIAL-vdb", "vdc": "SERIAL-vdc"}

    def swap(self) -> None:
        """While the machine is off: each gets the slot of the other, and so its name."""
        disks = self.vm.disks
        first, other = disks["vdb"], disks["vdc"]
        disks.update({"vdb": replace(first, slot=other.slot), "vdc": replace(other, slot=first.slot)})

    def in_service_after_the_boot(self, count: Count) -> None:
        """They are, for opskit too; and who goes by the old names is told, and nothing is mounted twice."""
        vm = self.vm
        assert _serials(vm) == {"vda": "SYSTEM", "vdb": "SERIAL-vdc", "vdc": "SERIAL-vdb"}
        assert uuid(vm, "/dev/vdb1") == self.filesystems[MORE]
        for target, filesystem in self.filesystems.items():
            there = mounted(vm, target)
            assert there
            assert there["uuid"] == filesystem
            assert f"UUID={filesystem} {target} {there['fstype']} " in self.fstab
            vm.run("test", "-e", f"{target}/marker-of{target.replace('/', '-')}")
            vm.run("touch", f"{target}/after")
        for device, target in (("/dev/vdb", MORE), ("/dev/vdc", TARGET)):
            again = answer(vm, "disk", "mount", device, target)
            assert (again["status"], again["result"]["changed"]) == (0, False)
        assert "nothing to do" in opskit(vm, "disk", "mount", "/dev/vdc", TARGET).stdout
        assert answer(vm, "disk", "fstab", "check")["status"] == 0
        refused = answer(vm, "disk", "mount", "/dev/vdb", TARGET, "--yes")
        assert refused["status"] == 5
        assert {finding["id"] for finding in refused["findings"]} & {"mounted", "mount-point-in-fstab"}
        count("refusals")
        assert read(vm, FSTAB) == self.fstab


def _serials(vm: Machine) -> dict[str, str]:
    """Each disk of the guest with its serial number."""
    lines = vm.run("lsblk", "-ndo", "NAME,SERIAL").stdout.splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}
