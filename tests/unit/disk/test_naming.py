"""What a person may call a device: its path, or what it has (UUID=…); and what is suggested for a bare name."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from checkout import HOSTS
from opskit.core.jsonable import from_json
from opskit.core.plan import Plan, Refusal
from opskit.disk.grow.plan import decide_grow
from opskit.disk.grow.request import GrowRequest
from opskit.disk.model import BlockDevice, HostFacts
from opskit.disk.mount.plan import decide_mount
from opskit.disk.mount.request import MountRequest, NewIds
from opskit.disk.mount.umount_plan import UmountRequest, decide_umount

IDS = NewIds("20261120T190500Z-abc123", "f" * 8, "e" * 8, "d" * 8)
UUID = "UUID=d1d1d1d1-0000-4000-8000-0000000000d1"
TAGS = [UUID, UUID.upper(), "LABEL=data", "PARTUUID=6b6b6b6b-0000-4000-8000-000000000011", "PARTLABEL=primary"]


def host(stem: str = "el9-data") -> HostFacts:
    path = next(path for path in HOSTS if path.stem == stem)
    return from_json(HostFacts, json.loads(path.read_text(encoding="utf-8")))


def with_copy(facts: HostFacts) -> HostFacts:
    """The host with a disk vdc, whose filesystem is a copy of that on vdb1."""
    original = facts.device("vdb1")
    assert original
    copy = BlockDevice("vdc", "/dev/vdc", "disk", "252:32", original.size, signatures=original.signatures)
    return replace(facts, devices=(*facts.devices, copy))


def refused(facts: HostFacts, request: MountRequest) -> Refusal:
    decision = decide_mount(facts, request, IDS)
    assert isinstance(decision, Refusal)
    return decision


@pytest.mark.parametrize("tag", TAGS)
def test_a_device_is_named_by_what_it_has(tag: str) -> None:
    by_tag = decide_mount(host(), MountRequest(tag, "/data"), IDS)
    by_path = decide_mount(host(), MountRequest("/dev/vdb1", "/data"), IDS)
    assert isinstance(by_tag, Plan)
    assert isinstance(by_path, Plan)
    assert (by_tag.steps, by_tag.checks, by_tag.result) == (by_path.steps, by_path.checks, by_path.result)
    served = host("el9-served")
    umount = decide_umount(served, UmountRequest(tag), IDS.run)
    grow = decide_grow(served, GrowRequest(tag, "", ""))
    known = served.named(tag) is not None
    assert isinstance(umount, Plan) is known
    assert isinstance(grow, Plan) is known


def test_what_several_have_is_refused_with_all_of_them() -> None:
    for decision in (
        decide_mount(with_copy(host()), MountRequest(UUID, "/data"), IDS),
        decide_umount(with_copy(host()), UmountRequest(UUID), IDS.run),
        decide_grow(with_copy(host()), GrowRequest(UUID, "", "")),
    ):
        assert isinstance(decision, Refusal)
        assert [reason.id for reason in decision.reasons] == ["ambiguous-name"]
        assert "/dev/vdb1 and /dev/vdc" in decision.reasons[0].title


def test_a_member_is_not_meant_where_the_whole_has_it_too() -> None:
    facts = with_copy(host())
    held = tuple(replace(d, holders=("dm-7",)) if d.name == "vdc" else d for d in facts.devices)
    named = replace(facts, devices=held).named(UUID)
    assert named
    assert named.path == "/dev/vdb1"


@pytest.mark.parametrize("tag", ["UUID=", "UUID=d1", "LABEL=Data", "LABEL="])
def test_what_no_device_has(tag: str) -> None:
    assert [reason.id for reason in refused(host(), MountRequest(tag, "/data")).reasons] == ["no-such-device"]
    umount = decide_umount(host(), UmountRequest(tag), IDS.run)
    assert isinstance(umount, Refusal)
    assert [reason.id for reason in umount.reasons] == ["no-such-device"]


def test_wipe_names_a_path() -> None:
    refusal = refused(host(), MountRequest(UUID, "/data", wipe=UUID))
    assert [reason.id for reason in refusal.reasons] == ["wipe-names-another"]
    other = refused(host(), MountRequest(UUID, "/data", fstype="xfs"))
    assert "--wipe /dev/vdb1 would destroy it" in other.reasons[0].remedy


@pytest.mark.parametrize("name", ["vdb", "dev/vdb", "/root/vdb", "/vdb"])
def test_a_bare_name_is_suggested_with_its_folder(name: str) -> None:
    for stem in ("el9-data", "el9"):
        reason = refused(host(stem), MountRequest(name, "/data")).reasons[0]
        assert reason.id == "no-such-device"
        assert reason.remedy.startswith("did you mean /dev/vdb? ")
    assert "did you mean" not in refused(host(), MountRequest("vdz", "/data")).reasons[0].remedy


def test_a_logical_volume_is_suggested_by_its_own_name() -> None:
    facts = host("lvm")
    volume = next(link for d in facts.devices for link in d.links if link.startswith("/dev/mapper/"))
    reason = refused(facts, MountRequest(volume[len("/dev/") :], "/data")).reasons[0]
    assert reason.remedy.startswith(f"did you mean {volume}? ")
