"""`opskit disk grow`: after the disk was made larger, partition and filesystem fill it, online, the data as it was."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host
from host.tools import GIB, MIB, Disk, run
from tiers import slow

CAP_SYS_RESOURCE = 24
NEW_FILE = os.urandom(3 * MIB)


def can_grow_ext() -> bool:
    """The kernel wants CAP_SYS_RESOURCE for the online resize of ext (fs/ext4/ioctl.c); xfs has CAP_SYS_ADMIN."""
    match = re.search(r"CapEff:\s*([0-9a-f]+)", Path("/proc/self/status").read_text())
    assert match
    return bool(int(match.group(1), 16) >> CAP_SYS_RESOURCE & 1)


def needs_online_ext() -> None:
    if not can_grow_ext():
        pytest.skip("without CAP_SYS_RESOURCE the kernel lets nobody grow a mounted ext filesystem (EPERM)")


def size_of(host: Host) -> int:
    status = os.statvfs(host.target)
    return status.f_blocks * status.f_frsize


def in_service(host: Host, fstype: str, layout: str, size: int) -> Disk:
    disk = host.new_disk(size)
    options = ["--whole-disk"] if layout == "whole-disk" else ["--table", layout]
    host.mount(disk, "--fstype", fstype, *options).well()
    Path(host.target, "file").write_bytes(NEW_FILE)
    return disk


LAYOUTS = ["gpt", slow("dos"), "whole-disk"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fstype", ["xfs", "ext4", "ext3"])
def test_grow_fills_the_disk_and_a_second_one_has_nothing_to_do(host: Host, fstype: str, layout: str) -> None:
    if fstype != "xfs":
        needs_online_ext()
    before = GIB if fstype == "xfs" else 256 * MIB
    disk = in_service(host, fstype, layout, before)
    fstab, uuids = host.table(), [p.get("uuid", "") for p in partitions(disk)]
    nothing = host.on_disk("grow", host.target, "--yes").well()
    assert nothing.out.startswith("nothing to do")
    disk.resize(2 * before)
    grown = host.on_disk("grow", host.target, "--yes").well()
    assert "undo" not in grown.out, "a grow stays: there is nothing to take back"
    assert size_of(host) > 1.85 * before
    assert hashlib.sha256(Path(host.target, "file").read_bytes()).digest() == hashlib.sha256(NEW_FILE).digest()
    if layout != "whole-disk":
        verified = run("sfdisk", "--verify", disk.path)
        assert "No errors" in verified.stdout + verified.stderr
        table = partitions(disk)[0]
        assert 2 * before - (table["start"] + table["size"]) * 512 <= MIB + 34 * 512
        assert [p.get("uuid", "") for p in partitions(disk)] == uuids
    if layout == "gpt":
        with disk.image.open("rb") as file:
            file.seek(-512, os.SEEK_END)
            assert file.read(8) == b"EFI PART", "the backup GPT is not at the end"
    assert host.table() == fstab
    entries = len(host.ledger())
    again = host.on_disk("grow", host.target, "--yes").well()
    assert again.out.startswith("nothing to do")
    assert len(host.ledger()) == entries
    # What the kernel was told is what is on the disk.
    host.on_disk("umount", host.target, "--yes").well()
    disk.forget_partitions()
    run("partx", "-u", disk.path, check=False)
    host.mount(disk).well()
    assert size_of(host) > 1.85 * before
    assert Path(host.target, "file").read_bytes() == NEW_FILE


def partitions(disk: Disk) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = disk.table()["partitions"] if disk.partitions else []
    return table


@pytest.mark.parametrize("how", [slow("mount point"), "disk", slow("partition")])
def test_grow_by_any_name(host: Host, how: str) -> None:
    disk = in_service(host, "xfs", "gpt", GIB)
    disk.resize(2 * GIB)
    what = {"mount point": host.target, "disk": disk.path, "partition": disk.partitions[0]}[how]
    host.on_disk("grow", what, "--yes").well()
    assert size_of(host) > 1.9 * GIB


def test_a_filesystem_that_does_not_grow_leaves_the_partition_as_it_was(host: Host) -> None:
    """An xfs_growfs that fails: the partition, which was grown before it, gets its old size back."""
    disk = in_service(host, "xfs", "gpt", GIB)
    disk.resize(2 * GIB)
    inside = host.namespace(
        f"mount {disk.partitions[0]} {host.target}\n" + host.shim("xfs_growfs", "echo no >&2; exit 1")
    )
    size = partitions(disk)[0]["size"]
    answer = host.on_disk("grow", host.target, "--yes", inside=inside)
    assert answer.code == 8, answer
    assert "xfs_growfs" in answer.err
    assert partitions(disk)[0]["size"] == size
    assert Path(host.target, "file").read_bytes() == NEW_FILE


@pytest.mark.skipif(can_grow_ext(), reason="root has CAP_SYS_RESOURCE: test_grow_fills_the_disk_… has it grow")
def test_root_that_may_not_grow_an_ext_is_told_before_the_partition_grows(host: Host) -> None:
    disk = in_service(host, "ext4", "gpt", 256 * MIB)
    disk.resize(512 * MIB)
    before, entries = partitions(disk), len(host.ledger())
    answer = host.on_disk("grow", host.target, "--yes", "--json")
    assert (answer.code, answer.ids) == (6, ["capability-missing"]), answer
    assert (partitions(disk), len(host.ledger())) == (before, entries)


@pytest.mark.parametrize("table", ["gpt", "dos"])
def test_what_is_not_the_last_partition_is_refused(host: Host, large_disk: Disk, table: str) -> None:
    large_disk.make_partition(table, "size=400MiB", "size=400MiB")
    run("mkfs.xfs", "-q", large_disk.partitions[0])
    host.mount(Disk(large_disk.image, large_disk.partitions[0])).well()
    large_disk.resize(2 * GIB)
    before = large_disk.table()
    answer = host.on_disk("grow", host.target, "--yes", "--json")
    assert (answer.code, answer.ids) == (5, ["not-the-last-partition"])
    assert large_disk.partitions[1] in answer.json["error"]["why"]
    assert large_disk.table() == before


def test_a_table_that_the_kernel_has_not_read_is_left_alone(host: Host, large_disk: Disk) -> None:
    """The partition was made anew in another place, and the mounted one is where the kernel still has it."""
    partition = large_disk.make_partition("gpt", "start=2048, size=100MiB")
    run("mkfs.ext4", "-q", partition)
    Path(host.target).mkdir(parents=True)
    run("mount", partition, host.target)
    table = "label: gpt\nstart=409600, size=100MiB\n"
    run("sfdisk", "-q", "--wipe", "never", "--no-reread", "--no-tell-kernel", large_disk.path, input=table, stdin=None)
    before = large_disk.table()
    answer = host.on_disk("grow", host.target, "--yes", "--json")
    assert (answer.code, answer.ids) == (5, ["table-not-read"]), answer
    assert large_disk.table() == before
    assert host.ledger() == []


def test_the_last_of_two_partitions_grows(host: Host, large_disk: Disk) -> None:
    large_disk.make_partition("gpt", "size=400MiB", "size=400MiB")
    run("mkfs.xfs", "-q", large_disk.partitions[1])
    run("mkfs.ext4", "-q", large_disk.partitions[0])
    host.mount(Disk(large_disk.image, large_disk.partitions[1])).well()
    first = large_disk.table()["partitions"][0]
    large_disk.resize(2 * GIB)
    host.on_disk("grow", host.target, "--yes").well()
    assert size_of(host) > 1.4 * GIB
    assert large_disk.table()["partitions"][0] == first


@pytest.mark.parametrize("state", ["not mounted", "read-only", "swap", "nothing on it"])
def test_what_cannot_grow_is_refused(host: Host, large_disk: Disk, state: str) -> None:
    if state == "swap":
        run("mkswap", large_disk.path)
    elif state != "nothing on it":
        host.mount(large_disk, "--fstype", "xfs").well()
        if state == "not mounted":
            host.on_disk("umount", host.target, "--yes").well()
        else:
            run("mount", "-o", "remount,ro", host.target)
    large_disk.resize(2 * GIB)
    before, entries = large_disk.digest(), len(host.ledger())
    answer = host.on_disk("grow", large_disk.path, "--yes", "--json")
    wanted = {"not mounted": "not-mounted", "read-only": "read-only"}.get(state, "not-growable")
    assert (answer.code, answer.ids[0]) == (5, wanted)
    assert (large_disk.digest(), len(host.ledger())) == (before, entries)


def test_xfs_grow_missing(host: Host) -> None:
    disk = in_service(host, "xfs", "whole-disk", GIB)
    disk.resize(2 * GIB)
    # The filesystem is mounted in the copy again, since a namespace of ours lets go of every loop device.
    setup = f'mount {disk.path} {host.target}\nmount --bind /dev/null "$(readlink -f "$(command -v xfs_growfs)")"'
    answer = host.on_disk("grow", host.target, "--yes", "--json", inside=host.namespace(setup))
    assert (answer.code, answer.ids) == (6, ["missing-tool"])


def test_undo_of_a_grow_says_that_it_stays(host: Host) -> None:
    disk = in_service(host, "xfs", "gpt", GIB)
    disk.resize(2 * GIB)
    host.on_disk("grow", host.target, "--yes").well()
    before = partitions(disk)
    answer = host.run("undo", "last", "--yes")
    assert (answer.code, "is kept: the filesystem cannot be made smaller" in answer.err) == (5, True), answer
    assert partitions(disk) == before
