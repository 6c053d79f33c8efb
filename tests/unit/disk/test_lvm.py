"""LVM: what a real report is read as (lvm2 2.03.16, recorded on the virtual machine), and the undos of its steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CannotUndo, Failed
from opskit.disk.grow import steps as grow_steps
from opskit.disk.grow.request import GrowRequest, volume_size
from opskit.disk.grow.steps import GrowPartition
from opskit.disk.lvm import steps
from opskit.disk.lvm.model import MEMBER, VolumeGoal
from opskit.disk.lvm.steps import ExtendVolume, ExtendVolumeGroup, ResizePhysicalVolume
from opskit.disk.model import BlockDevice, FilesystemSize
from opskit.disk.see import lvm

REPORT = (Path(__file__).parent / "lvm-report.json").read_text(encoding="utf-8")
MIB = 1 << 20
EXTENT = 4 * MIB
ROOT = "7sgJVy-JX6C-1Q5f-KmTn-uTMH-BYj5-9SSL9O"
CL = "PnXa3a-z0yk-dtkT-vIKc-lSyI-Nim8-eAqbB5"
PV = "YSSwcL-Ekkr-Xv03-14BN-ewGj-LyZt-s36rvx"
GOAL = VolumeGoal(ROOT, 662)


class FakeLvm:
    """A runner whose report is the recorded one, changed."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.report = json.loads(REPORT)

    def run(self, command: Command) -> Result:
        if command.mutates:
            self.ran.append(command.line)
        else:
            assert command.argv[:3] == ("lvm", "fullreport", "--readonly")
            assert command.timeout <= 60
        return Result(command, 0, "" if command.mutates else json.dumps(self.report), "", 0.0)

    def part(self, kind: str, key: str, value: str) -> Any:
        """The row of the report where key has this value."""
        rows = (row for part in self.report["report"] for row in part.get(kind, ()))
        return next(row for row in rows if row[key] == value)


@pytest.fixture
def runner() -> FakeLvm:
    return FakeLvm()


def test_a_real_report() -> None:
    active = {(CL + ROOT).replace("-", ""): "dm-0"}
    groups = lvm.groups_of(REPORT, {"254:18": "vdb2", "254:17": "vdb1", "254:32": "vdc"}, active)
    assert [group.name for group in groups] == ["cl", "data"]
    cl, data = groups
    assert (cl.extent_size, cl.attributes, cl.size, cl.free) == (EXTENT, "wz--n-", 511 * EXTENT, 26 * EXTENT)
    root = next(volume for volume in cl.volumes if volume.name == "root")
    assert (root.uuid, root.device, root.size, root.layout, root.on) == (
        ROOT,
        "dm-0",
        406 * EXTENT,
        "linear",
        ("vdb2",),
    )
    assert {volume.name: volume.layout for volume in data.volumes}["thin"] == "thin,sparse"
    assert next(volume for volume in data.volumes if volume.name == "stripe").on == ("vdb1", "vdc")
    assert [physical.device for physical in data.physical] == ["vdb1", "vdc"]


def test_a_physical_volume_in_no_group_and_one_that_is_missing(runner: FakeLvm) -> None:
    row = runner.part("pv", "pv_uuid", PV)
    runner.report["report"].append({"pv": [{**row, "pv_uuid": "orphan", "pv_pe_count": "0", "pv_attr": "---"}]})
    runner.part("pv", "pv_name", "/dev/vdc").update(pv_name="[unknown]", pv_attr="a-m", pv_major="-1", pv_minor="-1")
    groups = lvm.groups_of(json.dumps(runner.report), {}, {})
    assert [group.name for group in groups] == ["", "cl", "data"]
    assert groups[0].physical[0].uuid == "orphan"
    missing = groups[2].physical[1]
    assert (missing.missing, missing.device, missing.free_extents) == (True, "", 0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"report": [{"pv": [{}]}]}', '{"report": 1}', "Volume group"])
def test_what_is_no_report_is_unseen(text: str, monkeypatch: pytest.MonkeyPatch, runner: FakeLvm) -> None:
    monkeypatch.setattr(lvm, "_report", lambda _runner: text)
    unseen: list[str] = []
    assert lvm.try_volume_groups(runner, (), unseen) == ()
    assert "2.02.158" in unseen[0]


@pytest.mark.parametrize("text", ["50G", "+20G", "100%", "1.5T", ""])
def test_sizes(text: str) -> None:
    assert volume_size(text) == text
    assert GrowRequest("/", text).relative == text.startswith("+")


@pytest.mark.parametrize("text", ["50", "50%", "-1G", "++1G", "100%FREE", "+100%", "20g"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(Exception, match="--size"):
        volume_size(text)


def extend() -> ExtendVolume:
    return ExtendVolume("cl", "root", "/dev/cl/root", 406, EXTENT, "ext4", "/srv/root", GOAL)


def resize() -> ResizePhysicalVolume:
    return ResizePhysicalVolume("/dev/vdb2", PV, "cl", MIB, 511, 767, EXTENT, GOAL)


def filesystem(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    answer: Callable[..., FilesystemSize] = lambda *_: FilesystemSize(4096, size // 4096, size // 4096)  # noqa: E731
    monkeypatch.setattr(steps, "filesystem_size", answer)


def test_a_volume_gets_its_size_back_while_its_filesystem_is_small(
    runner: FakeLvm, monkeypatch: pytest.MonkeyPatch
) -> None:
    filesystem(monkeypatch, 406 * EXTENT)
    extend().undo(runner, {})
    assert runner.ran == []  # it has not grown
    runner.part("lv", "lv_uuid", ROOT)["lv_size"] = str(662 * EXTENT)
    extend().verify(runner, {})
    extend().undo(runner, {})
    assert runner.ran == ["lvreduce --yes --extents 406 cl/root"]
    filesystem(monkeypatch, 406 * EXTENT + 4096)
    with pytest.raises(CannotUndo, match="its filesystem has grown"):
        extend().undo(runner, {})
    assert len(runner.ran) == 1


def test_a_volume_that_did_not_grow_is_told(runner: FakeLvm) -> None:
    with pytest.raises(Failed, match=r"it has 1\.6G, not 2\.6G"):
        extend().verify(runner, {})


def test_a_physical_volume_gets_its_size_back_while_the_new_extents_are_free(runner: FakeLvm) -> None:
    with pytest.raises(Failed, match="511 extents, not 767"):
        resize().verify(runner, {})
    resize().undo(runner, {})
    assert runner.ran == []
    row = runner.part("pv", "pv_uuid", PV)
    row["pv_pe_count"] = "767"
    resize().verify(runner, {})
    resize().undo(runner, {})
    assert runner.ran == [f"pvresize --yes --setphysicalvolumesize {MIB + 511 * EXTENT}b /dev/vdb2"]
    row["pv_pe_alloc_count"] = "512"
    with pytest.raises(CannotUndo, match="volumes have the new extents"):
        resize().undo(runner, {})


def test_a_disk_leaves_the_group_while_nothing_lies_on_it(runner: FakeLvm) -> None:
    step = ExtendVolumeGroup("data", "0GBkj2-4Yc5-QYVc-MYZl-CbLK-DIeY-dqUROE", "/dev/vdc", 1 << 30, GOAL)
    step.verify(runner, {})
    with pytest.raises(CannotUndo, match="volumes of data lie on /dev/vdc"):
        step.undo(runner, {})
    runner.part("pv", "pv_name", "/dev/vdc")["pv_pe_alloc_count"] = "0"
    step.undo(runner, {})
    assert runner.ran == ["vgreduce data /dev/vdc", "pvremove /dev/vdc"]
    other = ExtendVolumeGroup("cl", CL, "/dev/vdc", 1 << 30, GOAL)
    with pytest.raises(CannotUndo, match="in the volume group data"):
        other.undo(runner, {})
    with pytest.raises(Failed, match="not in the volume group cl"):
        other.verify(runner, {})


@pytest.mark.parametrize(("extents", "back"), [(511, True), (512, False)])
def test_a_partition_shrinks_back_only_behind_its_physical_volume(
    runner: FakeLvm, monkeypatch: pytest.MonkeyPatch, extents: int, back: bool
) -> None:
    partition = BlockDevice("vdb2", "/dev/vdb2", "partition", "254:18", 3 << 30)
    monkeypatch.setattr(grow_steps, "read_device", lambda _name: partition)
    runner.part("pv", "pv_uuid", PV)["pv_pe_count"] = str(extents)
    size = 2145386496
    step = GrowPartition("vdb", "vdb2", 2, 2099200 * 512, size, 3 << 30, 512, "sfdisk", MEMBER, "")
    if back:
        step.undo(runner, {"size": size})
        assert [line.split()[0] for line in runner.ran] == ["sfdisk", "partx"]
    else:
        with pytest.raises(CannotUndo, match="its physical volume has grown"):
            step.undo(runner, {"size": size})
        assert runner.ran == []
