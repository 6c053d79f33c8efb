"""Killed by SIGKILL at each entry of the ledger: fstab parses, a second run finishes the work, undo takes it back.

OPSKIT_TEST_KILL=ENTRY:N kills opskit right after that entry is on the disk (core/ledger.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from host.hosts import Host, Namespace
from host.tools import FSTAB, GIB, MIB, Disk, run
from tiers import more, slow

SIGKILLED = -9
# util-linux 2.23.2 (EL7): its sfdisk knows no GPT, and opskit must not use it for anything but its version.
OLD_SFDISK = (
    'case "$1" in --version|-v) echo "sfdisk from util-linux 2.23.2";; *) echo "no such option" >&2; exit 1;; esac'
)
STEPS = {"gpt": 6, "dos": 6, "whole-disk": 5}


# One layout on every run, one without a table with --full: a partition is one, whoever's table it is in.
LAYOUTS = ["gpt", slow("whole-disk"), more("dos")]
# After these nothing of a run depends on the disk's layout: the mount point, fstab and the mount are the same then.
ON_DISK = {"gpt": 2, "dos": 2, "whole-disk": 1}


def points(steps: int) -> list[str]:
    return [
        "begin:0",
        *(f"{entry}:{number}" for number in range(1, steps + 1) for entry in ("step", "stepped")),
        "end:0",
    ]


def options_of(fstype: str, layout: str) -> list[str]:
    return ["--fstype", fstype, *(["--whole-disk"] if layout == "whole-disk" else ["--table", layout])]


def cases() -> list[Any]:
    listed = []
    for fstype in ("ext4", "xfs"):
        for layout, steps in STEPS.items():
            for tool in ("sfdisk", "parted") if layout != "whole-disk" else ("sfdisk",):
                on_disk = {f"{entry}:{n + 1}" for n in range(ON_DISK[layout]) for entry in ("step", "stepped")}
                for point in points(steps):
                    # Each point for one layout; for the others those around what is made on the disk.
                    if (fstype, layout, tool) == ("ext4", "gpt", "sfdisk"):
                        tier = pytest.param
                    elif point not in on_disk:
                        tier = more
                    elif fstype == "ext4" and point in {"step:1", "step:2"}:
                        tier = pytest.param
                    else:
                        tier = slow
                    listed.append(tier(fstype, layout, tool, point))
    return listed


def old_host(host: Host) -> Namespace:
    return host.namespace(host.shim("sfdisk", OLD_SFDISK))


def killed_mount(host: Host, disk: Disk, point: str, options: list[str], inside: Optional[Namespace] = None) -> None:
    answer = host.mount(disk, *options, inside=inside, OPSKIT_TEST_KILL=point)
    assert answer.code == SIGKILLED, answer
    assert host.ledger()[-1]["entry"] == point.partition(":")[0]
    host.assert_fstab_parses()
    assert host.fstab.read_text().startswith(FSTAB)


def assert_in_service(host: Host, disk: Disk, fstype: str, layout: str, inside: Optional[Namespace] = None) -> None:
    mounted = host.mounted(inside=inside)
    device = disk.path if layout == "whole-disk" else disk.partitions[0]
    assert mounted
    assert (mounted.source, mounted.fstype) == (device, fstype)
    assert host.added().startswith(f"UUID={disk.value('UUID', device)} {host.target} ")
    assert "\n" not in host.added()
    assert not [name for name in host.backups() if not name.startswith("fstab.opskit-")], "a temporary file is left"
    host.assert_fstab_parses()


@pytest.mark.parametrize(("fstype", "layout", "tool", "point"), cases())
def test_a_second_run_finishes_what_a_crash_left(host: Host, fstype: str, layout: str, tool: str, point: str) -> None:
    disk = host.new_disk(GIB if fstype == "xfs" else 64 * MIB)
    inside = old_host(host) if tool == "parted" else None
    options = options_of(fstype, layout)
    killed_mount(host, disk, point, options, inside)
    again = host.mount(disk, *options, inside=inside).well()
    assert_in_service(host, disk, fstype, layout, inside)
    if point == "end:0":
        assert again.out.startswith("nothing to do")
    if tool == "parted":
        programs = {command["argv"][0] for entry in host.ledger() for command in entry.get("commands", ())}
        assert "sfdisk" not in programs


@pytest.mark.slow
@pytest.mark.parametrize("point", points(STEPS["gpt"]))
def test_undo_takes_back_what_a_crash_left(host: Host, disk: Disk, point: str) -> None:
    before = host.table()
    killed_mount(host, disk, point, options_of("ext4", "gpt"))
    undo = host.run("undo", "last", "--yes")
    assert undo.code == (5 if point == "stepped:2" else 0), undo  # where nothing but a filesystem is there, it is kept
    assert host.table() == before
    assert host.mounted() is None
    assert not Path(host.target).parent.exists()
    if point in {"begin:0", "step:1", "stepped:1", "step:2"}:  # mkfs wrote nothing: the disk is blank again
        assert (disk.partitions, disk.type_of(), disk.value("PTTYPE")) == ([], "", "")
    host.mount(disk).well()
    assert_in_service(host, disk, "ext4", "gpt")


@pytest.mark.slow
@pytest.mark.parametrize("point", points(3))
def test_a_second_umount_finishes_what_a_crash_left(host: Host, disk: Disk, point: str) -> None:
    host.mount(disk).well()
    Path(host.target, "file").write_text("kept")
    answer = host.on_disk("umount", host.target, "--yes", OPSKIT_TEST_KILL=point)
    assert answer.code == SIGKILLED
    host.assert_fstab_parses()
    host.on_disk("umount", host.target, "--yes").well()
    assert host.mounted() is None
    assert host.fstab.read_text() == FSTAB
    host.mount(disk).well()
    assert Path(host.target, "file").read_text() == "kept"


@pytest.mark.slow
@pytest.mark.parametrize("point", points(3))
def test_undo_of_a_umount_that_crashed_brings_it_back(host: Host, disk: Disk, point: str) -> None:
    host.mount(disk).well()
    before = host.table()
    assert host.on_disk("umount", host.target, "--yes", OPSKIT_TEST_KILL=point).code == SIGKILLED
    host.run("undo", "last", "--yes").well()
    assert host.mounted()
    assert host.table() == before


@pytest.mark.slow
@pytest.mark.parametrize("point", points(2))
def test_a_second_grow_finishes_what_a_crash_left(host: Host, large_disk: Disk, point: str) -> None:
    host.mount(large_disk, "--fstype", "xfs").well()
    large_disk.resize(2 * GIB)
    assert host.on_disk("grow", host.target, "--yes", OPSKIT_TEST_KILL=point).code == SIGKILLED
    host.on_disk("grow", host.target, "--yes").well()
    status = Path(host.target)
    assert int(run("stat", "-f", "-c", "%b", str(status)).stdout) * 4096 > 1.9 * GIB
    again = host.on_disk("grow", host.target, "--yes").well()
    assert again.out.startswith("nothing to do")


# mkfs itself dies: what it does before that, as a shim in its place. $last is the device.
LAST = 'for last in "$@"; do :; done\nquietly="conv=notrunc status=none"\n'
DIES = {
    "before it wrote anything": "",
    "with unknown bytes written": 'head -c 1048576 /dev/urandom | dd of="$last" bs=1M seek=4 $quietly\n',
    "before ext is marked valid": '"$real" "$@"\nprintf "\\0" | dd of="$last" bs=1 seek=1082 $quietly\n',
    "while xfs is in progress": '"$real" "$@"\nprintf "\\001" | dd of="$last" bs=1 seek=126 $quietly\n',
}


def dying_mkfs(host: Host, fstype: str, how: str, end: str) -> Namespace:
    """mkfs that does a part of its work and ends so, as long as the file `die` is there."""
    die = host.folder / "die"
    die.touch()
    text = f'{LAST}[ -e {die} ] || exec "$real" "$@"\nrm {die}\n{DIES[how]}sync "$last"\n{end}'
    return host.namespace(host.shim(f"mkfs.{fstype}", text))


def second_run(host: Host, disk: Disk, how: str, options: list[str], inside: Namespace, *, seen: bool) -> None:
    """It goes on by itself, unless mkfs left bytes that could as well be somebody's: those only --wipe destroys.

    seen: opskit was there when mkfs failed, and knows what it left.
    """
    if seen or "unknown bytes" not in how:
        host.mount(disk, *options, inside=inside).well()
        return
    before = disk.digest(), host.table(), len(host.ledger())
    refused = host.mount(disk, *options, "--json", inside=inside)
    assert (refused.code, refused.ids) == (5, ["changed-since-crash"]), refused
    assert f"--wipe {disk.path}" in refused.json["findings"][0]["remedy"]
    assert (disk.digest(), host.table(), len(host.ledger())) == before
    host.mount(disk, *options, "--wipe", disk.path, inside=inside).well()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("end", ["kill -9 $$", "echo no space on it >&2; exit 1"], ids=["killed", "failed"])
@pytest.mark.parametrize("how", list(DIES))
def test_mkfs_dies(host: Host, how: str, end: str, layout: str) -> None:
    fstype = "xfs" if "xfs" in how else "ext4"
    disk = host.new_disk(GIB if fstype == "xfs" else 64 * MIB)
    inside = dying_mkfs(host, fstype, how, end)
    before = host.table()
    options = options_of(fstype, layout)
    failed = host.mount(disk, *options, inside=inside)
    wrote = bool(DIES[how])  # else nothing is left
    assert (failed.code, host.outcome()) == ((9, "take-back-failed") if wrote else (8, "taken-back")), failed
    assert (host.table(), host.backups()) == (before, [])
    assert host.mounted(inside=inside) is None
    assert not Path(host.target).parent.exists()
    assert f"mkfs.{fstype}" in failed.err
    assert ("the same command continues with it" in failed.err) == wrote
    second_run(host, disk, how, options, inside, seen=True)
    assert_in_service(host, disk, fstype, layout, inside)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("how", list(DIES))
def test_mkfs_and_opskit_die_together(host: Host, how: str, layout: str) -> None:
    fstype = "xfs" if "xfs" in how else "ext4"
    disk = host.new_disk(GIB if fstype == "xfs" else 64 * MIB)
    inside = dying_mkfs(host, fstype, how, "kill -9 $PPID; kill -9 $$")
    before = host.table()
    options = options_of(fstype, layout)
    assert host.mount(disk, *options, inside=inside).code == SIGKILLED
    assert (host.table(), host.backups()) == (before, [])
    second_run(host, disk, how, options, inside, seen=False)
    assert_in_service(host, disk, fstype, layout, inside)


def test_a_byte_of_somebody_else_after_a_mkfs_that_failed_is_not_touched(host: Host, disk: Disk) -> None:
    inside = dying_mkfs(host, "ext4", "with unknown bytes written", "exit 1")
    assert host.mount(disk, inside=inside).code == 9
    disk.write(b"!", 2 * MIB)
    before = disk.digest()
    refused = host.mount(disk, "--json")
    assert (refused.code, refused.ids) == (5, ["changed-since-crash"])
    assert disk.digest() == before


def test_a_filesystem_made_by_somebody_else_after_the_crash_is_not_touched(host: Host, disk: Disk) -> None:
    killed_mount(host, disk, "stepped:1", options_of("ext4", "gpt"))
    run("mkfs.ext4", "-q", "-L", "foreign", disk.partitions[0])
    host.mount(disk).well()
    assert disk.value("LABEL", disk.partitions[0]) == "foreign"


def test_data_written_by_somebody_else_after_the_crash_is_not_touched(host: Host, disk: Disk) -> None:
    killed_mount(host, disk, "stepped:1", options_of("ext4", "gpt"))
    disk.write(b"somebody's data" * 100000, 20 * MIB)
    before = disk.digest()
    assert host.mount(disk).code == 5
    assert disk.digest() == before


def test_another_disk_behind_the_name_of_one_that_crashed_is_judged_by_itself(host: Host, disk: Disk) -> None:
    """What the ledger knows of one disk is no leave to make a filesystem on another one."""
    killed_mount(host, disk, "step:2", options_of("ext4", "dos"))
    second = host.replaced(disk)
    second.make_partition("dos")
    second.write(b"somebody's data" * 100000, 20 * MIB)
    before = second.digest()
    assert host.mount(second, "--table", "dos").code == 5
    assert second.digest() == before
