"""`opskit undo`: a run is taken back as far as it can be, and what stays is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import ENVIRONMENT, FSTAB, GIB, MIB, OPSKIT, Disk, run, until
from opskit.disk.see.superblock import gpt_traces
from tiers import slow


@pytest.mark.parametrize("layout", ["gpt", slow("dos"), slow("whole-disk")])
@pytest.mark.parametrize("fstype", ["ext4", "xfs"])
def test_undo_of_a_mount_keeps_the_filesystem_and_says_so(host: Host, fstype: str, layout: str) -> None:
    disk = host.new_disk(GIB if fstype == "xfs" else 64 * 1024**2)
    options = ["--whole-disk"] if layout == "whole-disk" else ["--table", layout]
    before = host.table()
    host.mount(disk, "--fstype", fstype, *options).well()
    Path(host.target, "file").write_text("kept")
    device = disk.path if layout == "whole-disk" else disk.partitions[0]
    uuid = disk.value("UUID", device)
    answer = host.run("undo", "last", "--yes").well()
    assert f"is kept: what is on {device} is not destroyed" in answer.out
    assert (host.table(), host.mounted(), Path(host.target).parent.exists()) == (before, None, False)
    assert host.backups() == []
    assert disk.value("UUID", device) == uuid
    host.mount(disk).well()
    assert Path(host.target, "file").read_text() == "kept"


def test_undo_twice_is_nothing_to_do(host: Host, disk: Disk) -> None:
    first = host.mount(disk, "--json").well().json["result"]["run"]
    host.run("undo", first, "--yes").well()
    entries = len(host.ledger())
    again = host.run("undo", first, "--yes").well()
    assert "nothing to do" in again.out
    assert len(host.ledger()) == entries


def test_undo_of_an_undo_says_what_to_do(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    undo = host.run("undo", "last", "--yes", "--json").well().json["result"]["run"]
    assert "nothing to do" in host.run("undo", "last", "--yes").well().out
    answer = host.run("undo", undo, "--yes")
    assert answer.code == 2
    assert f"opskit disk mount {disk.path}" in answer.err


def test_undo_of_a_umount(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    before = host.table()
    host.on_disk("umount", host.target, "--yes").well()
    host.run("undo", "last", "--yes").well()
    assert host.table() == before
    assert host.mounted()


def test_undo_in_the_order_of_a_stack(host: Host, disk: Disk) -> None:
    mount = host.mount(disk, "--json").well().json["result"]["run"]
    umount = host.on_disk("umount", host.target, "--yes", "--json").well().json["result"]["run"]
    host.run("undo", umount, "--yes").well()
    assert host.mounted()
    host.run("undo", mount, "--yes").well()
    assert (host.fstab.read_text(), host.mounted()) == (FSTAB, None)


def test_a_busy_filesystem_is_named_and_the_rest_is_taken_back(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    process = host.start("sleep", "600", cwd=host.target)
    answer = host.run("undo", "last", "--yes")
    assert answer.code == 7
    assert f"pid {process.pid} (" in answer.err
    assert host.mounted()
    process.kill()
    process.wait()
    host.run("undo", "last", "--yes").well()
    assert (host.fstab.read_text(), host.mounted()) == (FSTAB, None)


def test_a_mount_below_keeps_the_entry_with_the_mount(host: Host, disk: Disk) -> None:
    """No process keeps it busy; an entry taken out from under the mount would be missed at the next boot."""
    host.mount(disk).well()
    below = Path(host.target, "below")
    below.mkdir()
    host.put_over(below)
    before = host.table()
    answer = host.run("undo", "last", "--yes")
    assert (answer.code, "a mount below it" in answer.err) == (7, True), answer
    assert (host.table(), bool(host.mounted())) == (before, True)


def test_an_edit_of_fstab_since_then_is_kept(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    with host.fstab.open("a") as file:
        file.write("# edited since\n")
    host.run("undo", "last", "--yes").well()
    assert host.fstab.read_text() == FSTAB + "# edited since\n"


def test_the_plan_of_an_undo_is_read_from_the_host(host: Host, disk: Disk) -> None:
    """cases: "umount" of what is not mounted, and an edited entry was planned, then "taken back in part" with 0."""
    host.mount(disk).well()
    run("umount", host.target)
    edited = host.fstab.read_text().replace("defaults,nofail", "noatime,nofail")
    host.fstab.write_text(edited)
    planned = host.run("undo", "last", "--dry-run", "--json")
    assert "umount" not in [change["action"] for change in planned.json["result"]["changes"]], planned
    assert "it was edited since" in str(planned.json["findings"]), planned
    answer = host.run("undo", "last", "--yes")
    assert (answer.code, "it was edited since" in answer.err) == (1, True), answer
    assert host.fstab.read_text() == edited


def test_undo_of_a_mount_does_not_unmount_another_disk(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    first, before = host.ledger()[0]["run"], host.table()
    run("umount", host.target)
    other = host.new_disk()
    run("mkfs.ext4", "-q", other.path)
    run("mount", other.path, host.target)
    answer = host.run("undo", first, "--yes")
    mounted = host.mounted()
    assert mounted
    assert mounted.source == other.path
    assert (answer.code, "something else is mounted" in answer.err) == (5, True), answer
    assert "Nothing was changed" in answer.err
    assert host.table() == before, "what was done before the mount stays with it"
    run("umount", host.target)
    again = host.run("undo", first, "--yes").well()
    assert f"Run {first} was taken back, as run" in again.out
    assert (host.fstab.read_text(), Path(host.target).exists()) == (FSTAB, False)


def test_history_shows_each_step_with_its_commands(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    shown = host.run("history", "show", "last").well().out
    for words in ("1. create-partition", "$ sfdisk", "$ mkfs.ext4", "6. mount", "exit 0"):
        assert words in shown
    steps = host.run("history", "show", "last", "--json").well().json["result"]["steps"]
    assert [step["outcome"] for step in steps] == ["done"] * 6
    runs = host.run("history", "--json").well().json["result"]["runs"]
    assert [(run["outcome"], run["user"]) for run in runs] == [("done", "root")]


def test_the_state_directory_is_for_root_only(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    modes = {path.name: path.stat().st_mode & 0o777 for path in [host.state, *host.state.iterdir()]}
    assert modes.pop("state") == 0o700
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("what", ["a filesystem", "data"])
def test_what_was_copied_over_the_table_of_a_run_is_kept(host: Host, what: str) -> None:
    """The image of another disk, put on this one, leaves the entries at its end as they were."""
    disk = host.new_disk(64 * MIB)
    inside = host.namespace(host.shim("mkfs.ext4", "exit 1") + "\n" + host.shim("dd", "exit 1"))
    assert host.mount(disk, inside=inside).code == 9  # the table could not be taken back
    image = host.folder / "image"
    with image.open("xb") as file:
        file.truncate(16 * MIB)
    if what == "a filesystem":
        run("mkfs.ext4", "-q", str(image))
        disk.write(image.read_bytes(), 0)
    else:
        disk.write(bytes(MIB) + b"somebody's data" * MIB, 0)
    place = host.ledger()[1]["fields"]["place"]
    _, entries = gpt_traces(disk.path, place["disk_size"], place["sector_size"])
    assert place["partition_uuid"] in entries, "or this test proves nothing"
    before = disk.digest()
    answer = host.run("undo", "last", "--yes", "--state-dir", str(host.state))
    assert (answer.code, f"there is something on {disk.path}" in answer.err) == (1, True), answer
    assert disk.digest() == before


def test_an_unmount_is_taken_back_with_its_directory_and_by_the_uuid(host: Host) -> None:
    """The disk comes back under another name, and somebody removed the mount point."""
    disk = host.new_disk()
    host.mount(disk, "--whole-disk").well()
    host.on_disk("umount", host.target, "--yes").well()
    run("rmdir", "-p", "--ignore-fail-on-non-empty", host.target)
    image = disk.image
    keeper = host.replaced(disk)
    again = host.attach(image)
    assert again.path != keeper.path
    planned = host.run("undo", "last", "--dry-run").well().out
    assert f"ext4 of {again.path}" in planned
    host.run("undo", "last", "--yes").well()
    mounted = host.mounted()
    assert mounted
    assert mounted.source == again.path
    assert "nothing to do" in host.run("undo", "last", "--yes").well().out


def test_a_partition_that_somebody_looks_at_is_waited_for(host: Host, disk: Disk) -> None:
    """The kernel forgets no partition that is open, also by blkid or another opskit that looks at all disks."""
    blank = disk.digest()
    assert host.mount(disk, OPSKIT_TEST_KILL="stepped:1").code == -9
    (partition,) = disk.partitions
    before = disk.digest()
    look = os.open(partition, os.O_RDONLY | os.O_CLOEXEC)
    try:
        held = host.run("undo", "last", "--yes")
        assert held.code != 0
        assert f"{partition} is in use" in held.err
        assert (disk.partitions, disk.digest()) == ([partition], before)
        undo = host.start(*OPSKIT, "undo", "last", "--yes", env={**ENVIRONMENT, "OPSKIT_STATE_DIR": str(host.state)})
        lines = len(host.ledger())
        until(lambda: len(host.ledger()) > lines)
    finally:
        os.close(look)
    assert undo.wait(timeout=300) == 0
    assert (disk.partitions, disk.digest()) == ([], blank)
    assert "nothing to do" in host.run("undo", "last", "--yes").well().out
