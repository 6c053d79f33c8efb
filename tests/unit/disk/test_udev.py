"""What udev knows, put into a device."""

from __future__ import annotations

import pytest

from opskit.disk.model import BlockDevice, Signature
from opskit.disk.see.udev import decoded, with_properties

DISK = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", 1 << 30)
PARTITION = BlockDevice("vdb1", "/dev/vdb1", "partition", "252:17", 1 << 29, disk="vdb", partition_number=1)


def test_a_disk_with_a_table() -> None:
    device = with_properties(
        DISK,
        {
            "ID_PART_TABLE_TYPE": "gpt",
            "ID_PART_TABLE_UUID": "6b6b",
            "ID_SERIAL_SHORT": "S2",
            "ID_SERIAL": "Vendor_S2",
            "ID_WWN": "0x5000",
            "ID_MODEL_ENC": "Virtual\\x20Disk\\x20\\x20",
            "DEVLINKS": "/dev/disk/by-path/x /dev/disk/by-id/y",
        },
    )
    assert (device.table, device.table_uuid, device.signatures) == ("gpt", "6b6b", ())
    assert (device.serial, device.wwn, device.model) == ("S2", "0x5000", "Virtual Disk")
    assert device.links == ("/dev/disk/by-id/y", "/dev/disk/by-path/x")
    assert (device.multipath, device.ambivalent) == (False, False)


def test_a_partition_is_not_taken_for_its_disks_table() -> None:
    """udev repeats the disk's table on each partition."""
    device = with_properties(
        PARTITION,
        {
            "ID_PART_TABLE_TYPE": "gpt",
            "ID_PART_TABLE_UUID": "6b6b",
            "ID_PART_ENTRY_UUID": "5555",
            "ID_PART_ENTRY_NAME": "my\\x20data",
            "ID_PART_ENTRY_TYPE": "0fc63daf",
            "ID_FS_TYPE": "ext4",
            "ID_FS_USAGE": "filesystem",
            "ID_FS_UUID": "D1",
            "ID_FS_UUID_ENC": "D1",
            "ID_FS_LABEL": "my_data",
            "ID_FS_LABEL_ENC": "my\\x20data",
            "ID_FS_VERSION": "1.0",
        },
    )
    assert (device.table, device.partition_uuid, device.partition_name) == ("", "5555", "my data")
    assert device.signatures == (Signature("ext4", "filesystem", "D1", "my data", "1.0"),)


def test_sysfs_is_believed_first() -> None:
    known = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", 1, serial="a", wwn="b", model="c", links=("/dev/l",))
    device = with_properties(known, {"ID_SERIAL": "x", "ID_WWN": "y", "ID_MODEL_ENC": "z"})
    assert (device.serial, device.wwn, device.model, device.links) == ("a", "b", "c", ("/dev/l",))


def test_a_path_of_a_multipath_device_and_an_ambivalent_one() -> None:
    device = with_properties(DISK, {"DM_MULTIPATH_DEVICE_PATH": "1", "ID_FS_AMBIVALENT": "filesystem:ext4 other:swap"})
    assert (device.multipath, device.ambivalent) == (True, True)
    assert not with_properties(DISK, {"DM_MULTIPATH_DEVICE_PATH": "0"}).multipath


def test_nothing_known_changes_nothing() -> None:
    assert with_properties(DISK, {}) == DISK


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("my\\x20data", "my data"),
        ("a\\x2fb\\x5cx", "a/b\\x"),
        ("\\xc3\\xa4", "ä"),
        ("\\xff", "\udcff"),  # no UTF-8: kept without loss
        ("ä\\x20ä", "ä ä"),
        ("日\\x20本", "日 本"),
        ("100%\\", "100%\\"),
    ],
)
def test_decoded(value: str, text: str) -> None:
    assert decoded(value) == text
