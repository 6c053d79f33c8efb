"""Taking back a step on a disk: only what is known to be its own, by UUID, size, serial number and name."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CannotUndo, Failed
from opskit.disk.grow import steps as grow_steps
from opskit.disk.grow.steps import GrowPartition
from opskit.disk.model import DATA, FREE, ZERO, BlockDevice, DiskPlace, FilesystemSize, Mount, Signature
from opskit.disk.mount.steps import make
from opskit.disk.mount.steps import mount as mount_steps
from opskit.disk.mount.steps.make import CreatePartition, EraseSignatures
from opskit.disk.mount.steps.mount import MakeMountPoint, MountFilesystem, UnmountFilesystem
from opskit.disk.see import probe, superblock

MIB, GIB = 1 << 20, 1 << 30
PLACE = DiskPlace("vdb", "/dev/vdb", "serial:a", GIB, 512, MIB, GIB - 2 * MIB, "gpt", "t-1", 1, "p-1", "opskit-r")
DISK = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", GIB, serial="a", table="gpt", table_uuid="T-1")
PARTITION = BlockDevice(
    "vdb1", "/dev/vdb1", "partition", "252:17", GIB - 2 * MIB, disk="vdb", partition_number=1, start=MIB,
    partition_name="opskit-r",
)  # fmt: skip
EXT = Signature("ext4", "filesystem", "u-1")


class FakeRunner:
    """Notes what is run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.asked: list[str] = []
        self.answer = ""

    def run(self, command: Command) -> Result:
        (self.ran if command.mutates else self.asked).append(command.line)
        return Result(command, 0, self.answer, "", 0.0)


class FakeHost:
    """What the steps would read of the kernel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.devices = {"vdb": DISK, "vdb1": PARTITION}
        self.mount: Optional[Mount] = None
        self.contents = ZERO
        self.filesystem: Optional[FilesystemSize] = None
        absent = BlockDevice("", "", "", "", 0)
        for module in (make, mount_steps, grow_steps):
            monkeypatch.setattr(module, "read_device", lambda name: self.devices.get(name, absent))
        monkeypatch.setattr(make, "read_partitions", lambda disk: [d for d in self.devices.values() if d.disk == disk])
        monkeypatch.setattr(probe, "with_signatures", lambda device, _runner: device)
        monkeypatch.setattr(probe, "contents", lambda *_: self.contents)
        monkeypatch.setattr(probe, "exclusive", lambda _: FREE)
        monkeypatch.setattr(mount_steps, "mounted_at", lambda _: self.mount)
        monkeypatch.setattr(grow_steps, "filesystem_size", lambda *_: self.filesystem)
        # /sys/dev/block/MAJOR:MINOR is a symlink to the device's folder.
        names = {f"/sys/dev/block/{d.number}": name for name, d in self.devices.items()}
        real = os.path.realpath
        monkeypatch.setattr(mount_steps.os.path, "realpath", lambda path: names.get(path) or real(path))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    return FakeHost(monkeypatch)


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


# A mount and an unmount

MOUNT = MountFilesystem(PLACE, "/data", "ext4", "u-1", "")
UNMOUNT = UnmountFilesystem("/data", "vdb1", "ext4", "rw", "u-1")


def mounted(number: str) -> Mount:
    return Mount(number, "/data", "/dev/x", "ext4", "rw")


def test_what_systemd_has_mounted_meanwhile_is_not_mounted_over(
    host: FakeHost, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mount_steps.udev, "is_running", lambda: False)
    host.mount = mounted("252:17")
    MOUNT.apply(runner, {"device": "/dev/vdb1", "number": "252:17"})
    assert runner.ran == []
    with pytest.raises(Failed, match="/dev/x is mounted there now"):
        MOUNT.apply(runner, {"device": "/dev/vdc1", "number": "252:33"})
    assert runner.ran == []


@pytest.mark.parametrize("number", ["252:17", "252:99"])
def test_a_mount_is_known_by_its_uuid_whatever_number_it_had(host: FakeHost, runner: FakeRunner, number: str) -> None:
    """After a reboot our filesystem may have another number."""
    host.devices["vdb1"] = replace(PARTITION, signatures=(EXT,))
    host.mount = mounted("252:17")
    MOUNT.undo(runner, {"device": "/dev/vdb1", "number": number})
    assert runner.ran == ["umount /data"]


def test_another_filesystem_with_the_number_of_ours_is_not_unmounted(host: FakeHost, runner: FakeRunner) -> None:
    host.devices["vdb1"] = replace(PARTITION, signatures=(replace(EXT, uuid="u-2"),))
    host.mount = mounted("252:17")
    with pytest.raises(CannotUndo, match="something else is mounted on /data") as caught:
        MOUNT.undo(runner, {"device": "/dev/vdb1", "number": "252:17"})
    assert (runner.ran, caught.value.keeps_earlier) == ([], True)


@pytest.mark.parametrize(("number", "ours"), [("0:99", True), ("0:98", False)])
def test_without_a_uuid_the_number_counts(host: FakeHost, runner: FakeRunner, number: str, ours: bool) -> None:
    host.mount = mounted("0:99")
    step = replace(MOUNT, uuid="")
    if ours:
        step.undo(runner, {"device": "x", "number": number})
    else:
        with pytest.raises(CannotUndo):
            step.undo(runner, {"device": "x", "number": number})
    assert runner.ran == ["umount /data"] * ours


def test_what_is_mounted_from_no_disk_is_not_ours(host: FakeHost, runner: FakeRunner) -> None:
    host.mount = mounted("0:99")
    with pytest.raises(CannotUndo):
        MOUNT.undo(runner, {"device": "/dev/vdb1", "number": "0:99"})
    assert runner.ran == []


def test_an_unmount_that_somebody_took_back_already_is_done(host: FakeHost, runner: FakeRunner) -> None:
    host.devices["vdb1"] = replace(PARTITION, signatures=(EXT,))
    host.mount = mounted("252:17")
    UNMOUNT.undo(runner, {"device": "/dev/vdb1", "number": "252:99"})
    assert runner.ran == []


@pytest.mark.parametrize("filesystem", [(), (replace(EXT, uuid="u-2"),)])
def test_another_filesystem_is_not_mounted_in_its_place(host: FakeHost, runner: FakeRunner, filesystem: Any) -> None:
    host.devices["vdb1"] = replace(PARTITION, signatures=filesystem)
    record = {"device": "/dev/vdb1", "number": "252:17"}
    with pytest.raises(CannotUndo, match="UUID u-1: no device of this host has it"):
        UNMOUNT.undo(runner, record)
    assert runner.asked == ["blkid -c /dev/null -t UUID=u-1 -o device"]
    host.mount = mounted("252:17")
    with pytest.raises(CannotUndo, match="something else is mounted"):
        UNMOUNT.undo(runner, record)
    assert runner.ran == []


def test_a_mount_point_with_something_in_it_keeps_nothing_else(tmp_path: Path, runner: FakeRunner) -> None:
    place = tmp_path / "data"
    place.mkdir()
    (place / "file").touch()
    with pytest.raises(CannotUndo, match="is kept") as caught:
        MakeMountPoint(str(place)).undo(runner, {"made": [str(place)]})
    assert not caught.value.keeps_earlier


# A partition


def wiped(runner: FakeRunner) -> bool:
    return any(line.startswith("dd if=/dev/zero of=/dev/vdb ") for line in runner.ran)


def created(**fields: Any) -> CreatePartition:
    return CreatePartition(replace(PLACE, **fields), "sfdisk")


def test_a_partition_as_it_was_made_is_removed(host: FakeHost, runner: FakeRunner) -> None:
    """Without this the refusals below could be of anything."""
    assert host.contents == ZERO
    created().undo(runner, {})
    assert wiped(runner)
    change = created().undo_change({})
    assert getattr(change, "after", change) == "blank, if the partition is as empty as it was made"


@pytest.mark.parametrize("disk", [{"size": GIB + 512}, {"serial": "b"}, {"serial": "", "wwn": "w"}])
def test_another_disk_behind_the_name_keeps_its_table(host: FakeHost, runner: FakeRunner, disk: Any) -> None:
    host.devices["vdb"] = replace(DISK, **disk)
    with pytest.raises(CannotUndo, match="/dev/vdb is another disk now"):
        created().undo(runner, {})
    assert runner.ran == []


def test_a_disk_that_is_gone_is_told_from_another(host: FakeHost, runner: FakeRunner) -> None:
    del host.devices["vdb"]
    with pytest.raises(CannotUndo, match="/dev/vdb is gone"):
        created().undo(runner, {})
    assert runner.ran == []


TAIL = f"dd if=/dev/zero of=/dev/vdb bs=512 seek={GIB // 512 - 33} count=33 conv=fsync"
HEAD = "dd if=/dev/zero of=/dev/vdb bs=512 count=34 conv=fsync"


def only_a_table(_path: str, size: int, _start: int = 0) -> str:
    return DATA if size < MIB else ZERO


@pytest.mark.parametrize(
    ("headers", "entries", "tool", "zeros"),
    [
        ((), (), "sfdisk", []),
        ((), ("other",), "sfdisk", []),
        ((), ("p-1",), "sfdisk", [HEAD, TAIL]),
        (("t-1",), ("p-1",), "sfdisk", [HEAD, TAIL]),
        (("t-2",), ("p-1",), "sfdisk", None),
        (("t-1", "t-2"), (), "sfdisk", None),
        (("t-1",), (), "parted", None),
        ((), ("p-1",), "parted", []),
    ],
)
def test_what_is_there_of_a_table_is_removed_if_it_is_ours(
    host: FakeHost, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch,
    headers: Any, entries: Any, tool: str, zeros: Optional[list[str]],
) -> None:  # fmt: skip
    """sfdisk writes it piece by piece, and a disk can fail after each."""
    host.devices = {"vdb": replace(DISK, table="")}
    monkeypatch.setattr(probe, "contents", only_a_table)
    monkeypatch.setattr(superblock, "gpt_traces", lambda *_: (frozenset(headers), frozenset(entries)))
    step = CreatePartition(replace(PLACE, table_uuid="T-1", partition_uuid="P-1"), tool)
    if zeros is None:
        with pytest.raises(CannotUndo, match="opskit did not make"):
            step.undo(runner, {})
    else:
        step.undo(runner, {})
    assert runner.ran == (zeros or [])


def test_what_could_not_be_written_is_not_written_again(
    host: FakeHost, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.devices = {"vdb": replace(DISK, table="")}
    monkeypatch.setattr(superblock, "gpt_traces", lambda *_: (frozenset(["t-1"]), frozenset()))
    monkeypatch.setattr(probe, "contents", lambda _path, size, start: DATA if start and size < MIB else ZERO)
    created().undo(runner, {})
    assert runner.ran == [TAIL]


@pytest.mark.parametrize("what", [{"signatures": (EXT,)}, {"ambivalent": True}, {}])
def test_a_filesystem_over_what_is_left_of_our_table_is_kept(
    host: FakeHost, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch, what: Any
) -> None:
    """mkfs on the whole disk leaves the entries at its end."""
    host.devices = {"vdb": replace(DISK, table="", **what)}
    monkeypatch.setattr(probe, "contents", only_a_table if what else lambda *_: DATA)
    monkeypatch.setattr(superblock, "gpt_traces", lambda *_: (frozenset(["t-1"]), frozenset(["p-1"])))
    with pytest.raises(CannotUndo, match="there is something on /dev/vdb"):
        created().undo(runner, {})
    assert runner.ran == []


def test_another_table_on_the_same_disk_is_kept(host: FakeHost, runner: FakeRunner) -> None:
    host.devices["vdb"] = replace(DISK, table_uuid="t-2")
    with pytest.raises(CannotUndo, match="not the one that opskit made"):
        created().undo(runner, {})
    assert runner.ran == []


@pytest.mark.parametrize("what", [{"signatures": (EXT,)}, {"ambivalent": True}, {}])
def test_a_partition_with_something_on_it_is_kept(host: FakeHost, runner: FakeRunner, what: Any) -> None:
    host.devices["vdb1"] = replace(PARTITION, **what)
    host.contents = ZERO if what else DATA
    with pytest.raises(CannotUndo, match="there is something on"):
        created().undo(runner, {})
    assert runner.ran == []


@pytest.mark.parametrize(
    ("table", "serial", "partition", "ours"),
    [
        ("gpt", "a", {}, True),
        ("gpt", "", {}, True),  # the run's id is in its name
        ("gpt", "a", {"partition_name": "data"}, False),
        ("gpt", "a", {"start": 2 * MIB}, False),
        ("gpt", "a", None, True),  # killed between mklabel and mkpart, on a disk with a serial number
        ("gpt", "", None, False),
        ("dos", "a", {"partition_name": ""}, True),
        ("dos", "", {"partition_name": ""}, False),
        ("dos", "a", {"size": MIB}, False),
    ],
)
def test_what_parted_made_is_known_by_name_or_disk(
    host: FakeHost, runner: FakeRunner, table: str, serial: str, partition: Any, ours: bool
) -> None:
    """parted can set no id of a table: any disk of this size may look like this."""
    host.devices = {"vdb": replace(DISK, table=table, serial=serial)}
    if partition is not None:
        host.devices["vdb1"] = replace(PARTITION, **partition)
    place = replace(PLACE, table=table, partition_name="opskit-r" if table == "gpt" else "")
    step = CreatePartition(place, "parted")
    if ours:
        step.undo(runner, {})
    else:
        with pytest.raises(CannotUndo, match="not the one that opskit made"):
            step.undo(runner, {})
    assert wiped(runner) is ours


# A partition that has grown

GROW = GrowPartition("vdb", "vdb1", 1, MIB, 100 * MIB, 200 * MIB, 512, "sfdisk", "xfs", "/data")


@pytest.mark.parametrize("shown", [100 * MIB, 200 * MIB])
def test_a_table_is_written_back_also_when_the_kernel_shows_the_old_size(
    host: FakeHost, runner: FakeRunner, shown: int
) -> None:
    """sfdisk wrote, and partx did not tell the kernel: at the next boot the partition would have grown."""
    host.devices["vdb1"] = replace(PARTITION, size=shown)
    host.filesystem = FilesystemSize(4096, 100 * MIB // 4096, 0)
    GROW.undo(runner, {"size": 100 * MIB})
    assert [line.split()[0] for line in runner.ran] == ["sfdisk", "partx"]


def test_a_filesystem_that_has_grown_keeps_its_partition(host: FakeHost, runner: FakeRunner) -> None:
    host.devices["vdb1"] = replace(PARTITION, size=200 * MIB)
    host.filesystem = FilesystemSize(4096, 100 * MIB // 4096 + 1, 0)
    with pytest.raises(CannotUndo, match="has grown"):
        GROW.undo(runner, {"size": 100 * MIB})
    host.filesystem = None
    with pytest.raises(CannotUndo, match="has grown"):
        GROW.undo(runner, {"size": 100 * MIB})
    assert runner.ran == []


@pytest.mark.parametrize(("shown", "stays"), [(100 * MIB, False), (200 * MIB, True)])
def test_growpart_takes_nothing_back(host: FakeHost, runner: FakeRunner, shown: int, stays: bool) -> None:
    host.devices["vdb1"] = replace(PARTITION, size=shown)
    host.filesystem = FilesystemSize(4096, 100 * MIB // 4096, 0)
    step = replace(GROW, tool="growpart")
    if stays:
        with pytest.raises(CannotUndo, match="as large as it became"):
            step.undo(runner, {"size": 100 * MIB})
    else:
        step.undo(runner, {"size": 100 * MIB})
    assert runner.ran == []


@pytest.mark.parametrize(
    ("disk", "erased"),
    [
        (replace(DISK, table="", signatures=()), True),
        (replace(DISK, table="gpt", signatures=()), False),
        (replace(DISK, table="", signatures=(EXT,)), False),
    ],
    ids=["nothing", "a table", "a filesystem"],
)
def test_what_an_erasure_left_is_seen(monkeypatch: pytest.MonkeyPatch, disk: BlockDevice, erased: bool) -> None:
    FakeHost(monkeypatch).devices["vdb"] = disk
    monkeypatch.setattr(probe, "with_wipefs", lambda device, _runner: device)
    step = EraseSignatures(("/dev/vdb1", "/dev/vdb"), "ext4")
    if erased:
        step.verify(FakeRunner(), {})
        return
    with pytest.raises(Failed, match="still has signatures"):
        step.verify(FakeRunner(), {})
