"""`opskit disk list` and `opskit disk show`: the devices as JSON and as a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opskit.core.errors import ExitCode, Refused
from opskit.core.finding import follow_up
from opskit.core.jsonable import to_json
from opskit.core.text import shown
from opskit.core.units import size_text
from opskit.disk import guard
from opskit.disk.fstab.sources import missing, what_and_where
from opskit.disk.fstab.text import entries_for_target
from opskit.disk.lvm.model import VolumeGroup
from opskit.disk.model import BlockDevice, HostFacts, Mount, SwapArea
from opskit.disk.naming import is_inner, name_in_list, name_of_device
from opskit.disk.network.share import parse, share_mounts
from opskit.disk.verdict import READY, UNKNOWN, verdict
from opskit.ui.screen import Column, Screen, draw_table

if TYPE_CHECKING:
    from opskit.disk.results import DeviceList, DeviceRow, GroupRow, MissingRow, ShareRow, SwapRow, VolumeRow

# Kinds that are no disks to anybody: they are listed only when something is on them.
MINOR = ("ram", "zram", "loop", "floppy", "rom")
# Those that --all shows.
UNCOMMON = ("ram", "loop", "floppy")


def _listed(facts: HostFacts) -> list[BlockDevice]:
    """Every device with a size, a disk before its partitions; empty CD drives and the like are left out.

    A loop device without an image stays where the kernel still shows partitions of it: they would stand below another.
    """
    divided = {device.disk for device in facts.devices}
    devices = [d for d in facts.devices if d.size > 0 or d.kind not in MINOR or d.name in divided]
    return sorted(devices, key=lambda d: (_place(d.disk or d.name), d.partition_number))


def _place(name: str) -> tuple[str, int, str]:
    """The kernel's order of names: sdz is before sdaa, nvme2n1 before nvme10n1."""
    return name[:2], len(name), name


def _row(facts: HostFacts, device: BlockDevice) -> DeviceRow:
    signature = device.signatures[0] if device.signatures else None
    state, reason = verdict(facts, device)
    volume = facts.volume_of(device)
    return {
        "name": device.name,
        "path": device.path,
        "kind": device.kind,
        "volume": volume[1].path if volume else "",
        "disk": device.disk,
        "size": device.size,
        "serial": device.serial,
        "model": device.model,
        "table": device.table if not device.disk else "",
        "signature": signature.type if signature else "",
        "label": signature.label if signature else "",
        "uuid": signature.uuid if signature else "",
        "mount_points": [m.target for m in device.own_mounts],
        "used": device.used if device.used >= 0 else None,
        "verdict": state,
        "reason": reason,
    }


def list_json(facts: HostFacts) -> DeviceList:
    """The result of `disk list --json`."""
    absent: list[MissingRow] = [
        {"source": e.source, "mount_point": e.target if e.has_target else "", "line": e.number} for e in missing(facts)
    ]
    devices = [_row(facts, device) for device in _listed(facts)]
    groups = [_group_json(group) for group in facts.volume_groups if group.name]
    return {
        "devices": devices,
        "volume_groups": groups,
        "swap": _swap_json(facts),
        "shares": _shares_json(facts),
        "missing": absent,
        "unseen": list(facts.unseen),
    }


def _swap_json(facts: HostFacts) -> list[SwapRow]:
    """The swap in use; device: the swap device itself, or what a swap file is on, "" where that is unknown."""
    return [
        {"path": a.path, "type": a.kind, "size": a.size, "used": a.used, "device": _below_swap(facts, a)}
        for a in facts.swap_areas
    ]


def _shares_json(facts: HostFacts) -> list[ShareRow]:
    """The shares of the network that are mounted. line: of the entry in fstab that mounts it there, 0 without one."""
    return [
        {"source": m.source, "type": m.fstype, "mount_point": m.target, "line": _entry_of(facts, m)}
        for m in share_mounts(facts)
    ]


def _entry_of(facts: HostFacts, mount: Mount) -> int:
    share = parse(mount.source)
    of_target = entries_for_target(facts.fstab.text, mount.target)
    return next((e.number for e in of_target if share and not e.ignored and share.is_source(e.source)), 0)


def _below_swap(facts: HostFacts, area: SwapArea) -> str:
    number = facts.swap_files.get(area.path)
    device = next((d for d in facts.devices if d.number == number), None) if number else facts.named(area.path)
    return name_in_list(facts, device) if device else ""


def _group_json(group: VolumeGroup) -> GroupRow:
    """A volume group: its room, what it lies on, and its volumes."""
    volumes: list[VolumeRow] = [
        {"name": v.name, "path": v.path, "size": v.size, "layout": v.layout, "active": bool(v.device), "on": list(v.on)}
        for v in group.volumes
    ]
    return {
        "name": group.name,
        "uuid": group.uuid,
        "size": group.size,
        "free": group.free,
        "extent_size": group.extent_size,
        "devices": [physical.path for physical in group.physical],
        "volumes": volumes,
    }


# What can be put into service, and what nobody could look at.
VERDICT_STYLE = {READY: "green", UNKNOWN: "yellow"}
COLUMNS = (
    Column("NAME", whole=True),
    Column("VERDICT", style=lambda verdict: VERDICT_STYLE.get(verdict, "")),
    Column("SIZE", right=True),
    Column("USED", right=True),
    Column("TABLE"),
    Column("FS"),
    Column("LABEL"),
    Column("UUID"),
    Column("MOUNT POINT"),
    Column("SERIAL"),
    Column("MODEL"),
    Column("REASON"),
)
# What a terminal without the room goes without: it is in `disk show`, --json and the pipe. The reason names a mount.
FIRST_TO_GO = ("UUID", "SERIAL", "MODEL", "LABEL", "TABLE", "MOUNT POINT", "USED")


def draw_list(screen: Screen, facts: HostFacts, *, every: bool = False) -> None:
    """The table, then what could not be seen; says plainly when there is no data disk.

    every: with what is no disk of this host (UNCOMMON).
    """
    listed = [device for device in _listed(facts) if not is_inner(facts, device)]
    shown_devices = [device for device in listed if every or not _is_uncommon(facts, device)]
    rows = [_cells(_row(facts, device), name_in_list(facts, device)) for device in shown_devices]
    if sys.stdout.isatty():  # the row has the name already, and little room
        rows = [[*row[:-1], _without_name(facts, device, row[-1])] for device, row in zip(shown_devices, rows)]
    draw_table(screen, COLUMNS, rows, less=FIRST_TO_GO)
    _draw_groups(screen, facts)
    _draw_swap(screen, facts)
    _draw_shares(screen, facts)
    if hidden := len(listed) - len(shown_devices):
        screen.note(f"{hidden} loop, RAM or floppy devices are not shown: {follow_up('disk', 'list', '--all')}")
    check = follow_up("disk", "fstab", "check")
    for entry in missing(facts):
        sure = "" if facts.root else " (without root this is not certain)"
        where = f"{facts.fstab.path} line {entry.number}"
        screen.note(f"missing{sure}: {shown(what_and_where(entry))} ({shown(where)}); {shown(check)}")
    for text in facts.unseen:
        screen.note(f"not seen: {text}")
    _say_data_disks(screen, facts, shown_devices)


def _is_uncommon(facts: HostFacts, device: BlockDevice) -> bool:
    """Whether it is, or is on, a device of a kind that comes by the dozen and is no disk; not where the system is.

    A partition whose disk is not there is what the kernel still has of a loop device that is empty by now.
    """
    disk = facts.device(device.disk) if device.disk else device
    return (disk is None or disk.kind in UNCOMMON) and not device.system


def _without_name(facts: HostFacts, device: BlockDevice, reason: str) -> str:
    """A reason that begins with the name of its own device, without that: `mounted on /data`.

    That of a disk's partition is in the row of the partition.
    """
    partition = next((p for p in facts.partitions(device) if reason.startswith(f"{p.path} is ")), None)
    return f"by way of {partition.path}" if partition else reason.removeprefix(f"{name_of_device(device)} is ")


GROUP_COLUMNS = (
    Column("VOLUME GROUP", whole=True),
    Column("SIZE", right=True),
    Column("FREE", right=True),
    Column("ON"),
    Column("VOLUMES"),
)


def _draw_groups(screen: Screen, facts: HostFacts) -> None:
    """The volume groups of LVM, where there are any."""
    groups = [group for group in facts.volume_groups if group.name]
    if not groups:
        return
    rows = [
        [
            group.name,
            size_text(group.size),
            size_text(group.free),
            " ".join(physical.path for physical in group.physical),
            " ".join(f"{volume.name} ({size_text(volume.size)})" for volume in group.volumes),
        ]
        for group in groups
    ]
    screen.line("")
    draw_table(screen, GROUP_COLUMNS, rows)


SWAP_COLUMNS = (
    Column("SWAP", whole=True),
    Column("TYPE"),
    Column("SIZE", right=True),
    Column("USED", right=True),
    Column("ON"),
)


def _draw_swap(screen: Screen, facts: HostFacts) -> None:
    """The swap in use, where there is any: a file shows nowhere else."""
    if not facts.swap_areas:
        return
    rows = [
        [row["path"], row["type"], size_text(row["size"]), size_text(row["used"]), row["device"]]
        for row in _swap_json(facts)
    ]
    screen.line("")
    draw_table(screen, SWAP_COLUMNS, rows)


SHARE_COLUMNS = (
    Column("SHARE", whole=True),
    Column("TYPE"),
    Column("MOUNT POINT", whole=True),
    Column("FSTAB"),
)


def _draw_shares(screen: Screen, facts: HostFacts) -> None:
    """The shares of the network, where there are any."""
    rows = [
        [row["source"], row["type"], row["mount_point"], f"line {row['line']}" if row["line"] else "no entry"]
        for row in _shares_json(facts)
    ]
    if rows:
        screen.line("")
        draw_table(screen, SHARE_COLUMNS, rows)


def _cells(row: Mapping[str, Any], name: str) -> list[str]:
    return [
        f"  {name}" if row["disk"] else name,
        row["verdict"],
        size_text(row["size"]),
        size_text(row["used"]) if row["used"] is not None else "",
        row["table"],
        row["signature"],
        row["label"],
        row["uuid"],
        ",".join(row["mount_points"]),
        row["serial"],
        row["model"],
        row["reason"],
    ]


def _say_data_disks(screen: Screen, facts: HostFacts, devices: Sequence[BlockDevice]) -> None:
    disks = [d for d in devices if d.kind in guard.FORMATTABLE and d.size > 0 and not d.disk]
    data = [d for d in disks if verdict(facts, d)[0] != "system"]
    if not data:
        screen.note("There is no data disk: nothing to format. Attach one in the cloud console first.")
    ready = [d.path for d in data if verdict(facts, d)[0] == READY]
    if ready:
        mount = follow_up("disk", "mount", ready[0], "/data", "--dry-run")
        screen.note(f"Ready: {', '.join(map(shown, ready))}. Next: {shown(mount)}")


def show_json(facts: HostFacts, path: str) -> dict[str, Any]:
    """Everything about one device, with its verdict and its partitions. Raises Refused when it is none."""
    device = facts.named(path)
    if device is None:
        findings = list(guard.not_a_device(facts, path))
        raise Refused(f"show {path}", findings, exit_code=ExitCode.USAGE)
    state, reason = verdict(facts, device)
    partitions = [p.path for p in facts.partitions(device)]
    volume, physical = facts.volume_of(device), facts.physical_on(device)
    return {
        "verdict": state,
        "reason": reason,
        **to_json(device),
        "identity": device.identity,
        "partitions": partitions,
        "volume_group": next((each[0].name for each in (volume, physical) if each), ""),
        "volume": to_json(volume[1]) if volume else None,
        "physical_volume": to_json(physical[1]) if physical else None,
    }


def draw_device(screen: Screen, values: dict[str, Any], prefix: str = "") -> None:
    """One fact a line, the verdict first: name, then value; what is empty is left out."""
    for key, value in values.items():
        if value in ("", [], (), None, -1, False):
            continue
        if isinstance(value, dict):
            draw_device(screen, value, f"{prefix}{key}.")
        elif isinstance(value, list) and isinstance(value[0], dict):
            for number, item in enumerate(value):
                draw_device(screen, item, f"{prefix}{key}[{number}].")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            text = f"{size_text(value)} ({text} bytes)" if key in {"size", "used", "free", "start"} else text
            screen.line(f"{prefix}{key:<20} {shown(text)}")
