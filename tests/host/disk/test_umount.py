"""`opskit disk umount`: out of service, the data left; whoever uses it is named, and nothing is done then."""

from __future__ import annotations

import mmap
import os
import subprocess
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import FSTAB, Disk, mounts, run

BUSY = 7


def wait_for_ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"


def user(host: Host, how: str) -> subprocess.Popen[bytes]:
    """A process that uses the filesystem so, and tells when it does."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    script = "echo ready; exec cat"
    if how == "working directory":
        process = host.start("sh", "-c", script, cwd=host.target, **pipes)
    elif how == "open file":
        process = host.start("sh", "-c", f"exec 5> '{host.target}/open'; {script}", cwd="/", **pipes)
    elif how == "program":
        program = Path(host.target, "cat")
        program.write_bytes(Path(os.path.realpath("/bin/cat")).read_bytes())
        program.chmod(0o755)
        process = host.start(str(program), cwd="/", **pipes)
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"ready\n")
        process.stdin.flush()
    else:
        code = (
            "import mmap, os, sys; d = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); os.truncate(d, 4096); "
            "m = mmap.mmap(d, 4096); os.closerange(3, 100); print('ready', flush=True); sys.stdin.read()"
        )
        assert mmap.PAGESIZE >= 4096
        process = host.start("/usr/bin/env", "python3", "-c", code, f"{host.target}/mapped", cwd="/", **pipes)
    wait_for_ready(process)
    return process


@pytest.mark.parametrize("how", ["working directory", "open file", "program", "mapped file"])
def test_busy_names_pid_command_and_user(host: Host, disk: Disk, how: str) -> None:
    host.mount(disk).well()
    process = user(host, how)
    before = host.table(), host.ledger()
    answer = host.on_disk("umount", host.target, "--yes")
    assert answer.code == BUSY
    name = "python3" if how == "mapped file" else "cat"
    assert f"pid {process.pid} (" in answer.err
    assert name in answer.err
    assert f"user root, {how}" in answer.err
    assert process.poll() is None, "the process was harmed"
    assert host.mounted()
    assert (host.table(), host.ledger()) == before
    process.kill()
    process.wait()
    host.on_disk("umount", host.target, "--yes").well()
    assert host.mounted() is None


def test_becoming_busy_after_the_plan_was_shown(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    before = host.table()
    terminal = host.terminal("disk", "umount", host.target, *host.own)
    terminal.read_until("[y/N]")
    process = user(host, "working directory")
    terminal.type("y\n")
    answer = terminal.end()
    assert answer.code == BUSY
    assert f"pid {process.pid} (" in answer.out
    assert host.mounted()
    assert host.table() == before


def test_a_mount_below_it_is_named(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    below = Path(host.target, "below")
    below.mkdir()
    host.put_over(below)
    answer = host.on_disk("umount", host.target, "--yes")
    assert answer.code == BUSY
    assert str(below) in answer.err
    assert host.mounted()
    assert host.mounted(str(below))


def test_mounted_in_a_second_place(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    other = host.folder / "other"
    other.mkdir()
    run("mount", "--bind", host.target, str(other))
    answer = host.on_disk("umount", host.target, "--yes")
    assert answer.code == BUSY
    assert str(other) in answer.err
    run("umount", str(other))


@pytest.mark.parametrize(
    "how", ["mount point", "mount point with a slash", "symlink to it", "partition", "disk", "relative"]
)
def test_it_is_named_in_any_way(host: Host, disk: Disk, how: str) -> None:
    host.mount(disk).well()
    Path(host.target, "file").write_text("kept")
    link = host.folder / "link"
    link.symlink_to(host.target)
    what = {
        "mount point": host.target,
        "mount point with a slash": host.target + "/",
        "symlink to it": str(link),
        "partition": disk.partitions[0],
        "disk": disk.path,
        "relative": os.path.relpath(host.target, "/"),
    }[how]
    line = host.added()
    answer = host.on_disk("umount", what, "--yes").well()
    assert answer.out.startswith("out of service")
    assert host.mounted() is None
    assert host.fstab.read_text() == FSTAB
    assert len(host.backups()) == 2  # of the mount, and of this
    again = host.on_disk("umount", what, "--yes")
    assert (again.code, again.out.startswith("nothing to do")) == (0, True), again
    host.mount(disk).well()
    assert (Path(host.target, "file").read_text(), host.added()) == ("kept", line)


@pytest.mark.parametrize("verb", ["umount", "grow"])
def test_an_empty_name_is_not_the_working_directory(host: Host, disk: Disk, verb: str) -> None:
    """What a script says whose variable is empty, from a directory that fstab mounts something on."""
    host.mount(disk).well()
    run("umount", host.target)
    before = host.table(), host.ledger()
    answer = host.on_disk(verb, "", "--yes", under=("env", "-C", host.target))
    assert (answer.code, "it is empty" in answer.err) == (2, True), answer
    assert (host.table(), host.ledger()) == before


def test_above_a_symlink_is_where_the_kernel_finds_it(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    (host.folder / "elsewhere" / "below").mkdir(parents=True)
    link = Path(host.target, "link")
    link.symlink_to(host.folder / "elsewhere" / "below")
    answer = host.on_disk("umount", f"{link}/..", "--yes")
    assert answer.out.startswith("nothing to do"), answer
    assert host.mounted()


def test_the_entry_is_restored_by_undo(host: Host, disk: Disk) -> None:
    # Between other lines: it comes back to its place.
    host.mount(disk, "--mount-options", "noatime").well()
    with host.fstab.open("a") as file:
        file.write("# a line after it\n")
    before, options = host.table(), host.mounted()
    host.on_disk("umount", host.target, "--yes").well()
    assert host.fstab.read_text() == FSTAB + "# a line after it\n"
    host.run("undo", "last", "--yes").well()
    assert host.table() == before
    assert options
    again = host.mounted()
    assert again
    assert (again.source, set(again.options)) == (options.source, set(options.options))


def test_the_entry_of_a_disk_that_takes_turns_with_it_stays(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    other = f"UUID=5b6f4f4e-4e1d-4b69-9d0e-27a0b1b2c3d4 {host.target} ext4 noauto 0 2\n"
    with host.fstab.open("a") as file:
        file.write(other)
    before = host.table()
    answer = host.on_disk("umount", host.target, "--yes").well()
    assert f"on {host.target}: it is kept" in answer.err
    assert host.fstab.read_text() == FSTAB + other
    host.run("undo", "last", "--yes").well()
    assert (host.table(), bool(host.mounted())) == (before, True)


def test_no_fstab_leaves_the_entry(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    before = host.table(), host.backups()
    host.on_disk("umount", host.target, "--yes", "--no-fstab").well()
    assert host.mounted() is None
    assert (host.table(), host.backups()) == before


def test_an_entry_without_a_mount_is_taken_out(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    run("umount", host.target)
    host.on_disk("umount", host.target, "--yes").well()
    assert host.fstab.read_text() == FSTAB


def test_what_is_no_disk_is_not_unmounted(host: Host) -> None:
    place = host.folder / "tmpfs"
    place.mkdir()
    host.put_over(place)
    assert host.on_disk("umount", str(place), "--yes").code == 5
    assert str(place) in [mount.target for mount in mounts()]
    assert host.on_disk("umount", str(host.folder / "nothing here"), "--yes").code == 2
    assert host.on_disk("umount", "/dev/nonesuch", "--yes").code == 2


def test_a_mount_point_in_another_namespace_keeps_what_is_there(host: Host, disk: Disk) -> None:
    """Unmounted here, still mounted there: the next mount says who has it."""
    host.mount(disk).well()
    namespace = host.namespace(f"mount {disk.partitions[0]} /mnt")
    host.on_disk("umount", host.target, "--yes").well()
    refused = host.mount(disk)
    assert refused.code == 5
    assert f"namespace of pid {namespace.process.pid}" in refused.err
