"""Logical volumes on a disk that was made larger: opskit is killed after each step, and the same command goes on."""

from __future__ import annotations

from typing import Any

from vm.conftest import Count
from vm.guest import answer, appeared, killed, opskit
from vmlab.machine import Machine

GIB = 1 << 30
MIB = 1 << 20
EXTENT = 4 * MIB
SETUP = """
printf 'label: gpt\\nstart=2048, type=lvm\\n' | sfdisk -q /dev/vdb
udevadm wait --timeout=600 /dev/vdb1
vgcreate -q cl /dev/vdb1
lvcreate -qy -n root -L 700M cl
lvcreate -qy -n var -L 400M cl
mkfs.ext4 -q /dev/cl/root
mkfs.xfs -q /dev/cl/var
for name in root var; do
  mkdir "/srv/$name"
  mount "/dev/cl/$name" "/srv/$name"
  for n in 1 2 3; do head -c $((n * 1000000)) /dev/urandom > "/srv/$name/file $n"; done
done
cd /srv && sha256sum */file* > /run/hashes
"""
DEVICES = "/etc/lvm/devices/system.devices"
DEVICES_FILE = """
printf 'devices {\\n use_devicesfile = 1\\n}\\n' > /etc/lvm/lvmlocal.conf
lvm vgimportdevices cl
"""
# Physical volumes on loop devices that are made larger: how many extents LVM makes of so many bytes.
PHYSICAL = """
truncate -s 64M /run/pv; loop=$(losetup --find --show /run/pv); vgcreate -q -s 1M small "$loop" > /dev/null
for size in 70000128 71303168 72351744 72352256 99999744; do
  truncate -s "$size" /run/pv; losetup --set-capacity "$loop"; pvresize -q "$loop" > /dev/null
  pvs --noheadings --nosuffix --units b -o pe_start,dev_size,pv_pe_count "$loop"
done
vgremove -q small > /dev/null; losetup --detach "$loop"
"""


def size(vm: Machine, volume: str) -> int:
    """How large a logical volume is."""
    return int(vm.run("blockdev", "--getsize64", f"/dev/cl/{volume}").stdout)


def filesystem(vm: Machine, target: str) -> int:
    """How large a filesystem is, for whoever asks it."""
    return int(vm.run("findmnt", "-bno", "SIZE", "--mountpoint", target).stdout)


def plan(vm: Machine, *words: str) -> list[Any]:
    """The actions of a dry run."""
    envelope = answer(vm, "disk", "grow", *words, "--dry-run")
    assert envelope["ok"], envelope
    return [change["action"] for change in envelope["result"]["changes"]]


def lists_devices(vm: Machine, count: Count) -> None:
    """LVM goes by a file of devices, as on EL9: a disk that is added comes into it, and what is not there is unseen."""
    vm.run("sh", "-euc", DEVICES_FILE)
    vm.add("vdd", GIB)
    vm.attach("vdd")
    appeared(vm, "SERIAL-vdd")
    before = size(vm, "var")
    opskit(vm, "disk", "grow", "/srv/var", "--add", "/dev/vdd", "--yes")
    assert size(vm, "var") == before + 255 * EXTENT
    listed = vm.run("cat", DEVICES).stdout
    assert [f"DEVNAME={name} " in listed for name in ("/dev/vdb1", "/dev/vdc", "/dev/vdd")] == [True] * 3, listed
    # The volume is in use, and LVM knows nothing of it: nothing is decided.
    vm.run("cp", DEVICES, "/run/system.devices")
    vm.run("sed", "-i", "/^IDTYPE=/d", DEVICES)
    refused = answer(vm, "disk", "grow", "/srv/var", "--size", "100%", "--yes")
    assert (refused["status"], refused["findings"][0]["id"]) == (5, "volume-unseen"), refused
    assert "lvmdevices" in refused["findings"][0]["remedy"]
    count("refusals")
    vm.run("mv", "/run/system.devices", DEVICES)


def test_logical_volumes_grow_over_a_kill_after_each_step(vm: Machine, count: Count) -> None:
    vm.run("sh", "-euc", SETUP)
    vm.enlarge("vdb", 3 * GIB)
    left = ["grow-partition", "resize-physical-volume", "extend-volume", "grow-filesystem"]
    for number in range(3):
        if number == 0:
            assert plan(vm, "/srv/root") == left
        killed(vm, 1, "disk", "grow", "/srv/root", "--yes")
        count("faults injected")
    assert size(vm, "root") == 700 * MIB + GIB  # the disk has gained 256 extents, and no more were taken
    done = answer(vm, "disk", "grow", "/srv/root", "--yes")
    assert (done["status"], done["result"]["volume_group"]) == (0, "cl")
    assert [change["action"] for change in done["result"].get("changes", ())] == []
    assert filesystem(vm, "/srv/root") > 1.5 * GIB
    assert plan(vm, "/srv/root") == []

    # All that is free, onto xfs; then a blank disk.
    free = int(vm.run("vgs", "--noheadings", "-o", "vg_free_count", "cl").stdout)
    opskit(vm, "disk", "grow", "/dev/cl/var", "--size", "100%", "--yes")
    assert size(vm, "var") == 400 * MIB + free * EXTENT
    vm.add("vdc", GIB)
    vm.attach("vdc")
    appeared(vm, "SERIAL-vdc")
    assert plan(vm, "/srv/var", "--add", "/dev/vdc") == ["extend-volume-group", "extend-volume", "grow-filesystem"]
    opskit(vm, "disk", "grow", "/srv/var", "--add", "/dev/vdc", "--yes")
    assert size(vm, "var") == 400 * MIB + free * EXTENT + 255 * EXTENT
    assert filesystem(vm, "/srv/var") > 0.9 * size(vm, "var")
    too_much = answer(vm, "disk", "grow", "/srv/var", "--size", "+4M", "--yes")
    assert (too_much["status"], [finding["id"] for finding in too_much["findings"]]) == (5, ["too-few-extents"])
    count("refusals")
    vm.run("sh", "-euc", "cd /srv && sha256sum --quiet --check /run/hashes")

    groups = answer(vm, "disk", "list")["result"]["volume_groups"]
    assert [(group["name"], group["free"], group["devices"]) for group in groups] == [
        ("cl", 0, ["/dev/vdb1", "/dev/vdc"])
    ]
    lists_devices(vm, count)
    lines = [line.split() for line in vm.run("sh", "-euc", PHYSICAL).stdout.splitlines()]
    assert len(lines) == 5
    for start, device, extents in lines:
        assert (int(device) - int(start)) // MIB == int(extents)
