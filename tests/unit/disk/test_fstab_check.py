"""Each finding of `opskit disk fstab check` has a case that fires and one, as near as can be, that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from opskit.core.finding import SEVERITIES, Finding
from opskit.disk.fstab.check import check
from opskit.disk.fstab.options import misspelt
from opskit.disk.fstab.sources import missing
from opskit.disk.fstab.text import entries
from opskit.disk.model import BlockDevice, FileFact, HostFacts, Mount, PathFact, Signature

ROOT_UUID = "11111111-0000-4000-8000-000000000001"
DATA_UUID = "22222222-0000-4000-8000-000000000002"
GOOD_OPTIONS = "defaults,nofail"
ROOT = f"UUID={ROOT_UUID} / xfs defaults 0 0\n"
DATA = f"UUID={DATA_UUID} /data ext4 {GOOD_OPTIONS} 0 2\n"


def device(name: str, number: str, **values: Any) -> BlockDevice:
    values = {"kind": "disk", "size": 1 << 30, **values}
    return BlockDevice(name=name, path=f"/dev/{name}", number=number, **values)


def signed(fstype: str, uuid: str, usage: str = "filesystem", label: str = "") -> tuple[Signature, ...]:
    return (Signature(fstype, usage, uuid=uuid, label=label),)


VDA = device("vda", "252:0", system=("/",))
VDA1 = device("vda1", "252:1", kind="partition", disk="vda", system=("/",), signatures=signed("xfs", ROOT_UUID))
VDB = device("vdb", "252:16")
VDB1 = device("vdb1", "252:17", kind="partition", disk="vdb", signatures=signed("ext4", DATA_UUID, label="data"))
SWAP = device("vdc", "252:32", signatures=signed("swap", "33333333-0000-4000-8000-000000000003", "other"), swap=True)
MOUNTED = (
    Mount("252:1", "/", "/dev/vda1", "xfs", "rw"),
    Mount("252:17", "/data", "/dev/vdb1", "ext4", "rw"),
)


def host(text: str, **values: Any) -> HostFacts:
    """A host with root on vda1 and data on vdb1, both mounted, whose fstab is the text."""
    kinds = values.pop("kinds", {})
    targets = {entry.target for entry in entries(text)}
    facts = HostFacts(
        schema=1,
        taken="2026-11-20T19:05:00Z",
        host="test",
        root=True,
        devices=(VDA, VDA1, VDB, VDB1, SWAP),
        fstab=FileFact("/etc/fstab", "/etc/fstab", exists=True, text=text),
        crypttab=FileFact("/etc/crypttab", "/etc/crypttab", exists=False),
        paths=tuple(PathFact(t, kinds.get(t, "directory"), t) for t in targets),
        mounts=MOUNTED,
        systemd=True,
    )
    return replace(facts, **values)


def ids(facts: HostFacts) -> list[str]:
    return [finding.id for finding in check(facts)]


def only(facts: HostFacts, name: str) -> Finding:
    findings = [finding for finding in check(facts) if finding.id == name]
    assert len(findings) == 1, check(facts)
    return findings[0]


def test_a_good_fstab_has_no_findings() -> None:
    tmpfs = Mount("0:40", "/tmp", "tmpfs", "tmpfs", "rw")
    swap = f"UUID={SWAP.signatures[0].uuid} none swap sw 0 0\n"
    text = f"# a comment\n\n{ROOT}{DATA}tmpfs /tmp tmpfs defaults 0 0\n{swap}"
    assert check(host(text, mounts=(*MOUNTED, tmpfs))) == ()


def test_every_finding_says_where_and_what_to_do() -> None:
    text = f"UUID=absent /x ext4 defaults 0 2\n{ROOT}a b\n/dev/vdb1 data xfs defaults 0 z\n"
    text += "/dev/vdb1 /data xfs defaults 0 2"
    findings = check(host(text, kinds={"/x": "absent"}, mounts=()))
    assert len(findings) >= 6
    for finding in findings:
        assert finding.severity in SEVERITIES
        assert finding.evidence.startswith("/etc/fstab:")
        assert finding.remedy


@pytest.mark.parametrize(
    "source", ["UUID=absent", "LABEL=absent", "PARTUUID=absent", "/dev/vdq1", "/dev/disk/by-id/absent"]
)
def test_unknown_source(source: str) -> None:
    text = ROOT + DATA + f"{source} /more ext4 defaults 0 2\n"
    finding = only(host(text), "unknown-source")
    assert finding.severity == "error"
    assert finding.evidence == f"/etc/fstab:3: {source} /more ext4 defaults 0 2"
    assert f"{source} /more ext4 {GOOD_OPTIONS} 0 2" in finding.remedy
    assert ids(host(text)) == ["unknown-source"]


@pytest.mark.parametrize("options", ["nofail", "x-systemd.automount"])
def test_unknown_source_that_does_not_stop_the_boot(options: str) -> None:
    finding = only(host(f"{ROOT}{DATA}UUID=absent /more ext4 {options} 0 2\n"), "unknown-source")
    assert (finding.severity, finding.remedy) == ("warning", "attach it, or remove line 3")
    assert "UUID=absent for /more" in finding.title


def test_missing_is_what_no_device_here_has() -> None:
    others = "/dev/sr9 /cd auto noauto 0 0\nhost:/x /nfs nfs nofail 0 0\nbad\n"
    seen = host(f"{ROOT}{DATA}UUID=absent /more ext4 nofail 0 2\n{others}")
    assert [entry.target for entry in missing(seen)] == ["/more"]


def test_unknown_source_is_less_sure_without_root() -> None:
    text = ROOT + DATA + "UUID=absent /more ext4 defaults 0 2\n"
    uncertain = only(host(text, root=False, unseen=("signatures",)), "unknown-source")
    assert uncertain.severity == "warning"
    assert uncertain.remedy.startswith("run this as root; if it says the same: attach it, or remove line ")


def test_unknown_swap_does_not_stop_the_boot() -> None:
    assert only(host(f"{ROOT}{DATA}UUID=absent none swap sw 0 0\n"), "unknown-source").severity == "warning"


@pytest.mark.parametrize(
    "line",
    [
        "server:/export /net nfs defaults 0 0",
        "//server/share /net cifs defaults 0 0",
        "tmpfs /net tmpfs defaults 0 0",
        "overlay /net overlay defaults 0 0",
        "proc /net proc defaults 0 0",
        "/srv/x /net none bind 0 0",
        "/dev/shm/x /net none bind 0 0",
        "/dev/shm /net tmpfs defaults 0 0",
        "user@server: /net fuse.sshfs defaults 0 0",
        "/dev/sr0 /net iso9660 ro,noauto 0 0",
    ],
)
def test_sources_that_are_no_device_of_this_host(line: str) -> None:
    mounted = (*MOUNTED, Mount("0:50", "/net", "x", "x", "rw"))
    assert ids(host(f"{ROOT}{DATA}{line}\n", mounts=mounted)) == []


def test_ambiguous_source() -> None:
    copy = device("vdd1", "252:49", kind="partition", signatures=VDB1.signatures)
    facts = host(ROOT + DATA)
    assert only(replace(facts, devices=(*facts.devices, copy)), "ambiguous-source").severity == "critical"


@pytest.mark.parametrize("fstype", ["btrfs", "zfs_member"])
def test_filesystems_over_several_devices_are_not_ambiguous(fstype: str) -> None:
    parts = tuple(device(f"vd{c}", f"252:{n}", signatures=signed(fstype, DATA_UUID)) for c, n in (("e", 64), ("f", 80)))
    text = ROOT + DATA.replace("ext4", fstype)
    mounted = (MOUNTED[0], Mount("252:64", "/data", "/dev/vde", fstype, "rw"))
    facts = host(text, devices=(VDA, VDA1, *parts), mounts=mounted)
    assert "ambiguous-source" not in ids(facts)


def test_a_member_that_is_held_is_not_ambiguous() -> None:
    """Below multipath each path shows the UUID of the whole."""
    sda = device("sda", "8:0", signatures=VDB1.signatures, holders=("dm-0",))
    sdb = device("sdb", "8:16", signatures=VDB1.signatures, holders=("dm-0",))
    whole = device("dm-0", "253:0", kind="dm", signatures=VDB1.signatures)
    mounted = (MOUNTED[0], Mount("253:0", "/data", "/dev/mapper/mpatha", "ext4", "rw"))
    assert ids(host(ROOT + DATA, devices=(VDA, VDA1, sda, sdb, whole), mounts=mounted)) == []


def test_device_name() -> None:
    finding = only(host(ROOT + DATA.replace(f"UUID={DATA_UUID}", "/dev/vdb1")), "device-name")
    assert finding.remedy == f"write line 2 as: {DATA.strip()}"


@pytest.mark.parametrize("link", ["/dev/mapper/vg-data", "/dev/md0", "/dev/disk/by-id/virtio-1", "/dev/vg/data"])
def test_names_that_last(link: str) -> None:
    facts = host(ROOT + DATA.replace(f"UUID={DATA_UUID}", link))
    named = replace(VDB1, links=(link,))
    assert ids(replace(facts, devices=(VDA, VDA1, VDB, named))) == []


@pytest.mark.parametrize(
    "name", ["sda1", "vdb", "xvdf1", "hda2", "nvme0n1p1", "nvme1n1", "mmcblk0p2", "dm-3", "nbd0p1"]
)
def test_kernel_names_are_not_lasting(name: str) -> None:
    device = replace(VDB1, name=name, path=f"/dev/{name}")
    text = ROOT + DATA.replace(f"UUID={DATA_UUID}", f"/dev/{name}")
    assert ids(host(text, devices=(VDA, VDA1, device))) == ["device-name"]


def test_missing_nofail() -> None:
    text = ROOT + DATA.replace(GOOD_OPTIONS, "discard")
    finding = only(host(text), "missing-nofail")
    assert finding.remedy == f"write line 2 as: {DATA.strip().replace('defaults', 'discard')}"
    assert ids(host(text)) == ["missing-nofail"]


@pytest.mark.parametrize("options", ["nofail", "noauto", "noatime,x-systemd.automount"])
def test_nofail_is_not_missing_where_the_boot_does_not_wait(options: str) -> None:
    assert ids(host(ROOT + DATA.replace(GOOD_OPTIONS, options))) == []


def test_nofail_is_not_missing_on_the_system_disk() -> None:
    home = replace(VDB1, disk="vda")
    assert ids(host(ROOT + DATA.replace(GOOD_OPTIONS, "defaults"), devices=(VDA, VDA1, home))) == []


def test_nofail_is_not_missing_on_a_volume_of_the_system_disk() -> None:
    volume = device("dm-1", "253:1", kind="dm", slaves=("vda2",), signatures=VDB1.signatures)
    member = device("vda2", "252:2", kind="partition", disk="vda", holders=("dm-1",))
    mounted = (MOUNTED[0], Mount("253:1", "/data", "/dev/mapper/vg-data", "ext4", "rw"))
    text = ROOT + DATA.replace(GOOD_OPTIONS, "defaults")
    assert ids(host(text, devices=(VDA, VDA1, member, volume), mounts=mounted)) == []


@pytest.mark.parametrize(("line", "fields"), [("/dev/vdb1", "1 field,"), ("/dev/vdb1 /more", "2 fields,")])
def test_the_title_counts_the_fields(line: str, fields: str) -> None:
    assert f"has only {fields}" in only(host(ROOT + line + "\n"), "bad-field-count").title


@pytest.mark.parametrize(
    ("line", "name", "severity"),
    [
        ("/dev/vdb1", "bad-field-count", "error"),
        ("/dev/vdb1 /more", "bad-field-count", "error"),
        (f"UUID={DATA_UUID} /data ext4", "bad-field-count", "warning"),
        (DATA.strip() + " more", "bad-field-count", "warning"),
        ("UUID=1 /my data ext4 defaults 0 0", "bad-number", "error"),
        (DATA.strip() + "# comment", "bad-number", "error"),
    ],
)
def test_form(line: str, name: str, severity: str) -> None:
    finding = only(host(ROOT + line + "\n"), name)
    assert finding.severity == severity
    assert finding.evidence == f"/etc/fstab:2: {line}"


@pytest.mark.parametrize("space", ["\v", "\f", "\x1c", "\x85", "\xa0", "\u2003"])
def test_only_blanks_and_tabs_are_between_fields(space: str) -> None:
    line = DATA.replace(" 0 2", f"{space}loop 0 2")
    assert "bad-number" not in ids(host(ROOT + line))


@pytest.mark.parametrize("numbers", ["", " 0", " 0 0", " 1 2"])
def test_four_to_six_fields_are_well_formed(numbers: str) -> None:
    assert ids(host(ROOT + DATA.replace(" 0 2", numbers))) == []


def test_duplicate_mount_point() -> None:
    text = ROOT + DATA + DATA.replace(DATA_UUID, ROOT_UUID).replace("/data", "/data/").replace("ext4", "xfs")
    finding = only(host(text), "duplicate-mount-point")
    assert "lines 2, 3" in finding.title


def test_swap_and_none_are_no_mount_points() -> None:
    uuid = SWAP.signatures[0].uuid
    other = device("vdd", "252:48", signatures=signed("swap", "4", "other"), swap=True)
    facts = host(f"{ROOT}{DATA}UUID={uuid} none swap sw 0 0\nUUID=4 none swap sw 0 0\n")
    assert ids(replace(facts, devices=(*facts.devices, other))) == []


def test_duplicate_source() -> None:
    text = ROOT + DATA + DATA.replace("/data", "/again").replace(f"UUID={DATA_UUID}", "LABEL=data")
    mounted = (*MOUNTED, Mount("252:17", "/again", "/dev/vdb1", "ext4", "rw"))
    assert ids(host(text, mounts=mounted)) == ["duplicate-source"]


def test_subvolumes_are_no_duplicates() -> None:
    device = replace(VDB1, signatures=signed("btrfs", DATA_UUID))
    text = ROOT + (DATA + DATA.replace("/data", "/again")).replace("ext4", "btrfs")
    mounted = (*MOUNTED, Mount("252:17", "/again", "/dev/vdb1", "btrfs", "rw"))
    assert ids(host(text, devices=(VDA, VDA1, device), mounts=mounted)) == []


def test_wrong_fstype() -> None:
    assert ids(host(ROOT + DATA.replace("ext4", "xfs"))) == ["wrong-fstype"]


@pytest.mark.parametrize(
    ("expected", "held"),
    [("auto", "ext4"), ("ext4", "ext3"), ("ext3", "ext2"), ("xfs,ext4", "ext4"), ("ntfs3", "ntfs"), ("msdos", "vfat")],
)
def test_types_that_fit(expected: str, held: str) -> None:
    device = replace(VDB1, signatures=signed(held, DATA_UUID))
    assert ids(host(ROOT + DATA.replace("ext4", expected), devices=(VDA, VDA1, device))) == []


def test_absent_mount_point() -> None:
    facts = host(ROOT + DATA.replace("/data", r"/my\040data"), kinds={"/my data": "absent"})
    finding = only(facts, "absent-mount-point")
    assert finding.remedy == "mkdir -p '/my data'"


def test_mount_point_that_is_a_file() -> None:
    facts = host(ROOT + DATA, kinds={"/data": "file"})
    assert ids(facts) == ["mount-point-not-directory"]
    bind = host(ROOT + DATA + "/etc/a /etc/b none bind 0 0\n", kinds={"/etc/b": "file"})
    assert "mount-point-not-directory" not in ids(bind)


def test_relative_mount_point() -> None:
    finding = only(host(ROOT + DATA.replace("/data", "data"), paths=()), "relative-mount-point")
    assert finding.remedy.endswith("/data")


def test_not_mounted() -> None:
    assert ids(host(ROOT + DATA, mounts=MOUNTED[:1])) == ["not-mounted"]


@pytest.mark.parametrize(("source", "fstype"), [("nas:/srv/x", "nfs4"), ("//nas/x", "cifs")])
def test_a_share_that_is_not_mounted_is_mounted_by_who_asks_its_server(source: str, fstype: str) -> None:
    """A mount waits two minutes for a server that is gone."""
    line = f"{source} /net {fstype} _netdev,nofail 0 0\n"
    assert only(host(ROOT + DATA + line), "not-mounted").remedy == f"opskit disk mount {source} /net"


@pytest.mark.parametrize("options", ["noauto", "nofail,x-systemd.automount"])
def test_what_is_not_to_be_mounted(options: str) -> None:
    assert ids(host(ROOT + DATA.replace(GOOD_OPTIONS, options), mounts=MOUNTED[:1])) == []


def test_mounted_by_way_of_a_symlink() -> None:
    facts = host(ROOT + DATA.replace("/data", "/link"))
    link = PathFact("/link", "symlink", "/data")
    assert ids(replace(facts, paths=(link,))) == []


def test_other_device_mounted() -> None:
    mounted = (MOUNTED[0], Mount("252:32", "/data", "/dev/vdc", "ext4", "rw"))
    assert ids(host(ROOT + DATA, mounts=mounted)) == ["other-device-mounted"]


def test_swap_not_active() -> None:
    text = f"{ROOT}{DATA}UUID={SWAP.signatures[0].uuid} none swap sw 0 0\n"
    off = replace(SWAP, swap=False)
    assert ids(host(text, devices=(VDA, VDA1, VDB, VDB1, off))) == ["swap-not-active"]
    assert only(host(text, devices=(VDA, VDA1, VDB, VDB1, off)), "swap-not-active").remedy == "swapon /dev/vdc"
    assert ids(host(text)) == []


def test_mount_without_entry() -> None:
    finding = only(host(ROOT), "mount-without-entry")
    assert finding.severity == "warning"
    assert finding.remedy == f"add the line: UUID={DATA_UUID} /data ext4 {GOOD_OPTIONS} 0 0"


def test_a_system_mount_without_entry_is_only_told() -> None:
    finding = only(host(DATA), "mount-without-entry")
    assert finding.severity == "info"
    assert "nofail" not in finding.remedy


@pytest.mark.parametrize(("kind", "fstype"), [("loop", "squashfs"), ("rom", "iso9660"), ("zram", "ext4")])
def test_images_and_media_need_no_entry(kind: str, fstype: str) -> None:
    image = device("x0", "7:0", kind=kind)
    facts = host(ROOT + DATA, mounts=(*MOUNTED, Mount("7:0", "/snap/x", "/dev/x0", fstype, "ro")))
    assert ids(replace(facts, devices=(*facts.devices, image))) == []


def test_no_last_newline() -> None:
    assert ids(host((ROOT + DATA).rstrip("\n"))) == ["no-last-newline"]
    assert ids(host("", mounts=())) == []


def test_options_that_are_not_in_force() -> None:
    text = ROOT + DATA.replace(GOOD_OPTIONS, "ro,noexec,noatime,nofail")
    finding = only(host(text), "mounted-otherwise")
    assert finding.title == "/data is mounted without ro,noexec,noatime, which line 2 has"
    assert finding.remedy == "mount -o remount /data"
    mounted = (MOUNTED[0], Mount("252:17", "/data", "/dev/vdb1", "ext4", "ro,noexec,noatime,rw"))
    assert ids(host(text, mounts=mounted)) == []


def test_a_mount_that_became_read_only() -> None:
    mounted = (MOUNTED[0], Mount("252:17", "/data", "/dev/vdb1", "ext4", "ro,relatime,ro"))
    assert only(host(ROOT + DATA, mounts=mounted), "mounted-otherwise").title.startswith("/data is mounted read-only")


def test_a_label_on_two_devices_is_mended_by_another_label() -> None:
    twin = device("vdd1", "252:49", kind="partition", signatures=signed("ext4", "4", label="data"))
    facts = host(ROOT + DATA.replace(f"UUID={DATA_UUID}", "LABEL=data"))
    remedy = only(replace(facts, devices=(*facts.devices, twin)), "ambiguous-source").remedy
    assert "e2label" in remedy
    assert "tune2fs" not in remedy, "another UUID does not help a label"


def test_a_swap_entry_of_what_is_no_swap_area_is_not_to_be_activated() -> None:
    line = f"UUID={DATA_UUID} none swap sw 0 0\n"
    assert ids(host(ROOT + line)) == ["wrong-fstype"]
    assert "swapon" not in only(host(ROOT + line), "wrong-fstype").remedy


def test_another_device_on_the_root_is_mended_in_fstab() -> None:
    mounted = (Mount("252:17", "/", "/dev/vdb1", "xfs", "rw"), Mount("252:17", "/data", "/dev/vdb1", "ext4", "rw"))
    finding = only(host(ROOT + DATA, mounts=mounted), "other-device-mounted")
    assert finding.remedy.startswith("correct line 1: write line 1 as: UUID=")
    assert "umount" not in finding.remedy


@pytest.mark.parametrize("option", ["X-mount.mkdir", "x-mount.mkdir", "X-mount.mkdir=0750"])
def test_a_mount_point_that_mount_makes_is_not_absent(option: str) -> None:
    text = ROOT + DATA.replace(GOOD_OPTIONS, f"{GOOD_OPTIONS},{option}")
    assert "absent-mount-point" not in ids(host(text, kinds={"/data": "absent"}))
    other = ROOT + DATA.replace(GOOD_OPTIONS, f"{GOOD_OPTIONS},X-mount.mkdirs")
    assert "absent-mount-point" in ids(host(other, kinds={"/data": "absent"}))


SWAP_FILE = "/swapf none swap sw 0 0\n"


def with_swap_file(kind: str, line: str = SWAP_FILE, *, real: str = "/swapf", active: str = "") -> HostFacts:
    """The host with a swap file of fstab, of which active is in use."""
    facts = host(ROOT + DATA + line, swap_files={active: "252:1"} if active else {})
    return replace(facts, paths=(*facts.paths, PathFact("/swapf", kind, real)))


def test_a_swap_file_that_is_gone() -> None:
    finding = only(with_swap_file("absent"), "absent-swap-file")
    assert finding.remedy == "opskit disk swap SIZE /swapf makes it; or remove line 3"
    assert ids(with_swap_file("absent")) == ["absent-swap-file"]


def test_a_swap_file_that_is_off() -> None:
    assert only(with_swap_file("file"), "swap-not-active").remedy == "swapon /swapf"
    assert ids(with_swap_file("file")) == ["swap-not-active"]


def test_a_swap_file_in_order() -> None:
    assert ids(with_swap_file("file", active="/swapf")) == []
    assert ids(with_swap_file("symlink", real="/srv/swapf", active="/srv/swapf")) == []
    assert ids(with_swap_file("absent", "/swapf none swap sw,noauto 0 0\n")) == []
    unknown = host(ROOT + DATA + SWAP_FILE)
    assert ids(replace(unknown, paths=tuple(p for p in unknown.paths if p.path != "/swapf"))) == []


LUKS_UUID = "44444444-0000-4000-8000-000000000004"
LUKS = device("vdd", "252:48", signatures=signed("crypto_LUKS", LUKS_UUID, "crypto"), holders=("dm-0",))
OPENED = device(
    "dm-0", "253:0", kind="dm", slaves=("vdd",), holder_of="encrypted volume secret", signatures=VDB1.signatures
)
VOLUME = device("dm-1", "253:1", kind="dm", slaves=("dm-0",), holder_of="LVM volume vg-x", signatures=VDB1.signatures)


def encrypted(crypttab: str, *devices: BlockDevice, options: str = GOOD_OPTIONS, problem: str = "") -> HostFacts:
    """A host whose /data is on the last of the devices."""
    mounted = (MOUNTED[0], Mount(devices[-1].number, "/data", devices[-1].path, "ext4", "rw"))
    file = FileFact("/etc/crypttab", "/etc/crypttab", exists=True, text=crypttab, problem=problem)
    text = ROOT + DATA.replace(GOOD_OPTIONS, options)
    return host(text, devices=(VDA, VDA1, *devices), mounts=mounted, crypttab=file)


@pytest.mark.parametrize("devices", [(LUKS, OPENED), (LUKS, replace(OPENED, signatures=()), VOLUME)])
def test_an_encrypted_volume_that_nothing_opens_at_boot(devices: tuple[BlockDevice, ...]) -> None:
    finding = only(encrypted(f"# secret UUID={LUKS_UUID}\nother UUID=1 none\n", *devices), "not-in-crypttab")
    assert finding.severity == "warning"
    assert finding.remedy == f"add to /etc/crypttab: secret UUID={LUKS_UUID} none nofail"
    assert only(encrypted("", *devices, options="defaults"), "not-in-crypttab").severity == "error"


@pytest.mark.parametrize("line", ["secret /dev/vdz", f"other UUID={LUKS_UUID.upper()} none", "x /dev/vdd /key luks"])
def test_an_encrypted_volume_that_crypttab_names(line: str) -> None:
    assert ids(encrypted(f"{line}\n", LUKS, OPENED)) == []


@pytest.mark.parametrize(
    ("options", "severity"),
    [
        ("noauto,auto", "error"),  # the last one counts
        ("noauto,x-systemd.required-by=local-fs.target", "error"),
        ("nofail,x-systemd.required-by=local-fs.target", "error"),  # it may stop the boot
        ("auto,noauto", ""),
    ],
)
def test_a_missing_disk_of_an_entry_with_options_that_take_others_back(options: str, severity: str) -> None:
    findings = [f for f in check(host(f"{ROOT}UUID=absent /data ext4 {options} 0 2\n")) if f.id == "unknown-source"]
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("words", "opened"),
    [
        (f"luks.uuid={LUKS_UUID}", True),
        (f"luks.uuid=luks-{LUKS_UUID.upper()}", True),
        (f"luks.name={LUKS_UUID}=secret", True),
        (f"rd.luks.uuid={LUKS_UUID[:9]}", True),
        (f"rd_LUKS_UUID=luks-{LUKS_UUID}", True),
        (f"rd.luks.name={LUKS_UUID}=secret rd.luks=1", True),
        (f"luks.uuid={LUKS_UUID[:9]}", False),
        (f"luks.uuid={LUKS_UUID} luks=no", False),
        (f"rd.luks.uuid={LUKS_UUID} rd.luks=0", False),
        (f"rd.luks.options={LUKS_UUID}=discard luks.uuid=", False),
    ],
)
def test_an_encrypted_volume_on_the_command_line_of_the_kernel(words: str, *, opened: bool) -> None:
    facts = replace(encrypted("", LUKS, OPENED), luks_arguments=tuple(words.split()))
    assert ids(facts) == ([] if opened else ["not-in-crypttab"])


@pytest.mark.parametrize(
    ("line", "slip", "meant"),
    [
        ("UUID=DATA /data ext4 nofial 0 2", "nofial", "nofail"),
        ("UUID=DATA /data ext4 default,nofail 0 2", "default", "defaults"),
        ("UUID=DATA /data auto noatmie,nofail 0 2", "noatmie", "noatime"),
        ("UUID=DATA /data ext4 nofail,error=remount-ro 0 2", "error=remount-ro", "errors=remount-ro"),
        ("UUID=DATA /data ext4 Nofail 0 2", "Nofail", "nofail"),
    ],
)
def test_an_option_that_is_misspelt(line: str, slip: str, meant: str) -> None:
    line = line.replace("DATA", DATA.split(maxsplit=1)[0].partition("=")[2])
    finding = only(host(ROOT + line + "\n"), "misspelt-option")
    assert f"{slip} (for {meant}?): ext4 refuses options" in finding.title
    assert finding.title.endswith("the boot stops") is ("nofail" not in line.split()[3].split(","))
    assert finding.remedy.endswith(line.replace(slip, meant))


@pytest.mark.parametrize("options", ["x-nofial,nofail,foo,errors=continue,verity.x", "nofail,subvol=x,usrquotas2"])
def test_options_that_are_known_or_like_none_that_is(options: str) -> None:
    assert "misspelt-option" not in ids(host(ROOT + DATA.replace(GOOD_OPTIONS, options)))


def test_misspelt_options_of_filesystems_of_which_nothing_is_known() -> None:
    for fstype in ("nfs", "zfs", "swap"):
        (entry,) = entries(f"a /b {fstype} nofial 0 0\n")
        assert misspelt(entry, fstype) == ()


def test_an_encrypted_volume_of_which_crypttab_says_nothing_for_sure() -> None:
    assert ids(encrypted("", LUKS, OPENED, problem="Permission denied")) == []
    assert "not-in-crypttab" not in ids(encrypted("", LUKS, OPENED, options="noauto"))
    system = replace(LUKS, system=("/",))
    assert "not-in-crypttab" not in ids(encrypted("", system, OPENED))
