"""What `opskit disk list` says beside its table."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.disk.model import BlockDevice, FileFact, HostFacts, Mount, Signature, SwapArea
from opskit.disk.see.facts import load
from opskit.disk.show import draw_list, list_json
from opskit.disk.verdict import verdict
from opskit.ui.screen import Screen

LINE = "UUID=22222222-0000-4000-8000-000000000002 /data ext4 defaults,nofail 0 2"


def facts(text: str, *, root: bool = True) -> HostFacts:
    return HostFacts(
        schema=1,
        taken="2026-11-21T09:00:00Z",
        host="test",
        root=root,
        devices=(),
        fstab=FileFact("/etc/fstab", "/etc/fstab", exists=True, text=text),
        crypttab=FileFact("/etc/crypttab", "/etc/crypttab", exists=False),
    )


def test_list_names_the_filesystem_that_fstab_misses(capsys: pytest.CaptureFixture[str]) -> None:
    seen = facts(f"# data\n{LINE}\n")
    row = {"source": LINE.split(maxsplit=1)[0], "mount_point": "/data", "line": 2}
    assert list_json(seen)["missing"] == [row]
    draw_list(Screen("opskit disk list"), seen)
    errors = capsys.readouterr().err
    assert "missing: UUID=22222222-0000-4000-8000-000000000002 for /data (/etc/fstab line 2)" in errors
    assert "not certain" not in errors


def test_without_root_it_is_less_sure(capsys: pytest.CaptureFixture[str]) -> None:
    draw_list(Screen("opskit disk list"), facts(LINE, root=False))
    assert "not certain" in capsys.readouterr().err


def test_nothing_missing(capsys: pytest.CaptureFixture[str]) -> None:
    seen = facts(f"#{LINE}\n")
    assert list_json(seen)["missing"] == []
    draw_list(Screen("opskit disk list"), seen)
    assert "missing" not in capsys.readouterr().err


LVM = Path(__file__).parents[2] / "golden" / "disk" / "hosts" / "lvm.json"


def test_volume_groups_and_the_names_of_their_volumes(capsys: pytest.CaptureFixture[str]) -> None:
    """A real host's: what is inside a mirror, a pool or a snapshot is not listed."""
    seen = load(str(LVM))
    draw_list(Screen("opskit disk list"), seen)
    table, groups = capsys.readouterr().out.split("\n\n")
    names = [line.split()[0] for line in table.splitlines()]
    assert {"/dev/cl/root", "/dev/cl/snap", "/dev/data/thin", "/dev/vdb2"} <= set(names)
    assert not [name for name in names if "dm-" in name or "mirror_" in name or "pool" in name]
    rows = [line.split(maxsplit=3) for line in groups.splitlines()]
    assert [row[:3] for row in rows[1:]] == [["cl", "2G", "104M"], ["data", "2G", "1.7G"]]
    assert "/dev/vdb1 /dev/vdc" in rows[2][3]
    assert [group["free"] for group in list_json(seen)["volume_groups"]] == [26 * 4 << 20, 442 * 4 << 20]


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, seen: HostFacts, columns: int) -> list[str]:
    """The lines of the list on a terminal that is so wide."""
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", stream)
    draw_list(Screen("opskit disk list", color="never"), seen)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("columns", [80, 120, 250])
def test_on_a_terminal_no_device_path_or_label_is_folded(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Of 80 columns: no line is longer, and what is left out is in the pipe."""
    seen = load(str(LVM))
    lines = on_a_terminal(monkeypatch, seen, columns)
    assert max(map(len, lines)) <= columns
    assert ("UUID" in lines[0]) == (columns == 250)
    words = {word for line in lines for word in line.split()}
    assert {mount.target for device in seen.devices for mount in device.own_mounts} <= words


def test_forty_disks_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line each for a disk and its partition, in the kernel's order: sdz is before sdaa."""
    names = [f"sd{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"] + [f"sda{letter}" for letter in "abcdefghijklmn"]
    devices = []
    for number, name in enumerate(sorted(names)):
        mount = Mount(f"8:{number}", f"/srv/mount-point-{number:02}", f"/dev/{name}1", "xfs", "rw")
        devices.append(BlockDevice(name, f"/dev/{name}", "disk", f"8:{1000 + number}", 1 << 40, table="gpt"))
        devices.append(
            BlockDevice(
                f"{name}1", f"/dev/{name}1", "partition", f"8:{number}", 1 << 40, disk=name, partition_number=1,
                mounts=(mount,), signatures=(Signature("xfs", "filesystem"),),
            )
        )  # fmt: skip
    lines = on_a_terminal(monkeypatch, replace(facts(""), devices=tuple(devices)), 80)
    rows = [line.split() for line in lines[2:82]]
    assert [row[0] for row in rows] == [f"/dev/{name}{end}" for name in names for end in ("", "1")]
    assert max(map(len, lines)) <= 80
    assert {tuple(row[-2:]) for row in rows[::2]} == {("of", f"/dev/{name}1") for name in names}
    assert all(row[-1].startswith("/srv/mount-point-") for row in rows[1::2])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("crypto_LUKS", "cryptsetup open /dev/vdd NAME"),
        ("linux_raid_member", "mdadm --assemble --scan"),
        ("LVM2_member", "that LVM does not report: lvmdevices"),
    ],
)
def test_a_member_that_nothing_uses_has_its_next_step(kind: str, words: str) -> None:
    seen = load(str(LVM))
    device = replace(seen.device("vdd") or seen.devices[0], signatures=(Signature(kind, "raid"),), contents="data")
    state, reason = verdict(seen, device)
    assert state == "has data"
    assert words in reason


def test_what_is_inside_a_volume_is_nobodys_to_format() -> None:
    seen = load(str(LVM))
    inner = next(device for device in seen.devices if device.holder_of == "LVM volume data-pool")
    state, reason = verdict(seen, replace(inner, signatures=(), contents="zero"))
    assert (state, reason) == ("has data", "blank, but not a raw disk")


def test_swap_in_use_is_listed_with_what_it_is_on(capsys: pytest.CaptureFixture[str]) -> None:
    disk = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", 1 << 30)
    file = SwapArea("/swap file", "file", 512 << 20, 1 << 20)
    device = SwapArea("/dev/vdb", "partition", 1 << 30, 0)
    elsewhere = SwapArea("/net/swapf", "file", 1 << 20, 0)
    seen = replace(
        facts(""), devices=(disk,), swap_files={"/swap file": "252:16"}, swap_areas=(file, device, elsewhere)
    )
    assert [(row["path"], row["used"], row["device"]) for row in list_json(seen)["swap"]] == [
        ("/swap file", 1 << 20, "/dev/vdb"),
        ("/dev/vdb", 0, "/dev/vdb"),
        ("/net/swapf", 0, ""),
    ]
    draw_list(Screen("opskit disk list"), seen)
    table = capsys.readouterr().out.split("\n\n")[1]
    assert [line.split()[0] for line in table.splitlines()] == ["SWAP", "/swap", "/dev/vdb", "/net/swapf"]
    draw_list(Screen("opskit disk list"), replace(seen, swap_areas=()))
    assert "SWAP" not in capsys.readouterr().out


def test_loop_devices_and_the_like_are_listed_when_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """40 of them beside a disk; what the system is on is always there."""
    size = 1 << 30
    many = [BlockDevice(f"loop{n}", f"/dev/loop{n}", "loop", f"7:{n}", size) for n in range(37)]
    many += [BlockDevice("loop50p1", "/dev/loop50p1", "partition", "259:2", size, disk="loop50")]
    many += [BlockDevice("loop1p1", "/dev/loop1p1", "partition", "259:1", size, disk="loop1")]
    many += [BlockDevice("ram0", "/dev/ram0", "ram", "1:0", size)]
    disk = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", size)
    system = BlockDevice("loop99", "/dev/loop99", "loop", "7:99", size, system=("/",))
    seen = replace(facts(""), devices=(*many, disk, system))
    draw_list(Screen("opskit disk list"), seen)
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()[1:]] == ["/dev/loop99", "/dev/vdb"]
    assert "40 loop, RAM or floppy devices are not shown: opskit disk list --all" in printed.err
    draw_list(Screen("opskit disk list"), seen, every=True)
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 1 + 42
    assert "--all" not in printed.err
    assert len(list_json(seen)["devices"]) == 42


def test_partitions_of_a_loop_device_without_an_image_stand_below_it() -> None:
    """The kernel can keep them when the image goes; below another disk they would be taken for its."""
    devices = (
        BlockDevice("loop0", "/dev/loop0", "loop", "7:0", 2 << 30),
        BlockDevice("loop1", "/dev/loop1", "loop", "7:1", 0),
        BlockDevice("loop1p1", "/dev/loop1p1", "partition", "259:1", 1 << 30, disk="loop1", partition_number=1),
        BlockDevice("loop2", "/dev/loop2", "loop", "7:2", 0),
    )
    rows = list_json(replace(facts(""), devices=devices))["devices"]
    assert [row["name"] for row in rows] == ["loop0", "loop1", "loop1p1"]
