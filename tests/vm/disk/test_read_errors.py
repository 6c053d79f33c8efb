"""A disk that cannot be read in full is refused, whatever it is that cannot be read."""

from __future__ import annotations

import pytest

from vm.conftest import Count
from vm.guest import TARGET, answer, mount, mounted, opskit, read
from vmlab.machine import Machine

SECTORS = (2 << 30) // 512
MOUNT = ("disk", "mount", "/dev/vdb", TARGET, "--yes")


def refused(vm: Machine, *words: str, ids: tuple[str, ...] = ("unreadable",)) -> None:
    outcome = answer(vm, *words)
    assert outcome["status"] == 5
    assert set(ids) <= {finding["id"] for finding in outcome["findings"]}, outcome["findings"]
    assert "/dev/vdb" in outcome["error"]["why"]
    assert outcome["error"]["state"] == "Nothing was changed."


def test_a_blank_disk_with_sectors_that_cannot_be_read(vm: Machine, count: Count) -> None:
    fstab = read(vm, "/etc/fstab")
    # All; the protective MBR, the GPT, an ext4 superblock of a partition, the backup GPT in the last sector.
    for sector in (None, 0, 1, 2050, SECTORS - 1):
        vm.fail("vdb", "read", sector=sector)
        count("faults injected")
        refused(vm, *MOUNT)
        count("refusals")
        vm.heal("vdb")
    vm.fail("vdb", "read", sector=2050)
    refused(vm, *MOUNT, "--wipe", "/dev/vdb")
    count("refusals")
    vm.heal("vdb")
    assert read(vm, "/etc/fstab") == fstab
    assert vm.run("test", "-e", "/var/lib/opskit/ledger.jsonl", check=False).returncode == 1
    mount(vm)


@pytest.mark.parametrize("fstype", ["ext4", "xfs"])
def test_a_filesystem_with_sectors_that_cannot_be_read_is_not_mounted_again(
    vm: Machine, count: Count, fstype: str
) -> None:
    mount(vm, "/dev/vdb", TARGET, "--fstype", fstype)
    opskit(vm, "disk", "umount", TARGET, "--yes")
    fstab = read(vm, "/etc/fstab")
    # The table; the superblock (blkid finds nothing then); a place between.
    for sector in (1, 2048 if fstype == "xfs" else 2050, SECTORS - 3000):
        vm.fail("vdb", "read", sector=sector)
        count("faults injected")
        refused(vm, *MOUNT)
        count("refusals")
        vm.heal("vdb")
    assert read(vm, "/etc/fstab") == fstab
    assert mounted(vm) is None
    mount(vm)
    here = mounted(vm)
    assert here
    assert here["fstype"] == fstype


def test_a_volume_that_is_suspended_is_named_and_the_others_are_shown(vm: Machine, count: Count) -> None:
    """Whatever reads it waits for ever, in state D."""
    vm.run("dmsetup", "create", "linear", "--table", "0 2097152 linear /dev/vdb 0")
    vm.run("udevadm", "settle")
    vm.run("dmsetup", "suspend", "linear")
    try:
        listed = answer(vm, "disk", "list")
        verdicts = {device["path"]: (device["verdict"], device["reason"]) for device in listed["result"]["devices"]}
        assert verdicts["/dev/dm-0"] == ("unknown", "it does not answer")
        assert verdicts["/dev/vda"][0] == "system"
        assert any(text.startswith("/dev/dm-0: it did not answer") for text in listed["result"]["unseen"])
        planned = answer(vm, "disk", "mount", "/dev/dm-0", TARGET, "-n")
        assert planned["status"] == 5
        assert "/dev/dm-0 does not answer" in {finding["title"] for finding in planned["findings"]}
    finally:
        vm.run("dmsetup", "resume", "linear")
    count("faults injected")
    count("refusals")
