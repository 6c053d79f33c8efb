"""`opskit disk mount` on real devices: made, mounted, entered into fstab; a second run changes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import FSTAB, GIB, MIB, Disk, run

NEW_FILE = b"written by a test\n" * 5000


@contextmanager
def frozen(path: str) -> Iterator[None]:
    """A filesystem that writes nothing by itself meanwhile."""
    run("fsfreeze", "--freeze", path)
    try:
        yield
    finally:
        run("fsfreeze", "--unfreeze", path)


def everything(host: Host, disk: Disk) -> tuple[object, ...]:
    return disk.digest(), host.table(), host.backups(), (host.state / "ledger.jsonl").read_bytes(), host.mounted()


def superblock(path: str) -> dict[str, str]:
    """dumpe2fs -h as a dict."""
    lines = run("dumpe2fs", "-h", path).stdout.splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("table", ["gpt", "dos", "whole-disk"])
@pytest.mark.parametrize("fstype", ["ext4", "ext3", "xfs"])
def test_a_blank_disk_goes_into_service_and_a_second_run_changes_nothing(host: Host, fstype: str, table: str) -> None:
    disk = host.new_disk(GIB if fstype == "xfs" else 64 * MIB)
    options = ["--fstype", fstype, *(["--whole-disk"] if table == "whole-disk" else ["--table", table])]
    answer = host.mount(disk, *options).well()

    device = disk.path if table == "whole-disk" else disk.partitions[0]
    mounted = host.mounted()
    assert mounted
    assert (mounted.source, mounted.fstype) == (device, fstype)
    uuid, passing = disk.value("UUID", device), 0 if fstype == "xfs" else 2
    assert host.added() == f"UUID={uuid} {host.target} {fstype} defaults,nofail 0 {passing}"
    host.assert_fstab_parses()
    assert f"opskit undo {host.ledger()[-1]['run']}" in answer.out
    if table != "whole-disk":
        written = disk.table()
        assert written["label"] == table
        assert [part["start"] * 512 for part in written["partitions"]] == [MIB]
        assert disk.image.stat().st_size - (written["partitions"][0]["size"] * 512 + MIB) <= MIB

    with frozen(host.target):
        before = everything(host, disk)
        again = host.mount(disk, *options).well()
        assert again.out.startswith("nothing to do")
        assert everything(host, disk) == before


def test_the_plan_shows_the_exact_fstab_line_before_it_is_written(host: Host, disk: Disk) -> None:
    answer = host.mount(disk).well()
    assert host.added() in answer.err


@pytest.mark.parametrize("fstype", ["ext4", "xfs"])
def test_what_is_written_outlives_umount_and_mount(host: Host, fstype: str) -> None:
    disk = host.new_disk(GIB if fstype == "xfs" else 64 * MIB)
    host.mount(disk, "--fstype", fstype).well()
    made = Path(host.target, "file")
    made.write_bytes(NEW_FILE)
    line = host.added()
    host.on_disk("umount", host.target, "--yes").well()
    assert host.mounted() is None
    assert not made.exists()
    host.mount(disk).well()
    assert made.read_bytes() == NEW_FILE
    assert host.added() == line


def test_the_options_of_mkfs_arrive_there(host: Host, disk: Disk) -> None:
    options = (
        "--label",
        "data 1",
        "--reserved",
        "1",
        "--no-discard",
        "--no-lazy-init",
        "--mount-options",
        "noatime,nodev",
    )
    host.mount(disk, *options).well()
    fields = superblock(disk.partitions[0])
    assert fields["Filesystem volume name"] == "data 1"
    assert int(fields["Reserved block count"]) == int(fields["Block count"]) // 100
    mounted = host.mounted()
    assert mounted
    assert {"noatime", "nodev"} <= set(mounted.options)
    assert host.added().split()[3] == "noatime,nodev,nofail"
    made = next(
        e for e in host.ledger() if e["entry"] == "stepped" and any("mkfs.ext4" in c["argv"] for c in e["commands"])
    )
    argv = next(c["argv"] for c in made["commands"] if "mkfs.ext4" in c["argv"])
    assert argv[argv.index("-E") + 1] == "nodiscard,lazy_itable_init=0,lazy_journal_init=0"


def test_the_options_of_mkfs_xfs_arrive_there(host: Host, large_disk: Disk) -> None:
    host.mount(large_disk, "--fstype", "xfs", "--label", "data-1", "--no-discard").well()
    assert large_disk.value("LABEL", large_disk.partitions[0]) == "data-1"
    commands = [c["argv"] for entry in host.ledger() for c in entry.get("commands", ())]
    assert any(argv[0] == "mkfs.xfs" and "-K" in argv for argv in commands)


def test_discard_is_what_mkfs_does_unless_asked_otherwise(host: Host, disk: Disk) -> None:
    disk.write(b"\0" * 48 * MIB, 8 * MIB)  # allocated, and blank all the same
    allocated = disk.image.stat().st_blocks
    host.mount(disk, "--no-discard", "--no-lazy-init").well()
    assert disk.image.stat().st_blocks > allocated
    host.on_disk("umount", host.target, "--yes").well()
    host.mount(disk, "--no-lazy-init", "--wipe", disk.path).well()
    assert disk.image.stat().st_blocks < allocated / 2


@pytest.mark.parametrize("name", ["a b", "tab\there", "back\\slash", "ünï-☃", "#1", "-dash", "quote'\"$x", "x\ny"])
def test_a_mount_point_with_an_odd_name_works_and_is_read_by_mount_itself(host: Host, disk: Disk, name: str) -> None:
    target = str(host.folder / "mnt" / name)
    host.mount(disk, target=target).well()
    assert host.mounted(target)
    if "\n" not in name:  # findmnt 2.38 does not find such a one, mount does
        output = run("findmnt", "--tab-file", str(host.fstab), "-rno", "UUID", "--target", target).stdout.strip()
        assert output == disk.value("UUID", disk.partitions[0])
    run("umount", target)
    run("mount", "-T", str(host.fstab), target)
    assert host.mounted(target)
    again = host.mount(disk, target=target).well()
    assert again.out.startswith("nothing to do")
    host.on_disk("umount", target, "--yes").well()
    assert host.fstab.read_text() == FSTAB


def test_no_fstab_leaves_fstab_alone(host: Host, disk: Disk) -> None:
    before = host.table()
    host.mount(disk, "--no-fstab").well()
    assert host.mounted()
    assert (host.table(), host.backups()) == (before, [])
    again = host.mount(disk, "--no-fstab").well()
    assert again.out.startswith("nothing to do")
    assert (host.table(), host.backups()) == (before, [])


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_fstab_keeps_its_mode_owner_and_attributes(host: Host, disk: Disk, mode: int) -> None:
    host.fstab.chmod(mode)
    os.chown(host.fstab, 1234, 4321)
    os.setxattr(host.fstab, "user.note", b"kept")
    host.mount(disk).well()
    status = host.fstab.stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (mode, 1234, 4321)
    assert os.getxattr(host.fstab, "user.note") == b"kept"


@pytest.mark.parametrize(
    "text", [b"", b"# no newline at the end", b"a b\r\n", b"\xff\xfe not utf-8 \xff\n", b"\n\n\t \n", b"UUID=1 /x ext4"]
)
def test_every_other_byte_of_fstab_stays(host: Host, disk: Disk, text: bytes) -> None:
    host.fstab.write_bytes(text)
    host.mount(disk).well()
    written = host.fstab.read_bytes()
    assert written.startswith(text)
    assert re.fullmatch(rb"\n?UUID=\S+ \S+ ext4 \S+ 0 2\n", written[len(text) :])
    assert [(host.fstab.parent / name).read_bytes() for name in host.backups()] == [text]
    host.on_disk("umount", host.target, "--yes").well()
    assert host.fstab.read_bytes() in {text, text + b"\n"}
    host.run("undo", "last", "--yes").well()
    assert host.fstab.read_bytes() == written


def test_fstab_that_is_a_symlink_stays_one(host: Host, disk: Disk) -> None:
    real = host.folder / "etc" / "the-real-fstab"
    host.fstab.rename(real)
    host.fstab.symlink_to(real.name)
    host.mount(disk).well()
    assert host.fstab.is_symlink()
    assert host.added()


@pytest.mark.parametrize("table", ["gpt", "dos", "whole-disk"])
def test_a_disk_with_sectors_of_4096_bytes(host: Host, table: str) -> None:
    disk = host.new_disk(64 * MIB, "-b", "4096")
    if Path(f"/sys/block/{disk.name}/queue/logical_block_size").read_text() != "4096\n":
        pytest.skip("losetup cannot make sectors of 4096 bytes here")
    options = ["--whole-disk"] if table == "whole-disk" else ["--table", table]
    host.mount(disk, *options).well()
    assert host.mounted()
    if table != "whole-disk":
        written = disk.table()
        assert written["sectorsize"] == 4096
        assert written["partitions"][0]["start"] == MIB // 4096
    again = host.mount(disk, *options).well()
    assert again.out.startswith("nothing to do")


def test_json_is_one_envelope_on_success_and_on_failure(host: Host, disk: Disk) -> None:
    done = host.mount(disk, "--json").well().json
    assert (done["schema"], done["ok"], done["command"], done["error"]) == (1, True, "opskit disk mount", None)
    result = done["result"]
    assert (result["changed"], result["dry_run"], result["fstab_line"]) == (True, False, host.added())
    assert result["run"] == host.ledger()[-1]["run"]
    again = host.mount(disk, "--json").well().json["result"]
    assert (again["changed"], again["run"], again["device"]) == (False, None, disk.partitions[0])
    failed = host.mount(disk, "--json", target=str(host.folder / "other"))
    envelope = failed.json
    assert (failed.code, envelope["ok"], envelope["result"]) == (5, False, None)
    assert envelope["error"]["exit_code"] == 5
    assert envelope["findings"][0]["id"] == "mounted"
    assert envelope["findings"][0]["remedy"]


def test_quiet_says_nothing_on_success(host: Host, disk: Disk) -> None:
    answer = host.mount(disk, "--quiet").well()
    assert (answer.out, answer.err) == ("", "")


def test_verbose_shows_each_command(host: Host, disk: Disk) -> None:
    answer = host.mount(disk, "-v").well()
    for program in ("sfdisk -q", "partx -u", "mkfs.ext4 -q", "mount -t ext4"):
        assert f"run: {program}" in answer.err


def test_without_a_terminal_and_without_yes_it_asks_for_the_flag(host: Host, disk: Disk) -> None:
    before = disk.digest(), host.table()
    answer = host.on_disk("mount", disk.path, host.target)
    assert answer.code == 5
    assert "--yes" in answer.err
    assert (disk.digest(), host.table(), host.state.exists()) == (*before, False)


def test_list_shows_the_verdict_before_and_after(host: Host, disk: Disk) -> None:
    def row(path: str) -> dict[str, object]:
        rows = host.on_disk("list", "--json").well().json["result"]["devices"]
        return next(row for row in rows if row["path"] == path)

    assert row(disk.path)["verdict"] == "ready"
    host.mount(disk, "--label", "data").well()
    assert row(disk.path)["verdict"] == "in use"
    inside = row(disk.partitions[0])
    assert (inside["verdict"], inside["signature"], inside["label"]) == ("in use", "ext4", "data")
    assert inside["mount_points"] == [host.target]
    host.on_disk("umount", host.target, "--yes").well()
    assert row(disk.partitions[0])["verdict"] == "has data"
