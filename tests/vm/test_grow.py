"""A disk made larger in the cloud console while its filesystem is mounted: opskit takes the new room into use."""

from __future__ import annotations

from typing import NamedTuple

from vmlab.machine import Machine

from .guest import answer, failed_units, ledger, mount, mounted

GIB = 1 << 30
FILES = "20"
# What a filesystem keeps for itself: its journal and tables.
OVERHEAD = 0.1


class Disk(NamedTuple):
    """A disk to grow, and how it was put into service."""

    name: str
    target: str
    options: tuple[str, ...]


DISKS = (
    Disk("vdb", "/srv/ext4", ("--fstype", "ext4")),
    Disk("vdc", "/srv/xfs", ("--fstype", "xfs")),
    Disk("vdd", "/srv/whole", ("--fstype", "ext4", "--whole-disk")),
)


def hashes(vm: Machine, target: str) -> str:
    """The hash of every file, read from the disk and not from memory."""
    script = 'sync; echo 3 > /proc/sys/vm/drop_caches; cd "$1"; find . -type f -exec sha256sum {} + | sort -k 2'
    return vm.run("sh", "-euc", script, "sh", target).stdout


def size(vm: Machine, target: str) -> int:
    """How large the filesystem is, for whoever asks it."""
    return int(vm.run("findmnt", "-bno", "SIZE", "--mountpoint", target).stdout)


def test_a_mounted_filesystem_grows_and_keeps_its_files(vm: Machine) -> None:
    before = {}
    for disk in DISKS:
        if disk.name != "vdb":
            vm.add(disk.name, 2 * GIB)
            vm.attach(disk.name)
            vm.run("udevadm", "wait", "--timeout=60", f"/dev/{disk.name}")
        mount(vm, f"/dev/{disk.name}", disk.target, *disk.options)
        script = 'for n in $(seq "$2"); do head -c $((n * 100000)) /dev/urandom > "$1/file $n"; done'
        vm.run("sh", "-euc", script, "sh", disk.target, FILES)
        before[disk.name] = hashes(vm, disk.target), size(vm, disk.target)
        assert len(before[disk.name][0].splitlines()) == int(FILES)
        assert before[disk.name][1] < 2 * GIB
        found = answer(vm, "disk", "grow", disk.target)
        assert (found["status"], found["result"]["changed"]) == (0, False)  # it fills its disk as it is

    for disk in DISKS:
        vm.enlarge(disk.name, 3 * GIB)
        # Open for writing all along: this is what "online" means.
        writer = vm.start_command("sh", "-c", f"exec 3> {disk.target}/open; echo ready; read word; echo $word >&3")
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        found = answer(vm, "disk", "grow", disk.target, "--yes")
        assert (found["status"], found["result"]["changed"]) == (0, True), found
        writer.communicate("written\n", timeout=60)
        assert writer.returncode == 0
        again = answer(vm, "disk", "grow", disk.target, "--yes")
        assert (again["status"], again["result"]["changed"], again["result"]["run"]) == (0, False, None), again
        check(vm, disk, *before[disk.name])

    vm.reboot()
    for disk in DISKS:
        check(vm, disk, *before[disk.name])
    assert failed_units(vm) == ""
    assert [entry["outcome"] for entry in ledger(vm) if entry["entry"] == "end"] == ["done"] * 2 * len(DISKS)


def check(vm: Machine, disk: Disk, files: str, size_before: int) -> None:
    """It is mounted, larger by what the disk was made larger by, and has the files that it had."""
    there = mounted(vm, disk.target)
    assert there is not None
    assert there["source"].startswith(f"/dev/{disk.name}")
    assert size(vm, disk.target) >= size_before + GIB * (1 - OVERHEAD)
    found = hashes(vm, disk.target).splitlines()
    assert [line for line in found if not line.endswith("./open")] == files.splitlines()
    assert vm.run("cat", f"{disk.target}/open").stdout == "written\n"
