"""Guards over every saved host: what no case of tests/golden says by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from checkout import HOSTS
from opskit.core.jsonable import from_json, to_json
from opskit.core.plan import NO_RUN, Plan, Refusal
from opskit.disk import guard
from opskit.disk.grow.parts import filesystem_reasons
from opskit.disk.model import ZERO, HostFacts, Mount, PathFact, Signature
from opskit.disk.mount.plan import decide_mount
from opskit.disk.mount.request import MountRequest, NewIds, mount_point_reasons, request_reasons
from opskit.disk.verdict import READY, verdict

IDS = NewIds("20261120T190500Z-abc123", "f" * 8, "e" * 8, "d" * 8)
DESTROYS = {"disk.erase-signatures", "disk.create-partition", "disk.make-filesystem"}


def host(path: Path) -> HostFacts:
    return from_json(HostFacts, json.loads(path.read_text(encoding="utf-8")))


DEVICES = [(path.stem, device.name) for path in HOSTS for device in host(path).devices]
FLAGS: list[dict[str, Any]] = [
    dict(zip(("fstype", "table", "whole_disk", "use_fstab", "target"), values))
    for values in product(("", "xfs"), ("gpt", "dos"), (False, True), (False, True), ("/mnt", "/data"))
]


def facts_of(stem: str) -> HostFacts:
    return host(next(path for path in HOSTS if path.stem == stem))


def test_what_the_system_needs_on_a_partition_forbids_its_disk() -> None:
    """Also where only the partition is marked: the guard does not count on whoever marks them."""
    facts = facts_of("el9-data")
    disk, partition = facts.device("vdb"), facts.device("vdb1")
    assert disk
    assert partition
    assert not list(guard.system(facts, disk))
    marked = replace(partition, system=("/boot",))
    facts = replace(facts, devices=tuple(marked if device is partition else device for device in facts.devices))
    assert [(reason.id, "/boot" in reason.title) for reason in guard.system(facts, disk)] == [("system-disk", True)]


@pytest.mark.parametrize(("stem", "name"), DEVICES, ids=lambda value: value)
def test_no_flag_gets_past_a_guard(stem: str, name: str) -> None:
    """On every device of every host, with every combination of flags: what is used or the system's is not touched."""
    facts = facts_of(stem)
    device = facts.device(name)
    assert device is not None
    disk = facts.device(device.disk) or device
    family = guard.related(facts, disk)
    guarded = any(d.system or d.mounts or d.holders or d.swap or d.multipath for d in family) or any(
        guard.is_member(s) for d in family for s in d.signatures
    )
    for flags in FLAGS:
        for wipe in ("", device.path):
            decision = decide_mount(facts, MountRequest(device.path, wipe=wipe, **flags), IDS)
            kinds = {step.kind for step in decision.steps} if isinstance(decision, Plan) else set()
            assert not (guarded and kinds & DESTROYS), (flags, wipe)
            if any(d.system for d in family):
                assert isinstance(decision, Refusal)
                assert [reason.id for reason in decision.reasons] == ["system-disk"]


@pytest.mark.parametrize(("stem", "name"), DEVICES, ids=lambda value: value)
def test_without_wipe_only_a_ready_disk_is_written(stem: str, name: str) -> None:
    """`opskit disk list` and `opskit disk mount` agree: what is formatted unasked was listed as ready."""
    facts = facts_of(stem)
    device = facts.device(name)
    assert device is not None
    decision = decide_mount(facts, MountRequest(device.path, "/mnt"), IDS)
    if isinstance(decision, Plan) and any(step.kind in DESTROYS for step in decision.steps):
        assert verdict(facts, device)[0] == READY
        assert device.contents == ZERO


def test_the_flags_do_something_on_a_blank_disk() -> None:
    """Without this the two tests above could pass by refusing everything."""
    facts = facts_of("el9")
    kinds = set()
    for flags in FLAGS:
        decision = decide_mount(facts, MountRequest("/dev/vdb", **flags), IDS)
        assert isinstance(decision, Plan)
        kinds |= {step.kind for step in decision.steps}
    assert kinds >= DESTROYS - {"disk.erase-signatures"}


def _fingerprint(facts: HostFacts, request: MountRequest, ids: NewIds = IDS) -> str:
    plan = decide_mount(facts, request, ids)
    assert isinstance(plan, Plan), plan
    return plan.fingerprint


def _with_disk(facts: HostFacts, **fields: Any) -> HostFacts:
    return replace(facts, devices=tuple(replace(d, **fields) if d.name == "vdb" else d for d in facts.devices))


def test_another_disk_behind_the_name_is_another_plan() -> None:
    """The fingerprint holds the disk's size and identity, and where it has none what lasts until it is taken out."""
    facts, request = facts_of("el9"), MountRequest("/dev/vdb")
    disk = facts.device("vdb")
    assert disk is not None
    before = _fingerprint(facts, request)
    another: list[dict[str, Any]] = [{"size": disk.size + 512}, {"serial": "another"}, {"wwn": "another"}]
    for fields in another:
        assert _fingerprint(_with_disk(facts, **fields), request) != before, fields
    # After a reboot the same disk has another number.
    for fields in ({"number": "252:48"}, {"diskseq": disk.diskseq + 1}):
        assert _fingerprint(_with_disk(facts, **fields), request) == before, fields
    nameless = _with_disk(facts, serial="", wwn="", backing_file="/images/vdb")
    before = _fingerprint(nameless, request)
    for fields in ({"number": "252:48"}, {"diskseq": disk.diskseq + 1}, {"backing_file": "/images/other"}):
        assert _fingerprint(_with_disk(nameless, **fields), request) != before, fields


def test_other_data_on_the_disk_is_another_plan() -> None:
    """Somebody has agreed to the loss of one filesystem, and not of the one that was made since."""
    facts = _with_disk(facts_of("el9"), signatures=(Signature("ext4", "filesystem", "a" * 8),))
    other = _with_disk(facts, signatures=(Signature("ext4", "filesystem", "b" * 8),))
    for request in (MountRequest("/dev/vdb", wipe="/dev/vdb"), MountRequest("/dev/vdb", use_fstab=False)):
        assert _fingerprint(facts, request) != _fingerprint(other, request)


def test_a_comment_in_fstab_is_the_same_plan() -> None:
    facts, request = facts_of("el9"), MountRequest("/dev/vdb", "/data")
    text = facts.fstab.text
    for edited in ("# a comment\n" + text, text + "# no newline"):
        other = replace(facts, fstab=replace(facts.fstab, text=edited))
        assert _fingerprint(other, request) == _fingerprint(facts, request)


def test_the_fingerprint_has_nothing_of_the_run() -> None:
    """NO_RUN stands for every run: with it as run id the plan is the same one as with any other, but for names."""
    facts, request = facts_of("el9"), MountRequest("/dev/vdb", "/data")
    assert _nameless(facts, request, NO_RUN) == _nameless(facts, request, "20261120T190500Z-abc123")


def _nameless(facts: HostFacts, request: MountRequest, run: str) -> str:
    """The plan with one word in the place of each name that was chosen for it."""
    ids = NewIds.of(run)
    assert ids == NewIds.of(run)
    plan = decide_mount(facts, request, ids)
    assert isinstance(plan, Plan)
    text = json.dumps(to_json(plan))
    for name in (run, ids.filesystem, ids.partition, ids.table):
        assert name in text
        text = text.replace(name, "NEW")
    return text


@pytest.mark.parametrize(
    ("options", "remedy"),
    [("rw,relatime", "make room: df '/my data'; df -i '/my data'"), ("ro", "mount -o remount,rw '/my data'")],
)
def test_a_mount_point_that_cannot_be_made(options: str, remedy: str) -> None:
    """With the remedy for the filesystem above it, whichever directory of it is the last one that is there."""
    target = "/my data/deep/new"
    facts = facts_of("el9-data")
    facts = replace(
        facts,
        mounts=(*facts.mounts, Mount("252:99", "/my data", "/dev/vdz1", "ext4", options)),
        paths=(PathFact(target, "absent", target, unmakable="the filesystem of /my data is full"),),
    )
    (reason,) = mount_point_reasons(facts, target)
    assert (reason.id, reason.remedy) == ("mount-point-cannot-be-made", remedy)


def test_of_a_btrfs_on_two_disks_nobody_is_told_to_give_one_of_them_another_uuid() -> None:
    facts = facts_of("el9-data")
    disk = facts.device("vdb")
    assert disk
    both = [
        replace(disk, name=n, path=f"/dev/{n}", signatures=(Signature("btrfs", uuid="1-2"),)) for n in ("vdx", "vdy")
    ]
    (reason,) = guard.duplicate_uuid(replace(facts, devices=tuple(both)), both[0], "1-2")
    assert reason.id == "duplicate-uuid"
    assert "btrfs filesystem show /dev/vdx" in reason.remedy
    assert "-U" not in reason.remedy


@pytest.mark.parametrize("option", ["loop", "loop=/dev/loop3", "offset=1M", "bind", "remount"])
def test_an_option_by_which_mount_does_something_else_is_refused(option: str) -> None:
    """With `loop` a filesystem was made, and then what was mounted was a loop device over it."""
    request = MountRequest("/dev/vdb", mount_options=f"noatime,{option},nodev")
    (reason,) = request_reasons(request)
    assert (reason.id, reason.exit_code, reason.remedy) == ("bad-mount-options", 2, f"leave {option} out")
    assert not list(request_reasons(replace(request, mount_options="noatime,x-systemd.device-bound")))


def test_a_filesystem_that_another_mount_covers_does_not_grow() -> None:
    """Resize2fs and xfs_growfs open the mount point, and would find another filesystem there."""
    facts = facts_of("el9-data")
    device = facts.device("vdb1")
    assert device
    mount = Mount(device.number, "/data", device.path, "ext4", "rw")
    facts = replace(facts, mounts=(mount,))
    assert "mounted-over" not in [r.id for r in filesystem_reasons(facts, device, mount, device.path)]
    covered = replace(facts, mounts=(*facts.mounts, Mount("0:99", mount.target, "none", "tmpfs", "rw")))
    assert "mounted-over" in [r.id for r in filesystem_reasons(covered, device, mount, device.path)]
