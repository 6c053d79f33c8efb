"""The script of `--format sh`, run by sh, does what the real run does; it stops where the host is not as decided on."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from host.disk.cases import USAGE
from host.hosts import Host
from host.tools import ENVIRONMENT, FSTAB, GIB, MIB, Answer, Disk, run
from tiers import slow

OPTIONS = {
    "ext4-gpt": (),
    "ext4-dos": ("--table", "dos"),
    "ext4-whole": ("--whole-disk", "--label", "it's a $label"),
    "ext3-gpt": ("--fstype", "ext3", "--reserved", "1", "--mount-options", "noatime"),
    "xfs-gpt": ("--fstype", "xfs", "--label", "data", "--no-discard"),
    "xfs-dos": ("--fstype", "xfs", "--table", "dos"),
    "xfs-whole": ("--fstype", "xfs", "--whole-disk"),
}


def second(host: Host) -> Host:
    """Another fstab, state directory and mount point in the same test."""
    folder = host.folder / "second one"
    folder.mkdir()
    made = Host(folder)
    host.after.append(made.close)
    return made


def script(host: Host, verb: str, *arguments: str) -> str:
    return host.on_disk(verb, *arguments, "--format", "sh").well().out


def sh(text: str, code: int = 0) -> Answer:
    done = run("sh", check=False, input=text, stdin=None, cwd="/", env=ENVIRONMENT)
    assert (done.returncode == 0) is (code == 0), f"{done.returncode}: {done.stdout}{done.stderr}\n{text}"
    return Answer(done.returncode, done.stdout, done.stderr)


def blurred(text: str, host: Host, disk: Disk) -> str:
    """Without what differs from run to run: UUIDs, the run's id, where this host's files are."""
    for key, value in (
        (str(host.folder), "FOLDER"),
        (str(host.folder).replace(" ", r"\040"), "FOLDER"),
        (disk.path, "DISK"),
    ):
        text = text.replace(key, value)
    text = re.sub(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}|0x[0-9a-f]{8}", "UUID", text)
    return re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN", text)


def outcome(host: Host, disk: Disk) -> tuple[object, ...]:
    """What a run leaves behind."""
    mounted = host.mounted()
    device = mounted.source if mounted else ""
    table = blurred(str(disk.table()), host, disk) if disk.partitions else ""
    what = (disk.value("LABEL", device), disk.value("BLOCK_SIZE", device)) if device else ()
    shape = (device.replace(disk.path, "DISK"), mounted.fstype, mounted.options) if mounted else ()
    fstab = blurred(host.fstab.read_text(), host, disk), host.fstab.stat().st_mode
    return shape, what, table, fstab, len(host.backups())


@pytest.mark.parametrize("name", [n if n in {"ext4-gpt", "ext4-dos", "xfs-whole"} else slow(n) for n in OPTIONS])
def test_mount(host: Host, name: str) -> None:
    size, other = GIB if "xfs" in name else 64 * MIB, second(host)
    real, by_hand = host.new_disk(size), other.new_disk(size)
    host.mount(real, *OPTIONS[name]).well()
    text = script(other, "mount", by_hand.path, other.target, *OPTIONS[name])
    assert "sudo" not in text
    sh(text)
    assert outcome(other, by_hand) == outcome(host, real)
    again = other.mount(by_hand).well()
    assert again.out.startswith("nothing to do")


@pytest.mark.parametrize("name", ["ext4", "ext3-dos"])
def test_mount_of_an_existing_filesystem(host: Host, name: str) -> None:
    disk = host.new_disk()
    fstype, _, table = name.partition("-")
    device = disk.make_partition(table) if table else disk.path
    run(f"mkfs.{fstype}", "-q", "-L", "old", device)
    sh(script(host, "mount", disk.path, host.target))
    mounted = host.mounted()
    assert mounted
    assert (mounted.source, disk.value("LABEL", device)) == (device, "old")


def test_mount_with_wipe(host: Host, disk: Disk) -> None:
    run("mkfs.ext4", "-q", "-L", "old", disk.make_partition("dos"))
    sh(script(host, "mount", disk.path, host.target, "--wipe", disk.path, "--label", "new"))
    mounted = host.mounted()
    assert mounted
    assert (disk.value("LABEL", mounted.source), disk.table()["label"]) == ("new", "gpt")


@pytest.mark.parametrize("text", [b"# no newline at the end", b"\xff \xfe\n\tx\n", b""])
def test_mount_and_umount_with_an_odd_fstab(host: Host, disk: Disk, text: bytes) -> None:
    host.fstab.write_bytes(text)
    sh(script(host, "mount", disk.path, host.target))
    assert host.fstab.read_bytes().startswith(text)
    assert host.fstab.read_bytes().endswith(b" 0 2\n")
    sh(script(host, "umount", host.target))
    assert host.fstab.read_bytes() in {text, text + b"\n"}
    assert host.mounted() is None


def test_a_name_that_is_no_utf8_in_a_locale_that_is(host: Host, disk: Disk) -> None:
    """In en_US.UTF-8 Python writes no such name by itself (in C.UTF-8 it does); a terminal acts on no comment."""
    target = f"{host.folder}/\udcff\x1b[31m"
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    answer = host.on_disk("mount", disk.path, target, "--format", "sh", **strict).well()
    assert r"\xff\x1b[31m" in answer.out.splitlines()[1]
    sh(answer.out)
    assert host.mounted(target)


def test_umount(host: Host) -> None:
    other = second(host)
    real, by_hand = host.new_disk(), other.new_disk()
    for place, disk in ((host, real), (other, by_hand)):
        place.mount(disk).well()
        Path(place.target, "file").write_text("kept")
    host.on_disk("umount", host.target, "--yes").well()
    sh(script(other, "umount", other.target))
    assert outcome(other, by_hand) == outcome(host, real)
    other.mount(by_hand).well()
    assert Path(other.target, "file").read_text() == "kept"


@pytest.mark.parametrize("table", ["gpt", slow("dos")])
def test_grow(host: Host, table: str) -> None:
    other = second(host)
    real, by_hand = host.new_disk(GIB), other.new_disk(GIB)
    for place, disk in ((host, real), (other, by_hand)):
        place.mount(disk, "--fstype", "xfs", "--table", table).well()
        disk.resize(2 * GIB)
    host.on_disk("grow", host.target, "--yes").well()
    sh(script(other, "grow", other.target))
    assert outcome(other, by_hand) == outcome(host, real)
    assert os.statvfs(other.target).f_blocks == os.statvfs(host.target).f_blocks
    again = other.on_disk("grow", other.target, "--yes").well()
    assert again.out.startswith("nothing to do")


def test_an_undo_is_no_script(host: Host, disk: Disk) -> None:
    """Each step is looked at on the host before it is taken back; a script would destroy what came since."""
    host.mount(disk).well()
    answer = host.run("undo", "last", "--format", "sh")
    assert (answer.code, answer.out) == (USAGE, "")
    assert host.mounted()


def test_the_script_of_a_wipe_stops_when_something_else_is_on_the_disk(host: Host, disk: Disk) -> None:
    run("mkfs.ext4", "-q", disk.path)
    text = script(host, "mount", disk.path, host.target, "--wipe", disk.path)
    run("mkfs.ext4", "-q", "-U", "random", disk.path)
    before = disk.digest(), host.table()
    sh(text, code=1)
    assert (disk.digest(), host.table()) == before


def test_the_script_of_a_wipe(host: Host, disk: Disk) -> None:
    run("mkfs.ext4", "-q", disk.path)
    sh(script(host, "mount", disk.path, host.target, "--wipe", disk.path, "--fstype", "ext3"))
    assert host.mounted()


def test_the_script_that_goes_on_stops_when_somebody_used_the_partition(host: Host, disk: Disk) -> None:
    host.mount(disk, OPSKIT_TEST_KILL="step:2")  # the partition is there, mkfs has not begun
    text = script(host, "mount", disk.path, host.target)
    run("mkfs.ext4", "-q", disk.partitions[0])
    before = disk.digest()
    sh(text, code=1)
    assert disk.digest() == before


def test_the_script_that_mounts_stops_at_another_filesystem(host: Host, disk: Disk) -> None:
    run("mkfs.ext4", "-q", disk.path)
    text = script(host, "mount", disk.path, host.target)
    run("mkfs.ext4", "-q", disk.path)
    sh(text, code=1)
    assert host.mounted() is None
    assert host.fstab.read_text() == FSTAB


def test_nothing_to_do_is_a_script_that_does_nothing(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    before = host.table()
    sh(script(host, "mount", disk.path, host.target))
    assert host.table() == before


def changed_disk(host: Host, disk: Disk, how: str) -> Disk:
    """The disk is not what it was when the plan was made."""
    if how == "a filesystem":
        run("mkfs.ext4", "-q", disk.path)
    elif how == "a table":
        disk.make_partition("dos")
    elif how == "unknown data":
        disk.write(b"somebody's data", 512 * 1024)
    elif how == "data in the middle":
        disk.write(b"somebody's data" * 100000, 30 * MIB)
    elif how == "larger":
        disk.resize(128 * MIB)
    elif how == "fstab":
        with host.fstab.open("a") as file:
            file.write("# edited\n")
    elif how == "the mount point is not empty":
        Path(host.target).mkdir(parents=True)
        Path(host.target, "file").touch()
    elif how == "another disk":
        return host.replaced(disk)
    return disk


@pytest.mark.parametrize(
    "how",
    ["a filesystem", "a table", "unknown data", "data in the middle", "larger", "fstab", "another disk",
     "the mount point is not empty"],
)  # fmt: skip
def test_the_script_of_a_mount_stops_when_the_host_has_changed(host: Host, disk: Disk, how: str) -> None:
    if how == "another disk" and not Path(f"/sys/block/{disk.name}/diskseq").exists():
        pytest.skip("this kernel does not count disks (diskseq, Linux 5.15)")
    text = script(host, "mount", disk.path, host.target)
    disk = changed_disk(host, disk, how)
    before = disk.digest(), host.table(), host.backups()
    sh(text, code=1)
    assert (disk.digest(), host.table(), host.backups()) == before
    assert host.mounted() is None


def test_the_script_of_a_umount_stops_when_fstab_has_changed(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    text = script(host, "umount", host.target)
    with host.fstab.open("a") as file:
        file.write("# edited\n")
    before = host.table()
    sh(text, code=1)
    assert host.table() == before
    assert host.mounted()


def test_the_script_of_a_grow_stops_when_the_disk_has_changed(host: Host, large_disk: Disk) -> None:
    host.mount(large_disk, "--fstype", "xfs").well()
    large_disk.resize(2 * GIB)
    text = script(host, "grow", host.target)
    large_disk.resize(3 * GIB)
    before = large_disk.table()
    sh(text, code=1)
    assert large_disk.table() == before
