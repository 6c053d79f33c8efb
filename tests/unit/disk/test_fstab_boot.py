"""What systemd makes of a line of fstab at boot, and what `fstab check` says where mount makes something else of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import pytest

from opskit.disk.fstab.boot import BootUnit, by_getmntent, entry_at_boot, unit_at_boot, unit_name
from opskit.disk.fstab.form import meant
from opskit.disk.fstab.text import FstabEntry, entries
from unit.disk.test_fstab_check import DATA, DATA_UUID, ROOT, VDA, VDA1, VDB1, host, ids, only, signed


def one(line: str) -> FstabEntry:
    (entry,) = entries(line)
    return entry


def unit_of(line: str, release: int = 252) -> Optional[BootUnit]:
    return unit_at_boot(entry_at_boot(one(line), release))


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("UUID=1 /d ext4 defaults, nofail 0 2\n", ("UUID=1", "/d", "ext4", "defaults,", 0, 0)),
        ("UUID=1 /d ext4 nofail\r\n", ("UUID=1", "/d", "ext4", "nofail\r", 0, 0)),
        ("UUID=1 /d ext4 nofail 0 2\r\n", ("UUID=1", "/d", "ext4", "nofail", 0, 2)),
        ("UUID=1 /d\n", ("UUID=1", "/d", "", "", 0, 0)),
        ("UUID=1 /a\\040b\\101\\\\ xfs ro 0 2x # c", ("UUID=1", "/a b\\101\\", "xfs", "ro", 0, 2)),
        ("UUID=1 /d ext4 # c\n", ("UUID=1", "/d", "ext4", "#", 0, 0)),
        ("UUID=1 /d ext4 ro 4294967297 99999999999999999999", ("UUID=1", "/d", "ext4", "ro", 1, -1)),
    ],
)
def test_getmntent(line: str, fields: tuple[object, ...]) -> None:
    entry = by_getmntent(one(line))
    assert entry
    assert (entry.source, entry.target, entry.fstype, entry.options, entry.dump, entry.pass_) == fields


def test_from_258_on_systemd_reads_as_mount_does() -> None:
    assert unit_of("UUID=1 /d ext4 defaults, nofail 0 2\n", 257) is not None
    assert unit_of("UUID=1 /d ext4 defaults, nofail 0 2\n", 258) is None
    last = unit_of("UUID=1 /d ext4 defaults,nofail\r\n", 258)
    assert last
    assert last.links == (("local-fs.target", "wants"),)


@pytest.mark.parametrize(
    ("options", "stops"),
    [
        *(("defaults", True), ("nofail", False), ("nofail,fail", True), ("fail,nofail", False), ("noauto", False)),
        *(("noauto,auto", True), ("_netdev", False), ("x-systemd.automount", False), ("nofail=1", False)),
        *(("x-systemd.wanted-by=a.target", False), ("NOFAIL", True), ("xnofail", True), ("ro\\,nofail", True)),
    ],
)
def test_whether_the_boot_stops(options: str, stops: bool) -> None:
    unit = unit_of(f"UUID=1 /d ext4 {options} 0 2\n")
    assert unit
    assert unit.stops_boot is stops


def test_the_root_is_never_optional() -> None:
    unit = unit_of("UUID=1 / ext4 nofail,noauto 0 1\n")
    assert unit
    assert unit.stops_boot


@pytest.mark.parametrize(
    "line", ["UUID=1 none ext4 ro", "UUID=1 data ext4 ro", "x /proc proc", "x /d autofs", "lonely"]
)
def test_what_systemd_makes_nothing_of(line: str) -> None:
    assert unit_of(line) is None


def test_names_of_units() -> None:
    assert unit_name("/", ".mount") == "-.mount"
    assert unit_name("/a-b//./c d/.e", ".mount") == "a\\x2db-c\\x20d-.e.mount"
    assert unit_name("/.e\u00e4", ".automount") == "\\x2ee\\xc3\\xa4.automount"


def test_a_blank_among_the_options_stops_the_boot() -> None:
    """cases: `UUID=… /data ext4 defaults, nofail 0 2` was taken for a line that everybody ignores."""
    text = ROOT + DATA.replace("defaults,nofail", "defaults, nofail")
    finding = only(host(text, systemd_release=252), "boot-reads-otherwise")
    assert finding.severity == "error"
    assert finding.title.startswith("line 2: mount ignores the line, and systemd 252 does not: nofail is not seen, ")
    assert finding.title.endswith("and the boot stops without this disk")
    assert finding.remedy == f"write line 2 as: {DATA.strip()}"
    assert ids(host(text, systemd_release=258)) == ["bad-number"]


def test_carriage_returns_hide_nofail() -> None:
    text = ROOT + f"UUID={DATA_UUID} /data ext4 defaults,nofail\r\n"
    finding = only(host(text), "boot-reads-otherwise")
    assert finding.severity == "error"
    assert "the options defaults,nofail\\r" in finding.title
    assert "nofail is not seen, and the boot stops without this disk" in finding.title
    assert finding.remedy.endswith("sed -i --follow-symlinks 's/\\r$//' /etc/fstab")
    assert ids(host(text, systemd_release=258)) == []
    assert ids(host((ROOT + DATA).replace("\n", "\r\n"))) == []


def test_two_fields_are_an_entry_for_systemd() -> None:
    finding = only(host(f"{ROOT}{DATA}LABEL=data /more\n"), "boot-reads-otherwise")
    assert finding.title.endswith("the boot stops without this disk")


@pytest.mark.parametrize(
    ("line", "better"),
    [
        ("A /d ext4 defaults, nofail 0 2", "A /d ext4 defaults,nofail 0 2"),
        ("A /d ext4 defaults ,nofail", "A /d ext4 defaults,nofail 0 0"),
        ("A /d ext4 ro, noatime, nofail 1", "A /d ext4 ro,noatime,nofail 1 0"),
        ("A /d ext4 nofail # the data disk", "A /d ext4 nofail 0 0"),
        ("A /d ext4 nofail 0 2 # the data disk", "A /d ext4 nofail 0 2"),
        ("A /my data ext4 nofail 0 2", ""),
        ("A /d ext4 # c", ""),
        ("A /d ext4 ro nofail", ""),
    ],
)
def test_what_was_meant(line: str, better: str) -> None:
    assert meant(one(line)) == better


def test_byte_order_mark() -> None:
    finding = only(host("\ufeff" + ROOT + DATA), "byte-order-mark")
    assert finding.remedy == "sed -i --follow-symlinks '1s/^\\xef\\xbb\\xbf//' /etc/fstab"


def test_a_uuid_in_other_letters_is_found_by_nobody() -> None:
    uuid = "abcdef01-0000-4000-8000-000000000002"
    lower = replace(VDB1, signatures=signed("ext4", uuid))
    text = ROOT + DATA.replace(DATA_UUID, uuid.upper())
    finding = only(host(text, devices=(VDA, VDA1, lower)), "uuid-case")
    assert finding.remedy == f"write line 2 as: {DATA.strip().replace(DATA_UUID, uuid)}"
    vfat = replace(VDB1, signatures=signed("vfat", "ABCD-1234"))
    text = ROOT + DATA.replace(DATA_UUID, "ABCD-1234").replace("ext4", "vfat")
    assert ids(host(text, devices=(VDA, VDA1, vfat))) == []


def test_none_as_a_mount_point() -> None:
    assert only(host(ROOT + DATA + "LABEL=more none ext4 nofail 0 0\n"), "relative-mount-point").severity == "error"


def test_a_number_out_of_range() -> None:
    assert only(host(ROOT + DATA.replace(" 0 2", " 0 9999999999")), "bad-number").severity == "warning"
    assert only(host(ROOT + DATA.replace(" 0 2", " 99999999999999999999 2")), "bad-number").severity == "error"
