"""What a file is besides its bytes: mode, owner and extended attributes of fstab, and restorecon where it exists.

SELinux is not to be had here. An attribute of the user's namespace stands for its context, a script for restorecon.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from host.hosts import Host, Namespace
from host.tools import ENVIRONMENT, Disk, run

MODE, OWNER, GROUP = 0o640, 1234, 4321
OWN = "/etc/fstab"
NAME, CONTEXT = "user.context", b"system_u:object_r:etc_t:s0"
# Every line is an entry: what else there may be in an fstab is not restored.
TABLE = "# a comment\nUUID=00000000-0000-4000-8000-000000000001 / ext4 defaults 0 1\n"
# Notes what it was asked for, and what that was by then.
NOTES = 'echo "$* $(stat -c %F "$1") $(findmnt -no SOURCE -M "$1")" >> '
FAILS = "echo 'no such policy' >&2; exit 255"


@pytest.fixture(autouse=True)
def _table(host: Host) -> None:
    host.fstab.write_text(TABLE)


def commands(host: Host) -> list[list[str]]:
    """Every restorecon that the ledger tells of."""
    ran = [c["argv"] for entry in host.ledger() for c in entry.get("commands", ())]
    return [argv for argv in ran if argv[0] == "restorecon"]


def own_etc(host: Host) -> str:
    """Setup lines for a namespace in which the test's fstab is /etc/fstab; what else is in /etc is there as links.

    systemd, if there is one, reads another: it is not there.
    """
    etc, real = host.fstab.parent, host.folder / "real-etc"
    real.mkdir()
    host.name_of_fstab = OWN
    others = "case $each in */fstab*) continue;; esac"  # backups that an opskit of this machine has made
    link = f'for each in {real}/*; do {others}; [ -e {etc}/"${{each##*/}}" ] || ln -s "$each" {etc}; done'
    hide = "if [ -d /run/systemd ]; then mount -t tmpfs none /run/systemd; fi"
    return f"mount --bind /etc {real}; {link}; mount --bind {etc} /etc; {hide}"


def with_restorecon(host: Host, text: str = "") -> Namespace:
    """A mount namespace in which restorecon is on the host: a script that notes its calls, and then does text.

    The test's fstab is the host's own there: no other is labelled by its path.
    """
    script = host.folder / "restorecon"
    script.write_text(f"#!/bin/sh\n{NOTES}{host.folder}/called\n{text or 'exit 0'}\n")
    script.chmod(0o755)
    program = shutil.which("restorecon", path=ENVIRONMENT["PATH"])
    if program:
        return host.namespace(f"mount --bind {script} {os.path.realpath(program)}; {own_etc(host)}")
    # A folder of links to the programs that are there, each by its name, and one more.
    real = host.folder / "sbin"
    real.mkdir()
    over = f"mount -t tmpfs none /usr/sbin; ln -s {real}/* /usr/sbin; ln -s {script} /usr/sbin/restorecon"
    return host.namespace(f"mount --bind /usr/sbin {real}; {over}; {own_etc(host)}")


def called(host: Host) -> list[str]:
    """The calls since this was asked last."""
    path = host.folder / "called"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [line.rstrip() for line in lines]


def planned(host: Host, inside: Namespace, *words: str) -> list[str]:
    """What the plan of a dry run says of restorecon."""
    answer = host.on_disk(words[0], *words[1:], "--dry-run", "--json", inside=inside).well()
    return [c for change in answer.json["result"]["changes"] for c in change["commands"] if c.startswith("restorecon ")]


def test_mount_undo_umount_and_restore_run_what_the_plan_shows(host: Host, disk: Disk) -> None:
    inside = with_restorecon(host)
    table, target = f"{OWN} regular file", f"{host.target} directory"
    of_fstab = f"restorecon {OWN} || true"
    of_target = f"restorecon {host.target} || true"
    assert planned(host, inside, "mount", disk.path, host.target) == [of_fstab, of_target, of_target]
    assert called(host) == []
    host.mount(disk, inside=inside).well()
    # The mount point before the mount, the filesystem's root directory after it.
    assert called(host) == [table, target, f"{target} {disk.partitions[0]}"]
    assert commands(host) == [["restorecon", path] for path in (OWN, host.target, host.target)]

    host.run("undo", "last", "--yes", "--state-dir", str(host.state), inside=inside).well()
    assert called(host) == [table]
    # The filesystem stays, and has what contexts it got.
    assert planned(host, inside, "mount", disk.path, host.target) == [of_fstab, of_target]
    host.mount(disk, inside=inside).well()
    assert called(host) == [table, target]

    assert planned(host, inside, "umount", host.target) == [of_fstab]
    host.on_disk("umount", host.target, "--yes", inside=inside).well()
    assert called(host) == [table]
    host.run("undo", "last", "--yes", "--state-dir", str(host.state), inside=inside).well()
    assert called(host) == [table]

    (first, *_) = [name for name in host.backups() if ".opskit-" in name]
    words = ("fstab restore", str(host.fstab.parent / first))
    assert planned(host, inside, *words) == [of_fstab]
    host.on_disk(*words, "--yes", inside=inside).well()
    assert called(host) == [table]
    assert host.fstab.read_text() == TABLE


def test_a_filesystem_that_was_there_keeps_its_contexts(host: Host, disk: Disk) -> None:
    run("mkfs.ext4", "-q", disk.path)
    Path(host.target).mkdir(parents=True)
    inside = with_restorecon(host)
    host.mount(disk, inside=inside).well()
    assert called(host) == [f"{OWN} regular file"]


def test_another_fstab_than_the_host_s_own_keeps_its_context(host: Host, disk: Disk) -> None:
    inside = with_restorecon(host)
    host.name_of_fstab = ""
    assert f"restorecon {host.fstab} || true" not in planned(host, inside, "mount", disk.path, host.target)
    host.mount(disk, inside=inside).well()
    host.run("undo", "last", "--yes", "--state-dir", str(host.state), inside=inside).well()
    assert called(host) == [f"{host.target} directory", f"{host.target} directory {disk.partitions[0]}"]
    assert [argv[1] for argv in commands(host)] == [host.target] * 2


def test_a_filesystem_whose_first_mount_failed_gets_its_context_by_the_next(host: Host, disk: Disk) -> None:
    fails = host.namespace(host.shim("mount", "exit 32"))
    assert host.mount(disk, inside=fails).code == 9
    inside = with_restorecon(host)
    host.mount(disk, inside=inside).well()
    assert called(host)[-1] == f"{host.target} directory {disk.partitions[0]}"


@pytest.mark.parametrize("how", ["text", "--json", "--quiet"])
def test_a_restorecon_that_fails_is_a_warning(host: Host, disk: Disk, how: str) -> None:
    inside = with_restorecon(host, FAILS)
    options = [] if how == "text" else [how]
    answer = host.mount(disk, *options, inside=inside).well()
    assert len(called(host)) == 3
    assert host.outcome() == "done"
    assert host.mounted(inside=inside)
    assert host.fstab.read_text().count("UUID=") == 2
    message = f"restorecon {OWN}: exit status 255: no such policy"
    assert (f"warning: {message}" in answer.err) is (how == "text")
    assert (host.state / "opskit.log").read_text().count("no such policy") == 3
    if how == "--json":
        warnings = [f for f in answer.json["findings"] if f["severity"] == "warning"]
        assert warnings[0]["title"] == message
        assert [f["id"] for f in warnings] == ["command-failed"] * 3
    answer = host.run("undo", "last", "--yes", *options, "--state-dir", str(host.state), inside=inside).well()
    assert (message in answer.out) is (how != "--quiet")
    assert host.fstab.read_text() == TABLE


def test_the_script_goes_on_without_restorecon_and_with_one_that_fails(host: Host, disk: Disk) -> None:
    inside = with_restorecon(host, FAILS)
    text = host.on_disk("mount", disk.path, host.target, "--format", "sh", inside=inside).well().out
    assert text.count("\nrestorecon ") == 3
    run(*inside.prefix, "sh", input=text, stdin=None, cwd="/")
    assert len(called(host)) == 3
    assert host.mounted(inside=inside)
    text = host.on_disk("umount", host.target, "--format", "sh", inside=inside).well().out
    assert text.count("\nrestorecon ") == 1
    (host.folder / "restorecon").chmod(0)  # 126, as of one that is not there
    run(*inside.prefix, "sh", input=text, stdin=None, cwd="/")
    assert called(host) == []
    assert host.fstab.read_text() == TABLE


def test_a_host_without_restorecon_has_none_in_its_plan(host: Host, disk: Disk) -> None:
    if shutil.which("restorecon", path=ENVIRONMENT["PATH"]):
        pytest.skip("this host has restorecon")
    answer = host.on_disk("mount", disk.path, host.target, "--format", "sh").well()
    assert not [line for line in answer.out.splitlines() if line.startswith("restorecon ")]
    host.mount(disk).well()
    assert commands(host) == []


@pytest.fixture
def labelled(host: Host) -> Path:
    """fstab with a mode, an owner and an attribute of its own, on a filesystem that has attributes."""
    own = host.new_disk()
    run("mkfs.ext4", "-q", own.path)
    host.put_over(host.fstab.parent, own.path)
    host.fstab.write_text(TABLE)
    os.chown(host.fstab, OWNER, GROUP)
    host.fstab.chmod(MODE)
    os.setxattr(host.fstab, NAME, CONTEXT)
    return host.fstab


def metadata(path: Path) -> tuple[int, int, int, dict[str, bytes]]:
    status = path.stat()
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    return status.st_mode & 0o7777, status.st_uid, status.st_gid, attributes


def test_mode_owner_and_attributes_of_fstab_outlive_every_command(host: Host, disk: Disk, labelled: Path) -> None:
    before = metadata(labelled)
    assert before == (MODE, OWNER, GROUP, {NAME: CONTEXT})

    def same(text: bool) -> None:
        """Still so; text: and nothing of ours is in it."""
        assert metadata(labelled) == before
        assert (labelled.read_text() == TABLE) is text

    def undo() -> None:
        host.run("undo", "last", "--yes", "--state-dir", str(host.state)).well()

    inode = labelled.stat().st_ino
    host.mount(disk).well()
    same(text=False)
    assert labelled.stat().st_ino != inode, "it was replaced, not written over: or this test proves nothing"
    (backup,) = [labelled.parent / name for name in host.backups() if ".opskit-" in name]
    assert metadata(backup) == before
    undo()
    same(text=True)
    host.mount(disk).well()
    host.on_disk("umount", host.target, "--yes").well()
    same(text=True)
    undo()
    same(text=False)
    # A backup whose own are others: what counts is what fstab has.
    saved = labelled.parent / "saved"
    saved.write_text(TABLE)
    host.on_disk("fstab restore", str(saved), "--yes").well()
    same(text=True)
    undo()
    same(text=False)


@pytest.mark.parametrize("verb", ["mount", "umount", "fstab restore"])
def test_they_outlive_the_scripts_as_well(host: Host, disk: Disk, labelled: Path, verb: str) -> None:
    before = metadata(labelled)
    words = [disk.path, host.target] if verb == "mount" else [host.target]
    if verb != "mount":
        host.mount(disk).well()
    if verb == "fstab restore":
        words = [str(labelled.parent / name) for name in host.backups() if ".opskit-" in name]
    text = labelled.read_text()
    run("sh", input=host.on_disk(verb, *words, "--format", "sh").well().out, stdin=None, cwd="/")
    assert metadata(labelled) == before
    assert labelled.read_text() != text
