"""`opskit disk mount` of a disk that holds something: mounted only, refused, or destroyed by --wipe that names it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import GIB, MIB, Disk, run
from tiers import slow

NEW_FILE = b"written by a test\n" * 5000


def make_existing(disk: Disk, kind: str) -> str:
    """A filesystem that somebody else made, with a file on it. Returns its device."""
    fstype, _, table = kind.partition("-")
    device = disk.make_partition(table) if table else disk.path
    run(f"mkfs.{fstype}", "-q", device)
    at = disk.image.parent / "before"
    at.mkdir()
    run("mount", device, str(at))
    (at / "file").write_bytes(NEW_FILE)
    run("umount", str(at))
    return device


@pytest.mark.parametrize("named", ["disk", slow("partition")])
@pytest.mark.parametrize("kind", ["ext4", "xfs", "ext3-dos", "ext4-gpt", "xfs-gpt"])
def test_an_existing_filesystem_is_mounted_only(host: Host, kind: str, named: str) -> None:
    disk = host.new_disk(GIB if "xfs" in kind else 64 * MIB)
    device = make_existing(disk, kind)
    uuid = disk.value("UUID", device)
    dry = host.on_disk("mount", disk.path, host.target, "--dry-run", "--json").well().json
    assert [finding["id"] for finding in dry["findings"]] == ["mount-only"]
    assert dry["result"]["formats"] is False
    named_path = device if named == "partition" else disk.path
    answer = host.on_disk("mount", named_path, host.target, "--yes", "--json").well()
    assert answer.json["result"]["uuid"] == uuid
    assert Path(host.target, "file").read_bytes() == NEW_FILE
    assert disk.value("UUID", device) == uuid
    kinds = {entry["kind"] for entry in host.ledger() if entry["entry"] == "step"}
    assert kinds <= {"disk.backup-fstab", "disk.add-fstab-entry", "disk.make-mount-point", "disk.mount"}
    assert host.added().startswith(f"UUID={uuid} {host.target} {kind.partition('-')[0]} ")


def test_an_existing_filesystem_on_a_disk_that_is_read_only_is_mounted_read_only(host: Host) -> None:
    disk = host.new_disk()
    make_existing(disk, "ext4")
    disk.take_down()
    disk = host.attach(disk.image, "-r")
    before = disk.digest()
    refused = host.mount(disk)
    assert refused.code == 5
    host.mount(disk, "--mount-options", "ro").well()
    assert Path(host.target, "file").read_bytes() == NEW_FILE
    assert disk.digest() == before


@pytest.mark.parametrize(
    "kind", ["ext3-dos", "random", "two-partitions", "backup-gpt", slow("ext4"), slow("ext4-gpt"), slow("swap")]
)
def test_wipe_destroys_what_it_names(host: Host, kind: str) -> None:
    disk = host.new_disk()
    if kind == "swap":
        run("mkswap", disk.path)
    elif kind == "random":
        disk.write(os.urandom(MIB), 20 * MIB)
    elif kind == "two-partitions":
        disk.make_partition("gpt", "size=10MiB", "size=10MiB")
        run("mkfs.ext4", "-q", disk.partitions[0])
    elif kind == "backup-gpt":
        disk.make_partition("gpt")
        disk.forget_partitions()
        disk.write(b"\0" * 34 * 512, 0)
    else:
        make_existing(disk, kind)
    before = disk.digest()
    assert host.mount(disk, "--fstype", "ext4", "--label", "new").code == 5
    assert disk.digest() == before
    host.mount(disk, "--fstype", "ext4", "--label", "new", "--wipe", disk.path).well()
    assert disk.value("LABEL", disk.partitions[0]) == "new"
    assert len(disk.partitions) == 1
    assert os.listdir(host.target) == ["lost+found"]
    run("sfdisk", "--verify", disk.path)


def test_a_second_run_with_wipe_does_not_destroy_what_the_first_one_made(host: Host, disk: Disk) -> None:
    make_existing(disk, "ext4")
    host.mount(disk, "--wipe", disk.path).well()
    made = Path(host.target, "file")
    made.write_bytes(NEW_FILE)
    again = host.mount(disk, "--wipe", disk.path).well()
    assert again.out.startswith("nothing to do")
    assert made.read_bytes() == NEW_FILE


def test_a_disk_made_from_a_snapshot_beside_its_origin_is_refused(host: Host, disk: Disk) -> None:
    run("mkfs.ext4", "-q", disk.path)
    image = host.folder / "copy.img"
    shutil.copy(disk.image, image)
    host.attach(image)
    before = disk.digest(), host.table()
    refused = host.mount(disk, "--json")
    assert (refused.code, refused.ids) == (5, ["duplicate-uuid"])
    assert (disk.digest(), host.table()) == before


def test_the_options_and_the_type_of_the_entry_are_those_of_the_mount(host: Host, disk: Disk) -> None:
    """cases: an entry with ro,noexec,nosuid was mounted rw,relatime, and "in service"."""
    device = make_existing(disk, "ext4")
    line = f"UUID={disk.value('UUID', device)} {host.target} ext4 ro,noexec,nosuid,nofail 0 2\n"
    host.fstab.write_text(host.fstab.read_text() + line)
    host.mount(disk).well()
    mounted = host.mounted()
    assert mounted
    assert {"ro", "noexec", "nosuid"} <= set(mounted.options)
    assert host.mount(disk).well().out.startswith("nothing to do")
    other = host.mount(disk, "--mount-options", "noatime", "--json")
    assert (other.code, other.ids) == (5, ["other-options", "mounted-otherwise"])
    host.on_disk("umount", host.target, "--yes").well()
    host.run("undo", "last", "--yes").well()
    again = host.mounted()
    assert again
    assert {"ro", "noexec", "nosuid"} <= set(again.options)


def test_an_entry_of_another_type_is_refused(host: Host, disk: Disk) -> None:
    device = make_existing(disk, "ext4")
    host.fstab.write_text(f"{host.fstab.read_text()}UUID={disk.value('UUID', device)} {host.target} xfs nofail 0 0\n")
    refused = host.mount(disk, "--json")
    assert (refused.code, refused.ids) == (5, ["wrong-fstype"])
    assert host.mounted() is None


@pytest.mark.parametrize("tag", ["UUID", slow("LABEL")])
def test_a_filesystem_is_named_by_what_it_has(host: Host, tag: str) -> None:
    disk = host.new_disk()
    device = make_existing(disk, "ext4-gpt")
    run("e2label", device, f"opskit-{os.getpid()}")
    name = f"{tag}={disk.value(tag, device)}"
    host.on_disk("mount", name, host.target, "--yes").well()
    assert Path(host.target, "file").read_bytes() == NEW_FILE
    assert host.on_disk("mount", name, host.target, "--yes").well().out.startswith("nothing to do")
    twin = host.new_disk()
    run("dd", f"if={device}", f"of={twin.path}", "bs=1M", "status=none")
    refused = host.on_disk("mount", name, host.target, "--yes")
    assert refused.code == 2
    assert device in refused.err
    assert twin.path in refused.err
    run("dd", "if=/dev/zero", f"of={twin.path}", "bs=1M", "count=4", "status=none")
    host.on_disk("umount", name, "--yes").well()
    assert os.listdir(host.target) == []


def test_a_blank_partition_is_used_as_the_refusal_says(host: Host, disk: Disk) -> None:
    """cases: the disk's name led to the partition's, that one back to the disk's, and --wipe was the only way out."""
    partition = disk.make_partition("gpt", "start=2048")
    for name in (disk.path, partition):
        refused = host.on_disk("mount", name, host.target, "--yes")
        assert refused.code in {2, 5}
        assert f"mkfs.ext4 {partition} makes one there" in refused.err, refused
    run("mkfs.ext4", "-q", partition)
    host.on_disk("mount", partition, host.target, "--yes").well()
    mounted = host.mounted()
    assert mounted
    assert mounted.source == partition


def test_who_mounts_a_tmpfs_under_the_name_of_a_disk_does_not_have_the_disk(host: Host, disk: Disk) -> None:
    """cases: any user may do so in a namespace of his own (unshare -Urm), and the disk was "in use"."""
    elsewhere = host.folder / "elsewhere"
    elsewhere.mkdir()
    inside = host.namespace(f"mount -t tmpfs {disk.path} {elsewhere}")
    assert [mount.source for mount in inside.mounts() if mount.target == str(elsewhere)] == [disk.path]
    host.mount(disk).well()
