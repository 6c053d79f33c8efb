"""mountinfo, swaps and the kernel's command line; and the walk from what the system needs down to its disks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.disk.model import BlockDevice, Mount, Signature, named_by
from opskit.disk.see import mounts

MOUNTINFO = (
    "22 1 252:3 / / rw,relatime shared:1 - xfs /dev/vda3 rw,attr2,inode64\n"
    "90 22 252:17 / /srv/my\\040data\\011x\\134y rw,noatime shared:9 master:2 - ext4 /dev/vdb1 rw,errors=remount-ro\n"
    "91 22 0:45 / /sub rw - btrfs /dev/null rw,subvol=/x\n"
    "92 22 252:17 /part /bind rw - ext4 /dev/vdb1 rw\n"
    "\n"
    "broken line\n"
)


def device(name: str, number: str, kind: str = "disk", **fields: object) -> BlockDevice:
    return BlockDevice(name, "/dev/" + name, kind, number, 1 << 30, **fields)  # type: ignore[arg-type]


def test_what_has_no_device_keeps_its_number() -> None:
    tmpfs = Mount("0:22", "/run", "tmpfs", "tmpfs", "rw")
    gone = Mount("0:45", "/x", "/dev/opskit-is-not-there", "btrfs", "rw")
    assert mounts.with_device_number(tmpfs) is tmpfs
    assert mounts.with_device_number(gone) is gone


def test_a_source_is_only_a_word_but_for_btrfs() -> None:
    """Whoever may mount a tmpfs, as anybody may in a namespace of his own, says what its source is."""
    for fstype in ("tmpfs", "fuse.x", "overlay"):
        named = Mount("0:45", "/x", "/dev/null", fstype, "rw")
        assert mounts.with_device_number(named) is named


def fake_proc(path: Path, namespaces: dict[str, str], text: dict[str, str]) -> str:
    for pid, namespace in namespaces.items():
        (path / pid / "ns").mkdir(parents=True)
        (path / pid / "ns/mnt").symlink_to(namespace)
        (path / pid / "mountinfo").write_text(text.get(pid, ""))
    return str(path)


def test_the_mounts_of_a_namespace(tmp_path: Path) -> None:
    proc = fake_proc(tmp_path, {"self": "mnt:[1]", "7": "mnt:[2]"}, {"7": MOUNTINFO})
    root, data, sub, bind = mounts.other_namespaces(proc)
    assert root == Mount("252:3", "/", "/dev/vda3", "xfs", "rw,relatime,rw,attr2,inode64", 7)
    # With two optional fields, and octal for a space, a tab and a backslash.
    assert (data.target, data.source, data.fstype) == ("/srv/my data\tx\\y", "/dev/vdb1", "ext4")
    assert data.options == "rw,noatime,rw,errors=remount-ro"
    # btrfs shows 0:45, an anonymous device; what counts is that of its source. /dev/null stands in for one here.
    number = os.stat("/dev/null").st_rdev
    assert (sub.device, sub.target) == (f"{os.major(number)}:{os.minor(number)}", "/sub")
    assert (bind.device, bind.target) == ("252:17", "/bind")


def test_what_was_moved_is_behind_what_it_is_on(tmp_path: Path) -> None:
    """/data/a was mounted elsewhere before /data was; /data/b was mounted before, and is hidden."""
    line = "{} {} 252:17 / {} rw - ext4 /dev/vdb1 rw\n"
    told = ((1, 0, "/"), (2, 7, "/data/a"), (3, 2, "/data/a/in"), (4, 1, "/data/b"), (7, 1, "/data"), (8, 1, "/srv"))
    proc = fake_proc(tmp_path, {"self": "mnt:[1]"}, {"self": "".join(line.format(*each) for each in told)})
    order = [m.target for m in mounts.own_mounts(proc)]
    assert order == ["/", "/data/b", "/data", "/data/a", "/data/a/in", "/srv"]


def test_each_other_namespace_is_read_once(tmp_path: Path) -> None:
    line = "1 0 252:17 / {} rw - ext4 /dev/vdb1 rw\n"
    proc = fake_proc(
        tmp_path,
        {"self": "mnt:[1]", "1": "mnt:[1]", "812": "mnt:[2]", "900": "mnt:[2]", "1000": "mnt:[3]"},
        {"self": line.format("/own"), "812": line.format("/a"), "900": line.format("/a"), "1000": line.format("/b")},
    )
    namespaces = [(m.target, m.namespace) for m in mounts.other_namespaces(proc)]
    assert namespaces == [("/a", 812), ("/b", 1000)]
    assert [m.target for m in mounts.own_mounts(proc)] == ["/own"]


def test_swaps(tmp_path: Path) -> None:
    """A swap file counts for the filesystem it is on; a name that is gone counts for nothing."""
    file = tmp_path / "a swap"
    file.touch()
    name = str(file).replace(" ", "\\040")
    swaps = f"Filename\tType\tSize\tUsed\tPriority\n{name} file 1 0 -2\n/dev/opskit-gone partition 1 0 -3\n\n"
    (tmp_path / "swaps").write_text(swaps)
    number = file.stat().st_dev
    assert mounts.swap_numbers(str(tmp_path)) == {f"{os.major(number)}:{os.minor(number)}"}
    assert mounts.swap_numbers(str(tmp_path / "absent")) == frozenset()


def test_luks_arguments(tmp_path: Path) -> None:
    (tmp_path / "cmdline").write_text(
        "root=/dev/a luks.uuid=1 quiet rd.luks.name=2=x luks=no xluks.uuid=3 rd_LUKS_UUID=4\n"
    )
    words = ("luks.uuid=1", "rd.luks.name=2=x", "luks=no", "rd_LUKS_UUID=4")
    assert mounts.luks_arguments(str(tmp_path)) == words


@pytest.mark.parametrize(
    ("line", "root"),
    [
        ("BOOT_IMAGE=/vmlinuz root=UUID=0a0a ro quiet", "UUID=0a0a"),
        ("root=/dev/vda1 ro root=LABEL=root", "LABEL=root"),  # the kernel takes the last one
        ("ro rootflags=subvol=x nfsroot=y", ""),
    ],
)
def test_root_argument(tmp_path: Path, line: str, root: str) -> None:
    (tmp_path / "cmdline").write_text(line + "\n")
    assert mounts.root_argument(str(tmp_path)) == root


PARTITION = device(
    "vdb1",
    "252:17",
    "partition",
    links=("/dev/disk/by-id/virtio-x-part1",),
    partition_uuid="aabb-01",
    partition_name="primary",
    signatures=(Signature("ext4", "filesystem", "D1D1-d1", "Data"),),
)


@pytest.mark.parametrize(
    "spec",
    [
        "UUID=d1d1-D1",
        'UUID="D1D1-d1"',
        "LABEL=Data",
        "PARTUUID=AABB-01",
        "PARTLABEL=primary",
        "/dev/vdb1",
        "/dev/disk/by-id/virtio-x-part1",
    ],
)
def test_named_by(spec: str) -> None:
    assert named_by(spec, PARTITION)


@pytest.mark.parametrize(
    "spec", ["", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "LABEL=data", "/dev/vdb", "/dev/vdb11", "vdb1", "tmpfs"]
)
def test_not_named_by(spec: str) -> None:
    bare = device("vdc", "252:32", signatures=(Signature("swap"),))
    assert not named_by(spec, PARTITION)
    assert not named_by(spec, bare)


STACK = (
    device("sda", "8:0"),
    device("sda1", "8:1", "partition", disk="sda"),
    device("sda2", "8:2", "partition", disk="sda"),
    device("sdb", "8:16"),
    device("sdc", "8:32"),
    device("md0", "9:0", "md", slaves=("sda2", "sdb")),
    device("dm-0", "253:0", "dm", slaves=("md0",)),
    device("dm-1", "253:1", "dm", slaves=("dm-0",)),
)


def mount(number: str, target: str) -> Mount:
    return Mount(number, target, "", "xfs", "rw")


def test_system_reasons_walks_down_every_layer() -> None:
    reasons = mounts.system_reasons(STACK, [mount("253:1", "/")], frozenset(), "")
    assert reasons == dict.fromkeys(("dm-1", "dm-0", "md0", "sda2", "sda", "sdb"), ("/",))


def test_system_reasons_does_not_walk_up() -> None:
    """A data volume over a disk of the system is not the system's by that."""
    reasons = mounts.system_reasons(STACK, [mount("8:1", "/boot"), mount("253:1", "/data")], frozenset(), "")
    assert reasons == {"sda1": ("/boot",), "sda": ("/boot",)}


def test_system_reasons_of_a_swap() -> None:
    assert mounts.system_reasons(STACK, [], frozenset({"8:32"}), "") == {"sdc": ("swap",)}


def test_a_swap_file_on_the_root_filesystem_is_no_reason_of_its_own() -> None:
    reasons = mounts.system_reasons(STACK, [mount("8:32", "/")], frozenset({"8:32"}), "")
    assert reasons == {"sdc": ("/",)}


def test_every_reason_is_kept_once() -> None:
    both = [mount("8:1", "/boot"), mount("8:1", "/boot"), mount("8:2", "/var")]
    reasons = mounts.system_reasons(STACK, both, frozenset(), "/dev/sda2")
    assert reasons["sda"] == ("/boot", "/var", "root= of the kernel's command line")


def test_a_loop_in_slaves_ends() -> None:
    circle = (device("dm-0", "253:0", "dm", slaves=("dm-1",)), device("dm-1", "253:1", "dm", slaves=("dm-0", "gone")))
    assert set(mounts.system_reasons(circle, [mount("253:0", "/")], frozenset(), "")) == {"dm-0", "dm-1"}
