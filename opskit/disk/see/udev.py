"""What udev knows of block devices, through pyudev; nothing where udev has no database (containers)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import replace

from opskit.disk.model import BlockDevice
from opskit.disk.see.probe import from_blkid

DATABASE = "/run/udev/data"
_HEX = re.compile(rb"\\x([0-9a-fA-F]{2})")


def is_running() -> bool:
    """Whether udev deals with events on this host."""
    return os.path.exists("/run/udev/control")


def has_database() -> bool:
    """Whether udev keeps a database on this host."""
    return os.path.isdir(DATABASE)


def udev_properties(numbers: Iterable[str]) -> dict[str, dict[str, str]]:
    """The properties of block devices by major:minor; only of those that udev has dealt with."""
    try:
        import pyudev  # noqa: PLC0415 - it loads libudev, which a command without a database does not need

        context = pyudev.Context()
    except (ImportError, OSError):  # no libudev on this host
        return {}
    known = {}
    for number in numbers:
        major, _, minor = number.partition(":")
        try:
            device = pyudev.Devices.from_device_number(context, "block", os.makedev(int(major), int(minor)))
        except (pyudev.DeviceNotFoundError, OSError, ValueError):
            continue
        if device.is_initialized:
            known[number] = dict(device.properties)
    return known


def wait_for_filesystem(number: str, uuid: str, seconds: float) -> bool:
    """Wait until udev's database has this filesystem on this device (major:minor). False when it does not come.

    What the kernel tells of a device that was just written, udev looks at later; until then systemd takes a mount of
    it for one of an absent device and unmounts it again.
    """
    import pyudev  # noqa: PLC0415

    context = pyudev.Context()
    monitor = pyudev.Monitor.from_netlink(context)
    monitor.filter_by("block")
    monitor.start()  # before the first look: an event between the two is not lost
    deadline = time.monotonic() + seconds
    while True:
        known = udev_properties([number]).get(number, {})
        if decoded(known.get("ID_FS_UUID_ENC", "")) == uuid:
            return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        monitor.poll(left)


def with_properties(device: BlockDevice, properties: dict[str, str]) -> BlockDevice:
    """The device with udev's names, serial, model and signatures (60-persistent-storage.rules) put in."""
    values = {key[len("ID_FS_") :]: decoded(value) for key, value in properties.items() if key.startswith("ID_FS_")}
    for enc, plain in (("LABEL_ENC", "LABEL"), ("UUID_ENC", "UUID")):
        if enc in values:
            values[plain] = values[enc]
    parts = {"PART_ENTRY_UUID", "PART_ENTRY_NAME", "PART_ENTRY_TYPE", "PART_TABLE_TYPE", "PART_TABLE_UUID"}
    values.update({key: decoded(properties[f"ID_{key}"]) for key in parts if f"ID_{key}" in properties})
    if device.disk == "":
        values["PTTYPE"] = values.pop("PART_TABLE_TYPE", "")
        values["PTUUID"] = values.pop("PART_TABLE_UUID", "")
    links = tuple(sorted(properties.get("DEVLINKS", "").split()))
    return replace(
        from_blkid(device, values),
        links=links or device.links,
        serial=device.serial or properties.get("ID_SERIAL_SHORT", "") or properties.get("ID_SERIAL", ""),
        wwn=device.wwn or properties.get("ID_WWN", ""),
        # What udev alone knows a script cannot read from sysfs.
        identity_file=device.identity_file if device.wwn or not properties.get("ID_WWN") else "",
        model=device.model or decoded(properties.get("ID_MODEL_ENC", "")).strip(),
        multipath=properties.get("DM_MULTIPATH_DEVICE_PATH") == "1",
        ambivalent=properties.get("ID_FS_AMBIVALENT", "") != "",
    )


def decoded(value: str) -> str:
    r"""Udev's `\x20` for a character that has no place in a name."""
    raw = _HEX.sub(lambda match: bytes([int(match.group(1), 16)]), value.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")
