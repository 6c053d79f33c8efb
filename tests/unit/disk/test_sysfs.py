"""Block devices out of a /sys that is made here, file by file as the kernel has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.disk.see import sysfs


class Sys:
    """A fake /sys: devices below /sys/devices, and their symlinks in /sys/class/block."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "class/block").mkdir(parents=True)

    def add(self, name: str, number: str, sectors: int, parent: str = "", **files: str) -> Path:
        """A device; files: contents by path, with __ for a slash."""
        folder = self.root / "devices" / parent / name
        folder.mkdir(parents=True)
        for path, text in {"dev": number, "size": str(sectors), "ro": "0", **files}.items():
            file = folder / path.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "\n")
        (self.root / "class/block" / name).symlink_to(folder)
        return folder

    def devices(self) -> dict[str, sysfs.BlockDevice]:
        return {device.name: device for device in sysfs.block_devices(str(self.root))}


@pytest.fixture
def sys(tmp_path: Path) -> Sys:
    return Sys(tmp_path)


def test_a_disk_and_its_partition(sys: Sys) -> None:
    sys.add(
        "vdb", "252:16", 41943040, serial="data-vol-0001", removable="0", diskseq="2", alignment_offset="0",
        queue__logical_block_size="512", queue__optimal_io_size="65536", device__model="Virtual Disk   ",
    )  # fmt: skip
    sys.add("vdb1", "252:17", 41938944, "vdb", partition="1", start="2048")
    disk, partition = sys.devices()["vdb"], sys.devices()["vdb1"]
    assert (disk.path, disk.kind, disk.number, disk.size) == ("/dev/vdb", "disk", "252:16", 20 << 30)
    assert (disk.serial, disk.model, disk.diskseq, disk.optimal_io) == ("data-vol-0001", "Virtual Disk", 2, 65536)
    assert (partition.kind, partition.disk, partition.partition_number) == ("partition", "vdb", 1)
    assert (partition.start, partition.size) == (1 << 20, 20478 << 20)
    # What a partition has of its disk:
    assert (partition.serial, partition.diskseq, partition.sector_size) == ("data-vol-0001", 2, 512)


def test_sizes_are_in_512_bytes_whatever_the_sector(sys: Sys) -> None:
    sys.add("sdb", "8:16", 8192, queue__logical_block_size="4096", wwid="naa.5000")
    disk = sys.devices()["sdb"]
    assert (disk.size, disk.sector_size, disk.wwn) == (4 << 20, 4096, "naa.5000")


def test_scsi_and_nvme_have_serial_and_wwn_one_below(sys: Sys) -> None:
    sys.add("nvme1n1", "259:2", 2048, wwid="nvme.1d0f-76", device__serial="vol1data", device__model="EBS")
    sys.add("nvme1n1p1", "259:3", 1024, "nvme1n1", partition="1", start="34")
    sys.add("sda", "8:0", 2048, device__wwid="naa.5000c5")
    devices = sys.devices()
    disk = devices["nvme1n1"]
    assert (disk.kind, disk.serial, disk.wwn) == ("disk", "vol1data", "nvme.1d0f-76")
    assert (devices["nvme1n1p1"].disk, devices["nvme1n1p1"].serial) == ("nvme1n1", "vol1data")
    assert devices["sda"].wwn == "naa.5000c5"


@pytest.mark.parametrize(
    ("uuid", "what"),
    [
        ("LVM-abc", "LVM volume data"),
        ("mpath-3600a", "multipath device data"),
        ("CRYPT-LUKS2-abc-data", "encrypted volume data"),
        ("part1-mpath-3600a", "multipath partition data"),
        ("", "device mapper volume data"),
    ],
)
def test_device_mapper_tells_who_made_it(sys: Sys, uuid: str, what: str) -> None:
    folder = sys.add("dm-0", "253:0", 2048, dm__name="data", dm__uuid=uuid)
    (folder / "slaves/vdb").mkdir(parents=True)
    device = sys.devices()["dm-0"]
    assert (device.kind, device.holder_of, device.slaves) == ("dm", what, ("vdb",))


def test_holders_and_md(sys: Sys) -> None:
    folder = sys.add("vdb", "252:16", 4096)
    (folder / "holders/md127").mkdir(parents=True)
    md = sys.add("md127", "9:127", 2048, md__level="raid1")
    for slave in ("vdc", "vdb"):
        (md / "slaves" / slave).mkdir(parents=True)
    devices = sys.devices()
    assert devices["vdb"].holders == ("md127",)
    assert (devices["md127"].kind, devices["md127"].holder_of) == ("md", "RAID array (raid1)")
    assert devices["md127"].slaves == ("vdb", "vdc")


def test_loops(sys: Sys) -> None:
    """One with a file, one over a block device (which it holds), one that has nothing and is left out."""
    sys.add("loop0", "7:0", 2048, loop__backing_file="/var/tmp/data.img")
    sys.add("loop1", "7:1", 4096, loop__backing_file="/dev/vdb")
    sys.add("loop2", "7:2", 0)
    sys.add("vdb", "252:16", 4096)
    devices = sys.devices()
    assert sorted(devices) == ["loop0", "loop1", "vdb"]
    assert (devices["loop0"].kind, devices["loop0"].backing_file) == ("loop", "/var/tmp/data.img")
    assert devices["vdb"].holders == ("loop1",)
    assert devices["loop0"].holders == ()


def test_a_slash_in_a_name(sys: Sys) -> None:
    sys.add("cciss!c0d0", "104:0", 2048)
    sys.add("cciss!c0d0p1", "104:1", 1024, "cciss!c0d0", partition="1", start="63")
    devices = sys.devices()
    assert devices["cciss!c0d0"].path == "/dev/cciss/c0d0"
    assert (devices["cciss!c0d0p1"].path, devices["cciss!c0d0p1"].disk) == ("/dev/cciss/c0d0p1", "cciss!c0d0")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sr0", "rom"), ("zram0", "zram"), ("ram3", "ram"), ("nbd0", "nbd"), ("fd0", "floppy"), ("sda", "disk"),
     ("xvdf", "disk"), ("mmcblk0", "disk"), ("srv", "disk")],
)  # fmt: skip
def test_kinds_by_name(sys: Sys, name: str, kind: str) -> None:
    sys.add(name, "1:0", 2048)
    assert sys.devices()[name].kind == kind


def test_bcache_and_its_backing_disk(sys: Sys) -> None:
    """Both have a `bcache` entry; only the one of that name is bcache."""
    sys.add("bcache0", "251:0", 2048, bcache__x="")
    sys.add("vdb", "252:16", 4096, bcache__x="")
    devices = sys.devices()
    assert (devices["bcache0"].kind, devices["bcache0"].holder_of, devices["vdb"].kind) == ("bcache", "bcache", "disk")


def test_a_disk_of_size_0_is_listed_and_a_read_only_one_said(sys: Sys) -> None:
    sys.add("vdb", "252:16", 0)
    sys.add("vdc", "252:32", 2048, ro="1", removable="1", alignment_offset="-1")
    devices = sys.devices()
    assert devices["vdb"].size == 0
    assert (devices["vdc"].read_only, devices["vdc"].removable, devices["vdc"].alignment_offset) == (True, True, -1)


def test_names_that_are_no_utf8_are_kept(sys: Sys) -> None:
    folder = sys.add("vdb", "252:16", 2048)
    (folder / "serial").write_bytes(b"\xffserial\n")
    assert sys.devices()["vdb"].serial == "\udcffserial"


def test_read_partitions_by_number(sys: Sys) -> None:
    sys.add("vdb", "252:16", 4096)
    sys.add("vdb10", "252:26", 8, "vdb", partition="10", start="100")
    sys.add("vdb2", "252:18", 8, "vdb", partition="2", start="200")
    assert [p.partition_number for p in sysfs.read_partitions("vdb", str(sys.root))] == [2, 10]


def test_read_device_that_is_gone(sys: Sys) -> None:
    assert sysfs.read_device("vdz", str(sys.root)).number == ""


def test_no_sysfs_at_all(tmp_path: Path) -> None:
    assert sysfs.block_devices(str(tmp_path / "absent")) == ()
