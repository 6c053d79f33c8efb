"""A run that fails, or that is interrupted, takes back what it did: exit 8, 130, 143; 9 when anything of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host, Namespace
from host.tools import ENVIRONMENT, OPSKIT, Disk, run
from tiers import slow

FAILED_BACK, BACK_FAILED = 8, 9


def assert_taken_back(host: Host, before: tuple[Any, ...], inside: Namespace, outcome: str = "taken-back") -> None:
    assert (host.table(), host.backups()) == (before, [])
    assert host.mounted(inside=inside) is None
    assert not Path(host.target).parent.exists()
    assert host.outcome() == outcome


FAILURES = {
    "mount": "echo mount: no such thing >&2; exit 32",
    "mount, after it has mounted": '"$real" "$@"; exit 32',
    "mount, killed": "kill -9 $$",
    "mount, silent and without effect": "exit 0",
}


@pytest.mark.parametrize("layout", ["gpt", slow("whole-disk")])
@pytest.mark.parametrize("how", list(FAILURES))
def test_mount_fails(host: Host, disk: Disk, how: str, layout: str) -> None:
    inside = host.namespace(host.shim("mount", FAILURES[how]))
    before = host.table()
    options = ["--whole-disk"] if layout == "whole-disk" else []
    answer = host.mount(disk, *options, "--json", inside=inside)
    assert answer.code == BACK_FAILED  # a filesystem is left
    assert_taken_back(host, before, inside, "take-back-failed")
    error = answer.json["error"]
    assert (error["exit_code"], error["id"]) == (BACK_FAILED, "take-back-failed")
    assert "Kept, and cannot be taken back: make-filesystem" in error["state"]
    host.mount(disk, *options).well()  # the filesystem that was kept goes into service
    assert sum(entry.get("kind") == "disk.make-filesystem" for entry in host.ledger()) == 1


@pytest.mark.parametrize("tool", ["sfdisk", "partx"])
def test_the_partition_fails(host: Host, disk: Disk, tool: str) -> None:
    fails = 'case "$*" in *version*|"-d "*) exec "$real" "$@";; esac; echo no >&2; exit 1'
    inside = host.namespace(host.shim(tool, fails))
    before, blank = host.table(), disk.digest()
    answer = host.mount(disk, inside=inside)
    assert answer.code == FAILED_BACK, answer
    assert tool in answer.err
    assert_taken_back(host, before, inside)
    assert (disk.digest(), disk.partitions) == (blank, [])
    host.mount(disk).well()


@pytest.mark.parametrize("table", ["gpt", "dos"])
@pytest.mark.parametrize("sector_size", ["512", "4096"])
def test_a_disk_that_was_blank_is_blank_again_to_the_byte(host: Host, table: str, sector_size: str) -> None:
    disk = host.new_disk(64 * 1024**2, "-b", sector_size)
    blank = disk.digest()
    inside = host.namespace(host.shim("mkfs.ext4", "exit 1"))
    assert host.mount(disk, "--table", table, inside=inside).code == FAILED_BACK
    assert (disk.digest(), disk.partitions) == (blank, [])


@pytest.mark.parametrize("sector_size", ["512", "4096"])
@pytest.mark.parametrize("left", ["entries", "backup", "header"])
def test_a_table_that_sfdisk_wrote_in_part_is_taken_back(host: Host, left: str, sector_size: str) -> None:
    """It writes entries and header at the end of the disk, then those at its beginning, and last the MBR."""
    size, bs = 64 * 1024**2, int(sector_size)
    zero = f'dd if=/dev/zero of="$last" bs={bs} conv=fsync,notrunc '
    gone = {
        "entries": f"{zero} count={34 * 512 // bs + 2}; {zero} seek={size // bs - 1}",
        "backup": f"{zero} count={34 * 512 // bs + 2}",
        "header": f"{zero} count=1",
    }
    version = 'case "$*" in *version*) exec "$real" "$@";; esac; for last in "$@"; do :; done; '
    disk = host.new_disk(size, "-b", sector_size)
    inside = host.namespace(host.shim("sfdisk", f'{version} "$real" "$@"; {gone[left]}; exit 1'))
    before, blank = host.table(), disk.digest()
    assert host.mount(disk, inside=inside).code == FAILED_BACK
    assert_taken_back(host, before, inside)
    assert disk.digest() == blank


def test_a_parted_that_fails_after_the_label(host: Host, disk: Disk) -> None:
    """parted's mklabel and mkpart are not one: the label is taken back, too."""
    old = 'case "$1" in --version) echo "sfdisk from util-linux 2.23.2";; *) exit 1;; esac'
    label_only = 'for last in "$@"; do :; done; "$real" -s "$5" mklabel "$7"; exit 1'
    inside = host.namespace(host.shim("sfdisk", old) + "\n" + host.shim("parted", label_only))
    before, blank = host.table(), disk.digest()
    assert host.mount(disk, inside=inside).code == FAILED_BACK
    assert_taken_back(host, before, inside)
    assert disk.digest() == blank


def test_fstab_that_is_edited_meanwhile_keeps_the_edit(host: Host, disk: Disk) -> None:
    """mount fails, and somebody has added a line since: only our line is taken out."""
    edit = f'echo "# edited meanwhile" >> {host.fstab}; exit 32'
    inside = host.namespace(host.shim("mount", edit))
    text = host.fstab.read_text()
    assert host.mount(disk, inside=inside).code == BACK_FAILED  # the filesystem is kept
    assert host.fstab.read_text() == text + "# edited meanwhile\n"


def test_taking_back_fails_too(host: Host, disk: Disk) -> None:
    setup = host.shim("mount", '"$real" "$@"; exit 32') + "\n" + host.shim("umount", "echo no >&2; exit 1")
    # umount comes last, and the namespace is set up with the real mount.
    inside = host.namespace("\n".join(reversed(setup.split("\n"))))
    answer = host.mount(disk, "--json", inside=inside)
    assert answer.code == BACK_FAILED
    error = answer.json["error"]
    assert error["id"] == "take-back-failed"
    assert "NOT taken back: mount" in error["state"]
    assert f"opskit history show {host.ledger()[-1]['run']}" in error["todo"]
    assert host.outcome() == "take-back-failed"
    # The other steps were taken back all the same.
    assert host.added() == ""
    run(*inside.prefix, str(host.folder / "real" / "umount"), host.target)


class Held:
    """opskit whose program is held inside a step, until it is let go: two FIFOs, no clock."""

    def __init__(self, host: Host, program: str, *words: str, after: str = 'exec "$real" "$@"') -> None:
        self.reached, self.go_on = host.folder / "reached", host.folder / "go-on"
        for fifo in (self.reached, self.go_on):
            os.mkfifo(fifo)
        only = 'case "$*" in *version*) exec "$real" "$@";; esac\n'
        shim = host.shim(program, f"{only}echo x > {self.reached}\nread x < {self.go_on}\n{after}")
        self.inside = host.namespace(shim)
        environment = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(host.state)}
        pipe = subprocess.PIPE
        argv = [*self.inside.prefix, *OPSKIT, *words]
        self.process = host.start(*argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment, cwd="/")
        with self.reached.open() as fifo:
            assert fifo.read() == "x\n"

    def end(self) -> tuple[int, str]:
        """Let the program go on. Returns opskit's exit status and what it said on stderr."""
        self.go_on.write_text("x\n")
        _, errors = self.process.communicate(timeout=300)
        return self.process.returncode, errors.decode()


@pytest.mark.parametrize("program", ["sfdisk", "mkfs.ext4"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, slow(signal.SIGHUP)])
def test_a_signal_during_a_step(host: Host, disk: Disk, number: signal.Signals, program: str) -> None:
    before = host.table()
    held = Held(host, program, "disk", "mount", disk.path, host.target, *host.own, "--yes")
    held.process.send_signal(number)
    held.process.send_signal(number)  # an impatient second one changes nothing
    code, errors = held.end()
    assert code == 128 + number, errors
    assert "taken back" in errors
    assert "Traceback" not in errors
    outcome = "taken-back" if program == "sfdisk" else "take-back-failed"
    assert_taken_back(host, before, held.inside, outcome)
    if program == "sfdisk":
        assert (disk.partitions, disk.value("PTTYPE")) == ([], "")
    else:  # the step was finished, and a filesystem is kept
        assert "cannot be taken back: make-filesystem" in errors
        assert disk.type_of(disk.partitions[0]) == "ext4"
    host.mount(disk).well()


def test_a_signal_to_the_whole_group_does_not_reach_mkfs(host: Host, disk: Disk) -> None:
    """Ctrl-C on a terminal goes to every process of its group: mkfs must not be among them."""
    held = Held(host, "mkfs.ext4", "disk", "mount", disk.path, host.target, *host.own, "--yes")
    children = Path(f"/proc/{held.process.pid}/task/{held.process.pid}/children").read_text().split()
    assert children
    assert os.getpgid(int(children[0])) != os.getpgid(held.process.pid)
    held.process.send_signal(signal.SIGINT)
    code, _ = held.end()
    assert code == 130
    assert disk.type_of(disk.partitions[0]) == "ext4"


def test_programs_get_nothing_to_read_and_no_more_of_the_environment_than_they_need(host: Host, disk: Disk) -> None:
    seen = host.folder / "seen"
    inside = host.namespace(host.shim("mkfs.ext4", f'{{ readlink /proc/$$/fd/0; env; }} > {seen}; exec "$real" "$@"'))
    host.mount(disk, inside=inside, SECRET="do not pass on", LD_PRELOAD="").well()
    text = seen.read_text()
    assert text.startswith("/dev/null\n")
    assert "SECRET" not in text
    assert "LC_ALL=C.UTF-8" in text
