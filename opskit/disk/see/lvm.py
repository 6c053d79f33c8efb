"""What LVM says of its volume groups: `lvm fullreport`, as JSON (lvm2 2.02.158 on; EL7 has 2.02.187).

With --readonly it takes no lock of LVM and writes nothing: nobody who holds one keeps opskit waiting. It does not ask
the kernel which volumes are active then, so sysfs is asked, where a volume has the UUIDs of its group and its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, Optional

from opskit.core.command import Command, Runner
from opskit.core.errors import OpskitError
from opskit.disk.lvm.model import MEMBER, LogicalVolume, PhysicalVolume, VolumeGroup
from opskit.disk.model import SILENT, BlockDevice
from opskit.disk.see.sysfs import SYS, read_text

LVM_SECONDS = 30.0
# libdevmapper puts this before the UUIDs of a group and a volume; what follows them is an inner part of a volume.
DM_PREFIX = "LVM-"
_FIELDS = {
    "vg": "vg_name,vg_uuid,vg_extent_size,vg_attr,vg_lock_type",
    "pv": "pv_uuid,pv_name,pv_major,pv_minor,dev_size,pe_start,pv_pe_count,pv_pe_alloc_count,pv_mda_count,pv_attr",
    "lv": "lv_name,lv_uuid,lv_path,lv_size,lv_layout,lv_role,lv_attr",
    "pvseg": "pv_uuid,lv_uuid",
    "seg": "lv_uuid",
}


def is_used(devices: Iterable[BlockDevice]) -> bool:
    """Whether any of these devices is LVM's: then it is worth asking."""
    kinds = (device.holder_of.startswith("LVM") or _is_member(device) for device in devices)
    return any(kinds)


def _is_member(device: BlockDevice) -> bool:
    return any(signature.type == MEMBER for signature in device.signatures)


def volume_groups(runner: Runner, devices: Iterable[BlockDevice]) -> tuple[VolumeGroup, ...]:
    """The volume groups of this host by name, and first, with the name "", the physical volumes that are in none.

    Raises Missing, Failed or CommandFailed; Failed for an answer that is no report.
    """
    devices = tuple(devices)
    return groups_of(_report(runner), {d.number: d.name for d in devices}, _active(devices))


def _report(runner: Runner) -> str:
    fields = (word for kind, names in _FIELDS.items() for word in ("--configreport", kind, "-o", names))
    argv = ("lvm", "fullreport", "--readonly", "--reportformat", "json", "--units", "b", "--nosuffix", *fields)
    return runner.run(Command(argv, mutates=False, timeout=LVM_SECONDS)).stdout


def _active(devices: Iterable[BlockDevice]) -> dict[str, str]:
    """The kernel's names of the volumes that are active, by the UUIDs of group and volume without their dashes."""
    uuids = ((read_text(SYS, "class", "block", d.name, "dm", "uuid"), d.name) for d in devices if d.kind == "dm")
    return {uuid[len(DM_PREFIX) :]: name for uuid, name in uuids if uuid.startswith(DM_PREFIX)}


def groups_of(text: str, names: dict[str, str], active: dict[str, str]) -> tuple[VolumeGroup, ...]:
    """The groups in a report.

    text: what `lvm fullreport` has printed.
    names: the kernel's name of each device by its number.
    active: see _active.

    Raises ValueError, KeyError or TypeError for what is no such report.
    """
    groups = [_group(part, names, active) for part in json.loads(text)["report"] if part.get("pv") or part.get("vg")]
    return tuple(sorted(groups, key=lambda group: group.name))


def _group(part: dict[str, Any], names: dict[str, str], active: dict[str, str]) -> VolumeGroup:
    values = part["vg"][0] if part.get("vg") else {}
    physical = tuple(_physical(each, names) for each in part.get("pv", ()))
    device_of = {each.uuid: each.device for each in physical}
    uuid = values.get("vg_uuid", "")
    lies_on: dict[str, list[str]] = {}
    for segment in part.get("pvseg", ()):
        lies_on.setdefault(segment["lv_uuid"], []).append(device_of.get(segment["pv_uuid"], ""))
    return VolumeGroup(
        name=values.get("vg_name", ""),
        uuid=uuid,
        extent_size=int(values.get("vg_extent_size") or 0),
        attributes=values.get("vg_attr", ""),
        lock_type=values.get("vg_lock_type", ""),
        physical=physical,
        volumes=tuple(_volume(each, uuid, lies_on, active) for each in part.get("lv", ())),
    )


def _physical(values: dict[str, str], names: dict[str, str]) -> PhysicalVolume:
    attributes = values["pv_attr"]
    return PhysicalVolume(
        uuid=values["pv_uuid"],
        path=values["pv_name"],
        device=names.get(f"{values['pv_major']}:{values['pv_minor']}", ""),
        device_size=int(values["dev_size"]),
        start=int(values["pe_start"]),
        extents=int(values["pv_pe_count"]),
        used_extents=int(values["pv_pe_alloc_count"]),
        metadata_areas=int(values["pv_mda_count"]),
        allocatable=attributes[:1] == "a",
        missing=attributes[2:3] == "m",
    )


def _volume(values: dict[str, str], group: str, lies_on: dict[str, list[str]], active: dict[str, str]) -> LogicalVolume:
    uuid = values["lv_uuid"]
    return LogicalVolume(
        name=values["lv_name"],
        uuid=uuid,
        path=values["lv_path"],
        device=active.get(f"{group}{uuid}".replace("-", ""), ""),
        size=int(values["lv_size"]),
        layout=values["lv_layout"],
        role=values["lv_role"],
        attributes=values["lv_attr"],
        on=tuple(dict.fromkeys(filter(None, lies_on.get(uuid, ())))),
    )


def try_volume_groups(runner: Runner, devices: Iterable[BlockDevice], unseen: list[str]) -> tuple[VolumeGroup, ...]:
    """The same; what stands in the way is put into unseen."""
    try:
        return volume_groups(runner, devices)
    except OpskitError as error:
        unseen.append(f"the volume groups: {error}")
    except (ValueError, KeyError, TypeError):
        unseen.append("the volume groups: lvm's report is not one that opskit can read (it takes lvm2 2.02.158)")
    return ()


def look(runner: Runner, devices: Sequence[BlockDevice], unseen: list[str], *, root: bool) -> tuple[VolumeGroup, ...]:
    """The groups, where LVM has something on this host; what stands in the way is put into unseen."""
    if not is_used(devices):
        return ()
    if not root:
        unseen.append("the volume groups of LVM: that needs root")
        return ()
    if any(device.contents == SILENT for device in devices):
        # LVM reads every disk, and would wait for this one.
        unseen.append("the volume groups of LVM: a disk does not answer")
        return ()
    return try_volume_groups(runner, devices, unseen)


def below(groups: Iterable[VolumeGroup], devices: Iterable[BlockDevice]) -> frozenset[str]:
    """The kernel names of what the physical volumes of these groups are on, with their disks."""
    names = {physical.device for group in groups if group.name for physical in group.physical}
    return frozenset(names) | frozenset(device.disk for device in devices if device.name in names and device.disk)


def physical_volume(runner: Runner, uuid: str) -> tuple[Optional[VolumeGroup], Optional[PhysicalVolume]]:
    """The physical volume with this UUID and its group as they are now; None for each that there is not."""
    return next(((g if g.name else None, p) for g in _now(runner) for p in g.physical if p.uuid == uuid), (None, None))


def physical_volume_at(runner: Runner, path: str) -> tuple[Optional[VolumeGroup], Optional[PhysicalVolume]]:
    """The same of the one on the device at this path."""
    real = os.path.realpath(path)
    return next(
        ((g if g.name else None, p) for g in _now(runner) for p in g.physical if os.path.realpath(p.path) == real),
        (None, None),
    )


def logical_volume(runner: Runner, uuid: str) -> tuple[Optional[VolumeGroup], Optional[LogicalVolume]]:
    """The logical volume with this UUID and its group as they are now; None for each that there is not."""
    return next(((g, v) for g in _now(runner) for v in g.volumes if v.uuid == uuid), (None, None))


def _now(runner: Runner) -> tuple[VolumeGroup, ...]:
    return groups_of(_report(runner), {}, {})
