"""What a power cut left on the disks of a machine, brought to one that has booted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vm.guest import wait_for_devices
from vmlab.machine import Machine

# udev gives it no link by its UUID, which is that of the machine's own root filesystem.
UNKNOWN_TO_UDEV = 'KERNEL=="vdc", ENV{UDEV_DISABLE_PERSISTENT_STORAGE_RULES_FLAG}="1", ENV{SYSTEMD_READY}="0"\n'
RULE = "/run/udev/rules.d/00-cut.rules"
# What the initrd does with the root filesystem, and then what differs in it from the snapshot: opskit's own.
TAKE_OVER = """
status=0
e2fsck -p /dev/vdc > /run/e2fsck || status=$?
[ $status -le 1 ] || { cat /run/e2fsck; exit 1; }
mkdir /run/cut
mount /dev/vdc /run/cut
cp -a /run/cut/etc/. /etc/
[ ! -e /run/cut/var/lib/opskit ] || cp -a /run/cut/var/lib/opskit /var/lib/
[ ! -d /run/cut/data ] || mkdir -p /data
umount /run/cut
"""
# What a boot makes of fstab.
START = """
systemctl daemon-reload
systemctl start -- $(systemctl show -P Requires -P Wants local-fs.target)
"""


def up_again(vm: Machine, snapshot: Path, *, boot: bool) -> None:
    """After vm.cut(): boot it, or go on from the snapshot with what the cut left on its two disks."""
    if boot:
        vm.start()
        return
    root, data = vm.disks["vda"], vm.disks["vdb"]
    left = {disk.name: Path(disk.path).rename(f"{disk.path}.cut") for disk in (root, data)}
    vm.reset(snapshot)
    vm.run("sh", "-euc", f"mkdir -p {Path(RULE).parent}; cat > {RULE}; udevadm control --reload", stdin=UNKNOWN_TO_UDEV)
    slot = vm.add("vdc").slot
    vm.disks["vdc"] = replace(root, name="vdc", path=str(left["vda"]), serial="CUT", slot=slot, losing=False)
    vm.attach("vdc")
    wait_for_devices(vm, "/dev/vdc")
    vm.run("sh", "-euc", TAKE_OVER)
    vm.detach("vdc")
    vm.detach("vdb")
    vm.disks["vdb"] = replace(data, path=str(left["vdb"]), losing=False)
    vm.attach("vdb")
    wait_for_devices(vm, f"/dev/disk/by-id/virtio-{data.serial}")
    vm.run("sh", "-euc", START)
