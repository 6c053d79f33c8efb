"""A disk made larger in the cloud console while its filesystem is mounted: opskit takes the new room into use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from tiers import Agree
from vm.guest import answer, each, failed_units, ledger, mounted, wait_for_devices
from vmlab.machine import Machine
from vmlab.ssh import PATIENCE

GIB = 1 << 30
FILES = 20
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


def test_mounted_filesystems_grow_and_keep_their_files(vm: Machine) -> None:
    for disk in DISKS[1:]:
        vm.add(disk.name, 2 * GIB)
        vm.attach(disk.name)
        wait_for_devices(vm, f"/dev/{disk.name}")
    run(vm, [("mount", f"/dev/{disk.name}", disk.target, *disk.options) for disk in DISKS], changed=True)
    before = {disk: fill(vm, disk.target) for disk in DISKS}
    run(vm, [("grow", DISKS[0].target)], changed=False)  # it fills its disk as it is

    # Open for writing all along: this is what "online" means.
    script = "exec 3> $1/open; echo ready; read word; echo $word >&3"
    writers = [vm.start_command("sh", "-euc", script, "sh", disk.target) for disk in DISKS]
    assert [writer.stdout.readline() for writer in writers if writer.stdout] == ["ready\n"] * len(DISKS)
    for disk in DISKS:
        vm.enlarge(disk.name, 3 * GIB)
    run(vm, [("grow", disk.target) for disk in DISKS], changed=True)
    run(vm, [("grow", f"/dev/{disk.name}") for disk in DISKS], changed=False)  # twice is once
    for writer in writers:
        writer.communicate("written\n", timeout=PATIENCE)
        assert writer.returncode == 0
    for disk in DISKS:
        check(vm, disk, *before[disk])

    # The same once the kernel and udev have read each disk anew, as they do at boot.
    vm.run("umount", *(disk.target for disk in DISKS))
    for disk in DISKS:
        attached = vm.disks[disk.name]
        vm.detach(disk.name)
        vm.disks[disk.name] = attached
        vm.attach(disk.name)
    wait_for_devices(vm, *(f"/dev/disk/by-id/virtio-{vm.disks[disk.name].serial}" for disk in DISKS))
    vm.run("mount", "-a")
    for disk in DISKS:
        check(vm, disk, *before[disk])
    assert failed_units(vm) == ""
    assert [entry["outcome"] for entry in ledger(vm) if entry["entry"] == "end"] == ["done"] * 2 * len(DISKS)


def run(vm: Machine, commands: Sequence[Sequence[str]], *, changed: bool) -> None:
    """Run commands of `opskit disk`, each of which succeeds and changes something, or has nothing to do."""
    for command, ended in zip(commands, each(vm, [("disk", *words, "--yes", "--json") for words in commands])):
        assert ended.status == 0, (command, ended)
        assert (ended.json["result"]["changed"], ended.json["result"]["run"] is not None) == (changed, changed), command


def fill(vm: Machine, target: str) -> tuple[str, int]:
    """Write files; their hashes, and the size of the filesystem."""
    script = 'for n in $(seq "$2"); do head -c $((n * 10000)) /dev/urandom > "$1/file $n"; done'
    vm.run("sh", "-euc", script, "sh", target, str(FILES))
    written, total = hashes(vm, target), size(vm, target)
    assert len(written.splitlines()) == FILES
    assert total < 2 * GIB
    return written, total


def check(vm: Machine, disk: Disk, files: str, size_before: int) -> None:
    """It is mounted, larger by what the disk was made larger by, and has the files that it had."""
    there = mounted(vm, disk.target)
    assert there is not None
    assert there["source"].startswith(f"/dev/{disk.name}")
    assert size(vm, disk.target) >= size_before + GIB * (1 - OVERHEAD)
    present = hashes(vm, disk.target).splitlines()
    assert [line for line in present if not line.endswith("./open")] == files.splitlines()
    assert vm.run("cat", f"{disk.target}/open").stdout == "written\n"


# As old as that of EL7, for opskit; growpart, which asks too, takes what is there.
OLD_SFDISK = """
cat > /usr/sbin/sfdisk.sh << 'END'
#!/bin/sh
case "$1 $(tr '\\0' ' ' < /proc/$PPID/cmdline)" in
  *growpart*) ;;
  --version*) echo "sfdisk from util-linux 2.23.2"; exit;;
esac
exec /usr/sbin/sfdisk.real "$@"
END
chmod 755 /usr/sbin/sfdisk.sh
mv /usr/sbin/sfdisk /usr/sbin/sfdisk.real
mv /usr/sbin/sfdisk.sh /usr/sbin/sfdisk
"""


def test_growpart_gets_the_lock_of_the_disk(vm: Machine) -> None:
    """It takes a lock on the disk itself: where opskit had one, it ended after a minute."""
    run(vm, [("mount", "/dev/vdb", "/srv/dos", "--table", "dos")], changed=True)
    vm.enlarge("vdb", 3 * GIB)
    vm.run("sh", "-euc", OLD_SFDISK)
    run(vm, [("grow", "/srv/dos")], changed=True)
    steps = answer(vm, "history", "show", "last")["result"]["steps"]
    programs = [command["argv"][0].rpartition("/")[2] for command in steps[0]["commands"]]
    assert "growpart" in programs, programs
    assert size(vm, "/srv/dos") > 2.7 * GIB


# Ext filesystems of several kinds grow while they are mounted: what grow says before, and what there is after.
# The images of the second size end in a last group of a few blocks, or within a page.
EXT_SIZES = """
import itertools, json, subprocess
from opskit.disk.see.superblock import filesystem_size

BIGALLOC = ["-O", "bigalloc"]
KINDS = (["-b", "1024"], ["-b", "4096"], [*BIGALLOC, "-C", "16384"], [*BIGALLOC, "-b", "1024", "-C", "8192"])
IMAGE, TARGET = "/run/image", "/run/target"
call = lambda *words: subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
call("mkdir", TARGET)
for kind, size in itertools.product(KINDS, (40 * 1048576 + 1536, 48 * 1048576 + 300 * 1024 + 512)):
    call("truncate", "-s", "20M", IMAGE)
    call("mkfs.ext4", "-q", *kind, IMAGE)
    device = call("losetup", "--find", "--show", IMAGE)
    call("mount", device, TARGET)
    call("truncate", "-s", str(size), IMAGE)
    call("losetup", "--set-capacity", device)
    said = filesystem_size(device, "ext4", size // 512 * 512, TARGET).blocks_possible
    call("resize2fs", device)
    print(json.dumps([kind, said, filesystem_size(device, "ext4", size // 512 * 512, TARGET).blocks]), flush=True)
    call("umount", TARGET)
    call("losetup", "--detach", device)
    call("rm", IMAGE)
"""


def test_mounted_ext_is_as_large_as_grow_says(vm: Machine, agree: Agree) -> None:
    lines = vm.run("/opt/opskit/bin/python", "-", stdin=EXT_SIZES).stdout.splitlines()
    sizes = [json.loads(line) for line in lines]
    print(sizes)
    agree("mounted ext filesystems as large as grow says", sum(foretold == made for _, foretold, made in sizes), 8)


# Ext filesystems whose device becomes larger: what was done to each before it is mounted, and how large its device is.
REFUSED = {
    "filesystem-errors": ("debugfs -w -R 'ssv state 3' IMAGE", "128M"),
    "filesystem-limit": ("true", "17T"),
    "": ("true", "128M"),
}
MADE_LARGER = """
truncate -s 64M IMAGE
mkfs.ext4 -q -O ^64bit,^metadata_csum IMAGE
DONE
device=$(losetup --find --show IMAGE)
mkdir TARGET
mount "$device" TARGET
truncate -s SIZE IMAGE
losetup --set-capacity "$device"
"""


def test_what_grow_refuses_the_real_ones_refuse(vm: Machine, agree: Agree) -> None:
    """Root has every capability here: what grow says of a mounted ext is what resize2fs and the kernel do to it."""
    right = 0
    for number, (refused, (done, larger)) in enumerate(REFUSED.items()):
        image, target = f"/run/refused{number}", f"/srv/refused{number}"
        script = MADE_LARGER.replace("DONE", done).replace("SIZE", larger)
        vm.run("sh", "-euc", script.replace("IMAGE", image).replace("TARGET", target))
        (ended,) = each(vm, [("disk", "grow", target, "--dry-run", "--json")])
        ids = [finding["id"] for finding in ended.json["findings"]]
        device = vm.run("findmnt", "-no", "SOURCE", target).stdout.strip()
        status = vm.run("sh", "-c", 'resize2fs "$1"; echo $?', "sh", device).stdout.split()[-1]
        print(refused, ended.status, ids, status)
        right += (ended.status, ids, status) == ((5, [refused], "1") if refused else (0, [], "0"))
    agree("refusals to grow a mounted ext", right, len(REFUSED))
