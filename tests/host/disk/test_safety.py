"""Data not to be lost: what opskit made is somebody's once it was finished, and so is what it cannot tell from that.

Each test ends with a refusal (or an undo in part), and the image is as it was to the byte.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host.hosts import Host, Namespace
from host.tools import FSTAB, GIB, MIB, Answer, Disk, run

REFUSED = 5
SUPERBLOCK = 1024
RAW = b"somebody's raw data" * 100000
# What is said of a filesystem that was finished and whose superblock was lost: nobody's crash left it so.
FINISHED = ["damaged-superblock", "has-partition"]
MACHINE_ID = Path("/etc/machine-id")


def sync(disk: Disk) -> str:
    """The hash of the image, once all that was written is in it."""
    run("blockdev", "--flushbufs", disk.path)
    return disk.digest()


def assert_refused(host: Host, disk: Disk, reason: str, *options: str) -> Answer:
    """It is refused for this reason, and disk, fstab and ledger stay as they are."""
    before = sync(disk), host.table(), host.backups(), host.ledger()
    answer = host.mount(disk, *options, "--json")
    assert (answer.code, answer.ids) == (REFUSED, [reason]), answer
    assert (sync(disk), host.table(), host.backups(), host.ledger()) == before
    return answer


def use_and_lose_the_superblock(host: Host, disk: Disk) -> None:
    """A file is written, the disk goes out of service, and the first kilobyte of its filesystem is lost."""
    Path(host.target, "file").write_bytes(RAW)
    host.on_disk("umount", host.target, "--yes").well()
    start = disk.table()["partitions"][0]["start"] * 512
    disk.write(b"\0" * 1024, start + SUPERBLOCK)
    assert disk.type_of(disk.partitions[0]) == ""


def test_a_filesystem_of_a_run_that_took_the_rest_back_is_not_made_again(host: Host, disk: Disk) -> None:
    failed = host.mount(disk, inside=host.namespace(host.shim("mount", "exit 32")))
    assert (failed.code, "make-filesystem" in failed.err) == (9, True), failed
    host.mount(disk).well()
    use_and_lose_the_superblock(host, disk)
    before = sync(disk)
    answer = host.mount(disk, "--json")
    assert (answer.code, answer.ids) == (REFUSED, FINISHED), answer
    assert sync(disk) == before


def test_a_filesystem_that_a_later_run_mounted_is_not_made_again(host: Host, disk: Disk) -> None:
    """opskit was killed when mkfs had just ended: only the mount of the next run tells that it was whole."""
    inside = host.namespace(host.shim("mkfs.ext4", '"$real" "$@" && kill -9 $PPID'))
    assert host.mount(disk, inside=inside).code == -9
    host.mount(disk).well()
    assert sum(entry.get("kind") == "disk.make-filesystem" for entry in host.ledger()) == 1
    use_and_lose_the_superblock(host, disk)
    before = sync(disk)
    answer = host.mount(disk, "--json")
    assert (answer.code, answer.ids) == (REFUSED, FINISHED), answer
    assert sync(disk) == before


@pytest.mark.parametrize("point", ["stepped:1", "step:2"])
@pytest.mark.parametrize("table", ["gpt", "dos"])
def test_raw_data_in_a_partition_that_a_crash_left_is_kept(host: Host, disk: Disk, table: str, point: str) -> None:
    assert host.mount(disk, "--table", table, OPSKIT_TEST_KILL=point).code == -9
    disk.write(RAW, 20 * MIB)
    assert_refused(host, disk, "changed-since-crash", "--table", table)


def test_a_filesystem_beside_a_partition_table(host: Host, large_disk: Disk) -> None:
    """mkfs on the whole disk, and somebody partitioned it later without looking: one of the two is in use."""
    run("mkfs.ext4", "-q", large_disk.path)
    run("sfdisk", "-q", "--wipe", "never", "--no-reread", "--no-tell-kernel", large_disk.path,
        input="label: dos\nstart=2048\n", stdin=None)  # fmt: skip
    run("partx", "-u", large_disk.path)
    run("mkfs.xfs", "-q", large_disk.partitions[0])
    assert large_disk.type_of() == "ext4"
    assert_refused(host, large_disk, "filesystem-and-table")
    shown = host.on_disk("mount", large_disk.path, host.target, "--dry-run")
    assert (shown.code, "one of them is stale" in shown.err) == (REFUSED, True)


@pytest.mark.parametrize("what", ["link", "file", "mount"])
def test_a_mount_point_that_changed_while_mkfs_ran(host: Host, disk: Disk, what: str) -> None:
    """mkfs takes minutes on a large disk: nothing may be hidden, or the mount be led to another place."""
    target, elsewhere = Path(host.target), host.folder / "elsewhere"
    for folder in (target, elsewhere):
        folder.mkdir(parents=True)
    meanwhile = {
        "link": f"rmdir {target}; ln -s {elsewhere} {target}",
        "file": f"echo important > {target}/file",
        "mount": f"mount -t tmpfs none {target}",
    }[what]
    inside = host.namespace(host.shim("mkfs.ext4", f'{meanwhile}; exec "$real" "$@"'))
    answer = host.mount(disk, inside=inside)
    says = {"link": f"leads to {elsewhere}", "file": "not empty now", "mount": "none is mounted there"}[what]
    assert (answer.code, says in answer.err) == (9, True), answer  # the filesystem is kept
    assert [m.source for m in inside.mounts() if m.source == disk.partitions[0]] == []
    assert host.fstab.read_text() == FSTAB


# Undo


@pytest.mark.parametrize("what", ["link", "file"])
def test_undo_of_a_umount_hides_nothing_and_mounts_nowhere_else(host: Host, disk: Disk, what: str) -> None:
    host.mount(disk).well()
    host.on_disk("umount", host.target, "--yes").well()
    target, elsewhere = Path(host.target), host.folder / "elsewhere"
    if what == "link":
        elsewhere.mkdir()
        target.rmdir()
        target.symlink_to(elsewhere)
    else:
        Path(target, "file").write_text("important")
    answer = host.run("undo", "last", "--yes")
    assert (answer.code, "1 of 3 steps could not be taken back" in answer.err) == (1, True), answer
    assert {"link": f"leads to {elsewhere}", "file": "not empty"}[what] in answer.err
    assert (host.mounted(), host.mounted(str(elsewhere))) == (None, None)


def test_undo_of_a_umount_hides_again_what_was_hidden_before(host: Host, disk: Disk) -> None:
    Path(host.target).mkdir(parents=True)
    Path(host.target, "file").touch()
    run("mkfs.ext4", "-q", disk.path)
    run("mount", disk.path, host.target)
    host.on_disk("umount", host.target, "--yes").well()
    host.run("undo", "last", "--yes").well()
    assert host.mounted()


def test_undo_of_a_mount_knows_its_filesystem_by_uuid(host: Host, disk: Disk) -> None:
    """After a reboot the same filesystem has another device number, and is unmounted all the same."""
    host.mount(disk).well()
    number = host.mounted()
    run("umount", host.target)
    again = host.attach(disk.image)  # while the first one is there: neither number is free
    run("partx", "-u", again.path)
    disk.take_down()
    run("mount", again.partitions[0], host.target)
    now = host.mounted()
    assert number
    assert now
    assert now.number != number.number
    host.run("undo", "last", "--yes").well()
    assert (host.mounted(), host.fstab.read_text()) == (None, FSTAB)


def test_undo_of_a_umount_whose_disk_is_gone_leaves_fstab(host: Host, disk: Disk) -> None:
    """Its entry would only harm the next boot."""
    host.mount(disk).well()
    uuid = disk.value("UUID", disk.partitions[0])
    host.on_disk("umount", host.target, "--yes").well()
    before = host.table()
    disk.take_down()
    answer = host.run("undo", "last", "--yes")
    assert (answer.code, f"UUID={uuid} is on no device of this host" in answer.err) == (REFUSED, True), answer
    assert (host.table(), host.mounted()) == (before, None)


def test_undo_of_a_partition_leaves_another_disk_behind_its_name(host: Host, disk: Disk) -> None:
    """Its table even has the id of ours: a copy of the first sectors is what a clone of a disk has."""
    assert host.mount(disk, OPSKIT_TEST_KILL="stepped:1").code == -9
    with disk.image.open("rb") as file:
        head = file.read(MIB)
    other = host.replaced(disk)
    other.write(head, 0)
    run("partx", "-u", other.path)
    before = sync(other)
    answer = host.run("undo", "last", "--yes")
    assert (answer.code, f"{other.path} is another disk now" in answer.err) == (REFUSED, True), answer
    assert (sync(other), len(other.partitions)) == (before, 1)


def of_another_host(host: Host) -> None:
    """The ledger as if this state directory were a copy of another host's."""
    ledger = host.state / "ledger.jsonl"
    entries = host.ledger()
    for entry in entries:
        if entry["entry"] == "begin":
            entry["host"] = "0" * 32
        entry.pop("line")
        entry.pop("sum")
    ledger.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def test_what_another_host_did_is_not_undone_nor_gone_on_with(host: Host, disk: Disk) -> None:
    if not MACHINE_ID.is_file() or not MACHINE_ID.read_text().strip():
        pytest.skip("this host has no machine-id: nothing tells it from another one")
    assert host.mount(disk, OPSKIT_TEST_KILL="stepped:1").code == -9
    of_another_host(host)
    before = sync(disk)
    answer = host.run("undo", "last", "--yes", "--json")
    assert (answer.code, answer.ids) == (REFUSED, ["another-host"])
    assert sync(disk) == before
    assert_refused(host, disk, "has-partition")


def test_a_script_of_an_undo_is_refused(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    before = host.table(), host.ledger()
    answer = host.run("undo", "last", "--format", "sh")
    assert (answer.code, answer.out) == (2, "")
    assert (host.table(), host.ledger()) == before


@pytest.mark.parametrize("mode", [0o770, 0o777])
def test_a_state_directory_that_others_can_write_to(host: Host, disk: Disk, mode: int) -> None:
    """Who can write the ledger can say what an undo does as root."""
    host.state.mkdir()
    host.state.chmod(mode)
    before = sync(disk), host.table(), host.backups()
    for how in ("--dry-run", "--yes"):  # a plan that cannot be carried out is not shown as one that can
        answer = host.on_disk("mount", disk.path, host.target, how)
        assert (answer.code, "others can write there" in answer.err) == (1, True), answer
        assert (sync(disk), host.table(), host.backups(), host.ledger()) == (*before, [])


def once(host: Host, program: str, matches: str) -> str:
    """A setup line: this program fails, once, when its words match."""
    fail = host.folder / f"fail-{program}"
    fail.touch()
    text = f'[ -e {fail} ] || exec "$real" "$@"\ncase "$*" in {matches}) rm {fail}; echo no >&2; exit 1;; esac\n'
    return host.shim(program, text + 'exec "$real" "$@"')


def test_a_grow_that_the_kernel_was_not_told_of_is_taken_back(host: Host) -> None:
    """The table has the new size, the kernel the old one: without an undo the next boot would show the new one."""
    disk = host.new_disk(GIB)
    host.mount(disk, "--fstype", "xfs").well()
    size = disk.table()["partitions"][0]["size"]
    disk.resize(2 * GIB)
    # The filesystem is mounted in the copy again, since a namespace of ours lets go of every loop device.
    mount = f"mount {disk.partitions[0]} {host.target}\n"
    inside: Namespace = host.namespace(mount + once(host, "partx", '"-u --nr"*'))
    answer = host.on_disk("grow", host.target, "--yes", inside=inside)
    assert answer.code == 8, answer
    assert disk.table()["partitions"][0]["size"] == size
    host.on_disk("grow", host.target, "--yes").well()
    assert disk.table()["partitions"][0]["size"] > size


def test_undo_leaves_the_table_of_a_partition_that_the_kernel_does_not_show(host: Host, disk: Disk) -> None:
    """The bytes are asked through the disk: `partx -d` hides a partition, and what is on it is there all the same."""
    host.mount(disk, OPSKIT_TEST_KILL="stepped:1")
    run("mkfs.ext4", "-q", disk.partitions[0])
    disk.forget_partitions()
    before = disk.digest()
    assert host.run("undo", "last", "--yes").code == REFUSED
    assert disk.digest() == before
